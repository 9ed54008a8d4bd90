package kernel

import (
	"context"
	"fmt"
	"time"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// outstanding is a model request that was granted and is not settled yet.
type outstanding struct {
	Model  string  `json:"model"`
	Input  int64   `json:"input"`  // tokens
	Output int64   `json:"output"` // tokens, at most
	USD    float64 `json:"usd"`    // at most
}

// writeAtLeast is how many tokens a model must be able to write for a request to
// be worth its input.
const writeAtLeast = 1024

// Reserve grants one more model request: it finds room for it in every budget
// that it counts for, journals the reservation, and waits for a place at the
// provider. Where the room is small the model may write less; where there is
// none the process is parked.
func (h *host) Reserve(ctx context.Context, e engine.Estimate) (engine.Grant, error) {
	p := (*process)(h)
	if cause := context.Cause(ctx); cause != nil {
		return engine.Grant{}, cause
	}
	open, err := p.room(e)
	if err != nil {
		return engine.Grant{}, &parked{sys.ForBudget, err}
	}
	p.k.books.reserve(p.accounts(), open.USD, open.Input+open.Output)
	err = p.commit(ctx, func() error {
		p.row.Steps++
		p.row.Reserved, p.memo.Open = open.USD, &open
		return p.moveLocked(sys.Waiting, wait{sys.ForModel, p.row.Model})
	})
	if err != nil {
		p.k.books.release(p.accounts(), open.USD, open.Input+open.Output)
		return engine.Grant{}, err
	}
	row := p.snapshot()
	p.mu.Lock()
	w := wish{provider: provider(row.Model), class: row.Class, app: row.App, program: row.Program, deadline: p.memo.Deadline}
	p.mu.Unlock()
	release, err := p.k.places.acquire(ctx, w)
	if err != nil {
		h.Spent(ctx, sys.Cost{})
		return engine.Grant{}, err
	}
	p.mu.Lock()
	p.place = release
	p.mu.Unlock()
	return engine.Grant{MaxOutput: open.Output}, nil
}

// Spent settles a request that brought nothing to keep.
func (h *host) Spent(ctx context.Context, cost sys.Cost) {
	p := (*process)(h)
	p.leavePlace()
	if err := p.settle(ctx, cost, false); err != nil {
		p.k.log.ErrorContext(ctx, "what a request cost could not be recorded yet", "pid", p.pid(), "error", err)
	}
}

func (p *process) leavePlace() {
	p.mu.Lock()
	release := p.place
	p.place = nil
	p.mu.Unlock()
	if release != nil {
		release()
	}
}

// settle puts what a request cost in the books instead of its reservation; now
// says to commit at once.
func (p *process) settle(ctx context.Context, cost sys.Cost, now bool) error {
	accounts := p.accounts()
	p.mu.Lock()
	name := p.row.Model
	if o := p.memo.Open; o != nil {
		p.k.books.release(accounts, o.USD, o.Input+o.Output)
	}
	p.memo.Open, p.row.Reserved = nil, 0
	p.row.Cost = p.row.Cost.Add(cost)
	p.request.spend(cost)
	p.mu.Unlock()
	if cost != (sys.Cost{}) {
		p.k.books.spend(accounts, cost)
		p.later(p.k.ledgerWrite(p.entry(name), cost))
	}
	if !now {
		return nil
	}
	return p.commit(ctx, func() error {
		if p.row.State != sys.Waiting || p.row.WaitingFor != sys.ForModel {
			return nil
		}
		return p.moveLocked(sys.Running, wait{})
	})
}

// accounts are the budgets that the process draws on, beside its own.
func (p *process) accounts() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.accountsLocked()
}

func (p *process) accountsLocked() []string {
	day := p.k.day()
	return []string{"day " + day, "program " + day + " " + string(p.program.Name), "request " + string(p.request.id)}
}

// limit is one budget and what of it is used.
type limit struct {
	name   string // as the owner reads it
	budget sys.Budget
	used   account
	raise  string // how to raise it
}

// limits lists every budget that a request of the process counts for.
func (p *process) limits() []limit {
	caps := p.k.settings().Caps
	own := p.account()
	names := p.accounts()
	pid := p.pid()
	return []limit{
		{fmt.Sprintf("process %d", pid), p.budget(), own, fmt.Sprintf("`matrixos cont %d --budget DOLLARS` lets it go on", pid)},
		{"this request", caps.request(), p.k.books.look(names[2]), fmt.Sprintf("`matrixos cont %d` lets it go on with as much again; `caps.request` in system/config.json is the limit", pid)},
		{fmt.Sprintf("all of %s today", p.program.Name), caps.Programs[p.program.Name], p.k.books.look(names[1]), "raise `caps.programs` in system/config.json, then `matrixos cont " + fmt.Sprint(pid) + "`"},
		{"today", caps.day(), p.k.books.look(names[0]), "raise `caps.day` in system/config.json, then `matrixos cont " + fmt.Sprint(pid) + "`"},
	}
}

