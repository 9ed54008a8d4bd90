package browser

import (
	"context"
	"embed"
	"encoding/json"
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/cdp"
	"github.com/go-rod/rod/lib/proto"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/app/play"
	"matrixos/sys"
)

// warmApp is an app of the common parts, that is opened ahead.
//
//go:embed warm
var warmApp embed.FS

// Options configure a Browser.
type Options struct {
	Bin      string        // of Chromium; see Find
	Windows  int           // how many scenarios run side by side; one for each core, but 2 to 4, if 0
	Idle     time.Duration // how long it stays without work; 3 minutes if 0
	Patience time.Duration // how long a scenario may take; 40 seconds if 0
	Logger   *slog.Logger  // may be nil
}

// Browser runs scenarios. It is safe for concurrent use.
type Browser struct {
	o   Options
	rt  *app.Runtime
	log *slog.Logger

	slots chan struct{} // how many scenarios run

	mu     sync.Mutex
	run    *running // nil: none is running
	users  int
	timer  *time.Timer
	closed bool
}

// running is one start of the browser.
type running struct {
	proc   *process
	web    *server
	rod    *rod.Browser
	cancel context.CancelFunc

	mu   sync.Mutex
	free []*rod.Page
	warm bool // its windows have been opened ahead, or are just now
}

// New makes a browser for the apps of rt. Nothing is started yet.
func New(rt *app.Runtime, o Options) *Browser {
	if o.Windows == 0 {
		o.Windows = min(max(2, runtime.NumCPU()), 4) // each keeps a core busy
	}
	if o.Idle == 0 {
		o.Idle = 3 * time.Minute
	}
	if o.Patience == 0 {
		o.Patience = 40 * time.Second
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Browser{o: o, rt: rt, log: o.Logger, slots: make(chan struct{}, o.Windows)}
}

// Warm starts the browser with all its pages, and has each open a window with what
// nearly every app needs, so that a run soon after need not wait for any of it. A browser
// that is warm only stays so for longer.
func (b *Browser) Warm() error {
	r, err := b.take()
	if err != nil {
		return err
	}
	defer b.give()
	if !r.cold() {
		return nil
	}
	ctx := context.Background()
	t, err := b.rt.Try(ctx, warmApp, "warm")
	if err != nil {
		return err
	}
	errs := make([]error, b.o.Windows)
	var all sync.WaitGroup
	for i := range errs {
		all.Go(func() { _, errs[i] = b.scenario(ctx, t, t.Contract.Scenarios[0], nil) })
	}
	all.Wait()
	return errors.Join(append(errs, t.Close())...)
}

// take returns the running browser, starting it if need be.
func (b *Browser) take() (*running, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return nil, &sys.Error{Op: "try apps in", Path: "a browser", Kind: sys.Unavailable, Err: errors.New("it is closed")}
	}
	if b.run == nil {
		r, err := b.begin()
		if err != nil {
			return nil, err
		}
		b.run = r
	}
	b.users++
	if b.timer != nil {
		b.timer.Stop()
	}
	return b.run, nil
}

func (b *Browser) begin() (*running, error) {
	web, err := serve(b.rt)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	proc, err := start(ctx, b.o.Bin)
	if err != nil {
		cancel()
		return nil, errors.Join(err, web.close())
	}
	r := &running{proc: proc, web: web, cancel: cancel}
	client := cdp.New().Start(proc)
	r.rod = rod.New().Client(client).Context(ctx).NoDefaultDevice()
	if err := r.rod.Connect(); err != nil {
		return nil, errors.Join(&sys.Error{Op: "start", Path: b.o.Bin, Kind: sys.Unavailable, Err: err}, r.stop())
	}
	return r, nil
}

func (b *Browser) give() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.users--
	if b.users == 0 && b.run != nil && !b.closed {
		b.timer = time.AfterFunc(b.o.Idle, b.rest)
	}
}

// rest ends a browser that nobody has used for a while.
func (b *Browser) rest() {
	b.mu.Lock()
	r := b.run
	if b.users > 0 || r == nil {
		b.mu.Unlock()
		return
	}
	b.run = nil
	b.mu.Unlock()
	if err := r.stop(); err != nil {
		b.log.Warn("the browser did not end well", "error", err)
	}
}

// abandon ends a browser that failed; the next run starts another.
func (b *Browser) abandon(r *running) {
	b.mu.Lock()
	if b.run == r {
		b.run = nil
	}
	b.mu.Unlock()
	if err := r.stop(); err != nil {
		b.log.Warn("the browser did not end well", "error", err)
	}
}

// Close ends the browser.
func (b *Browser) Close() error {
	b.mu.Lock()
	r := b.run
	b.run, b.closed = nil, true
	if b.timer != nil {
		b.timer.Stop()
	}
	b.mu.Unlock()
	if r == nil {
		return nil
	}
	return r.stop()
}

