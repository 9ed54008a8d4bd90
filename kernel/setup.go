package kernel

import (
	"bytes"
	"context"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"matrixos/ipc"
	"matrixos/journal"
	"matrixos/sys"
)

// PlanFile is what is to be set up in a home: written by an agent with the owner,
// worked off by the kernel, one step after the other, once it has landed.
const PlanFile sys.Path = "system/setup-plan.json"

// mostSteps is how long a plan may be.
const mostSteps = 20

// Plan is what PlanFile says. Each step is a request in words, as the owner would
// make it.
type Plan struct {
	Role   string     `json:"role,omitempty"`
	Apps   []PlanStep `json:"apps,omitempty"`
	Skills []PlanStep `json:"skills,omitempty"`
	// Soul and Schedule are written with the plan, by whoever writes it.
	Soul     string `json:"soul,omitempty"`
	Schedule []Job  `json:"schedule,omitempty"`
}

// PlanStep is one of them.
type PlanStep struct {
	Title   string `json:"title"`
	Request string `json:"request"`
}

// ParsePlan reads a plan. Errors name the field and what may stand there.
func ParsePlan(text []byte) (Plan, error) {
	var p Plan
	bad := func(err error) (Plan, error) {
		return Plan{}, &sys.Error{Op: "read plan", Path: string(PlanFile), Kind: sys.NotVerified, Err: err, Hint: `write {"role": "…", "apps": [{"title": "Invoices", "request": "track my invoices by customer"}], "skills": []}`}
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.DisallowUnknownFields()
	if err := d.Decode(&p); err != nil {
		return bad(err)
	}
	steps := p.steps()
	if len(steps)+len(p.Schedule)+len(p.Soul) == 0 || len(steps)+len(p.Schedule) > mostSteps {
		return bad(fmt.Errorf("it has %d steps, and may have 1 to %d", len(steps)+len(p.Schedule), mostSteps))
	}
	if len(p.Soul) > 4000 {
		return bad(fmt.Errorf("soul has %d bytes, and may have 4000", len(p.Soul)))
	}
	for _, j := range p.Schedule {
		if err := j.Check(); err != nil {
			return bad(fmt.Errorf("schedule: %w", err))
		}
	}
	for i, s := range steps {
		if s.Title = strings.TrimSpace(s.Title); s.Title == "" || len(s.Title) > 100 || strings.ContainsAny(s.Title, "\n\r") {
			return bad(fmt.Errorf("step %d: title is %q, and has to be a short line", i+1, s.Title))
		}
		if n := len(strings.TrimSpace(s.Request)); n == 0 || n > 8000 {
			return bad(fmt.Errorf("step %d: request has %d bytes, and has to have 1 to 8000", i+1, n))
		}
	}
	return p, nil
}

func (p Plan) steps() []PlanStep { return append(append([]PlanStep{}, p.Apps...), p.Skills...) }

// setupTables hold how far plans have got. A step's row is written by the landing
// of its plan, and moved in the transactions that begin and end its request.
var setupTables = []string{`CREATE TABLE kernel_setup (
	id INTEGER PRIMARY KEY AUTOINCREMENT,
	plan TEXT NOT NULL,
	n INTEGER NOT NULL,
	of INTEGER NOT NULL,
	task INTEGER NOT NULL,
	title TEXT NOT NULL,
	request TEXT NOT NULL,
	pid INTEGER NOT NULL DEFAULT 0,
	state TEXT NOT NULL DEFAULT 'waiting', -- running, done, failed
	UNIQUE (plan, n)
) STRICT`}

// setupJob names the request of a step, where a job of the schedule has its id.
const setupJob = "setup step "

// BootstrapFile is there as long as a home and its owner have not met. One that a
// landing empties is removed by it.
const BootstrapFile sys.Path = "system/bootstrap.md"

// metOwner removes BootstrapFile where the process has emptied it.
func metOwner(root *os.Root, changes []sys.Change) error {
	for _, c := range changes {
		if c.Path != BootstrapFile || c.Op == sys.Deleted {
			continue
		}
		text, err := root.ReadFile(string(BootstrapFile))
		if err != nil {
			return err
		}
		if len(bytes.TrimSpace(text)) == 0 {
			return root.Remove(string(BootstrapFile))
		}
	}
	return nil
}

// isNew reports whether p is the first conversation of a home whose owner it has
// not met.
func (k *Kernel) isNew() bool {
	view, err := k.disk.View(0)
	if err != nil {
		return false
	}
	if _, err := fs.Stat(view, string(BootstrapFile)); err != nil {
		return false
	}
	files, err := os.ReadDir(k.talks.folder())
	talks := 0
	for _, f := range files {
		if strings.HasSuffix(f.Name(), ".jsonl") {
			talks++
		}
	}
	return err != nil || talks <= 1
}

// planned makes tasks of a plan that a landing brings, in its commit. A plan that
// cannot be read is refused; one of a step of a plan, too.
func (p *process) planned(root *os.Root, changes []sys.Change) (func(context.Context, *journal.Tx) error, error) {
	nothing := func(context.Context, *journal.Tx) error { return nil }
	for _, c := range changes {
		if c.Path != PlanFile || c.Op == sys.Deleted {
			continue
		}
		text, err := root.ReadFile(string(PlanFile))
		if err != nil {
			return nil, err
		}
		plan, err := ParsePlan(text)
		if err != nil {
			return nil, err
		}
		p.mu.Lock()
		job := p.memo.Job
		p.mu.Unlock()
		if job != "" {
			return nil, &sys.Error{Op: "land", Path: string(PlanFile), Kind: sys.Refused, Err: errors.New("only what the owner has asked for makes a plan"), Hint: "leave the file as it was"}
		}
		sum := sha256.Sum256(append(text, p.req().id...))
		return func(ctx context.Context, tx *journal.Tx) error {
			return p.k.enterPlan(ctx, tx, p, plan.steps(), hex.EncodeToString(sum[:]))
		}, nil
	}
	return nothing, nil
}

func (k *Kernel) enterPlan(ctx context.Context, tx *journal.Tx, p *process, steps []PlanStep, plan string) error {
	label := p.snapshot().Label
	for i, s := range steps {
		input, err := json.Marshal(s)
		if err != nil {
			return err
		}
		t, err := k.ipc.CreateTask(ctx, tx, ipc.NewTask{Type: "setup", Input: input, Creator: p.pid(), Label: label})
		if err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `INSERT OR IGNORE INTO kernel_setup(plan, n, of, task, title, request) VALUES(?,?,?,?,?,?)`, plan, i+1, len(steps), int64(t.ID), s.Title, s.Request); err != nil {
			return err
		}
	}
	tx.OnCommit(k.Reschedule)
	return nil
}

