package journal

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"

	"matrixos/sys"
)

// Every event carries the hash of itself and of all before it, so that an edit, a
// cut or another order of old events shows. Content that had to be forgotten is
// replaced by a tombstone, and its own hash stays, so that the chain holds.

// link is the hash of an event that follows one with hash before.
func link(before []byte, e sys.Event, content []byte) []byte {
	h := sha256.New()
	h.Write(before)
	number := func(n int64) { h.Write(binary.BigEndian.AppendUint64(nil, uint64(n))) }
	text := func(s string) {
		number(int64(len(s)))
		h.Write([]byte(s))
	}
	number(int64(e.Seq))
	number(e.Time.UnixNano())
	text(string(e.Kind))
	number(int64(e.PID))
	text(string(e.Conversation))
	text(string(e.Request))
	h.Write(content)
	return h.Sum(nil)
}

func digest(data []byte) []byte {
	sum := sha256.Sum256(data)
	return sum[:]
}

// tombstone stands where content was forgotten.
var tombstone = []byte(`{"forgotten":true}`)

// Forget replaces the content of events, for good, by a tombstone.
func (t *Tx) Forget(ctx context.Context, seqs ...sys.Seq) error {
	for _, seq := range seqs {
		var data, original []byte
		err := t.tx.QueryRowContext(ctx, `SELECT data, digest FROM event WHERE seq = ?`, seq).Scan(&data, &original)
		if errors.Is(err, sql.ErrNoRows) {
			continue
		}
		if err != nil {
			return err
		}
		if original == nil {
			original = digest(data)
		}
		if _, err := t.tx.ExecContext(ctx, `UPDATE event SET data = ?, digest = ? WHERE seq = ?`, tombstone, original, seq); err != nil {
			return err
		}
	}
	return nil
}

// Audit is what Verify found.
type Audit struct {
	Events    int     `json:"events"`
	Forgotten int     `json:"forgotten"` // of these, tombstones
	Last      sys.Seq `json:"last"`
	Head      string  `json:"head"`             // the hash of the last event, in hex: note it elsewhere
	Broken    sys.Seq `json:"broken,omitempty"` // the first event that is not as it was written
	Why       string  `json:"why,omitempty"`
}

// Verify reads all events and says whether each is as it was written, in its
// place. anchors are hashes that were noted elsewhere, by Seq; one that differs
// is a break as well, also where the end was cut off.
func (j *Journal) Verify(ctx context.Context, anchors map[sys.Seq]string) (a Audit, err error) {
	rows, err := j.reader.QueryContext(ctx, `SELECT seq, time, kind, pid, conversation, request, data, digest, chain FROM event ORDER BY seq`)
	if err != nil {
		return a, j.fail("verify journal", err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	var before []byte
	broken := func(at sys.Seq, why string) {
		if a.Broken == 0 {
			a.Broken, a.Why = at, why
		}
	}
	for rows.Next() {
		e, content, chain, err := scanLink(rows)
		if err != nil {
			return a, err
		}
		switch {
		case e.Seq != a.Last+1:
			broken(a.Last+1, fmt.Sprintf("%d events are missing", e.Seq-a.Last-1))
		case content == nil:
			broken(e.Seq, "its content was replaced")
		case !bytes.Equal(chain, link(before, e, content)):
			broken(e.Seq, "it is not what was written there")
		}
		if bytes.Equal(e.Data, tombstone) {
			a.Forgotten++
		}
		a.Events, a.Last, before = a.Events+1, e.Seq, chain
		if want, ok := anchors[e.Seq]; ok && want != fmt.Sprintf("%x", chain) {
			broken(e.Seq, "its hash is not the one that was noted elsewhere")
		}
	}
	for at := range anchors {
		if at > a.Last {
			broken(a.Last+1, fmt.Sprintf("the end is missing: event %d was noted elsewhere", at))
		}
	}
	a.Head = fmt.Sprintf("%x", before)
	return a, rows.Err()
}

// scanLink reads one event with the digest of its content, nil if that cannot be
// the content's, and its place in the chain.
func scanLink(rows *sql.Rows) (e sys.Event, content, chain []byte, err error) {
	var at int64
	var data, kept []byte
	if err := rows.Scan(&e.Seq, &at, &e.Kind, &e.PID, &e.Conversation, &e.Request, &data, &kept, &chain); err != nil {
		return e, nil, nil, err
	}
	e.Time, e.Data = unixNano(at), data
	switch {
	case kept == nil:
		content = digest(data)
	case bytes.Equal(data, tombstone):
		content = kept
	}
	return e, content, chain, nil
}

// Head returns the newest event and its hash, to be noted elsewhere.
func (j *Journal) Head(ctx context.Context) (sys.Seq, string, error) {
	var seq sys.Seq
	var chain []byte
	err := j.reader.QueryRowContext(ctx, `SELECT seq, chain FROM event ORDER BY seq DESC LIMIT 1`).Scan(&seq, &chain)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, "", nil
	}
	return seq, fmt.Sprintf("%x", chain), err
}

// chained gives the events of a file of format 1 their hashes.
func chained(ctx context.Context, tx *sql.Tx) error {
	if _, err := tx.ExecContext(ctx, `ALTER TABLE event ADD COLUMN digest BLOB; ALTER TABLE event ADD COLUMN chain BLOB;`); err != nil {
		return err
	}
	var before []byte
	for last := sys.Seq(0); ; {
		rows, err := tx.QueryContext(ctx, `SELECT seq, time, kind, pid, conversation, request, data, digest, chain FROM event WHERE seq > ? ORDER BY seq LIMIT 1000`, last)
		if err != nil {
			return err
		}
		var batch []sys.Event
		for rows.Next() {
			e, _, _, err := scanLink(rows)
			if err != nil {
				return errors.Join(err, rows.Close())
			}
			batch = append(batch, e)
		}
		if err := errors.Join(rows.Err(), rows.Close()); err != nil || len(batch) == 0 {
			return err
		}
		for _, e := range batch {
			before = link(before, e, digest(e.Data))
			if _, err := tx.ExecContext(ctx, `UPDATE event SET chain = ? WHERE seq = ?`, before, e.Seq); err != nil {
				return err
			}
			last = e.Seq
		}
	}
}
