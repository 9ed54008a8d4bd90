package kernel

import (
	"context"
	"errors"

	"matrixos/journal"
	"matrixos/sys"
)

// live runs the process from ready to its end, or to where it is parked, and
// returns its report. On error everything that had not landed is dropped, unless
// the process is parked.
func (p *process) live(ctx context.Context) (Report, error) {
	err := p.patiently(ctx)
	p.leavePlace()
	var rest *parked
	if p.errand != nil {
		err = guestProblem(err)
	}
	switch {
	case errors.Is(err, errSuspended):
		p.suspend(ctx)
	case errors.As(err, &rest):
		err = p.park(ctx, rest)
	default:
		err = p.exit(ctx, err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.report, err
}

// exit ends the process: it drops what had not landed, and makes its last state
// durable, together with the answer if it is the main process of a request. It
// returns why the process failed, nil if it did not.
func (p *process) exit(ctx context.Context, why error) error {
	ctx = context.WithoutCancel(ctx)
	if err := p.forget(); err != nil {
		p.k.log.WarnContext(ctx, "a workspace could not be removed", "pid", p.pid(), "error", err)
	}
	if err := p.letGo(ctx, why == nil); err != nil {
		p.k.log.ErrorContext(ctx, "what a process held could not be given back yet; its leases run out", "pid", p.pid(), "error", err)
	}
	row := p.snapshot()
	// What is pending goes first: the last commit drops the journal's copy of the
	// conversation, so its file has to be whole and safe by then.
	if err := errors.Join(p.commit(ctx, nil), p.k.talks.sync(row.Conversation)); err != nil {
		why = errors.Join(why, err)
	}
	to := sys.Done
	switch {
	case errors.Is(why, sys.Canceled):
		to = sys.Killed
	case why != nil:
		to = sys.Failed
	}
	var answer []sys.Event
	if row.Parent == 0 {
		answer = append(answer, p.event(sys.EventAnswer, p.answer(why)))
	}
	defer close(p.done)
	p.k.dismiss(p)
	err := p.commit(ctx, func() error {
		if o := p.memo.Open; o != nil { // a request that nobody settled
			p.k.books.release(p.accountsLocked(), o.USD, o.Input+o.Output)
			p.memo.Open, p.row.Reserved = nil, 0
		}
		err := p.moveLocked(to, wait{})
		p.row.Ended = p.k.now()
		if why != nil {
			p.row.Error = why.Error()
		}
		p.memo.Failure = failureOf(why)
		p.memo.Task, p.memo.Words = "", "" // the conversation has them
		p.tools = 0
		return err
	}, p.clearTables(), func(ctx context.Context, tx *journal.Tx) error {
		return errors.Join(tx.Append(answer...), p.ranJob(ctx, tx, why))
	})
	if row.Parent == 0 {
		p.k.books.forget("request " + string(row.Request))
		p.k.Reschedule() // a job goes on when its run is over
	}
	if err != nil {
		p.k.log.ErrorContext(ctx, "the end of a process could not be recorded", "pid", row.PID, "error", err)
	}
	return errors.Join(why, err)
}

// ranJob notes how the run of a job went, if the process was one.
func (p *process) ranJob(ctx context.Context, tx *journal.Tx, why error) error {
	a, result := p.answer(why), ResultFailed
	switch {
	case a.OK:
		result = ResultOK
	case errors.Is(why, sys.Canceled):
		result = ResultStopped
	}
	p.mu.Lock()
	m := p.memo
	p.mu.Unlock()
	return p.k.runEnded(ctx, tx, m, result, a.Text)
}

// clearTables drops what was kept for the time the process lived.
func (p *process) clearTables() func(context.Context, *journal.Tx) error {
	row := p.snapshot()
	return func(ctx context.Context, tx *journal.Tx) error {
		for _, q := range []string{
			`DELETE FROM kernel_call WHERE pid=?`, `DELETE FROM kernel_question WHERE pid=?`, `DELETE FROM kernel_steer WHERE pid=?`,
		} {
			if _, err := tx.Exec(ctx, q, int64(row.PID)); err != nil {
				return err
			}
		}
		_, err := tx.Exec(ctx, `DELETE FROM kernel_line WHERE conversation=?`, string(row.Conversation))
		return err
	}
}

// answer is what the owner is told in the end.
func (p *process) answer(why error) sys.AnswerData {
	p.mu.Lock()
	r, text := p.request, p.report.Text
	p.mu.Unlock()
	return r.answer(text, why, p.k.now())
}
