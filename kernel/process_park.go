package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"matrixos/journal"
	"matrixos/sys"
)

// parked ends a process's run without ending the process: it rests, as it is,
// until the owner lets it go on. A request's processes rest and go on together.
type parked struct {
	why   sys.Park
	cause error
}

func (p *parked) Error() string { return p.cause.Error() }
func (p *parked) Unwrap() error { return p.cause }

// errSuspended ends a process's run because Matrix OS stops. The process goes on
// by itself at the next start.
var errSuspended = errors.New("suspended until Matrix OS starts again")

// leaves tells whether a cause lets a process rest instead of ending it.
func leaves(cause error) bool {
	var rest *parked
	return errors.Is(cause, errSuspended) || errors.As(cause, &rest)
}

// leaving is why the process is on its way to rest, nil if it is not.
func (p *process) leaving() error {
	p.mu.Lock()
	cause := p.cause
	p.mu.Unlock()
	if cause == nil {
		return nil
	}
	if err := cause(); err != nil && leaves(err) {
		return err
	}
	return nil
}

// park makes the rest durable. The main process answers its request with it, so
// that nobody waits; going on makes a new request.
func (p *process) park(ctx context.Context, rest *parked) error {
	ctx = context.WithoutCancel(ctx)
	row := p.snapshot()
	p.mu.Lock()
	done := p.done // once it is parked it may go on at any moment, with another one
	p.mu.Unlock()
	hint := sys.HintOf(rest.cause)
	if hint == "" {
		hint = fmt.Sprintf("`matrixos cont %d` lets it go on", row.PID)
	}
	why := &sys.Error{Op: "run", Kind: sys.KindOf(rest.cause), Err: errors.New(plain(rest.cause)), Hint: hint}
	var answer []sys.Event
	if row.Parent == 0 {
		a := p.answer(why)
		a.Text = plain(rest.cause)
		answer = append(answer, p.event(sys.EventAnswer, a))
	}
	err := p.commit(ctx, func() error {
		p.memo.Failure, p.tools = failureOf(why), 0
		if o := p.memo.Open; o != nil {
			p.k.books.release(p.accountsLocked(), o.USD, o.Input+o.Output)
			p.memo.Open, p.row.Reserved = nil, 0
		}
		err := p.moveLocked(sys.Parked, wait{})
		p.row.Parked, p.row.Error = rest.why, plain(rest.cause)
		return err
	}, func(ctx context.Context, tx *journal.Tx) error {
		result := ResultRests
		if rest.why == sys.ForStop {
			result = ResultStopped
		}
		p.mu.Lock()
		m := p.memo
		p.mu.Unlock()
		return errors.Join(tx.Append(answer...), p.k.runEnded(ctx, tx, m, result, plain(rest.cause)))
	})
	close(done)
	if err != nil {
		p.k.log.ErrorContext(ctx, "a process could not be parked", "pid", row.PID, "error", err)
	}
	return rest
}

// suspend leaves the process as it is for the next start.
func (p *process) suspend(ctx context.Context) {
	ctx = context.WithoutCancel(ctx)
	if err := errors.Join(p.commit(ctx, nil), p.k.talks.sync(p.snapshot().Conversation)); err != nil {
		p.k.log.ErrorContext(ctx, "a process could not be put to rest in order", "pid", p.pid(), "error", err)
	}
	if err := p.forget(); err != nil {
		p.k.log.WarnContext(ctx, "a workspace could not be removed", "pid", p.pid(), "error", err)
	}
	close(p.done)
}

// Grant is what the owner gives a process that goes on.
type Grant struct {
	USD   float64 // on top of what it was allowed; 0: as much again where its budget is what parked it
	Model string  // another model; empty: the same
}

// Continue lets a parked process go on, with its whole request, under a new
// request id.
func (k *Kernel) Continue(ctx context.Context, pid sys.PID, g Grant) (Ticket, error) {
	if g.USD < 0 {
		return Ticket{}, &sys.Error{Op: "continue", Path: fmt.Sprint(pid), Kind: sys.Invalid, Hint: "give a budget in dollars, such as --budget 2"}
	}
	root, err := k.rootOf(ctx, pid)
	if err != nil {
		return Ticket{}, err
	}
	p := k.process(root)
	if p == nil || !p.rests() {
		return Ticket{}, &sys.Error{Op: "continue", Path: fmt.Sprint(pid), Kind: sys.NotFound, Err: errors.New("it is not parked"), Hint: "`matrixos ps` shows what is"}
	}
	return k.goOn(ctx, p, "", "", g)
}

// ContinueAll lifts a STOP: what it parked goes on, and schedules run again.
func (k *Kernel) ContinueAll(ctx context.Context) ([]Ticket, error) {
	if err := k.setStopped(ctx, false); err != nil {
		return nil, err
	}
	var out []Ticket
	var failed error
	for _, p := range k.all() {
		row := p.snapshot()
		if row.Parent != 0 || row.State != sys.Parked || row.Parked != sys.ForStop {
			continue
		}
		t, err := k.goOn(ctx, p, "", "", Grant{})
		if failed = errors.Join(failed, err); err == nil {
			out = append(out, t)
		}
	}
	return out, failed
}

