package kernel

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"
)

// jumps are moments around which clocks are put forward or back, by an hour, half
// an hour and two hours; the last zone knows none.
var jumps = []struct{ zone, around string }{
	{"Europe/Berlin", "2026-03-29T01:00:00Z"},
	{"Europe/Berlin", "2026-10-25T01:00:00Z"},
	{"America/New_York", "2026-03-08T07:00:00Z"},
	{"America/New_York", "2026-11-01T06:00:00Z"},
	{"Australia/Lord_Howe", "2026-04-04T15:00:00Z"},
	{"Australia/Lord_Howe", "2026-10-03T15:30:00Z"},
	{"Antarctica/Troll", "2026-03-29T01:00:00Z"},
	{"Antarctica/Troll", "2026-10-25T01:00:00Z"},
	{"America/Santiago", "2026-09-06T04:00:00Z"},
	{"Asia/Kolkata", "2026-05-01T00:00:00Z"},
}

func someCron(t *rapid.T) string {
	minute := rapid.SampledFrom([]string{"0", "30", "*/15", "5,35", "59"}).Draw(t, "minute")
	hour := rapid.SampledFrom([]string{"*", "*/2", "0", "1", "2", "3", "1-3", "23"}).Draw(t, "hour")
	day := rapid.SampledFrom([]string{"*", "29", "25", "1"}).Draw(t, "day")
	week := rapid.SampledFrom([]string{"*", "0", "1-5"}).Draw(t, "week")
	return minute + " " + hour + " " + day + " * " + week
}

// The times of a pattern are those that trying every minute finds.
func TestTimesAcrossJumpsOfTheClock(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.SampledFrom(jumps).Draw(t, "jump")
		zone, err := time.LoadLocation(at.zone)
		if err != nil {
			t.Fatal(err)
		}
		text := someCron(t)
		r, err := parseCron(text, zone)
		if err != nil {
			t.Fatal(err)
		}
		around, err := time.Parse(time.RFC3339, at.around)
		if err != nil {
			t.Fatal(err)
		}
		from := around.Add(-time.Duration(rapid.IntRange(0, 30*60).Draw(t, "minutes before")) * time.Minute)
		to := around.Add(30 * time.Hour)
		want := tryAll(r, from, to)
		for u, i := from, 0; ; i++ {
			var ok bool
			if u, ok = r.next(u); !ok || u.After(to) {
				if i != len(want) {
					t.Fatalf("%s in %s: %d times, want %d", text, at.zone, i, len(want))
				}
				return
			}
			if i >= len(want) || !u.Equal(want[i]) {
				t.Fatalf("%s in %s: time %d is %s, want %v", text, at.zone, i, u, want[min(i, len(want)-1):])
			}
		}
	})
}

// tryAll looks at every minute: does the clock on the wall match?
func tryAll(r recurrence, from, to time.Time) (out []time.Time) {
	matches := func(w time.Time) bool { return r.readings.Next(w.Add(-time.Second)).Equal(w) }
	seen := map[time.Time]bool{}
	first := from.Add(-5 * time.Hour).Truncate(time.Minute)
	before := reading(first.In(r.zone)).Add(-time.Minute)
	for u := first; !u.After(to); u = u.Add(time.Minute) {
		w := reading(u.In(r.zone))
		hit := matches(w) && (r.hourly || !seen[w])
		if !r.hourly {
			for skipped := before.Add(time.Minute); skipped.Before(w); skipped = skipped.Add(time.Minute) {
				hit = hit || matches(skipped)
			}
		}
		seen[w], before = true, w
		if hit && u.After(from) {
			out = append(out, u)
		}
	}
	return out
}

