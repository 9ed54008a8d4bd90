package kernel

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// What the schedule knows of its jobs. A job's cursor is the moment up to which
// all is decided; it moves in the transaction that decides. Each time that a job
// was run for is in kernel_fired, and that row is written together with what it
// led to, the owner's notice or the process: so each time leads to one run,
// whatever is cut off and however the clock is set.
var jobTables = []string{`CREATE TABLE kernel_job (
	job TEXT PRIMARY KEY,
	spec TEXT NOT NULL,
	cursor INTEGER NOT NULL,
	due INTEGER NOT NULL,
	run INTEGER NOT NULL,
	pid INTEGER NOT NULL,
	result TEXT NOT NULL,
	text TEXT NOT NULL,
	failures INTEGER NOT NULL,
	missed INTEGER NOT NULL,
	paused TEXT NOT NULL
) STRICT, WITHOUT ROWID`}

// onTime is how late a run may begin without having been missed.
const onTime = 2 * time.Minute

// failuresMost is how often in a row a job may fail before it is paused.
const failuresMost = 3

// plan is what is to be done about a job at one look.
type plan struct {
	fire   []time.Time // in order
	missed int         // that nothing is done about
}

// plan decides about the times after cursor, up to now.
func (j Job) plan(r *recurrence, cursor, now time.Time) plan {
	due := j.between(r, cursor, now)
	late := len(due)
	for late > 0 && now.Sub(due[late-1]) <= onTime {
		late--
	}
	keep := 0
	switch j.policy() {
	case MissedOnce:
		if late == len(due) {
			keep = 1
		}
	case MissedAll:
		keep = cmp.Or(j.AtMost, 3)
	case MissedSkip:
	}
	missed := max(0, late-keep)
	return plan{due[missed:], missed}
}

// between lists the times after from, up to to. Of very many it lists the newest.
func (j Job) between(r *recurrence, from, to time.Time) []time.Time {
	if r == nil {
		if j.At.After(from) && !j.At.After(to) {
			return []time.Time{j.At}
		}
		return nil
	}
	const most = 2000
	for {
		var due []time.Time
		for t, ok := r.next(from); ok && !t.After(to) && len(due) <= most; t, ok = r.next(t) {
			due = append(due, t)
		}
		if len(due) <= most {
			return due
		}
		from = to.Add(-to.Sub(from) / 2)
	}
}

// fireDue does what is due and returns how long to rest.
func (k *Kernel) fireDue(ctx context.Context) (time.Duration, error) {
	if k.second {
		return lookMost, nil // it is due on the first device
	}
	view, err := k.disk.View(0)
	if err != nil {
		return lookMost, err
	}
	jobs, err := ReadJobs(view)
	if err != nil {
		return lookMost, err
	}
	states, err := k.jobStates(ctx)
	if err != nil {
		return lookMost, err
	}
	wait := time.Hour
	var failed error
	for _, j := range jobs {
		st, known := states[j.ID]
		delete(states, j.ID)
		if j.Check() != nil {
			continue // its status says so
		}
		if err := k.consider(ctx, j, st, known); err != nil {
			failed = errors.Join(failed, fmt.Errorf("job %s: %w", j.ID, err))
		}
		wait = lookMost
		if next, ok := j.Next(k.now().In(k.Zone())); ok {
			wait = min(wait, max(time.Millisecond, next.Sub(k.now())))
		}
	}
	for id := range states { // of jobs that are gone
		failed = errors.Join(failed, k.commits.do(ctx, func(tx *journal.Tx) error {
			_, err := tx.Exec(ctx, `DELETE FROM kernel_job WHERE job = ?`, id)
			return err
		}))
	}
	return wait, failed
}

// consider decides about one job.
func (k *Kernel) consider(ctx context.Context, j Job, st jobState, known bool) error {
	now := k.now().In(k.Zone())
	switch {
	case !known:
		begin, err := k.beginning(ctx, j, now)
		if err != nil {
			return err
		}
		st = jobState{spec: j.spec(), cursor: begin}
	case st.spec != j.spec():
		st.spec, st.cursor, st.paused, st.failures = j.spec(), now, "", 0
		if !j.At.IsZero() {
			st.cursor = time.Time{}
		}
	case st.cursor.After(now.Add(onTime)): // the clock was ahead
		st.cursor = now
	case j.Paused, st.paused != "":
		return nil
	}
	if j.Paused {
		return k.decided(ctx, j, st)
	}
	if j.Ask != "" && (k.safe || k.stopped.Load() || k.atWork(st)) {
		return nil // it is looked at again, by what it says about missed runs
	}
	r, err := j.recurrence(now.Location())
	if err != nil {
		return err
	}
	p := j.plan(r, st.cursor, now)
	if len(p.fire) == 0 && p.missed == 0 && known && now.Sub(st.cursor) < time.Hour {
		return nil
	}
	st.missed += p.missed
	if j.Ask == "" || len(p.fire) == 0 {
		st.cursor = now
		return k.decided(ctx, j, st, p.fire...)
	}
	st.cursor = p.fire[0] // one at a time; its end is the moment for the next
	return k.begin(ctx, j, st, p.fire[0])
}

// beginning is from when on a job counts that is seen for the first time.
func (k *Kernel) beginning(ctx context.Context, j Job, now time.Time) (time.Time, error) {
	if !j.At.IsZero() {
		return time.Time{}, nil
	}
	begin := now
	if !j.Created.IsZero() && j.Created.Before(now) {
		begin = j.Created
	}
	var last string
	if err := k.journal.QueryRow(ctx, `SELECT ifnull(max(occurrence), '') FROM kernel_fired WHERE job = ?`, j.ID).Scan(&last); err != nil {
		return begin, err
	}
	if t, err := time.Parse(time.RFC3339, last); err == nil && t.After(begin) && t.Before(now) {
		begin = t
	}
	return begin, nil
}