func (r *running) stop() error {
	err := errors.Join(r.proc.stop(), r.web.close())
	r.cancel()
	return err
}

// page is a free page, or a new one.
func (r *running) page(ctx context.Context) (*rod.Page, error) {
	r.mu.Lock()
	if n := len(r.free); n > 0 {
		p := r.free[n-1]
		r.free = r.free[:n-1]
		r.mu.Unlock()
		return p, nil
	}
	r.mu.Unlock()
	p, err := r.rod.Context(ctx).Page(proto.TargetCreateTarget{URL: r.web.url()})
	if err != nil {
		return nil, err
	}
	if err := (proto.EmulationSetFocusEmulationEnabled{Enabled: true}).Call(p); err != nil {
		return nil, err
	}
	if err := p.Context(ctx).WaitLoad(); err != nil {
		return nil, err
	}
	return p.Context(context.Background()), nil
}

// cold says, once, that nobody has warmed it yet.
func (r *running) cold() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	was := r.warm
	r.warm = true
	return !was
}

func (r *running) keep(p *rod.Page) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.free = append(r.free, p)
}

// job is what the page is handed for one scenario.
type job struct {
	play.Job
	ID string `json:"id"`
}

// Run runs all scenarios of a trial; see play.Stage.
func (b *Browser) Run(ctx context.Context, t *app.Trial) ([]sys.ScenarioResult, error) {
	return b.stage().Run(ctx, t, b.o.Windows)
}

// First runs scenarios up to the first that is red; see play.Stage.
func (b *Browser) First(ctx context.Context, t *app.Trial) ([]sys.ScenarioResult, error) {
	return b.stage().First(ctx, t, b.o.Windows)
}

// Try runs some scenarios of a trial; see play.Stage.
func (b *Browser) Try(ctx context.Context, t *app.Trial, places []int) ([]sys.ScenarioResult, error) {
	return b.stage().Try(ctx, t, places)
}

func (b *Browser) stage() play.Stage {
	return func(ctx context.Context, t *app.Trial, s contract.Scenario) (sys.ScenarioResult, error) {
		return b.scenario(ctx, t, s, nil)
	}
}

// watcher is told of the page that a scenario runs in; what it returns is called at
// the end.
type watcher func(*rod.Page) (func() error, error)

// scenario waits for its turn and runs s; a browser that died meanwhile is started
// once more.
func (b *Browser) scenario(ctx context.Context, t *app.Trial, s contract.Scenario, watch watcher) (sys.ScenarioResult, error) {
	select {
	case b.slots <- struct{}{}:
	case <-ctx.Done():
		return sys.ScenarioResult{}, ctx.Err()
	}
	defer func() { <-b.slots }()
	for again := false; ; again = true {
		r, err := b.take()
		if err != nil {
			return sys.ScenarioResult{}, err
		}
		res, err := b.try(ctx, r, t, s, watch)
		b.give()
		res.Recorded = s.Recorded
		if err == nil || ctx.Err() != nil {
			return res, err
		}
		b.log.WarnContext(ctx, "the browser failed in a trial", "app", t.Slug(), "error", err)
		b.abandon(r)
		if again {
			return res, &sys.Error{Op: "try", Path: string(t.Slug()), Kind: sys.Unavailable, Err: err}
		}
	}
}

func (b *Browser) try(ctx context.Context, r *running, t *app.Trial, s contract.Scenario, watch watcher) (res sys.ScenarioResult, err error) {
	w, err := t.Open(ctx, s.Given, s.Start())
	if err != nil { // what the scenario is given does not fit the app: its own fault
		return play.Misfit(s, err), nil
	}
	id := r.web.show(w)
	defer func() {
		r.web.hide(id)
		err = errors.Join(err, w.Close())
	}()
	limit, cancel := context.WithTimeout(ctx, b.o.Patience)
	defer cancel()
	p, err := r.page(limit)
	if err != nil {
		return res, err
	}
	ended := func() error { return nil }
	if watch != nil {
		if ended, err = watch(p); err != nil {
			return res, err
		}
	}
	res, err = conduct(limit, p, job{play.Work(t, s, w), id})
	if err == nil {
		err = ended()
	}
	switch {
	case err == nil:
		r.keep(p)
	case ctx.Err() != nil:
		return res, errors.Join(err, p.Close())
	case limit.Err() != nil: // an app that never comes back: the page goes with it
		go func() { _ = p.Close() }() // it may hang as the app does
		return play.Hangs(s, float64(b.o.Patience.Milliseconds())), nil
	default:
		return res, err
	}
	return play.End(ctx, t, w, res), nil
}

func conduct(ctx context.Context, p *rod.Page, j job) (res sys.ScenarioResult, err error) {
	out, err := p.Context(ctx).Eval(`job => trial(job).then(r => JSON.stringify(r))`, j)
	if err != nil {
		return res, err
	}
	return res, json.Unmarshal([]byte(out.Value.Str()), &res)
}
