package desktop

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/app/play"
	"matrixos/sys"
)

// Options configure a Host. Offer and Open are required.
type Options struct {
	// Offer tells all open desktops that there is a job. What it says may get lost: it
	// is said again until somebody takes the job.
	Offer func(sys.TrialData)
	Open  func() int // how many desktops are open

	Take     time.Duration // how long a job is offered; 5 seconds if 0
	Again    time.Duration // how often; every second if 0
	Sign     time.Duration // how long a desktop may be silent; 15 seconds if 0
	Patience time.Duration // how long a scenario may take, the owner's pauses in it; 4 minutes if 0
}

// Host plays scenarios in desktops, one at a time. It is safe for concurrent use. The
// lock is held for no call of anything else.
type Host struct {
	rt   *app.Runtime
	o    Options
	turn chan struct{}

	mu     sync.Mutex
	jobs   map[string]*job
	closed chan struct{}
	once   sync.Once
}

// job is one scenario in one window, for one desktop.
type job struct {
	sys.TrialJob // its nonce is empty until it is taken
	window       *app.Window
	taken        chan struct{} // closed when a desktop takes it
	signs        chan struct{} // holds one; the desktop is there
	over         bool          // there is an outcome
	outcome      chan sys.TrialOutcome
}

// desktopsMost is how many desktops are tried in a row for one scenario.
const desktopsMost = 3

// New makes a host for the apps of rt.
func New(rt *app.Runtime, o Options) *Host {
	for v, d := range map[*time.Duration]time.Duration{&o.Take: 5 * time.Second, &o.Again: time.Second, &o.Sign: 15 * time.Second, &o.Patience: 4 * time.Minute} {
		if *v == 0 {
			*v = d
		}
	}
	return &Host{rt: rt, o: o, turn: make(chan struct{}, 1), jobs: map[string]*job{}, closed: make(chan struct{})}
}

// Able says why no scenario can be played now; nil if one can, as far as is known.
func (h *Host) Able() error {
	if _, built := h.rt.TrialPage(); !built {
		return none("the web runtime has not been built")
	}
	if h.o.Open() == 0 {
		return none("no desktop is open")
	}
	return nil
}

// none is the error of a home that nobody plays for.
func none(why string) error {
	return &sys.Error{Op: "try apps in", Path: "a desktop", Kind: sys.Unavailable, Err: errors.New(why), Hint: "scenarios will run when the desktop is open and in view"}
}

// Run runs all scenarios of a trial; see play.Stage.
func (h *Host) Run(ctx context.Context, t *app.Trial) ([]sys.ScenarioResult, error) {
	return play.Stage(h.scenario).Run(ctx, t, 1)
}

// First runs scenarios up to the first that is red; see play.Stage.
func (h *Host) First(ctx context.Context, t *app.Trial) ([]sys.ScenarioResult, error) {
	return play.Stage(h.scenario).First(ctx, t, 1)
}

// Try runs some scenarios of a trial; see play.Stage.
func (h *Host) Try(ctx context.Context, t *app.Trial, places []int) ([]sys.ScenarioResult, error) {
	return play.Stage(h.scenario).Try(ctx, t, places)
}

// Close refuses whatever is played.
func (h *Host) Close() error {
	h.once.Do(func() { close(h.closed) })
	return nil
}

// scenario waits for its turn and has a desktop play s, another one if that goes.
func (h *Host) scenario(ctx context.Context, t *app.Trial, s contract.Scenario) (res sys.ScenarioResult, err error) {
	select {
	case h.turn <- struct{}{}:
	case <-ctx.Done():
		return res, ctx.Err()
	case <-h.closed:
		return res, none("the home is closing")
	}
	defer func() { <-h.turn }()
	version, err := t.Fingerprint()
	if err != nil {
		return res, err
	}
	for range desktopsMost {
		var gone bool
		if res, gone, err = h.play(ctx, t, s, version); !gone {
			return res, err
		}
	}
	return res, none("every desktop that began went away")
}

// play opens a window for s and has a desktop play in it. gone says that the desktop left
// before the end.
func (h *Host) play(ctx context.Context, t *app.Trial, s contract.Scenario, version string) (res sys.ScenarioResult, gone bool, err error) {
	if err := h.Able(); err != nil {
		return res, false, err
	}
	w, err := t.OpenHanded(ctx, s.Given, s.Start())
	if err != nil {
		return play.Misfit(s, err), false, nil
	}
	defer func() { err = errors.Join(err, w.Close()) }()
	work, err := json.Marshal(play.Work(t, s, w))
	if err != nil {
		return res, false, err
	}
	j := h.enter(&job{TrialJob: sys.TrialJob{ID: rand.Text(), Version: version, Work: work}, window: w})
	defer h.leave(j)
	if err := h.offer(ctx, j, t.Slug()); err != nil {
		return res, false, err
	}
	o, err := h.follow(ctx, j)
	switch {
	case err != nil:
		return res, false, err
	case o == nil:
		return res, true, nil
	case o.Hangs:
		return play.Hangs(s, 0), false, nil
	}
	return play.End(ctx, t, w, heard(s, *o.Result)), false, nil
}

