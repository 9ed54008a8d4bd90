package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"matrixos/ipc"
	"matrixos/journal"
	"matrixos/sys"
)

// What a process hands to others takes effect together with its files: while its
// transaction has changes, the end of a task and mail wait for the landing, in the
// same commit; if it lands nothing they never happen. Making and claiming a task
// are at once: they only say that there is work, and who does it.

// outgoingTables hold what waits for a process's landing.
var outgoingTables = []string{
	`CREATE TABLE kernel_outgoing (
		n INTEGER PRIMARY KEY,
		pid INTEGER NOT NULL,
		act TEXT NOT NULL
	) STRICT`,
	`CREATE INDEX kernel_outgoing_pid ON kernel_outgoing(pid)`,
}

// taskLease is how long a claim holds without a sign of life; the kernel renews
// those of live processes.
const taskLease = 10 * time.Minute

// act is one thing that waits for a landing.
type act struct {
	End  *ending      `json:"end,omitempty"`
	Mail *ipc.NewMail `json:"mail,omitempty"`
	// Forget erases words from the journal.
	Forget *forgotten `json:"forget,omitempty"`
}

// ending completes a task, or fails it if there is a reason.
type ending struct {
	Held   ipc.Held        `json:"held"`
	Output json.RawMessage `json:"output,omitempty"`
	Reason string          `json:"reason,omitempty"`
}

func (k *Kernel) do(ctx context.Context, tx *journal.Tx, a act) error {
	switch {
	case a.Mail != nil:
		_, err := k.ipc.SendMail(ctx, tx, *a.Mail)
		return err
	case a.Forget != nil:
		return k.erase(ctx, tx, *a.Forget)
	case a.End.Reason != "":
		return k.ipc.FailTask(ctx, tx, a.End.Held, a.End.Reason)
	}
	return k.ipc.CompleteTask(ctx, tx, a.End.Held, a.End.Output)
}

// hand does something now, or with the landing if the process has changed files.
// It reports which.
func (p *process) hand(ctx context.Context, a act) (later bool, err error) {
	if t := p.transaction(); t != nil {
		changes, err := t.Changes(ctx)
		if err != nil {
			return false, err
		}
		later = len(changes) > 0
	}
	raw, err := json.Marshal(a)
	if err != nil {
		return false, err
	}
	return later, p.k.journal.Update(ctx, func(tx *journal.Tx) error {
		if !later {
			return p.k.do(ctx, tx, a)
		}
		_, err := tx.Exec(ctx, `INSERT INTO kernel_outgoing(pid, act) VALUES(?,?)`, int64(p.pid()), string(raw))
		return err
	})
}

// handOut does all that waits for the landing, in its commit.
func (p *process) handOut(ctx context.Context, tx *journal.Tx) (err error) {
	rows, err := tx.Query(ctx, `SELECT act FROM kernel_outgoing WHERE pid = ? ORDER BY n`, int64(p.pid()))
	if err != nil {
		return err
	}
	var acts []act
	for rows.Next() {
		var raw string
		var a act
		if err := errors.Join(rows.Scan(&raw), json.Unmarshal([]byte(raw), &a)); err != nil {
			return errors.Join(err, rows.Close())
		}
		acts = append(acts, a)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return err
	}
	for _, a := range acts {
		if err := p.k.do(ctx, tx, a); err != nil {
			return err
		}
	}
	return p.dropOutgoing(ctx, tx)
}

func (p *process) dropOutgoing(ctx context.Context, tx *journal.Tx) error {
	_, err := tx.Exec(ctx, `DELETE FROM kernel_outgoing WHERE pid = ?`, int64(p.pid()))
	return err
}

// handOutAlone does what waited for a landing that has come to nothing: the
// process has ended well, and its files are as they were.
func (p *process) handOutAlone(ctx context.Context) error {
	return p.k.journal.Update(ctx, func(tx *journal.Tx) error { return p.handOut(ctx, tx) })
}

// letGo gives back what a process that ends still holds. Mail that it was handed
// counts as used if it ends well.
func (p *process) letGo(ctx context.Context, well bool) error {
	pid := p.pid()
	return p.k.journal.Update(ctx, func(tx *journal.Tx) error {
		if well {
			if err := p.confirmMail(ctx, tx); err != nil {
				return err
			}
		}
		return errors.Join(p.dropOutgoing(ctx, tx), p.k.ipc.ReleaseTasksOf(ctx, tx, pid), p.k.ipc.ReleaseMailOf(ctx, tx, pid))
	})
}