// Whatever happens to the clock and to the program, no time is forgotten if there
// is room for all that was missed, and none is early.
func TestNoTimeIsForgotten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		at := rapid.SampledFrom(jumps).Draw(t, "jump")
		now, err := time.Parse(time.RFC3339, at.around)
		if err != nil {
			t.Fatal(err)
		}
		zone, err := time.LoadLocation(at.zone)
		if err != nil {
			t.Fatal(err)
		}
		j := Job{ID: "j", Message: "x", Cron: someCron(t), Missed: rapid.SampledFrom([]Missed{MissedSkip, MissedOnce, MissedAll}).Draw(t, "missed"), AtMost: 100}
		r, err := j.recurrence(zone)
		if err != nil {
			t.Fatal(err)
		}
		begin := now.Add(-6 * time.Hour)
		now, cursor := begin, begin
		fired := map[int64]bool{}
		missed := 0
		for range rapid.IntRange(1, 12).Draw(t, "looks") {
			now = now.Add(time.Duration(rapid.IntRange(-20, 240).Draw(t, "minutes")) * time.Minute)
			if cursor.After(now.Add(onTime)) {
				cursor = now
			}
			p := j.plan(r, cursor, now)
			before := rapid.IntRange(0, len(p.fire)).Draw(t, "crash after")
			for i, due := range p.fire[:before] {
				if due.After(now) {
					t.Fatalf("%s fired %s before it was due", j.Cron, due.Sub(now))
				}
				fired[due.UnixNano()] = true // as the table does: once
				if i == 0 {
					missed += p.missed
				}
				cursor = due
			}
			if len(p.fire) == 0 {
				missed += p.missed
				cursor = now
			}
		}
		if j.Missed != MissedAll || missed > 0 {
			return
		}
		for _, due := range j.between(r, begin, cursor) {
			if !fired[due.UnixNano()] {
				t.Fatalf("%s: %s had no run", j.Cron, due)
			}
		}
	})
}

func TestThePolicyForWhatWasMissed(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 30, 0, time.UTC)
	cursor := now.Add(-5 * time.Hour)
	for _, c := range []struct {
		job    Job
		fire   string
		missed int
	}{
		{Job{Cron: "30 * * * *"}, "[]", 5},
		{Job{Cron: "30 * * * *", Missed: MissedOnce}, "[11:30]", 4},
		{Job{Cron: "30 * * * *", Missed: MissedAll}, "[09:30 10:30 11:30]", 2},
		{Job{Cron: "30 * * * *", Missed: MissedAll, AtMost: 10}, "[07:30 08:30 09:30 10:30 11:30]", 0},
		{Job{Cron: "0 * * * *"}, "[12:00]", 4},
		{Job{Cron: "0 * * * *", Missed: MissedOnce}, "[12:00]", 4},
		{Job{At: now.Add(-time.Hour)}, "[11:00]", 0},
		{Job{At: now.Add(-time.Hour), Missed: MissedSkip}, "[]", 1},
		{Job{At: now.Add(time.Hour)}, "[]", 0},
	} {
		r, err := c.job.recurrence(time.UTC)
		if err != nil {
			t.Fatal(err)
		}
		p := c.job.plan(r, cursor, now)
		got := []string{}
		for _, u := range p.fire {
			got = append(got, u.Format("15:04"))
		}
		if fmt.Sprint(got) != c.fire || p.missed != c.missed {
			t.Errorf("%+v: %v, %d missed; want %s, %d", c.job, got, p.missed, c.fire, c.missed)
		}
	}
	// A year of minutes is not walked through.
	r, err := Job{Cron: "* * * * *"}.recurrence(time.UTC)
	if err != nil {
		t.Fatal(err)
	}
	p := Job{Cron: "* * * * *", Missed: MissedAll, AtMost: 5}.plan(r, now.AddDate(-1, 0, 0), now)
	if n := len(p.fire); n < 5 || n > 8 || !p.fire[n-1].Equal(now.Truncate(time.Minute)) {
		t.Errorf("after a year off: %v", p.fire)
	}
}

func FuzzCron(f *testing.F) {
	for _, s := range []string{"30 7 * * 1-5", "*/15 * * * *", "0 0 29 2 *", "0 0 30 2 *", "TZ=X 1 1 1 1", "@daily", "1 2 3", "0-59/0 * * * *", "? ? ? ? ?", "* * * JAN sun"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		r, err := parseCron(text, time.UTC)
		if err != nil {
			return
		}
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		if next, ok := r.next(now); ok && !next.After(now) {
			t.Errorf("%q: %s is not after %s", text, next, now)
		}
	})
}
