package heal

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"slices"

	"matrixos/journal"
	"matrixos/sys"
)

// migrations are the ledger's tables in kernel.db. A row is never deleted, but for a
// proposal and the repair that came of it, which become one.
var migrations = []string{`
CREATE TABLE heal_case(
	id      INTEGER PRIMARY KEY AUTOINCREMENT,
	path    TEXT NOT NULL,
	app     TEXT NOT NULL,
	print   TEXT NOT NULL,
	state   TEXT NOT NULL,
	culprit INTEGER NOT NULL,
	landing INTEGER NOT NULL DEFAULT 0,
	over    INTEGER NOT NULL DEFAULT 0,
	row     BLOB NOT NULL);
CREATE INDEX heal_case_path ON heal_case(path, state);
CREATE TABLE heal_count(name TEXT PRIMARY KEY, n INTEGER NOT NULL) WITHOUT ROWID;
`, `
CREATE TABLE heal_refused(
	app  TEXT NOT NULL,
	mode INTEGER NOT NULL,
	n    INTEGER NOT NULL,
	last INTEGER NOT NULL,
	why  TEXT NOT NULL,
	PRIMARY KEY(app, mode)) WITHOUT ROWID;
`}

func decode(e sys.Event, into any) error { return json.Unmarshal(e.Data, into) }

// insert adds a case and its event.
func insert(ctx context.Context, tx *journal.Tx, print string, one *sys.HealCase) error {
	res, err := tx.Exec(ctx, `INSERT INTO heal_case(path, app, print, state, culprit, row) VALUES(?,?,?,?,?,'{}')`, string(one.Path), string(one.App), print, string(one.State), one.Culprit)
	if err != nil {
		return err
	}
	if one.ID, err = res.LastInsertId(); err != nil {
		return err
	}
	if one.State == sys.HealDone { // its landing is not known yet: change tells
		return write(ctx, tx, one)
	}
	return tell(ctx, tx, one)
}

func write(ctx context.Context, tx *journal.Tx, one *sys.HealCase) error {
	raw, err := json.Marshal(one)
	if err == nil {
		_, err = tx.Exec(ctx, `UPDATE heal_case SET state = ?, landing = ?, row = ? WHERE id = ?`, string(one.State), one.Landing, raw, one.ID)
	}
	return err
}

// tell writes a case with the event that says so.
func tell(ctx context.Context, tx *journal.Tx, one *sys.HealCase) error {
	if err := write(ctx, tx, one); err != nil {
		return err
	}
	return tx.Append(sys.NewEvent(sys.EventHeal, one))
}

// change writes a case that has another state now.
func (h *Healer) change(ctx context.Context, one *sys.HealCase) error {
	return h.o.Disk.Journal().Update(ctx, func(tx *journal.Tx) error { return tell(ctx, tx, one) })
}

// query reads cases.
func (h *Healer) query(ctx context.Context, where string, args ...any) (out []sys.HealCase, err error) {
	rows, err := h.o.Disk.Journal().Query(ctx, `SELECT row FROM heal_case WHERE `+where, args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var raw []byte
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		var one sys.HealCase
		if err := json.Unmarshal(raw, &one); err != nil {
			return nil, err
		}
		out = append(out, one)
	}
	return out, rows.Err()
}

// Cases lists the ledger, newest first: at most limit of them, of one app or of all.
func (h *Healer) Cases(ctx context.Context, slug sys.Slug, limit int) ([]sys.HealCase, error) {
	if limit <= 0 {
		limit = 100
	}
	if slug != "" {
		return h.query(ctx, `app = ? ORDER BY id DESC LIMIT ?`, string(slug), limit)
	}
	return h.query(ctx, `1 ORDER BY id DESC LIMIT ?`, limit)
}

// Open lists what waits for the owner: proposals and what could not be mended.
func (h *Healer) Open(ctx context.Context) ([]sys.HealCase, error) {
	return h.query(ctx, `state IN ('proposed','quarantined') ORDER BY id`)
}

