package kernel

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"matrixos/sys"
)

// ScheduleFile is where the owner's jobs are kept, as a JSON list of Job.
const ScheduleFile sys.Path = "system/cron.json"

// Missed says what becomes of the times of a job that passed while it could not
// run: the machine was off, asleep, or everything was stopped.
type Missed string

// The policies. A job that says nothing runs once if it is for one time only, and
// else skips.
const (
	MissedSkip Missed = "skip" // nothing; they are counted
	MissedOnce Missed = "once" // one run makes up for all
	MissedAll  Missed = "all"  // each gets its run, the newest AtMost of them
)

// Job is a reminder or a request, once at At, or again and again by Every or Cron.
type Job struct {
	ID      string     `json:"id"`
	Name    string     `json:"name"`
	Message string     `json:"message,omitempty"` // a reminder: what the owner reads
	Ask     string     `json:"ask,omitempty"`     // a request: what a process is asked to do
	At      time.Time  `json:"at,omitzero"`
	Every   string     `json:"every,omitempty"` // "hour", "day 08:00", "week mon 09:00", "month 1 09:00"
	Cron    string     `json:"cron,omitempty"`  // minute, hour, day of month, month, day of week
	Zone    string     `json:"zone,omitempty"`  // IANA, such as "Europe/Berlin"; empty: the owner's
	Missed  Missed     `json:"missed,omitempty"`
	AtMost  int        `json:"at_most,omitempty"` // for MissedAll; 3 if absent
	Budget  sys.Budget `json:"budget,omitzero"`   // of each run of a request; the program's if absent
	Paused  bool       `json:"paused,omitempty"`
	Created time.Time  `json:"created"`
}

// Check reports what is wrong with the job, nil if nothing is.
func (j Job) Check() error {
	bad := func(field, value, hint string) error {
		return &sys.Error{Op: "read " + field + " of job", Path: value, Kind: sys.Invalid, Hint: hint}
	}
	times := 0
	for _, given := range []bool{!j.At.IsZero(), j.Every != "", j.Cron != ""} {
		if given {
			times++
		}
	}
	message, ask := strings.TrimSpace(j.Message) != "", strings.TrimSpace(j.Ask) != ""
	switch {
	case message == ask:
		return bad("message", j.Name, "say either in message what to remind you of, or in ask what to do")
	case times != 1:
		return bad("time", j.Name, "give either at (RFC 3339), every, or cron")
	case j.Missed != "" && j.Missed != MissedSkip && j.Missed != MissedOnce && j.Missed != MissedAll:
		return bad("missed", string(j.Missed), "write skip, once or all")
	case j.AtMost < 0 || j.AtMost > 100:
		return bad("at_most", fmt.Sprint(j.AtMost), "write a number from 1 to 100")
	case j.Budget.USD < 0 || j.Budget.Tokens < 0 || j.Budget.Minutes < 0 || j.Budget.Calls < 0 || j.Budget.Files < 0:
		return bad("budget", j.Name, "a budget is not negative")
	}
	if _, err := zoneOf(j.Zone, time.UTC); err != nil {
		return err
	}
	_, err := j.recurrence(time.UTC)
	return err
}

// zoneOf finds a time zone by its IANA name.
func zoneOf(name string, other *time.Location) (*time.Location, error) {
	if name == "" {
		return other, nil
	}
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, &sys.Error{Op: "find time zone", Path: name, Kind: sys.Invalid, Err: err, Hint: "write a name such as Europe/Berlin or America/New_York"}
	}
	return zone, nil
}

// recurrence reads when the job is due; nil if it is for one time only. Zone
// counts where the job names none.
func (j Job) recurrence(zone *time.Location) (*recurrence, error) {
	zone, err := zoneOf(j.Zone, zone)
	if err != nil || j.Every == "" && j.Cron == "" {
		return nil, err
	}
	parse, text := parseEvery, j.Every
	if j.Cron != "" {
		parse, text = parseCron, j.Cron
	}
	r, err := parse(text, zone)
	return &r, err
}

// Next is the job's first time after t, by its own zone or else that of t; false
// if there is none.
func (j Job) Next(t time.Time) (time.Time, bool) {
	r, err := j.recurrence(t.Location())
	switch {
	case err != nil:
		return time.Time{}, false
	case r == nil:
		return j.At, j.At.After(t)
	}
	return r.next(t)
}

func (j Job) policy() Missed {
	if j.Missed == "" && !j.At.IsZero() {
		return MissedOnce
	}
	return cmp.Or(j.Missed, MissedSkip)
}

// spec tells whether what the job is, and when, has changed.
func (j Job) spec() string {
	j.Created = time.Time{}
	raw, err := json.Marshal(j)
	if err != nil {
		return err.Error() // a time that JSON cannot hold; it differs from all others
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// ReadJobs reads the schedule from a tree of the home. A job without an id, as an
// owner may write it by hand, is named by what it says; of two with one id the
// later is named so.
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
	known := map[string]bool{"": true}
	for i := range jobs {
		if known[jobs[i].ID] {
			jobs[i].ID = ""
			jobs[i].ID = jobs[i].spec()[:8]
		}
		known[jobs[i].ID] = true
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

// Zone is the owner's time zone: that of the settings, else the machine's.
func (k *Kernel) Zone() *time.Location {
	zone, err := zoneOf(k.settings().Zone, time.Local)
	if err != nil {
		return time.Local
	}
	return zone
}

// lookMost is how long the schedule rests at the most while there are jobs: the
// clock may be set, and the machine may sleep, without a timer noticing.
const lookMost = time.Minute

// schedule runs jobs until ctx ends. Only a kernel that stays does so.
func (k *Kernel) schedule(ctx context.Context, l *loop) {
	for k.daemon {
		end := l.work(k.now)
		wait, err := k.fireDue(ctx)
		err = errors.Join(err, k.workOff(ctx))
		end()
		if err != nil && ctx.Err() == nil {
			k.log.ErrorContext(ctx, "a part of the schedule could not be done", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-k.wake:
		case <-time.After(wait):
		}
	}
}
