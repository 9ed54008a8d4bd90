package backup

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// The kinds of run that are recorded.
const (
	kindBackup = "backup"
	kindDrill  = "drill"
)

// Record is what became of one run.
type Record struct {
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	OK      bool      `json:"ok"`
	Text    string    `json:"text"` // what it did, or why it failed and the way out
}

// Status says how the backups of a home are.
type Status struct {
	Dest       string  `json:"dest"` // empty: no place is set
	Endpoint   string  `json:"endpoint"`
	Key        bool    `json:"key"` // this machine has the key
	LastBackup *Record `json:"last_backup"`
	LastDrill  *Record `json:"last_drill"`
	// Failed is the newest run of either kind, if it failed.
	Failed *Record `json:"failed"`
}

// Status reads what is recorded; it does not ask the store.
func (k *Keeper) Status(ctx context.Context) (s Status, err error) {
	p, err := k.place(ctx)
	if err != nil {
		return s, err
	}
	s.Dest, s.Endpoint = p.Dest, p.Endpoint
	key, err := k.secrets.Get(keySecret)
	if err != nil && !errors.Is(err, sys.NotFound) {
		return s, err
	}
	s.Key = key != ""
	if s.LastBackup, err = k.last(ctx, kindBackup, true); err != nil {
		return s, err
	}
	if s.LastDrill, err = k.last(ctx, kindDrill, true); err != nil {
		return s, err
	}
	for _, kind := range []string{kindBackup, kindDrill} {
		r, err := k.last(ctx, kind, false)
		if err != nil {
			return s, err
		}
		if r != nil && !r.OK && (s.Failed == nil || r.Started.After(s.Failed.Started)) {
			s.Failed = r
		}
	}
	return s, nil
}

// place returns where backups go; the zero Place if that is not set.
func (k *Keeper) place(ctx context.Context) (p Place, err error) {
	var text string
	err = k.d.Journal().QueryRow(ctx, `SELECT data FROM backup_place`).Scan(&text)
	if errors.Is(err, sql.ErrNoRows) {
		return p, nil
	}
	if err == nil {
		err = json.Unmarshal([]byte(text), &p)
	}
	return p, err
}

func (k *Keeper) setPlace(ctx context.Context, text string) error {
	return k.d.Journal().Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO backup_place(one, data) VALUES(1, ?) ON CONFLICT(one) DO UPDATE SET data = excluded.data`, text)
		return err
	})
}

// last returns the newest record of a kind, or the newest that went well.
func (k *Keeper) last(ctx context.Context, kind string, ok bool) (*Record, error) {
	var r Record
	var started, ended int64
	err := k.d.Journal().QueryRow(ctx, `SELECT started, ended, ok, detail FROM backup_run WHERE kind = ? AND ok >= ? ORDER BY id DESC LIMIT 1`, kind, ok).
		Scan(&started, &ended, &r.OK, &r.Text)
	if errors.Is(err, sql.ErrNoRows) {
		return nil, nil //nolint:nilnil // there is none
	}
	r.Started, r.Ended = time.Unix(0, started).UTC(), time.Unix(0, ended).UTC()
	return &r, err
}

// record runs fn and writes down what became of it. Being stopped or finding
// another run at work is nothing to write down. A first failure becomes a notice.
func (k *Keeper) record(ctx context.Context, kind string, fn func() (any, error)) error {
	began := k.now()
	result, err := fn()
	if kd := sys.KindOf(err); err != nil && (kd == sys.Canceled || kd == sys.Held || errors.Is(err, errNoPlace)) {
		return err
	}
	text := ""
	if err != nil {
		text = err.Error()
	} else if b, e := json.Marshal(result); e == nil {
		text = string(b)
	}
	before, e := k.last(ctx, kind, false)
	if e != nil {
		return errors.Join(err, e)
	}
	e = k.d.Journal().Update(ctx, func(tx *journal.Tx) error {
		if err != nil && (before == nil || before.OK) {
			title := map[string]string{kindBackup: "The backup failed", kindDrill: "The restore drill failed"}[kind]
			if err := tx.Append(sys.NewEvent(sys.EventNotice, sys.NoticeData{Level: "error", Title: title, Text: text})); err != nil {
				return err
			}
		}
		_, err2 := tx.Exec(ctx, `INSERT INTO backup_run(kind, started, ended, ok, detail) VALUES(?,?,?,?,?)`, kind, began.UnixNano(), k.now().UnixNano(), err == nil, text)
		if err2 != nil {
			return err2
		}
		_, err2 = tx.Exec(ctx, `DELETE FROM backup_run WHERE id < (SELECT max(id) FROM backup_run) - 1000`)
		return err2
	})
	return errors.Join(err, e)
}
