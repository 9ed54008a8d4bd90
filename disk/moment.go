package disk

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"matrixos/sys"
)

// Moment reads how a person names a point of the history, relative to now: a
// landing ("L12", "12"), a named snapshot, "now" for the newest landing, or a
// time, which stands for the landing that was in force then: "14:00",
// "yesterday", "yesterday 14:00", "2026-11-20", "2026-11-20 09:30", "3 days ago",
// or RFC 3339. A day alone means its end. Times are in now's zone.
func (d *Disk) Moment(ctx context.Context, text string, now time.Time) (sys.LandingID, error) {
	text = strings.TrimSpace(text)
	if strings.EqualFold(text, "now") {
		return d.Head(), nil
	}
	if id, ok := parseMoment(text); ok {
		if id > d.Head() {
			return 0, noLanding(id)
		}
		return id, nil
	}
	if ValidSnapshot(text) == nil {
		id, err := d.snapshot(ctx, text)
		if !errors.Is(err, sys.NotFound) {
			return id, err
		}
	}
	at, ok := parseTime(text, now)
	if !ok {
		return 0, &sys.Error{
			Op: "read moment", Path: text, Kind: sys.NotFound, Err: errors.New("no landing, snapshot or time is called so"),
			Hint: "name a landing (L12), a snapshot (`matrixos snapshot` lists them) or a time (\"yesterday 14:00\", 2026-11-20)",
		}
	}
	return d.inForce(ctx, at)
}

// inForce returns the newest landing that is not younger than a time.
func (d *Disk) inForce(ctx context.Context, at time.Time) (id sys.LandingID, err error) {
	err = d.j.QueryRow(ctx, `SELECT landing FROM disk_landing WHERE time <= ? ORDER BY landing DESC LIMIT 1`, at.UnixNano()).Scan(&id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, &sys.Error{
			Op: "find landing", Path: at.Format("2 Jan 2006, 15:04"), Kind: sys.NotFound,
			Err: errors.New("this home did not exist yet"), Hint: "its first landing is L1",
		}
	}
	return id, err
}

var landingForm = regexp.MustCompile(`^[Ll]?[0-9]{1,15}$`)

// parseMoment reads the name of a landing.
func parseMoment(text string) (sys.LandingID, bool) {
	if !landingForm.MatchString(text) {
		return 0, false
	}
	id, err := sys.ParseLandingID(text)
	return id, err == nil
}

var agoForm = regexp.MustCompile(`^(\d{1,5}) ?(s|sec|second|min|minute|h|hour|d|day|w|week)s? ago$`)

var units = map[string]time.Duration{
	"s": time.Second, "sec": time.Second, "second": time.Second, "min": time.Minute, "minute": time.Minute,
	"h": time.Hour, "hour": time.Hour, "d": 24 * time.Hour, "day": 24 * time.Hour, "w": 7 * 24 * time.Hour, "week": 7 * 24 * time.Hour,
}

// parseTime reads a point in time as people write it.
func parseTime(text string, now time.Time) (time.Time, bool) {
	lower := strings.ToLower(text)
	if m := agoForm.FindStringSubmatch(lower); m != nil {
		n, err := strconv.Atoi(m[1])
		if err != nil {
			return time.Time{}, false
		}
		if unit := units[m[2]]; unit >= 24*time.Hour {
			return now.AddDate(0, 0, -n*int(unit/(24*time.Hour))), true
		}
		return now.Add(-time.Duration(n) * units[m[2]]), true
	}
	for _, form := range []string{time.RFC3339, "2006-01-02T15:04:05", "2006-01-02 15:04:05", "2006-01-02T15:04", "2006-01-02 15:04"} {
		if t, err := time.ParseInLocation(form, strings.ToUpper(text), now.Location()); err == nil {
			return t, true
		}
	}
	if text == "" {
		return time.Time{}, false
	}
	day, clock, _ := strings.Cut(lower, " ")
	y, m, date := now.Date()
	switch day {
	case "today":
	case "yesterday":
		date--
	default:
		if t, err := time.Parse(time.DateOnly, day); err == nil {
			y, m, date = t.Date()
		} else if clock != "" {
			return time.Time{}, false
		} else {
			clock = day // a time of today
		}
	}
	if clock == "" {
		return time.Date(y, m, date+1, 0, 0, 0, -1, now.Location()), true
	}
	for _, form := range []string{"15:04", "15:04:05"} {
		if t, err := time.Parse(form, clock); err == nil {
			return time.Date(y, m, date, t.Hour(), t.Minute(), t.Second(), 0, now.Location()), true
		}
	}
	return time.Time{}, false
}

// Since reads a time as Moment does, for Query.
func Since(text string, now time.Time) (time.Time, error) {
	text = strings.TrimSpace(text)
	if at, ok := parseTime(text, now); ok {
		if day := strings.ToLower(text); day == "today" || day == "yesterday" || isDate(day) {
			at = at.AddDate(0, 0, -1).Add(1) // since a day means since it began
		}
		return at, nil
	}
	return time.Time{}, &sys.Error{Op: "read time", Path: text, Kind: sys.Invalid, Err: fmt.Errorf("%q is not a time", text), Hint: "write it as \"yesterday 14:00\", \"3 days ago\" or 2026-11-20"}
}

func isDate(text string) bool {
	_, err := time.Parse(time.DateOnly, text)
	return err == nil
}
