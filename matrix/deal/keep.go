package deal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// record is one row of the table.
type record struct {
	chain   Chain
	within  *Window
	asked   int
	updated time.Time
}

const columns = `chain, within, asked, updated`

func scan(row interface{ Scan(...any) error }) (r record, err error) {
	var chain, within string
	var updated int64
	if err := row.Scan(&chain, &within, &r.asked, &updated); err != nil {
		return r, err
	}
	r.updated = time.UnixMilli(updated)
	if r.chain, err = Parse([]byte(chain)); err != nil || within == "" {
		return r, err
	}
	return r, json.Unmarshal([]byte(within), &r.within)
}

func (d *Desk) load(ctx context.Context, id ID) (record, error) {
	r, err := scan(d.o.Journal.QueryRow(ctx, `SELECT `+columns+` FROM deal WHERE id = ?`, string(id)))
	if errors.Is(err, sql.ErrNoRows) {
		return r, &sys.Error{Op: "find deal", Path: string(id), Kind: sys.NotFound, Hint: "`matrixos deals` lists them"}
	}
	return r, err
}

func (d *Desk) list(ctx context.Context, where string, args ...any) (out []record, err error) {
	rows, err := d.o.Journal.Query(ctx, `SELECT `+columns+` FROM deal WHERE `+where+` ORDER BY updated DESC, id`, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		r, err := scan(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, r)
	}
	return out, rows.Err()
}

func (d *Desk) save(ctx context.Context, tx *journal.Tx, r record, s State) error {
	within := ""
	if r.within != nil {
		raw, err := json.Marshal(r.within)
		if err != nil {
			return err
		}
		within = string(raw)
	}
	_, err := tx.Exec(ctx, `INSERT INTO deal(id, peer, status, chain, within, asked, updated) VALUES(?,?,?,?,?,?,?)
		ON CONFLICT(id) DO UPDATE SET status=excluded.status, chain=excluded.chain, asked=excluded.asked, updated=excluded.updated`,
		string(r.chain[0].Deal), string(s.Peer(d.o.Owner())), string(s.Status), string(r.chain.Raw()), within, r.asked, d.o.Now().UnixMilli())
	return err
}

// known refuses a key that is not the one that somebody signed with before.
func (d *Desk) known(ctx context.Context, who sys.Handle, key string) error {
	var pinned string
	err := d.o.Journal.QueryRow(ctx, `SELECT key FROM deal_peer WHERE handle = ?`, string(who)).Scan(&pinned)
	if errors.Is(err, sql.ErrNoRows) || err == nil && (key == "" || pinned == key) {
		return nil
	}
	if err != nil {
		return err
	}
	return otherKey(who)
}

// pin notes the key of somebody who has none yet.
func (d *Desk) pin(ctx context.Context, tx *journal.Tx, who sys.Handle, key string) error {
	if key == "" {
		return nil
	}
	_, err := tx.Exec(ctx, `INSERT INTO deal_peer(handle, key, seen) VALUES(?,?,?) ON CONFLICT(handle) DO NOTHING`, string(who), key, d.o.Now().UnixMilli())
	return err
}

// Vouch refuses a key that is not the one that somebody signed with before, the owner's
// own included, and notes one of somebody who had none: what else they sign, such as
// the scores of shared games, is signed with the key of their deals.
func (d *Desk) Vouch(ctx context.Context, tx *journal.Tx, who sys.Handle, key string) error {
	pinned := PublicKey(d.o.Key)
	if who != d.o.Owner() {
		if err := d.pin(ctx, tx, who, key); err != nil {
			return err
		}
		if err := tx.QueryRow(ctx, `SELECT key FROM deal_peer WHERE handle = ?`, string(who)).Scan(&pinned); err != nil {
			return err
		}
	}
	if pinned == key {
		return nil
	}
	return otherKey(who)
}

