package boot

import (
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"matrixos/disk"
	"matrixos/matrix/deal"
	"matrixos/sys"
)

func newCalendar(t *testing.T) (*calendar, *sql.DB) {
	t.Helper()
	d, err := disk.Open(t.Context(), t.TempDir(), disk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = d.Close() })
	dir := filepath.Join(d.Root(), "data", "calendar")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", "file:"+filepath.Join(dir, "calendar.sqlite"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	if _, err := db.Exec(`CREATE TABLE events(id TEXT PRIMARY KEY, created_at TEXT, updated_at TEXT, title TEXT, date TEXT, time TEXT, ends TEXT, until TEXT, repeat TEXT, place TEXT, note TEXT)`); err != nil {
		t.Fatal(err)
	}
	return &calendar{disk: d, now: time.Now, zone: time.UTC}, db
}

func span(day, from, to string) deal.Slot {
	a, _ := time.Parse("2006-01-02 15:04", day+" "+from)
	b, _ := time.Parse("2006-01-02 15:04", day+" "+to)
	return deal.Slot{From: a.UnixMilli(), To: b.UnixMilli()}
}

// What is in the owner's calendar, with what repeats, keeps a slot from being held.
func TestWhatTheCalendarHasIsNotHeld(t *testing.T) {
	c, db := newCalendar(t)
	for i, row := range [][]any{
		{"Dentist", "2026-03-12", "14:30", "15:15", nil}, {"Choir", "2025-01-06", "19:00", "21:00", "Weekly"}, {"Rent", "2026-01-31", "09:00", nil, "Monthly"},
		{"Birthday", "1990-03-10", nil, nil, "Yearly"}, {"Stand-up", "2026-03-02", "08:00", "08:15", "Daily"}, {"Night", "2026-03-20", "23:00", "01:00", nil},
	} {
		if _, err := db.Exec(`INSERT INTO events(id, created_at, updated_at, title, date, time, ends, repeat) VALUES(?, '', '', ?, ?, ?, ?, ?)`, append([]any{i}, row...)...); err != nil {
			t.Fatal(err)
		}
	}
	for s, taken := range map[deal.Slot]bool{
		span("2026-03-12", "14:00", "14:30"): false, span("2026-03-12", "15:00", "15:30"): true, span("2026-03-16", "20:00", "20:30"): true,
		span("2026-03-17", "20:00", "20:30"): false, span("2026-02-28", "09:30", "10:00"): true, span("2026-03-10", "12:00", "12:30"): false,
		span("2026-05-05", "08:00", "08:30"): true, span("2026-03-01", "08:00", "08:30"): false, span("2026-03-21", "00:30", "01:00"): true,
	} {
		err := c.Hold(t.Context(), "aaaaaaaaaaaaaaaaaaaaaaaaaa", "x", []deal.Slot{s})
		if (sys.KindOf(err) == sys.Conflict) != taken || err != nil && !taken {
			t.Errorf("%s: %v", s.When(time.UTC), err)
		}
	}
}

// Of many deals that want the same time at once, one gets it; what it holds becomes
// one entry, and goes.
func TestOneDealGetsASlot(t *testing.T) {
	c, db := newCalendar(t)
	s := span("2026-03-12", "14:00", "14:30")
	var got []deal.ID
	var mu sync.Mutex
	var all sync.WaitGroup
	for i := range 8 {
		id := deal.ID("aaaaaaaaaaaaaaaaaaaaaaaaa" + string(rune('a'+i)))
		all.Go(func() {
			if c.Hold(t.Context(), id, "x", []deal.Slot{s}) == nil {
				mu.Lock()
				got = append(got, id)
				mu.Unlock()
			}
		})
	}
	all.Wait()
	if len(got) != 1 {
		t.Fatalf("%d deals hold one slot", len(got))
	}
	for range 2 {
		if err := c.Book(t.Context(), got[0], "Lunch (@bob)", "with @bob (deal "+string(got[0])+")", s); err != nil {
			t.Fatal(err)
		}
	}
	var n int
	var title string
	if err := db.QueryRow(`SELECT count(*), max(title) FROM events`).Scan(&n, &title); err != nil || n != 1 || title != "Lunch (@bob)" {
		t.Errorf("%d entries, %q, %v", n, title, err)
	}
	if held, err := c.Held(t.Context()); err != nil || len(held) != 1 || held[0] != got[0] {
		t.Errorf("%v %v", held, err)
	}
	if err := c.Release(t.Context(), got[0]); err != nil {
		t.Fatal(err)
	}
	if busy, err := c.Busy(t.Context(), s.Start(), s.End()); err != nil || len(busy) != 0 {
		t.Errorf("%v %v", busy, err)
	}
}
