package ipc

import (
	"bytes"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"fmt"
	"strconv"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

const (
	mostPayload  = 256 << 10 // bytes of one effect
	mostAttempts = 8
	firstPause   = 2 * time.Second // after the first failure; doubles with each
	longestPause = 15 * time.Minute
)

// effectMoves is the table of legal transitions.
var effectMoves = map[sys.EffectState][]sys.EffectState{
	sys.EffectPending: {sys.EffectClaimed, sys.EffectDead},
	sys.EffectClaimed: {sys.EffectPending, sys.EffectDone, sys.EffectDead},
	sys.EffectDead:    {sys.EffectPending, sys.EffectDone},
}

// NewEffect is an act on the outside world that was decided. Kind and Target are
// required.
type NewEffect struct {
	Kind     string
	Target   string
	Payload  []byte
	Key      string // idempotency; random if empty
	Label    sys.Label
	Approval string // what allows it: policy has checked it before
	Process  sys.PID
}

// QueueEffect writes the intent; a Courier carries it out once the transaction
// has committed. The same kind and key again is the same effect, and returns
// its number; with another target or payload the kind of the error is Conflict.
func (s *Store) QueueEffect(ctx context.Context, tx *journal.Tx, n NewEffect) (sys.EffectID, error) {
	bad := func(kind sys.Kind, why, hint string) error {
		return &sys.Error{Op: "queue effect", Path: n.Kind + " " + n.Target, Kind: kind, Err: errors.New(why), Hint: hint}
	}
	switch {
	case n.Kind == "" || n.Target == "" || len(n.Kind) > 64 || len(n.Target) > 2048 || len(n.Key) > 256:
		return 0, bad(sys.Invalid, "it needs a kind, a target, and a key of at most 256 bytes", "say what is to be done, and to whom")
	case len(n.Payload) > mostPayload:
		return 0, bad(sys.Invalid, fmt.Sprintf("%d bytes of payload", len(n.Payload)), "write it to a file, and give the path as payload")
	}
	if n.Key == "" {
		n.Key = rand.Text()
	}
	rows, err := tx.Query(ctx, `SELECT `+effectColumns+` FROM ipc_effect WHERE kind = ? AND key = ?`, n.Kind, n.Key)
	same, err := collect(rows, err, scanEffect)
	if err != nil {
		return 0, err
	}
	if len(same) > 0 {
		if same[0].Target != n.Target || !bytes.Equal(same[0].Payload, n.Payload) {
			return 0, bad(sys.Conflict, "another effect has this key", "give every effect a key of its own")
		}
		return same[0].ID, nil
	}
	now := s.clock()
	r, err := tx.Exec(ctx, `INSERT INTO ipc_effect(kind, target, payload, key, integrity, confidentiality, approval, process, state, due, created, changed)
		VALUES(?,?,?,?,?,?,?,?,'pending',?,?,?)`,
		n.Kind, n.Target, append([]byte{}, n.Payload...), n.Key, int64(n.Label.Integrity), int64(n.Label.Confidentiality), n.Approval, int64(n.Process), now, now, now)
	if err != nil {
		return 0, err
	}
	id, err := r.LastInsertId()
	if err != nil {
		return 0, err
	}
	return sys.EffectID(id), tellEffect(tx, sys.Effect{ID: sys.EffectID(id), Kind: n.Kind, Target: n.Target, State: sys.EffectPending, Process: n.Process})
}

// nextEffect claims the oldest effect of the given kinds that is due and first
// in the line of its target. A claim whose lease has run out counts as an
// attempt that may have happened. ok is false if there is none.
func (s *Store) nextEffect(ctx context.Context, tx *journal.Tx, kind string, lease time.Duration) (e sys.Effect, ok bool, err error) {
	rows, err := tx.Query(ctx, `SELECT `+effectColumns+` FROM ipc_effect e WHERE kind = ? AND state IN ('pending', 'claimed') AND due <= ? AND NOT EXISTS
		(SELECT 1 FROM ipc_effect o WHERE o.kind = e.kind AND o.target = e.target AND o.id < e.id AND o.state IN ('pending', 'claimed')) ORDER BY id LIMIT 1`, kind, s.clock())
	due, err := collect(rows, err, scanEffect)
	if err != nil || len(due) == 0 {
		return e, false, err
	}
	e = due[0]
	if e.State == sys.EffectClaimed {
		e.Error = "it was interrupted; whether it arrived is not known"
		if e.Attempts >= mostAttempts {
			return e, true, s.giveUp(ctx, tx, &e)
		}
		if err := s.moveEffect(ctx, tx, &e, sys.EffectPending); err != nil {
			return e, false, err
		}
	}
	e.Epoch, e.Attempts, e.Due = e.Epoch+1, e.Attempts+1, s.now().Add(lease).UTC()
	return e, true, s.moveEffect(ctx, tx, &e, sys.EffectClaimed)
}

// whenDue returns when the next effect of a kind can be tried; zero if none waits.
func (s *Store) whenDue(ctx context.Context, q Queryer, kind string) (time.Time, error) {
	rows, err := q.Query(ctx, `SELECT due FROM ipc_effect e WHERE kind = ? AND state IN ('pending', 'claimed') AND NOT EXISTS
		(SELECT 1 FROM ipc_effect o WHERE o.kind = e.kind AND o.target = e.target AND o.id < e.id AND o.state IN ('pending', 'claimed')) ORDER BY due LIMIT 1`, kind)
	at, err := collect(rows, err, scanID[int64])
	if err != nil || len(at) == 0 {
		return time.Time{}, err
	}
	return timeOf(at[0]), nil
}

// settleEffect notes what an attempt has come to. If another courier has claimed
// the effect meanwhile, its word counts, and this one is dropped.
func (s *Store) settleEffect(ctx context.Context, tx *journal.Tx, e sys.Effect, result error) error {
	now, err := s.Effect(ctx, tx, e.ID)
	if err != nil {
		return err
	}
	if now.State != sys.EffectClaimed || now.Epoch != e.Epoch {
		return nil
	}
	if result == nil {
		now.Error = ""
		return s.moveEffect(ctx, tx, &now, sys.EffectDone)
	}
	now.Error = clip(result.Error())
	switch sys.KindOf(result) {
	case sys.Canceled: // we are stopping: it was no attempt of the other side's
		now.Attempts--
		now.Due = s.now().UTC()
		return s.moveEffect(ctx, tx, &now, sys.EffectPending)
	case sys.Invalid, sys.Refused, sys.NotFound, sys.NeedsApproval: // it will not get better
		return s.giveUp(ctx, tx, &now)
	default:
	}
	if now.Attempts >= mostAttempts {
		return s.giveUp(ctx, tx, &now)
	}
	now.Due = s.now().Add(pause(now.Attempts)).UTC()
	return s.moveEffect(ctx, tx, &now, sys.EffectPending)
}

// pause is how long to wait after so many failures.
func pause(failures int) time.Duration {
	p := firstPause
	for range failures - 1 {
		if p *= 2; p > longestPause {
			return longestPause
		}
	}
	return p
}

// giveUp makes a dead letter of an effect and tells the owner.
func (s *Store) giveUp(ctx context.Context, tx *journal.Tx, e *sys.Effect) error {
	if err := s.moveEffect(ctx, tx, e, sys.EffectDead); err != nil {
		return err
	}
	return tx.Append(sys.NewEvent(sys.EventNotice, sys.NoticeData{
		Level: "error", Title: fmt.Sprintf("Something could not be sent to %s", e.Target),
		Text: fmt.Sprintf("It was tried %d times (%s). The last answer: %s. It is kept: send it again, or discard it.", e.Attempts, e.Kind, e.Error),
	}))
}

// ReviveEffect tries a dead letter again from the start. It takes its old place
// in the line of its target.
func (s *Store) ReviveEffect(ctx context.Context, tx *journal.Tx, id sys.EffectID) error {
	e, err := s.dead(ctx, tx, "send again", id)
	if err != nil {
		return err
	}
	e.Attempts, e.Error, e.Due = 0, "", s.now().UTC()
	return s.moveEffect(ctx, tx, &e, sys.EffectPending)
}

// DiscardEffect ends a dead letter without sending it; what is kept of it says so.
func (s *Store) DiscardEffect(ctx context.Context, tx *journal.Tx, id sys.EffectID) error {
	e, err := s.dead(ctx, tx, "discard", id)
	if err != nil {
		return err
	}
	e.Error = "discarded; " + e.Error
	return s.moveEffect(ctx, tx, &e, sys.EffectDone)
}

func (s *Store) dead(ctx context.Context, tx *journal.Tx, op string, id sys.EffectID) (sys.Effect, error) {
	e, err := s.Effect(ctx, tx, id)
	if err == nil && e.State != sys.EffectDead {
		err = refuse(op, effectName(id), sys.Conflict, "it is "+string(e.State), "only what was given up can be sent again or discarded")
	}
	return e, err
}

// Effect returns one effect; NotFound if there is none.
func (s *Store) Effect(ctx context.Context, q Queryer, id sys.EffectID) (sys.Effect, error) {
	rows, err := q.Query(ctx, `SELECT `+effectColumns+` FROM ipc_effect e WHERE id = ?`, int64(id))
	found, err := collect(rows, err, scanEffect)
	if err == nil && len(found) == 0 {
		err = refuse("find", effectName(id), sys.NotFound, "there is no such effect", "list the outbox to see which there are")
	}
	if err != nil {
		return sys.Effect{}, err
	}
	return found[0], nil
}

// Effects lists the effects in a state, or all if it is empty, newest first.
func (s *Store) Effects(ctx context.Context, q Queryer, state sys.EffectState, limit int) ([]sys.Effect, error) {
	rows, err := q.Query(ctx, `SELECT `+effectColumns+` FROM ipc_effect e WHERE state = ? OR ? = '' ORDER BY id DESC LIMIT ?`, string(state), string(state), limit)
	return collect(rows, err, scanEffect)
}

const effectColumns = `id, kind, target, payload, key, integrity, confidentiality, approval, process, state, epoch, attempts, due, error, created`

func scanEffect(rows *sql.Rows) (e sys.Effect, err error) {
	var due, created int64
	err = rows.Scan(&e.ID, &e.Kind, &e.Target, &e.Payload, &e.Key, &e.Label.Integrity, &e.Label.Confidentiality, &e.Approval, &e.Process,
		&e.State, &e.Epoch, &e.Attempts, &due, &e.Error, &created)
	e.Due, e.Created = timeOf(due), timeOf(created)
	return e, err
}

func (s *Store) moveEffect(ctx context.Context, tx *journal.Tx, e *sys.Effect, to sys.EffectState) error {
	if err := allowed(effectMoves, effectName(e.ID), e.State, to); err != nil {
		return err
	}
	e.State = to
	_, err := tx.Exec(ctx, `UPDATE ipc_effect SET state = ?, epoch = ?, attempts = ?, due = ?, error = ?, changed = ? WHERE id = ?`,
		string(to), int64(e.Epoch), e.Attempts, e.Due.UnixNano(), e.Error, s.clock(), int64(e.ID))
	if err != nil {
		return err
	}
	return tellEffect(tx, *e)
}

func tellEffect(tx *journal.Tx, e sys.Effect) error {
	event := sys.NewEvent(sys.EventEffect, sys.EffectData{ID: e.ID, Kind: e.Kind, Target: e.Target, State: e.State, Attempts: e.Attempts, Error: e.Error})
	event.PID = e.Process
	return tx.Append(event)
}

// effectName is how errors call an effect.
type effectName sys.EffectID

func (e effectName) String() string { return "effect " + strconv.FormatInt(int64(e), 10) }
