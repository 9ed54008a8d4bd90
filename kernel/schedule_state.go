package kernel

import (
	"context"
	"database/sql"
	"errors"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// Result says how the newest run of a job went.
type Result string

// The results. Empty means that the job has not run yet.
const (
	ResultTold    Result = "told"    // the owner was reminded
	ResultRunning Result = "running" // its process is at work
	ResultOK      Result = "ok"
	ResultFailed  Result = "failed"
	ResultRests   Result = "rests"   // its process is parked, because a budget is spent, say
	ResultStopped Result = "stopped" // by the owner
)

// jobState is what the schedule knows of a job.
type jobState struct {
	spec     string
	cursor   time.Time // up to which all is decided
	due, run time.Time // of the newest run: for when it was, and when it began
	pid      sys.PID
	result   Result
	text     string
	failures int // in a row
	missed   int
	paused   string // why the kernel or the owner paused it
}

const jobColumns = `spec, cursor, due, run, pid, result, text, failures, missed, paused`

func (s jobState) write(ctx context.Context, tx *journal.Tx, job string) error {
	_, err := tx.Exec(ctx, `INSERT OR REPLACE INTO kernel_job(job, `+jobColumns+`) VALUES(?,?,?,?,?,?,?,?,?,?,?)`,
		job, s.spec, nanos(s.cursor), nanos(s.due), nanos(s.run), int64(s.pid), string(s.result), s.text, s.failures, s.missed, s.paused)
	return err
}

func (s *jobState) scan(scan func(...any) error, more ...any) error {
	var cursor, due, run int64
	err := scan(append(more, &s.spec, &cursor, &due, &run, &s.pid, &s.result, &s.text, &s.failures, &s.missed, &s.paused)...)
	s.cursor, s.due, s.run = moment(cursor), moment(due), moment(run)
	return err
}

func nanos(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

func moment(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return time.Unix(0, n)
}

func readJobState(ctx context.Context, tx *journal.Tx, job string) (jobState, bool, error) {
	var s jobState
	err := s.scan(tx.QueryRow(ctx, `SELECT `+jobColumns+` FROM kernel_job WHERE job = ?`, job).Scan)
	if errors.Is(err, sql.ErrNoRows) {
		return s, false, nil
	}
	return s, err == nil, err
}

func (k *Kernel) jobStates(ctx context.Context) (out map[string]jobState, err error) {
	rows, err := k.journal.Query(ctx, `SELECT job, `+jobColumns+` FROM kernel_job`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	out = map[string]jobState{}
	for rows.Next() {
		var s jobState
		var id string
		if err := s.scan(rows.Scan, &id); err != nil {
			return nil, err
		}
		out[id] = s
	}
	return out, rows.Err()
}

// JobStatus is a job with what became of it.
type JobStatus struct {
	Job
	Next     time.Time `json:"next,omitzero"`     // absent: never again, or it is paused
	LastDue  time.Time `json:"last_due,omitzero"` // of the newest run: for when it was
	LastRun  time.Time `json:"last_run,omitzero"` // and when it began
	PID      sys.PID   `json:"pid,omitempty"`     // its process
	Result   Result    `json:"result,omitempty"`
	Text     string    `json:"text,omitempty"`     // what it said, or why it failed; one line
	Failures int       `json:"failures,omitempty"` // in a row
	MissedN  int       `json:"missed_runs"`        // times that passed without a run
	Why      string    `json:"paused_because,omitempty"`
	Problem  string    `json:"problem,omitempty"` // why it cannot run as it is written
}

// Jobs lists the schedule as it is in the file, with what became of each job.
func (k *Kernel) Jobs(ctx context.Context) ([]JobStatus, error) {
	view, err := k.disk.View(0)
	if err != nil {
		return nil, err
	}
	jobs, err := ReadJobs(view)
	if err != nil {
		return nil, err
	}
	return k.JobStatus(ctx, jobs)
}

// JobStatus says what became of jobs; those that have not landed yet have only a
// next time.
func (k *Kernel) JobStatus(ctx context.Context, jobs []Job) ([]JobStatus, error) {
	states, err := k.jobStates(ctx)
	if err != nil {
		return nil, err
	}
	out := make([]JobStatus, 0, len(jobs))
	for _, j := range jobs {
		st := states[j.ID]
		s := JobStatus{Job: j, LastDue: st.due, LastRun: st.run, PID: st.pid, Result: st.result, Text: st.text, Failures: st.failures, MissedN: st.missed, Why: st.paused}
		if err := j.Check(); err != nil {
			s.Problem = err.Error()
		}
		if j.Paused && s.Why == "" {
			s.Why = "its entry in " + string(ScheduleFile) + " says so"
		}
		if s.Why == "" && s.Problem == "" {
			s.Next, _ = j.Next(k.now().In(k.Zone()))
		}
		out = append(out, s)
	}
	return out, nil
}

// PauseJob keeps a job from running until ResumeJob. Why is for people.
func (k *Kernel) PauseJob(ctx context.Context, id, why string) error {
	return k.changeJob(ctx, id, func(st *jobState) { st.paused = why })
}

// ResumeJob lets a job run again that PauseJob, or its failures, paused. Times
// that passed meanwhile are not made up for.
func (k *Kernel) ResumeJob(ctx context.Context, id string) error {
	jobs, err := k.Jobs(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.ID == id && j.Paused {
			return &sys.Error{Op: "resume job", Path: id, Kind: sys.Refused, Err: errors.New(j.Why), Hint: "take `paused` out of its entry there"}
		}
	}
	return k.changeJob(ctx, id, func(st *jobState) { st.paused, st.failures, st.cursor = "", 0, k.now() })
}

func (k *Kernel) changeJob(ctx context.Context, id string, change func(*jobState)) error {
	jobs, err := k.Jobs(ctx)
	if err != nil {
		return err
	}
	for _, j := range jobs {
		if j.ID != id {
			continue
		}
		defer k.Reschedule()
		return k.commits.do(ctx, func(tx *journal.Tx) error {
			st, ok, err := readJobState(ctx, tx, id)
			if err != nil {
				return err
			}
			if !ok {
				st = jobState{spec: j.spec(), cursor: k.now()}
			}
			change(&st)
			return st.write(ctx, tx, id)
		})
	}
	return &sys.Error{Op: "find job", Path: id, Kind: sys.NotFound, Hint: "`matrixos cron` lists them"}
}