// keepLeases renews the claims of live processes, and takes back those of dead
// ones, until ctx ends.
func (k *Kernel) keepLeases(ctx context.Context, l *loop) {
	tick := time.NewTicker(taskLease / 4)
	defer tick.Stop()
	for {
		end := l.work(k.now)
		if err := k.renewLeases(ctx); err != nil && ctx.Err() == nil {
			k.log.ErrorContext(ctx, "the leases of tasks could not be renewed", "error", err)
		}
		end()
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

func (k *Kernel) renewLeases(ctx context.Context) error {
	claimed, err := k.ipc.Tasks(ctx, k.journal, ipc.TaskFilter{States: []sys.TaskState{sys.TaskClaimed}, Limit: 10000})
	if err != nil {
		return err
	}
	k.mu.Lock()
	alive := map[sys.PID]bool{}
	for pid := range k.procs {
		alive[pid] = true
	}
	k.mu.Unlock()
	return k.journal.Update(ctx, func(tx *journal.Tx) error {
		for _, t := range claimed {
			if !alive[t.Owner] {
				continue
			}
			_, err := k.ipc.RenewTask(ctx, tx, ipc.Held{ID: t.ID, By: t.Owner, Epoch: t.Epoch}, taskLease)
			if err != nil && sys.KindOf(err) == sys.Internal { // else it has ended meanwhile
				return err
			}
		}
		return errors.Join(k.ipc.ExpireTasks(ctx, tx), k.ipc.ExpireMail(ctx, tx))
	})
}

// CreateTask makes a task for any process.
func (c *Call) CreateTask(ctx context.Context, n ipc.NewTask) (t sys.Task, err error) {
	n.Creator, n.Label = c.p.pid(), c.p.snapshot().Label
	err = c.p.k.journal.Update(ctx, func(tx *journal.Tx) error {
		t, err = c.p.k.ipc.CreateTask(ctx, tx, n)
		return err
	})
	return t, err
}

// Tasks lists tasks. What they say counts as shown.
func (c *Call) Tasks(ctx context.Context, f ipc.TaskFilter) ([]sys.Task, error) {
	list, err := c.p.k.ipc.Tasks(ctx, c.p.k.journal, f)
	for _, t := range list {
		c.Reads(t.Label)
	}
	return list, err
}

// ClaimTask makes a task the process's own.
func (c *Call) ClaimTask(ctx context.Context, id sys.TaskID) (t sys.Task, err error) {
	err = c.p.k.journal.Update(ctx, func(tx *journal.Tx) error {
		t, err = c.p.k.ipc.ClaimTask(ctx, tx, ipc.Claim{By: c.p.pid(), ID: id, Lease: taskLease})
		return err
	})
	c.Reads(t.Label)
	return t, err
}

// EndTask completes a task that the process has claimed, or fails it if there is a
// reason. It reports whether that waits for the process's landing.
func (c *Call) EndTask(ctx context.Context, id sys.TaskID, output json.RawMessage, reason string) (later bool, err error) {
	t, err := c.p.k.ipc.Task(ctx, c.p.k.journal, id)
	if err != nil {
		return false, err
	}
	if t.State != sys.TaskClaimed || t.Owner != c.p.pid() {
		return false, &sys.Error{Op: "end task", Path: id.String(), Kind: sys.Refused, Err: fmt.Errorf("it is %s, and not yours", t.State), Hint: "claim_task it first"}
	}
	return c.p.hand(ctx, act{End: &ending{ipc.Held{ID: id, By: t.Owner, Epoch: t.Epoch}, output, reason}})
}

// SendMail sends a message to a process or a program. It reports whether that
// waits for the process's landing.
func (c *Call) SendMail(ctx context.Context, to sys.Address, content string) (later bool, err error) {
	if to.Program != "" {
		view, err := c.p.k.disk.View(0)
		if err == nil {
			_, err = findProgram(view, to.Program)
		}
		if err != nil {
			return false, err
		}
	}
	p := c.p
	return p.hand(ctx, act{Mail: &ipc.NewMail{
		From: sys.Address{Process: p.pid(), Program: p.program.Name}, To: to, Content: content, Label: p.snapshot().Label,
	}})
}

// ReadMail hands over what was sent to the process or its program, each message
// once; what an earlier call handed over is confirmed by this one.
func (c *Call) ReadMail(ctx context.Context) (list []sys.Mail, err error) {
	p, box := c.p, c.p.k.ipc
	err = p.k.journal.Update(ctx, func(tx *journal.Tx) error {
		p.mu.Lock()
		receipt := p.receipt
		p.mu.Unlock()
		if receipt != 0 {
			if err := box.ConfirmMail(ctx, tx, p.pid(), receipt); err != nil {
				return err
			}
		}
		receipt, list, err = box.ReadMail(ctx, tx, ipc.Reader{PID: p.pid(), Program: p.program.Name})
		tx.OnCommit(func() {
			p.mu.Lock()
			p.receipt = receipt
			p.mu.Unlock()
		})
		return err
	})
	for _, m := range list {
		c.Reads(m.Label)
	}
	return list, err
}

// confirmMail says that the process has used what it was handed.
func (p *process) confirmMail(ctx context.Context, tx *journal.Tx) error {
	p.mu.Lock()
	receipt := p.receipt
	p.mu.Unlock()
	if receipt == 0 {
		return nil
	}
	return p.k.ipc.ConfirmMail(ctx, tx, p.pid(), receipt)
}
