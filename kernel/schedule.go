package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// ScheduleFile is where the owner's reminders are kept, as a JSON list of Job.
const ScheduleFile sys.Path = "system/cron.json"

// Job is one reminder: once at At, or again and again by Every.
type Job struct {
	ID      string    `json:"id"`
	Name    string    `json:"name"`
	Message string    `json:"message"`
	At      time.Time `json:"at,omitzero"`
	Every   string    `json:"every,omitempty"` // "hour", "day 08:00", "week mon 09:00", "month 1 09:00"
	Created time.Time `json:"created"`
}

// Check reports what is wrong with the job, nil if nothing is.
func (j Job) Check() error {
	bad := func(field, value, hint string) error {
		return &sys.Error{Op: "read " + field + " of reminder", Path: value, Kind: sys.Invalid, Hint: hint}
	}
	switch {
	case strings.TrimSpace(j.Message) == "":
		return bad("message", j.Name, "say what to be reminded of")
	case j.At.IsZero() == (j.Every == ""):
		return bad("time", j.Name, "give either at (RFC 3339) or every")
	case j.Every != "":
		if _, ok := j.Next(time.Now()); !ok {
			return bad("every", j.Every, `write "hour", "day 08:00", "week mon 09:00" or "month 1 09:00"`)
		}
	}
	return nil
}

var weekdays = map[string]time.Weekday{
	"sun": time.Sunday, "mon": time.Monday, "tue": time.Tuesday, "wed": time.Wednesday,
	"thu": time.Thursday, "fri": time.Friday, "sat": time.Saturday,
}

// Next is the job's first occurrence after t, in t's time zone; false if there
// is none.
func (j Job) Next(t time.Time) (time.Time, bool) {
	if j.Every == "" {
		return j.At, j.At.After(t)
	}
	word := strings.Fields(strings.ToLower(j.Every))
	clock := func(s string) (h, m int, ok bool) {
		c, err := time.Parse("15:04", s)
		return c.Hour(), c.Minute(), err == nil
	}
	day := func(offset, h, m int) time.Time {
		return time.Date(t.Year(), t.Month(), t.Day()+offset, h, m, 0, 0, t.Location())
	}
	switch {
	case len(word) == 1 && word[0] == "hour":
		return t.Truncate(time.Hour).Add(time.Hour), true
	case len(word) == 2 && word[0] == "day":
		h, m, ok := clock(word[1])
		return firstAfter(t, ok, 2, func(i int) (time.Time, bool) { return day(i, h, m), true })
	case len(word) == 3 && word[0] == "week":
		h, m, ok := clock(word[2])
		want, known := weekdays[word[1]]
		return firstAfter(t, ok && known, 8, func(i int) (time.Time, bool) {
			d := day(i, h, m)
			return d, d.Weekday() == want
		})
	case len(word) == 3 && word[0] == "month":
		h, m, ok := clock(word[2])
		var want int
		_, err := fmt.Sscanf(word[1], "%d", &want)
		return firstAfter(t, ok && err == nil && want >= 1 && want <= 31, 63, func(i int) (time.Time, bool) {
			d := day(i, h, m)
			return d, d.Day() == want
		})
	}
	return time.Time{}, false
}

// firstAfter tries days 0 to most and returns the first that fits and is after t.
func firstAfter(t time.Time, ok bool, most int, day func(int) (time.Time, bool)) (time.Time, bool) {
	for i := 0; ok && i <= most; i++ {
		if d, fits := day(i); fits && d.After(t) {
			return d, true
		}
	}
	return time.Time{}, false
}

// ReadJobs reads the schedule from a tree of the home.
func ReadJobs(tree fs.FS) ([]Job, error) {
	text, err := fs.ReadFile(tree, string(ScheduleFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var jobs []Job
	if err := json.Unmarshal(text, &jobs); err != nil {
		return nil, &sys.Error{Op: "read", Path: string(ScheduleFile), Kind: sys.Invalid, Err: err, Hint: "`matrixos undo` takes the edit back"}
	}
	return jobs, nil
}

// Reschedule makes the schedule be read again; call it when ScheduleFile may
// have changed.
func (k *Kernel) Reschedule() {
	select {
	case k.wake <- struct{}{}:
	default:
	}
}

// schedule fires jobs until ctx ends. Each occurrence fires once, also across
// restarts; a one-time job whose time passed while nothing ran fires late, with
// its time said; a missed repetition is skipped for the next one.
func (k *Kernel) schedule(ctx context.Context, l *loop) {
	last := k.now()
	for first := true; ; first = false {
		end := l.work(k.now)
		wait, err := k.fireDue(ctx, last, first)
		end()
		if err != nil && ctx.Err() == nil {
			k.log.ErrorContext(ctx, "the schedule could not be read", "error", err)
		}
		last = k.now()
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-time.After(wait):
		}
	}
}

// fireDue fires what fell due since last and returns how long nothing will.
func (k *Kernel) fireDue(ctx context.Context, last time.Time, first bool) (time.Duration, error) {
	const idle = time.Hour
	view, err := k.disk.View(0)
	if err != nil {
		return idle, err
	}
	jobs, err := ReadJobs(view)
	if err != nil {
		return idle, err
	}
	now, wait := k.now(), idle
	for _, j := range jobs {
		var due time.Time
		switch {
		case j.Every == "" && !j.At.After(now):
			due = j.At
		case j.Every != "" && !first:
			due, _ = j.Next(last)
		}
		if !due.IsZero() && !due.After(now) {
			if err := k.fire(ctx, j, due); err != nil {
				return idle, err
			}
		}
		if next, ok := j.Next(now); ok {
			wait = min(wait, next.Sub(now))
		}
	}
	return max(wait, time.Millisecond), nil
}

// fire tells the owner, once per occurrence.
func (k *Kernel) fire(ctx context.Context, j Job, due time.Time) error {
	return k.journal.Update(ctx, func(tx *journal.Tx) error {
		res, err := tx.Exec(ctx, `INSERT OR IGNORE INTO kernel_fired(job, occurrence) VALUES(?, ?)`, j.ID, due.UTC().Format(time.RFC3339))
		if err != nil {
			return err
		}
		if n, err := res.RowsAffected(); err != nil || n == 0 {
			return err
		}
		text := ""
		if k.now().Sub(due) > 2*time.Minute {
			text = "This was due " + due.Local().Format("Monday 2 January at 15:04") + ", while Matrix OS was not running."
		}
		return tx.Append(sys.NewEvent(sys.EventNotice, sys.NoticeData{Level: "info", Title: j.Message, Text: text}))
	})
}