func (h *Host) enter(j *job) *job {
	j.taken, j.signs, j.outcome = make(chan struct{}), make(chan struct{}, 1), make(chan sys.TrialOutcome, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.jobs[j.ID] = j
	return j
}

func (h *Host) leave(j *job) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.jobs, j.ID)
}

// offer says that there is a job until a desktop has taken it.
func (h *Host) offer(ctx context.Context, j *job, slug sys.Slug) error {
	end, again := time.NewTimer(h.o.Take), time.NewTicker(h.o.Again)
	defer end.Stop()
	defer again.Stop()
	for {
		h.o.Offer(sys.TrialData{ID: j.ID, App: slug})
		select {
		case <-j.taken:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		case <-h.closed:
			return none("the home is closing")
		case <-end.C:
			return none("no open desktop is in view")
		case <-again.C:
		}
	}
}

// follow waits for the outcome; nil if the desktop went or gave the job back.
func (h *Host) follow(ctx context.Context, j *job) (*sys.TrialOutcome, error) {
	end, silence := time.NewTimer(h.o.Patience), time.NewTimer(h.o.Sign)
	defer end.Stop()
	defer silence.Stop()
	for {
		select {
		case o := <-j.outcome:
			if o.Result == nil && !o.Hangs {
				return nil, nil
			}
			return &o, nil
		case <-j.signs:
			silence.Reset(h.o.Sign)
		case <-silence.C:
			return nil, nil
		case <-end.C:
			return nil, none("the desktop takes too long")
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-h.closed:
			return nil, none("the home is closing")
		}
	}
}

// Take gives a job to whoever asks first.
func (h *Host) Take(id string) (sys.TrialJob, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	j := h.jobs[id]
	switch {
	case j == nil:
		return sys.TrialJob{}, past(id)
	case j.Nonce != "":
		return sys.TrialJob{}, &sys.Error{Op: "take", Path: "this trial", Kind: sys.Exists, Err: errors.New("another desktop has it")}
	}
	j.Nonce = rand.Text()
	close(j.taken)
	return j.TrialJob, nil
}

// past is the error of a job that is over, or of a nonce that is not its own: it does
// not say which.
func past(id string) error {
	return &sys.Error{Op: "speak of", Path: "trial " + id, Kind: sys.NotFound, Err: errors.New("there is no such trial, or it is over, or another desktop has it")}
}

// held is the job with that id and nonce, unless it is over.
func (h *Host) held(id, nonce string) (*job, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	j := h.jobs[id]
	if j == nil || j.over || j.Nonce == "" || subtle.ConstantTimeCompare([]byte(j.Nonce), []byte(nonce)) != 1 {
		return nil, past(id)
	}
	select {
	case j.signs <- struct{}{}:
	default: // there is one already
	}
	return j, nil
}

// Beat says that the desktop is at it.
func (h *Host) Beat(id, nonce string) error {
	_, err := h.held(id, nonce)
	return err
}

// Call is a call of the window of a job, or of whoever conducts its trial; now is the
// window's time. What the app would be told as an error is in the answer.
func (h *Host) Call(ctx context.Context, id, nonce, method string, params json.RawMessage, now float64) (sys.TrialAnswer, error) {
	j, err := h.held(id, nonce)
	if err != nil {
		return sys.TrialAnswer{}, err
	}
	if now > 0 {
		j.window.SetNow(now)
	}
	value, err := h.rt.Call(ctx, j.window.Capability, method, params)
	if err != nil {
		return sys.TrialAnswer{Error: strings.TrimSpace(err.Error())}, nil
	}
	return sys.TrialAnswer{Value: value}, nil
}

// Settle ends a job. Only the first outcome counts, and only of the version of the app
// that was handed out.
func (h *Host) Settle(id string, o sys.TrialOutcome) error {
	j, err := h.held(id, o.Nonce)
	if err != nil {
		return err
	}
	if o.Version != j.Version {
		return &sys.Error{Op: "end", Path: "trial " + id, Kind: sys.Conflict, Err: errors.New("this is of another version of the app")}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if j.over {
		return past(id)
	}
	j.over = true
	j.outcome <- o
	return nil
}