// open finds what is waiting of an app that is as it was then.
func (h *Healer) open(ctx context.Context, c *run, view fs.FS, check string) (*sys.HealCase, error) {
	print, err := fingerprint(view, c.roots)
	if err != nil {
		return nil, err
	}
	list, err := h.query(ctx, `path = ? AND print = ? AND state IN ('proposed','quarantined') ORDER BY id DESC LIMIT 1`, string(c.folder), print)
	if err != nil || len(list) == 0 || list[0].Check != check {
		return nil, err
	}
	return &list[0], nil
}

// closeOpen ends what was open of a path.
func (h *Healer) closeOpen(ctx context.Context, path sys.Path, state sys.HealState) error {
	return h.close(ctx, path, state, sys.VerifiedBrowser)
}

// closeHeld ends what was open of a path that holds at a level; what was found at a higher
// one stays.
func (h *Healer) closeHeld(ctx context.Context, path sys.Path, level string) error {
	return h.close(ctx, path, sys.HealGone, level)
}

func (h *Healer) close(ctx context.Context, path sys.Path, state sys.HealState, level string) error {
	list, err := h.query(ctx, `path = ? AND state IN ('proposed','quarantined') ORDER BY id`, string(path))
	if err != nil {
		return err
	}
	for _, one := range list {
		if one.Level == sys.VerifiedBrowser && level != sys.VerifiedBrowser {
			continue
		}
		one.State, one.Closed = state, h.o.Now().UTC()
		if err := h.change(ctx, &one); err != nil {
			return err
		}
	}
	return nil
}

// mended ends what could not be mended without a model, if a change of an agent made the app
// hold again: that is the repair.
func (h *Healer) mended(ctx context.Context, c *run) error {
	open, err := h.query(ctx, `path = ? AND state = 'quarantined' ORDER BY id`, string(c.folder))
	if err != nil || len(open) == 0 {
		return err
	}
	list, err := h.history(ctx, c.roots)
	if err != nil || len(list) == 0 {
		return err
	}
	last := list[len(list)-1]
	for _, one := range open {
		if last.Kind != sys.ByAgent || last.Time.Before(one.Opened) || one.Level == sys.VerifiedBrowser && c.level != sys.VerifiedBrowser {
			continue
		}
		one.State, one.Rung, one.Landing, one.Level, one.Closed = sys.HealDone, sys.RungModel, last.ID, c.level, h.o.Now().UTC()
		one.Why += fmt.Sprintf(" An agent mended it with %s (%s).", last.ID, last.Title)
		one.Ways = nil
		if err := h.change(ctx, &one); err != nil {
			return err
		}
	}
	return nil
}

// decided are the checks of which the owner has said that they are to be left alone.
func (h *Healer) decided(ctx context.Context, path sys.Path) (map[string]sys.HealCase, error) {
	list, err := h.query(ctx, `path = ? AND state IN ('left','taken back') AND over = 0 ORDER BY id`, string(path))
	out := map[string]sys.HealCase{}
	for _, one := range list {
		out[one.Check] = one
	}
	return out, err
}

// over ends what the owner has decided: all holds again, at a level.
func (h *Healer) over(ctx context.Context, path sys.Path, level string) error {
	known, err := h.decided(ctx, path)
	if err != nil || len(known) == 0 {
		return err
	}
	return h.o.Disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		for _, one := range known {
			if one.Level == sys.VerifiedBrowser && level != sys.VerifiedBrowser {
				continue
			}
			if _, err := tx.Exec(ctx, `UPDATE heal_case SET over = 1 WHERE path = ? AND id <= ?`, string(path), one.ID); err != nil {
				return err
			}
		}
		return nil
	})
}

// sameCase reports whether what was reported is in the ledger as unproven already.
func (h *Healer) sameCase(ctx context.Context, path sys.Path, told string) (bool, error) {
	list, err := h.query(ctx, `path = ? AND state = 'unproven' ORDER BY id DESC LIMIT 20`, string(path))
	return slices.ContainsFunc(list, func(one sys.HealCase) bool { return slices.Contains(one.Seen, told) }), err
}