// atWork reports whether the job's newest run goes on.
func (k *Kernel) atWork(st jobState) bool {
	p := k.process(st.pid)
	return p != nil && st.result == ResultRunning && !p.rests()
}

// claimRun notes that a time of a job has its run; false if it had one.
func claimRun(ctx context.Context, tx *journal.Tx, job string, due time.Time) (bool, error) {
	res, err := tx.Exec(ctx, `INSERT OR IGNORE INTO kernel_fired(job, occurrence) VALUES(?, ?)`, job, due.UTC().Format(time.RFC3339))
	if err != nil {
		return false, err
	}
	n, err := res.RowsAffected()
	return n == 1, err
}

// decided makes what was decided about a job durable, and tells the owner of the
// times of a reminder.
func (k *Kernel) decided(ctx context.Context, j Job, st jobState, told ...time.Time) error {
	return k.commits.do(ctx, func(tx *journal.Tx) error {
		st := st
		for _, due := range told {
			fresh, err := claimRun(ctx, tx, j.ID, due)
			if err != nil {
				return err
			}
			if !fresh {
				continue
			}
			text := ""
			if k.now().Sub(due) > onTime {
				text = "This was due " + due.In(k.Zone()).Format("Monday 2 January at 15:04") + ", while Matrix OS was not running."
			}
			if err := tx.Append(sys.NewEvent(sys.EventNotice, sys.NoticeData{Level: "info", Title: j.Message, Text: text})); err != nil {
				return err
			}
			st.due, st.run, st.result, st.text = due, k.now(), ResultTold, ""
		}
		return st.write(ctx, tx, j.ID)
	})
}

// errHadRun means that a time of a job already led to a run.
var errHadRun = errors.New("this time had its run")

// begin makes the process of a request that is due, together with the note that
// this time had its run. A process that cannot be made is a run that failed.
func (k *Kernel) begin(ctx context.Context, j Job, st jobState, due time.Time) error {
	label, err := k.LabelOf(ctx, ScheduleFile)
	if err != nil {
		return err
	}
	st.due, st.run, st.result, st.text = due, k.now(), ResultRunning, ""
	_, err = k.askWith(ctx, Ask{Text: j.Ask, From: fromSchedule, Class: sys.Scheduled}, origin{
		job: j.ID, name: j.Name, label: label, budget: j.Budget,
		also: func(ctx context.Context, tx *journal.Tx, pid sys.PID) error {
			if fresh, err := claimRun(ctx, tx, j.ID, due); err != nil || !fresh {
				return errors.Join(err, errHadRun)
			}
			st := st
			st.pid = pid
			return st.write(ctx, tx, j.ID)
		},
	})
	switch {
	case err == nil, ctx.Err() != nil, sys.KindOf(err) == sys.Unavailable:
		return err
	case errors.Is(err, errHadRun):
		st.result = ResultRunning
		return k.decided(ctx, j, k.had(ctx, j.ID, st))
	}
	return k.commits.do(ctx, func(tx *journal.Tx) error {
		if fresh, err := claimRun(ctx, tx, j.ID, due); err != nil || !fresh {
			return err
		}
		st := st
		st.pid = 0
		if err := st.write(ctx, tx, j.ID); err != nil {
			return err
		}
		return k.runEnded(ctx, tx, memo{Job: j.ID, JobName: j.Name}, ResultFailed, plain(err))
	})
}

// had moves only the cursor of what is stored about a job.
func (k *Kernel) had(ctx context.Context, job string, st jobState) jobState {
	states, err := k.jobStates(ctx)
	if old, ok := states[job]; err == nil && ok {
		cursor := st.cursor
		st = old
		st.cursor = cursor
		return st
	}
	st.result = ResultTold
	return st
}

// runEnded notes how a run of a job went, tells the owner, and pauses the job if
// it has failed too often in a row.
func (k *Kernel) runEnded(ctx context.Context, tx *journal.Tx, m memo, result Result, text string) error {
	if m.Job == "" {
		return nil
	}
	if strings.HasPrefix(m.Job, setupJob) {
		return k.stepEnded(ctx, tx, m.Job, result, text)
	}
	st, ok, err := readJobState(ctx, tx, m.Job)
	if err != nil || !ok {
		return err // the job is gone
	}
	st.result, st.text = result, firstLine(text)
	level, title := "info", m.JobName
	switch result {
	case ResultOK:
		st.failures = 0
	case ResultFailed, ResultRests:
		st.failures++
		level, title = "error", fmt.Sprintf("“%s” did not work", m.JobName)
		if st.failures >= failuresMost && st.paused == "" {
			st.paused = fmt.Sprintf("it failed %d times in a row", st.failures)
			title = fmt.Sprintf("“%s” is paused: %s", m.JobName, st.paused)
			text = fmt.Sprintf("%s\n`matrixos cron resume %s` lets it run again.", text, m.Job)
		}
	case ResultStopped, ResultRunning, ResultTold:
		return st.write(ctx, tx, m.Job)
	}
	if err := st.write(ctx, tx, m.Job); err != nil {
		return err
	}
	return tx.Append(sys.NewEvent(sys.EventNotice, sys.NoticeData{Level: level, Title: title, Text: text}))
}
