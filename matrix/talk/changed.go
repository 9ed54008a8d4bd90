package talk

import (
	"context"
	"database/sql"
	"errors"

	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/id"

	"matrixos/journal"
	"matrixos/sys"
)

// Guard is a Handler that hears of identities, too. Changed is called within the
// transaction that notes that somebody's identity is no longer the one that was seen
// first; its error has it tried again. MayVerify says whether a wish of somebody to
// compare emoji is shown to the owner; Verifying, that a comparison has moved on.
type Guard interface {
	Changed(ctx context.Context, tx *journal.Tx, who sys.Handle) error
	MayVerify(ctx context.Context, who sys.Handle) bool
	Verifying(ctx context.Context, v Verification)
}

// identities compares whose identity is which with what was accepted.
func (c *Client) identities(ctx context.Context) error {
	now, err := c.masters(ctx)
	if err != nil {
		return err
	}
	return c.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		for who, key := range now {
			if err := c.noteIdentity(ctx, tx, who, key); err != nil {
				return err
			}
		}
		return nil
	})
}

// master is somebody's identity as it was first seen, and as it is.
type master struct{ first, now string }

// masters are all identities that the file of keys knows.
func (c *Client) masters(ctx context.Context) (out map[sys.Handle]master, err error) {
	rows, err := c.db.Query(ctx, `SELECT user_id, first_seen_key, key FROM crypto_cross_signing_keys WHERE usage = 'master'`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = map[sys.Handle]master{}
	for rows.Next() {
		var who sys.Handle
		var m master
		if err := rows.Scan(&who, &m.first, &m.now); err != nil {
			return nil, err
		}
		out[who] = m
	}
	return out, rows.Err()
}

// noteIdentity keeps what is new of one, and tells if it is not what was accepted.
func (c *Client) noteIdentity(ctx context.Context, tx *journal.Tx, who sys.Handle, m master) error {
	var accepted, last string
	err := tx.QueryRow(ctx, `SELECT accepted, now FROM matrix_identity WHERE account = ? AND person = ?`, string(c.me), string(who)).Scan(&accepted, &last)
	if errors.Is(err, sql.ErrNoRows) {
		accepted, err = m.first, nil
	}
	if err != nil || last == m.now {
		return err
	}
	if _, err := tx.Exec(ctx, `INSERT INTO matrix_identity(account, person, accepted, now) VALUES(?,?,?,?) ON CONFLICT DO UPDATE SET now = excluded.now`,
		string(c.me), string(who), accepted, m.now); err != nil {
		return err
	}
	if accepted == m.now || c.guard == nil {
		return nil
	}
	return c.guard.Changed(ctx, tx, who)
}

// Changed are those whose identity is no longer the accepted one.
func (c *Client) Changed(ctx context.Context) (out []sys.Handle, err error) {
	rows, err := c.o.Journal.Query(ctx, `SELECT person FROM matrix_identity WHERE account = ? AND accepted <> now ORDER BY person`, string(c.me))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var who sys.Handle
		if err := rows.Scan(&who); err != nil {
			return nil, err
		}
		out = append(out, who)
	}
	return out, rows.Err()
}

// AcceptIdentity takes somebody's identity as it is now for theirs. NotFound if it has
// not changed.
func (c *Client) AcceptIdentity(ctx context.Context, who sys.Handle) error {
	var now string
	err := c.o.Journal.QueryRow(ctx, `SELECT now FROM matrix_identity WHERE account = ? AND person = ? AND accepted <> now`, string(c.me), string(who)).Scan(&now)
	if errors.Is(err, sql.ErrNoRows) {
		return &sys.Error{Op: "accept identity", Path: string(who), Kind: sys.NotFound, Err: errors.New("it has not changed")}
	}
	if err != nil {
		return err
	}
	store, ok := c.crypto.Machine().CryptoStore.(*crypto.SQLCryptoStore)
	if !ok {
		return errors.New("the keys are not in a database")
	}
	if err := store.ResetMasterKeyTOFU(ctx, id.UserID(who), id.Ed25519(now)); err != nil {
		return err
	}
	return c.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE matrix_identity SET accepted = ? WHERE account = ? AND person = ?`, now, string(c.me), string(who))
		return err
	})
}