// The counters beside the cases.
const (
	countGreen = "green" // runs of whole contracts that found nothing
	countFalse = "false" // alarms that a second look did not confirm, with nothing changed
)

func (h *Healer) count(ctx context.Context, name string) error {
	return h.o.Disk.Journal().Update(ctx, func(tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO heal_count(name, n) VALUES(?, 1) ON CONFLICT(name) DO UPDATE SET n = n + 1`, name)
		return err
	})
}

func (h *Healer) counted(ctx context.Context, name string) (n int, err error) {
	err = h.o.Disk.Journal().QueryRow(ctx, `SELECT n FROM heal_count WHERE name = ?`, name).Scan(&n)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	return n, err
}

// names of the modes that come into the ledger.
var names = map[int]string{
	modeTorn: "a file is damaged", modeRot: "stored bytes changed by themselves", modeJoined: "two works that do not fit together", modeBlank: "an app does not run",
	modeSemantic: "an app does something else than it should", modeData: "data break a rule", modeSlow: "an app hangs, or takes too much memory", modeCorrupt: "settings, or a value of an app, that cannot be read",
	modeWrong: "settings that are valid and wrong", modePromise: "a contract is gone", modeHealer: "a repair made it worse",
}

// Reliability counts the ledger by mode.
func (h *Healer) Reliability(ctx context.Context) (sys.Reliability, error) {
	out := sys.Reliability{Modes: []sys.ModeCount{}}
	all, err := h.query(ctx, `1 ORDER BY id`)
	if err != nil {
		return out, err
	}
	if out.Green, err = h.counted(ctx, countGreen); err != nil {
		return out, err
	}
	if out.False, err = h.counted(ctx, countFalse); err != nil {
		return out, err
	}
	if out.Refused, err = h.refused(ctx); err != nil {
		return out, err
	}
	by := map[int][]sys.HealCase{}
	for _, one := range all {
		by[one.Mode] = append(by[one.Mode], one)
	}
	for mode, list := range by {
		m := Count(list)
		m.Mode, m.Name = mode, names[mode]
		out.Modes = append(out.Modes, m)
	}
	slices.SortFunc(out.Modes, func(a, b sys.ModeCount) int { return a.Mode - b.Mode })
	out.Total = Count(all)
	if out.Cases = len(all); out.Cases > 0 {
		out.Since = all[0].Opened
	}
	return out, nil
}

// Count adds cases up.
func Count(list []sys.HealCase) sys.ModeCount {
	m := sys.ModeCount{Detectors: map[string]int{}, Rungs: map[sys.Rung]int{}}
	var times []int64
	for _, one := range list {
		m.Seen++
		m.Detectors[one.Detector]++
		switch one.State {
		case sys.HealDone:
			m.Healed++
			m.Rungs[one.Rung]++
			m.Collateral += len(one.Collateral)
			times = append(times, one.Millis)
		case sys.HealProposed:
			m.Waiting++
		case sys.HealRests:
			m.Quarantined++
		case sys.HealGone, sys.HealLeft, sys.HealUnproven:
			m.Gone++
		case sys.HealBack:
			m.TakenBack++
		case sys.HealEscaped:
			m.Escaped++
		}
	}
	slices.Sort(times)
	if n := len(times); n > 0 {
		m.P50, m.P95 = times[n/2], times[min(n-1, n*95/100)]
	}
	m.Low, m.High = Interval(m.Healed, m.Healed+m.Quarantined+m.TakenBack+m.Escaped)
	return m
}

// Interval is the 95 % interval of a share of n, after Wilson; 0 to 1 for none.
func Interval(k, n int) (low, high float64) {
	if n == 0 {
		return 0, 1
	}
	const z = 1.959964
	p, m := float64(k)/float64(n), float64(n)
	mid, off := p+z*z/(2*m), z*math.Sqrt(p*(1-p)/m+z*z/(4*m*m))
	return max(0, (mid-off)/(1+z*z/m)), min(1, (mid+off)/(1+z*z/m))
}