// budget is the process's own: its program's and what the owner granted on top.
func (p *process) budget() sys.Budget {
	p.mu.Lock()
	defer p.mu.Unlock()
	return plus(p.program.Budget.Budget, p.memo.Extra)
}

func plus(a, b sys.Budget) sys.Budget {
	out := a
	if a.USD > 0 {
		out.USD += b.USD
	}
	if a.Tokens > 0 {
		out.Tokens += b.Tokens
	}
	if a.Minutes > 0 {
		out.Minutes += b.Minutes
	}
	if a.Calls > 0 {
		out.Calls += b.Calls
	}
	if a.Files > 0 {
		out.Files += b.Files
	}
	return out
}

// account is what the process itself has used.
func (p *process) account() account {
	p.mu.Lock()
	defer p.mu.Unlock()
	return account{usd: p.row.Cost.USD, tokens: p.row.Cost.Tokens()}
}

// room finds out how much of an estimate every budget has room for.
func (p *process) room(e engine.Estimate) (outstanding, error) {
	open := outstanding{Model: e.Model, Input: e.Input, Output: e.MaxOutput}
	price, known := model.Lookup(e.Model)
	if !known {
		price = model.Facts{}
	}
	fresh := max(0, e.Input-e.Cached)
	in := (float64(fresh)*max(price.Input, price.Write5m) + float64(e.Cached)*price.Read) / 1e6
	for _, l := range p.limits() {
		if err := p.spentTime(l); err != nil {
			return open, err
		}
		if l.budget.USD > 0 {
			left := l.budget.USD - l.used.usd - l.used.reservedUSD
			if left <= 0 || left < in {
				return open, l.over(fmt.Sprintf("$%.2f of $%.2f is spent, and the next step takes about $%.2f", l.used.usd, l.budget.USD, in))
			}
			if price.Output > 0 {
				open.Output = min(open.Output, int64((left-in)/price.Output*1e6))
			}
		}
		if l.budget.Tokens > 0 {
			left := l.budget.Tokens - l.used.tokens - l.used.reservedTokens - e.Input
			if left <= 0 {
				return open, l.over(fmt.Sprintf("%d of %d tokens are used, and the next step takes about %d", l.used.tokens, l.budget.Tokens, e.Input))
			}
			open.Output = min(open.Output, left)
		}
		if e.MaxOutput > 0 && open.Output < min(e.MaxOutput, writeAtLeast) {
			return open, l.over(fmt.Sprintf("$%.2f of $%.2f is spent, too little is left for an answer", l.used.usd, l.budget.USD))
		}
	}
	if err := p.overCalled(); err != nil {
		return open, err
	}
	open.USD = in + float64(open.Output)*price.Output/1e6
	return open, nil
}

func (l limit) over(why string) error {
	return &sys.Error{Op: "think", Path: l.name, Kind: sys.OverBudget, Err: fmt.Errorf("%s", why), Hint: l.raise}
}

// spentTime checks the wall time of a budget, without the time that the process
// waited for people and clocks. Only a process's own budget has one.
func (p *process) spentTime(l limit) error {
	if l.budget.Minutes <= 0 {
		return nil
	}
	p.mu.Lock()
	worked := p.k.now().Sub(p.row.Started) - time.Duration(p.memo.Patience)*time.Millisecond
	p.mu.Unlock()
	if worked < time.Duration(l.budget.Minutes*float64(time.Minute)) {
		return nil
	}
	return l.over(fmt.Sprintf("%s of %g minutes are used", worked.Round(time.Second), l.budget.Minutes))
}

// overCalled is set once the process has made more system calls than it may.
func (p *process) overCalled() error {
	most := p.budget().Calls
	if n := p.snapshot().Calls; most > 0 && n >= most {
		return &sys.Error{
			Op: "call", Path: fmt.Sprintf("process %d", p.pid()), Kind: sys.OverBudget,
			Err: fmt.Errorf("%d of %d system calls are made", n, most), Hint: fmt.Sprintf("`matrixos cont %d` lets it make as many again", p.pid()),
		}
	}
	return nil
}
