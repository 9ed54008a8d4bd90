package kernel

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"

	"matrixos/sys"
)

// recurrence is when something happens again and again: a pattern of clock
// readings in a time zone. A pattern that names its hours means the clock on the
// wall: a reading that the clocks skip in spring counts at the moment they are
// put forward, and one that comes twice in autumn counts the first time. A pattern
// for every hour, or every few, means time that passes: it has no reading that is
// skipped, and both of those that come twice.
type recurrence struct {
	readings cron.Schedule // asked in UTC only, where no clock jumps
	hourly   bool
	zone     *time.Location
}

// furthestJump is more than any zone has put its clocks forward or back at once,
// but for moves across the date line.
const furthestJump = 4 * time.Hour

var fiveFields = cron.NewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow)

// parseCron reads a cron expression of five fields: minute, hour, day of the
// month, month, day of the week.
func parseCron(text string, zone *time.Location) (recurrence, error) {
	bad := func(err error) (recurrence, error) {
		return recurrence{}, &sys.Error{
			Op: "read cron expression", Path: text, Kind: sys.Invalid, Err: err,
			Hint: `write five fields: minute, hour, day of month, month, day of week; "30 7 * * 1-5" is half past seven on working days`,
		}
	}
	fields := strings.Fields(text)
	if len(fields) != 5 || len(text) > 200 || strings.Contains(text, "=") {
		return bad(fmt.Errorf("it has %d fields", len(fields)))
	}
	readings, err := fiveFields.Parse(strings.Join(fields, " "))
	if err != nil {
		return bad(err)
	}
	r := recurrence{readings, strings.HasPrefix(fields[1], "*"), zone}
	if readings.Next(time.Unix(0, 0).UTC()).IsZero() {
		return bad(errors.New("there is no such day"))
	}
	return r, nil
}

// parseEvery reads the short forms "hour", "day 08:00", "week mon 09:00" and
// "month 1 09:00".
func parseEvery(text string, zone *time.Location) (recurrence, error) {
	bad := func(why string) (recurrence, error) {
		return recurrence{}, &sys.Error{
			Op: "read every", Path: text, Kind: sys.Invalid, Err: errors.New(why),
			Hint: `write "hour", "day 08:00", "week mon 09:00" or "month 1 09:00"`,
		}
	}
	word := strings.Fields(strings.ToLower(text))
	if len(word) == 1 && word[0] == "hour" {
		return parseCron("0 * * * *", zone)
	}
	if len(word) < 2 {
		return bad("it says no time")
	}
	clock, err := time.Parse("15:04", word[len(word)-1])
	if err != nil {
		return bad("the time is not one of the day")
	}
	at := fmt.Sprintf("%d %d ", clock.Minute(), clock.Hour())
	switch {
	case len(word) == 2 && word[0] == "day":
		return parseCron(at+"* * *", zone)
	case len(word) == 3 && word[0] == "week":
		if !weekdays[word[1]] {
			return bad("it names no day of the week")
		}
		return parseCron(at+"* * "+word[1], zone)
	case len(word) == 3 && word[0] == "month":
		var day int
		if _, err := fmt.Sscanf(word[1], "%d", &day); err != nil || day < 1 || day > 31 {
			return bad("it names no day of the month")
		}
		return parseCron(fmt.Sprintf("%s%d * *", at, day), zone)
	}
	return bad("it is none of the forms")
}

var weekdays = map[string]bool{"sun": true, "mon": true, "tue": true, "wed": true, "thu": true, "fri": true, "sat": true}

// next is the first moment after t, false if there is none in the years that
// count.
func (r recurrence) next(t time.Time) (time.Time, bool) {
	t = t.In(r.zone)
	start, end := t.ZoneBounds()
	if start.IsZero() || t.Sub(start) > furthestJump {
		w := r.readings.Next(reading(t))
		if w.IsZero() {
			return time.Time{}, false
		}
		_, offset := t.Zone()
		if u := w.Add(-time.Duration(offset) * time.Second); end.IsZero() || end.Sub(u) > furthestJump {
			return u.In(r.zone), true
		}
	}
	return r.nextAcross(t)
}

// nextAcross is next where clocks may jump on the way. Readings are in another
// order than the moments they stand for, so all that could be the first are
// looked at.
func (r recurrence) nextAcross(t time.Time) (best time.Time, ok bool) {
	for w := r.readings.Next(reading(t).Add(-furthestJump)); !w.IsZero(); w = r.readings.Next(w) {
		if ok && w.Sub(reading(best)) > furthestJump {
			break
		}
		for _, u := range r.moments(w) {
			if u.After(t) && (!ok || u.Before(best)) {
				best, ok = u, true
			}
		}
	}
	return best, ok
}

// moments are when the pattern's reading w counts.
func (r recurrence) moments(w time.Time) []time.Time {
	var out []time.Time
	early, late := w.Add(-26*time.Hour).In(r.zone), w.Add(26*time.Hour).In(r.zone)
	_, before := early.Zone()
	_, after := late.Zone()
	for _, offset := range []int{max(before, after), min(before, after)} { // the earlier moment first
		u := w.Add(-time.Duration(offset) * time.Second).In(r.zone)
		if reading(u).Equal(w) && (len(out) == 0 || !out[0].Equal(u)) {
			out = append(out, u)
		}
	}
	switch {
	case len(out) == 2 && !r.hourly:
		return out[:1]
	case len(out) == 0 && !r.hourly: // skipped
		if _, jump := w.Add(-time.Duration(max(before, after)) * time.Second).In(r.zone).ZoneBounds(); !jump.IsZero() {
			return []time.Time{jump.In(r.zone)}
		}
	}
	return out
}

// reading is what the clock on the wall shows at t, as if that were UTC.
func reading(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day(), t.Hour(), t.Minute(), t.Second(), t.Nanosecond(), time.UTC)
}