// otherKey refuses what is signed with another key than before.
func otherKey(who sys.Handle) error {
	return &sys.Error{
		Op: "read", Path: string(who), Kind: sys.Refused, Err: fmt.Errorf("%s signs with another key than before", who),
		Hint: "ask them whether they have set up their home anew; then `matrixos deals trust " + string(who) + "`",
	}
}

// Trust forgets the key that somebody signed with: the next one counts.
func (d *Desk) Trust(ctx context.Context, who sys.Handle) error {
	return d.o.Journal.Update(ctx, func(tx *journal.Tx) error {
		res, err := tx.Exec(ctx, `DELETE FROM deal_peer WHERE handle = ?`, string(who))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n > 0 {
			return err
		}
		return &sys.Error{Op: "trust", Path: string(who), Kind: sys.NotFound, Err: errors.New("no key of theirs is known"), Hint: "their next deal brings it"}
	})
}

// List is all deals, the newest first.
func (d *Desk) List(ctx context.Context) ([]Deal, error) {
	list, err := d.list(ctx, `1`)
	if err != nil {
		return nil, err
	}
	out := []Deal{}
	for _, r := range list {
		s, err := r.chain.Check()
		if err != nil {
			return nil, err
		}
		out = append(out, d.shown(r, s))
	}
	return out, nil
}

// Find is one deal, by its name or the beginning of it that no other has.
func (d *Desk) Find(ctx context.Context, id ID) (Deal, error) {
	list, err := d.list(ctx, `substr(id, 1, length(?)) = ?`, string(id), string(id))
	if err != nil {
		return Deal{}, err
	}
	if id == "" || len(list) != 1 {
		return Deal{}, &sys.Error{Op: "find deal", Path: string(id), Kind: sys.NotFound, Err: fmt.Errorf("%d deals are called so", len(list)), Hint: "`matrixos deals` lists them"}
	}
	s, err := list[0].chain.Check()
	return d.shown(list[0], s), err
}

// Verified is what a check of a whole transcript has found.
type Verified struct {
	ID     ID                    `json:"id"`
	Moves  int                   `json:"moves"`
	Status Status                `json:"status"`
	Keys   map[sys.Handle]string `json:"keys"`
	Head   string                `json:"head"` // the hash of the newest move: both sides have the same
	Pinned bool                  `json:"pinned"`
}

// Verify checks the transcript of a deal anew: signatures, order, legality, and that
// the keys are the owner's and the one that the other party is known by.
func (d *Desk) Verify(ctx context.Context, id ID) (Verified, error) {
	found, err := d.Find(ctx, id)
	if err != nil {
		return Verified{}, err
	}
	s, err := found.Chain.Check()
	if err != nil {
		return Verified{}, err
	}
	if key := s.Keys[d.o.Owner()]; key != "" && key != PublicKey(d.o.Key) {
		return Verified{}, bad("verify deal", string(found.ID), "what is said in your name is not signed with your key")
	}
	if err := d.known(ctx, found.Peer, s.Keys[found.Peer]); err != nil {
		return Verified{}, err
	}
	return Verified{ID: found.ID, Moves: s.moves, Status: s.Status, Keys: s.Keys, Head: s.last, Pinned: s.Keys[found.Peer] != ""}, nil
}

func (d *Desk) shown(r record, s State) Deal {
	me := d.o.Owner()
	out := Deal{
		ID: r.chain[0].Deal, Kind: s.Kind, Status: s.Status, Peer: s.Peer(me), Mine: s.First == me, MyTurn: s.Status == Standing && s.Proposer != me, May: s.May(me, d.o.Now()),
		Title: s.Terms.Title, Text: s.Terms.Text, Slots: s.Terms.Slots, Result: s.Result, Due: s.Terms.Due, Expires: s.Expires, Updated: r.updated,
		Within: r.within, Chain: r.chain,
	}
	if s.Kind == Meeting && s.Chosen != (Slot{}) {
		out.Chosen = &s.Chosen
	}
	return out
}
