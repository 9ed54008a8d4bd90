package boot

import (
	"cmp"
	"context"
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"regexp"
	"time"

	"github.com/google/uuid"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"matrixos/disk"
	"matrixos/matrix/deal"
	"matrixos/sys"
)

// calendarApp is the app whose table holds the owner's appointments.
const calendarApp sys.Slug = "calendar"

// calendar keeps slots free for deals in the table of the app Calendar, as rows that
// its windows show like any other. What is in it is checked and changed in one
// transaction of the app's database, so that two deals, or a deal and a window,
// cannot both get a time. An entry without a time of day takes no time; one without
// an end takes an hour.
type calendar struct {
	disk *disk.Disk
	now  func() time.Time
	zone *time.Location
	make func(ctx context.Context) error // the table, where nobody has needed it yet
}

var _ deal.Calendar = (*calendar)(nil)

// entry is one row of the table.
type entry struct {
	id, title, date, from, to, repeat, note string
}

// holdSpace makes the ids of rows that belong to deals.
var holdSpace = uuid.MustParse("0d0a3a5e-6f0c-5f4c-9d4b-6b1f4f0f6b11")

func rowID(d deal.ID, part string) string {
	return uuid.NewSHA1(holdSpace, []byte(string(d)+"/"+part)).String()
}

// parts of a deal are its holds and its appointment.
var dealRows = []string{"h0", "h1", "h2", "booked"}

// change does fn in a transaction that no other writer of the table is in, with all
// entries, and tells open windows.
func (c *calendar) change(ctx context.Context, fn func(tx *sql.Tx, all []entry) error) (err error) {
	db, err := c.open(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { _ = tx.Rollback() }() // after Commit it does nothing
	all, err := entries(ctx, tx)
	if err != nil {
		return err
	}
	if err := fn(tx, all); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return err
	}
	c.disk.Journal().Publish(sys.NewEvent(sys.EventData, sys.TableData{App: calendarApp, Table: "events"}))
	return nil
}

func (c *calendar) open(ctx context.Context) (*sql.DB, error) {
	file := filepath.Join(c.disk.Root(), "data", string(calendarApp), string(calendarApp)+".sqlite")
	if _, err := os.Stat(file); missing(err) && c.make != nil {
		if err := c.make(ctx); err != nil {
			return nil, err
		}
	}
	db, err := sql.Open("sqlite", "file:"+file+"?mode=rw&_txlock=immediate&_pragma=busy_timeout(10000)&_pragma=synchronous(FULL)")
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(&sys.Error{Op: "open the calendar", Path: file, Kind: sys.NotFound, Err: err, Hint: "install the app Calendar again, or `matrixos undo` its removal"}, db.Close())
	}
	return db, nil
}