// setupStep is a row.
type setupStep struct {
	id, n, of      int64
	task           sys.TaskID
	title, request string
}

// workOff begins the next step of a plan, if none is at work.
func (k *Kernel) workOff(ctx context.Context) error {
	if k.safe || k.stopped.Load() {
		return nil
	}
	var busy int
	if err := k.journal.QueryRow(ctx, `SELECT count(*) FROM kernel_setup WHERE state = 'running'`).Scan(&busy); err != nil || busy > 0 {
		return err
	}
	var s setupStep
	err := k.journal.QueryRow(ctx, `SELECT id, n, of, task, title, request FROM kernel_setup WHERE state = 'waiting' ORDER BY id LIMIT 1`).Scan(&s.id, &s.n, &s.of, &s.task, &s.title, &s.request)
	if errors.Is(err, sql.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	label, err := k.LabelOf(ctx, PlanFile)
	if err != nil {
		return err
	}
	_, err = k.askWith(ctx, Ask{Text: s.request, From: "setup", Class: sys.Scheduled}, origin{
		job: setupJob + strconv.FormatInt(s.id, 10), name: s.title, label: label,
		also: func(ctx context.Context, tx *journal.Tx, pid sys.PID) error {
			if _, err := k.ipc.ClaimTask(ctx, tx, ipc.Claim{By: pid, ID: s.task, Lease: taskLease}); err != nil {
				return err
			}
			_, err := tx.Exec(ctx, `UPDATE kernel_setup SET state = 'running', pid = ? WHERE id = ? AND state = 'waiting'`, int64(pid), s.id)
			return err
		},
	})
	if err == nil || ctx.Err() != nil || sys.KindOf(err) == sys.Unavailable || sys.KindOf(err) == sys.Refused {
		return err
	}
	why := plain(err)
	return k.commits.do(ctx, func(tx *journal.Tx) error { // it cannot be begun; the others can
		tx.OnCommit(k.Reschedule)
		if _, err := tx.Exec(ctx, `UPDATE kernel_setup SET state = 'failed' WHERE id = ?`, s.id); err != nil {
			return err
		}
		return tx.Append(sys.NewEvent(sys.EventNotice, sys.NoticeData{Level: "error", Title: s.progress() + " could not be begun", Text: why}))
	})
}

func (s setupStep) progress() string {
	return fmt.Sprintf("Setting up, %d of %d: %s", s.n, s.of, s.title)
}

// stepEnded notes how a step went, in the transaction of its end.
func (k *Kernel) stepEnded(ctx context.Context, tx *journal.Tx, job string, result Result, text string) error {
	if result == ResultRests {
		return nil // it goes on when it gets what it needs
	}
	id, err := strconv.ParseInt(strings.TrimPrefix(job, setupJob), 10, 64)
	if err != nil {
		return err
	}
	var s setupStep
	var pid sys.PID
	err = tx.QueryRow(ctx, `SELECT id, n, of, task, title, pid FROM kernel_setup WHERE id = ? AND state = 'running'`, id).Scan(&s.id, &s.n, &s.of, &s.task, &s.title, &pid)
	if errors.Is(err, sql.ErrNoRows) {
		return nil // it had ended
	}
	if err != nil {
		return err
	}
	if err := k.endStepTask(ctx, tx, s, pid, result == ResultOK, text); err != nil {
		return err
	}
	state, level, title := "done", "info", s.progress()+" is done"
	if result != ResultOK {
		state, level, title = "failed", "error", s.progress()+" did not work"
	}
	if _, err := tx.Exec(ctx, `UPDATE kernel_setup SET state = ? WHERE id = ?`, state, s.id); err != nil {
		return err
	}
	tx.OnCommit(k.Reschedule)
	return tx.Append(sys.NewEvent(sys.EventNotice, sys.NoticeData{Level: level, Title: title, Text: text}))
}

// endStepTask completes or fails the step's task. The end of a process has given
// its tasks back, so it is claimed once more.
func (k *Kernel) endStepTask(ctx context.Context, tx *journal.Tx, s setupStep, pid sys.PID, well bool, text string) error {
	t, err := k.ipc.Task(ctx, tx, s.task)
	if err == nil && t.State == sys.TaskReady {
		t, err = k.ipc.ClaimTask(ctx, tx, ipc.Claim{By: pid, ID: s.task, Lease: taskLease})
	}
	if err != nil || t.State != sys.TaskClaimed || t.Owner != pid {
		return err // the process has ended it by itself
	}
	held := ipc.Held{ID: s.task, By: pid, Epoch: t.Epoch}
	if !well {
		return k.ipc.FailTask(ctx, tx, held, firstLine(text))
	}
	out, err := json.Marshal(firstLine(text))
	if err != nil {
		return err
	}
	return k.ipc.CompleteTask(ctx, tx, held, out)
}
