package kernel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

// books hold what is spent and reserved of every budget that several processes
// share. They are made of the ledger at the start and kept in memory since.
type books struct {
	mu       sync.Mutex
	accounts map[string]*account
}

// account is what one budget has used.
type account struct {
	usd            float64
	tokens         int64
	reservedUSD    float64
	reservedTokens int64
}

func (b *books) atLocked(name string) *account {
	a := b.accounts[name]
	if a == nil {
		a = &account{}
		b.accounts[name] = a
	}
	return a
}

func (b *books) look(name string) account {
	b.mu.Lock()
	defer b.mu.Unlock()
	return *b.atLocked(name)
}

func (b *books) reserve(names []string, usd float64, tokens int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range names {
		a := b.atLocked(n)
		a.reservedUSD += usd
		a.reservedTokens += tokens
	}
}

func (b *books) release(names []string, usd float64, tokens int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range names {
		a := b.atLocked(n)
		a.reservedUSD = max(0, a.reservedUSD-usd)
		a.reservedTokens = max(0, a.reservedTokens-tokens)
	}
}

func (b *books) spend(names []string, c sys.Cost) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, n := range names {
		a := b.atLocked(n)
		a.usd += c.USD
		a.tokens += c.Tokens()
	}
}

// forget drops an account that nobody draws on any more.
func (b *books) forget(name string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.accounts, name)
}

// day names today, in the owner's time zone.
func (k *Kernel) day() string { return k.now().Local().Format(time.DateOnly) }

// entryKey is whose spending a line of the ledger is.
type entryKey struct {
	day     string
	pid     sys.PID
	model   string
	program sys.Program
	app     sys.Slug
	request sys.RequestID
}

func (p *process) entry(model string) entryKey {
	row := p.snapshot()
	return entryKey{p.k.day(), row.PID, model, row.Program, row.App, row.Request}
}

// ledgerWrite adds a cost to the ledger.
func (k *Kernel) ledgerWrite(e entryKey, c sys.Cost) func(context.Context, *journal.Tx) error {
	estimated := 0
	if c.Estimated {
		estimated = 1
	}
	return func(ctx context.Context, tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT INTO kernel_ledger(day, pid, model, program, app, request, requests, input, output, cache_read, cache_write, usd, estimated)
			VALUES(?,?,?,?,?,?,1,?,?,?,?,?,?) ON CONFLICT(day, pid, model) DO UPDATE SET requests=requests+1, request=excluded.request,
			input=input+excluded.input, output=output+excluded.output, cache_read=cache_read+excluded.cache_read,
			cache_write=cache_write+excluded.cache_write, usd=usd+excluded.usd, estimated=max(estimated, excluded.estimated)`,
			e.day, int64(e.pid), e.model, string(e.program), string(e.app), string(e.request),
			c.Input, c.Output, c.CacheRead, c.CacheWrite, c.USD, estimated)
		return err
	}
}

// loadBooks reads today's accounts, and those of requests that are not answered.
func (k *Kernel) loadBooks(ctx context.Context, open []sys.RequestID) error {
	day := k.day()
	rows, err := k.spent(ctx, "program", "day = ?", day)
	if err != nil {
		return err
	}
	for _, r := range rows {
		k.books.spend([]string{"day " + day, "program " + day + " " + r.Name}, r.Cost)
	}
	for _, id := range open {
		rows, err := k.spent(ctx, "request", "request = ?", string(id))
		if err != nil {
			return err
		}
		for _, r := range rows {
			k.books.spend([]string{"request " + string(id)}, r.Cost)
		}
	}
	return nil
}

// Spent is what one thing has cost.
type Spent struct {
	Name     string   `json:"name"`
	Requests int      `json:"requests"` // to models
	Cost     sys.Cost `json:"cost"`
}

// spent sums the ledger by one of its columns; both column and condition are
// ours.
func (k *Kernel) spent(ctx context.Context, column, where string, args ...any) (out []Spent, err error) {
	rows, err := k.journal.Query(ctx, fmt.Sprintf(`SELECT CAST(%s AS TEXT), sum(requests), sum(input), sum(output), sum(cache_read), sum(cache_write), sum(usd), max(estimated)
		FROM kernel_ledger WHERE %s GROUP BY 1 ORDER BY sum(usd) DESC, sum(input+output) DESC, 1`, column, where), args...)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var s Spent
		if err := rows.Scan(&s.Name, &s.Requests, &s.Cost.Input, &s.Cost.Output, &s.Cost.CacheRead, &s.Cost.CacheWrite, &s.Cost.USD, &s.Cost.Estimated); err != nil {
			return nil, err
		}
		out = append(out, s)
	}
	return out, rows.Err()
}

// Spending is what was spent in a span of days, and what the caps leave.
type Spending struct {
	From     string  `json:"from"` // the first day, such as 2026-11-25
	To       string  `json:"to"`
	Total    Spent   `json:"total"`
	Days     []Spent `json:"days"`
	Programs []Spent `json:"programs"`
	Apps     []Spent `json:"apps"` // "" is what was for no app
	Models   []Spent `json:"models"`
	Requests []Spent `json:"requests"` // the twenty dearest
	Today    Today   `json:"today"`
	// Request is what one request may cost, in dollars; absent: no limit.
	Request *float64 `json:"request,omitempty"`
}

// Today is how the day's cap stands.
type Today struct {
	USD      float64  `json:"usd"`
	Reserved float64  `json:"reserved"`
	Cap      *float64 `json:"cap,omitempty"` // dollars; absent: no cap
}

// Spending sums the ledger over the last days, today included.
func (k *Kernel) Spending(ctx context.Context, days int) (Spending, error) {
	now := k.now().Local()
	s := Spending{From: now.AddDate(0, 0, 1-max(days, 1)).Format(time.DateOnly), To: now.Format(time.DateOnly)}
	const span = "day BETWEEN ? AND ?"
	for _, part := range []struct {
		column string
		into   *[]Spent
	}{{"day", &s.Days}, {"program", &s.Programs}, {"app", &s.Apps}, {"model", &s.Models}, {"request", &s.Requests}} {
		list, err := k.spent(ctx, part.column, span, s.From, s.To)
		if err != nil {
			return s, err
		}
		*part.into = append([]Spent{}, list...)
	}
	s.Requests = s.Requests[:min(20, len(s.Requests))]
	s.Total.Name = "total"
	for _, d := range s.Days {
		s.Total.Requests += d.Requests
		s.Total.Cost = s.Total.Cost.Add(d.Cost)
	}
	a := k.books.look("day " + k.day())
	s.Today = Today{USD: a.usd, Reserved: a.reservedUSD}
	if most := k.settings().Caps.day().USD; most > 0 {
		s.Today.Cap = &most
	}
	if most := k.settings().Caps.request().USD; most > 0 {
		s.Request = &most
	}
	return s, nil
}