// rests tells whether the process is in the table without running.
func (p *process) rests() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.row.State == sys.Parked || p.dormant
}

// rootOf is the main process of a process's request.
func (k *Kernel) rootOf(ctx context.Context, pid sys.PID) (sys.PID, error) {
	for {
		row, _, err := k.stored(ctx, pid)
		if err != nil {
			return 0, err
		}
		if row.Parent == 0 {
			return pid, nil
		}
		pid = row.Parent
	}
}

// goOn takes a process that rests up again, with words of the owner if there are
// any.
func (k *Kernel) goOn(ctx context.Context, p *process, text, once string, g Grant) (Ticket, error) {
	p.reviving.Lock()
	defer p.reviving.Unlock()
	if !p.rests() {
		return Ticket{}, &sys.Error{Op: "continue", Path: fmt.Sprint(p.pid()), Kind: sys.Conflict, Hint: "it goes on already"}
	}
	if g.Model != "" {
		if err := p.use(g.Model); err != nil {
			return Ticket{}, err
		}
	}
	old := p.req()
	r := &request{id: sys.RequestID(uuid.NewString()), conversation: old.conversation, text: old.text, from: old.from, app: old.app, started: k.now(), broken: nil}
	if err := k.learn(ctx, r); err != nil {
		return Ticket{}, err
	}
	words := text
	if words == "" {
		words = "Go on."
	}
	p.mu.Lock()
	p.request = r
	p.mu.Unlock()
	if err := k.grant(ctx, p.pid(), g); err != nil {
		return Ticket{}, err
	}
	if err := k.revive(ctx, p, text, true, p.event(sys.EventRequest, sys.RequestData{Text: words, From: old.from, App: old.app, Once: once})); err != nil {
		return Ticket{}, err
	}
	k.run(p)
	return Ticket{Request: r.id, Conversation: r.conversation, PID: p.pid()}, nil
}

// revive makes the process ready again, durably, and the words wait for it. A
// pardon forgets how often Matrix OS died with it.
func (k *Kernel) revive(ctx context.Context, p *process, text string, pardon bool, events ...sys.Event) error {
	p.mu.Lock()
	p.done, p.dormant, p.closing, p.tools = make(chan struct{}), false, false, 0
	p.mu.Unlock()
	var id int64
	err := p.commit(ctx, func() error {
		p.row.Request, p.row.Error, p.memo.Failure = p.request.id, "", nil
		p.row.Resumed++
		if pardon {
			p.memo.Deaths = 0
		}
		return p.moveLocked(sys.Ready, wait{})
	}, func(ctx context.Context, tx *journal.Tx) error {
		if text != "" {
			res, err := tx.Exec(ctx, `INSERT INTO kernel_steer(pid, text) VALUES(?, ?)`, int64(p.pid()), text)
			if err != nil {
				return err
			}
			if id, err = res.LastInsertId(); err != nil {
				return err
			}
		}
		return tx.Append(events...)
	})
	if err == nil && text != "" {
		p.mu.Lock()
		p.steer = append(p.steer, steering{id, text})
		p.mu.Unlock()
	}
	return err
}

// grant raises the budgets of the parked processes of a tree.
func (k *Kernel) grant(ctx context.Context, root sys.PID, g Grant) error {
	rows, err := k.unfinished(ctx)
	if err != nil {
		return err
	}
	tree := []sys.PID{root}
	for _, r := range rows {
		if r.row.Parent != 0 && slices.Contains(tree, r.row.Parent) {
			tree = append(tree, r.row.PID)
		}
		if !slices.Contains(tree, r.row.PID) || r.row.Parked != sys.ForBudget && g.USD == 0 {
			continue
		}
		if p := k.process(r.row.PID); p != nil {
			p.mu.Lock()
			p.memo.Extra = more(p.memo.Extra, p.program.Budget.Budget, g.USD)
			p.row.Budget = plus(p.program.Budget.Budget, p.memo.Extra)
			p.mu.Unlock()
			continue // its next commit writes it
		}
		r.memo.Extra = more(r.memo.Extra, r.row.Budget, g.USD)
		raw, err := json.Marshal(r.memo)
		if err != nil {
			return err
		}
		err = k.commits.do(ctx, func(tx *journal.Tx) error {
			_, err := tx.Exec(ctx, `UPDATE kernel_process SET memo=? WHERE pid=?`, string(raw), int64(r.row.PID))
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// more adds a grant to what was granted before: dollars as said, and everything
// else, and dollars if none are said, once more.
func more(extra, base sys.Budget, usd float64) sys.Budget {
	if usd == 0 {
		usd = base.USD
	}
	return sys.Budget{
		USD: extra.USD + usd, Tokens: extra.Tokens + base.Tokens, Minutes: extra.Minutes + base.Minutes,
		Calls: extra.Calls + base.Calls, Files: extra.Files + base.Files,
	}
}