func entries(ctx context.Context, tx *sql.Tx) (out []entry, err error) {
	rows, err := tx.QueryContext(ctx, `SELECT id, ifnull(title, ''), ifnull(date, ''), ifnull(time, ''), ifnull(ends, ''), ifnull(repeat, ''), ifnull(note, '') FROM events`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var e entry
		if err := rows.Scan(&e.id, &e.title, &e.date, &e.from, &e.to, &e.repeat, &e.note); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

// Hold implements deal.Calendar.
func (c *calendar) Hold(ctx context.Context, id deal.ID, title string, slots []deal.Slot) error {
	return c.change(ctx, func(tx *sql.Tx, all []entry) error {
		if err := c.free(all, id, slots); err != nil {
			return err
		}
		if err := remove(ctx, tx, id); err != nil {
			return err
		}
		for i, s := range slots {
			if err := c.insert(ctx, tx, rowID(id, dealRows[i]), "Held: "+title, "Kept free until it is settled (deal "+string(id)+")", s); err != nil {
				return err
			}
		}
		return nil
	})
}

// Book implements deal.Calendar.
func (c *calendar) Book(ctx context.Context, id deal.ID, title, note string, slot deal.Slot) error {
	return c.change(ctx, func(tx *sql.Tx, all []entry) error {
		for _, e := range all {
			if e.id == rowID(id, "booked") {
				return nil
			}
		}
		if err := c.free(all, id, []deal.Slot{slot}); err != nil {
			return err
		}
		if err := remove(ctx, tx, id); err != nil {
			return err
		}
		return c.insert(ctx, tx, rowID(id, "booked"), title, note, slot)
	})
}

// Release implements deal.Calendar.
func (c *calendar) Release(ctx context.Context, id deal.ID) error {
	return c.change(ctx, func(tx *sql.Tx, _ []entry) error { return remove(ctx, tx, id) })
}

// dealNote finds the deal that a row is of.
var dealNote = regexp.MustCompile(`\(deal ([a-z2-7]{26})\)`)

// Held implements deal.Calendar.
func (c *calendar) Held(ctx context.Context) (out []deal.ID, err error) {
	err = c.change(ctx, func(_ *sql.Tx, all []entry) error {
		for _, e := range all {
			if m := dealNote.FindStringSubmatch(e.note); m != nil && isDeal(deal.ID(m[1]), e.id) {
				out = append(out, deal.ID(m[1]))
			}
		}
		return nil
	})
	return out, err
}

func isDeal(id deal.ID, row string) bool {
	for _, part := range dealRows {
		if rowID(id, part) == row {
			return true
		}
	}
	return false
}

// Busy implements deal.Calendar.
func (c *calendar) Busy(ctx context.Context, from, to time.Time) (out []deal.Slot, err error) {
	err = c.change(ctx, func(_ *sql.Tx, all []entry) error {
		for _, e := range all {
			out = append(out, e.slots(c.zone, from, to)...)
		}
		return nil
	})
	return out, err
}

// free fails with Conflict if a slot that the deal does not hold meets an entry that
// is not the deal's.
func (c *calendar) free(all []entry, id deal.ID, slots []deal.Slot) error {
	for _, s := range slots {
		var held, taken bool
		for _, e := range all {
			for _, busy := range e.slots(c.zone, s.Start().Add(-24*time.Hour), s.End().Add(24*time.Hour)) {
				if isDeal(id, e.id) {
					held = held || busy == s
				} else {
					taken = taken || busy.Meets(s)
				}
			}
		}
		if taken && !held {
			return &sys.Error{Op: "hold", Path: s.When(c.zone), Kind: sys.Conflict, Err: errors.New("the calendar has something there"), Hint: "choose another time"}
		}
	}
	return nil
}

func remove(ctx context.Context, tx *sql.Tx, id deal.ID) error {
	_, err := tx.ExecContext(ctx, `DELETE FROM events WHERE id IN (?, ?, ?, ?)`, rowID(id, "h0"), rowID(id, "h1"), rowID(id, "h2"), rowID(id, "booked"))
	return err
}

func (c *calendar) insert(ctx context.Context, tx *sql.Tx, id, title, note string, s deal.Slot) error {
	from, to, now := s.Start().In(c.zone), s.End().In(c.zone), c.now().UTC().Format("2006-01-02T15:04:05.000Z")
	_, err := tx.ExecContext(ctx, `INSERT INTO events(id, created_at, updated_at, title, date, time, ends, note) VALUES(?,?,?,?,?,?,?,?)`,
		id, now, now, title, from.Format(time.DateOnly), from.Format("15:04"), to.Format("15:04"), note)
	return err
}

// slots are when an entry takes time between two moments.
func (e entry) slots(zone *time.Location, from, to time.Time) (out []deal.Slot) {
	begin, err := time.ParseInLocation("2006-01-02 15:04", e.date+" "+cmp.Or(short(e.from), "none"), zone)
	if err != nil {
		return nil // it has a day only, or none
	}
	length := time.Hour
	if end, err := time.ParseInLocation("2006-01-02 15:04", e.date+" "+short(e.to), zone); err == nil {
		if length = end.Sub(begin); length <= 0 {
			length += 24 * time.Hour
		}
	}
	for n := range 40000 {
		at, more := e.next(begin, n, from)
		if at.After(to) {
			break
		}
		if at.Add(length).After(from) {
			out = append(out, deal.Slot{From: at.UnixMilli(), To: at.Add(length).UnixMilli()})
		}
		if !more {
			break
		}
	}
	return out
}

// next is the nth time that an entry takes place, counted from shortly before a
// moment; false says that it is the only one.
func (e entry) next(begin time.Time, n int, from time.Time) (time.Time, bool) {
	days := map[string]int{"Daily": 1, "Weekly": 7, "Fortnightly": 14}[e.repeat]
	switch {
	case days > 0:
		skip := max(0, int(from.Sub(begin).Hours()/24)/days-1)
		return begin.AddDate(0, 0, days*(skip+n)), true
	case e.repeat == "Monthly" || e.repeat == "Yearly":
		months := 1
		if e.repeat == "Yearly" {
			months = 12
		}
		skip := max(0, int(from.Sub(begin).Hours()/24/31)/months-1)
		first := time.Date(begin.Year(), begin.Month()+time.Month(months*(skip+n)), 1, begin.Hour(), begin.Minute(), 0, 0, begin.Location())
		last := first.AddDate(0, 1, -1).Day()
		return first.AddDate(0, 0, min(begin.Day(), last)-1), true
	}
	return begin, false
}

// short is a time of day without seconds.
func short(s string) string {
	if len(s) > 5 {
		return s[:5]
	}
	return s
}
