package driver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"matrixos/sys"
)

// How patient the rack is.
const (
	openWithin  = 3 * time.Minute // a first start may have to install something
	listWithin  = 20 * time.Second
	callWithin  = 2 * time.Minute
	pingWithin  = 5 * time.Second
	idleAfter   = 10 * time.Minute
	backoffBase = time.Second
	failsMost   = 5 // in a row; then it rests
	restsFor    = 5 * time.Minute
)

// slot is the place of one driver. Opening is one at a time, by the gate; mu is held
// for moments only. A slot does not outlive its entry's version.
type slot struct {
	r    *Rack
	e    Entry
	gate chan struct{} // holds one token while nobody opens

	mu      sync.Mutex
	d       Driver // nil while it does not run
	idle    *time.Timer
	busy    int // calls at work
	gone    bool
	fails   int
	retry   time.Time
	why     error // of the newest failure
	calls   int64
	pinned  *Pinned
	known   map[string]Offer
	refused []string
	pending *Pinned
	change  *sys.DriverChange
}

func newSlot(r *Rack, e Entry) *slot {
	s := &slot{r: r, e: e, gate: make(chan struct{}, 1)}
	s.gate <- struct{}{}
	if e.Fault != nil || e.Off {
		return s
	}
	p, ok, err := r.o.Pins.Pinned(e.Name)
	switch {
	case err != nil:
		s.why = err
	case ok && p.Program == e.Program:
		s.why = s.acceptLocked(p)
	}
	return s
}

// unknown reports whether it has to be opened for its tools to be known.
func (s *slot) unknown() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.pinned == nil && s.e.Fault == nil && !s.e.Off
}

// acceptLocked makes a list of tools what is offered.
func (s *slot) acceptLocked(p Pinned) error {
	known := map[string]Offer{}
	for _, t := range p.Tools {
		o, err := newOffer(s.e, t)
		if err != nil {
			return &sys.Error{Op: "read the pinned tools of", Path: s.e.Name, Kind: sys.Invalid, Err: err, Hint: "`matrixos drivers remove` it and add it anew"}
		}
		known[t.Name] = o
	}
	s.pinned, s.known, s.pending, s.change = &p, known, nil, nil
	return nil
}

// driver is the running driver; it is opened if need be.
func (s *slot) driver(ctx context.Context) (Driver, error) {
	if err := s.usable(); err != nil {
		return nil, err
	}
	if d := s.running(); d != nil {
		return d, nil
	}
	select {
	case <-s.gate:
		defer func() { s.gate <- struct{}{} }()
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if err := errors.Join(s.usable(), s.rested()); err != nil {
		return nil, err
	}
	if d := s.running(); d != nil {
		return d, nil
	}
	return s.open()
}

func (s *slot) running() Driver {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.d
}

// usable says why a driver cannot be used, whatever it does.
func (s *slot) usable() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.e.Fault != nil:
		return s.e.Fault
	case s.e.Off:
		return &sys.Error{Op: "use driver", Path: s.e.Name, Kind: sys.Refused, Err: errors.New("it is switched off"), Hint: "the owner can set off to false in its file"}
	case s.gone:
		return &sys.Error{Op: "use driver", Path: s.e.Name, Kind: sys.Canceled, Err: errors.New("it was replaced or removed just now"), Hint: "try again"}
	}
	return nil
}

// rested says whether it may be opened again after failures.
func (s *slot) rested() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	left := s.retry.Sub(s.r.o.Now())
	if left <= 0 {
		return nil
	}
	return &sys.Error{
		Op: "use driver", Path: s.e.Name, Kind: sys.Unavailable, Err: fmt.Errorf("it failed %d times in a row, and is tried again in %s: %w", s.fails, left.Round(time.Second), s.why),
		Hint: "do without it, or wait; `matrixos drivers restart " + s.e.Name + "` tries at once",
	}
}

// open opens the driver and compares its tools with what is pinned. It goes on
// when whoever asked for it has gone away.
func (s *slot) open() (Driver, error) {
	ctx, cancel := context.WithTimeout(s.r.base, openWithin)
	defer cancel()
	d, err := s.e.Open(ctx, s.changed)
	if err == nil {
		if err = s.compare(ctx, d); err != nil {
			err = errors.Join(err, d.Close())
		}
	}
	if err != nil {
		s.failed(err)
		return nil, s.unavailable(err)
	}
	s.mu.Lock()
	if s.gone {
		s.mu.Unlock()
		return nil, errors.Join(s.usable(), d.Close())
	}
	s.d = d
	s.idleLocked()
	s.mu.Unlock()
	s.tell()
	if w, ok := d.(Watched); ok {
		s.r.spawn(func() { s.watch(d, w) })
	}
	return d, nil
}

func (s *slot) unavailable(err error) error {
	if sys.KindOf(err) != sys.Internal {
		return err
	}
	return &sys.Error{Op: "use driver", Path: s.e.Name, Kind: sys.Unavailable, Err: err, Hint: "`matrixos drivers show " + s.e.Name + "` says more"}
}

// watch waits for a driver to end by itself.
func (s *slot) watch(d Driver, w Watched) {
	select {
	case <-w.Done():
	case <-s.r.base.Done():
		return
	}
	s.mu.Lock()
	mine := s.d == d
	if mine {
		s.d = nil
	}
	s.mu.Unlock()
	if mine {
		s.failed(cmp.Or(w.Err(), errors.New("it ended")))
	}
	if err := d.Close(); err != nil {
		s.r.o.Logger.Warn("a driver did not close", "driver", s.e.Name, "error", err)
	}
}

// failed notes a failure, and how long to wait after it.
func (s *slot) failed(err error) {
	s.mu.Lock()
	s.fails++
	s.why = err
	wait := backoffBase << (s.fails - 1)
	if s.fails >= failsMost {
		wait = restsFor
	}
	s.retry = s.r.o.Now().Add(wait)
	s.mu.Unlock()
	s.r.o.Logger.Warn("a driver failed", "driver", s.e.Name, "error", err)
	s.tell()
}

// compare lists a driver's tools and pins them, or holds them against the pin.
func (s *slot) compare(ctx context.Context, d Driver) error {
	ctx, cancel := context.WithTimeout(ctx, listWithin)
	defer cancel()
	list, err := d.Tools(ctx)
	if err != nil {
		return err
	}
	good, refused := vet(list, s.r.o.Reserved)
	now := pinOf(s.e.Program, good)
	s.mu.Lock()
	s.refused = refused
	old := s.pinned
	s.mu.Unlock()
	switch {
	case old == nil:
		if err := s.r.o.Pins.Pin(ctx, s.e.Name, now, false); err != nil {
			return err
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.acceptLocked(now)
	case old.Hash != now.Hash:
		s.mu.Lock()
		s.pending, s.change = &now, diff(*old, now)
		s.mu.Unlock()
	default:
		s.mu.Lock()
		s.pending, s.change = nil, nil
		s.mu.Unlock()
	}
	return nil
}

// changed is the driver's word that its tools may have changed.
func (s *slot) changed() {
	s.r.spawn(func() {
		d := s.running()
		if d == nil {
			return
		}
		if err := s.compare(s.r.base, d); err != nil {
			s.r.o.Logger.Warn("the tools of a driver could not be listed", "driver", s.e.Name, "error", err)
		}
		s.tell()
	})
}

// approve makes a change that the owner has seen what is pinned.
func (s *slot) approve(ctx context.Context, hash string) error {
	if _, err := s.driver(ctx); err != nil {
		return err
	}
	s.mu.Lock()
	p := s.pending
	s.mu.Unlock()
	switch {
	case p == nil:
		return &sys.Error{Op: "approve the tools of", Path: s.e.Name, Kind: sys.NotFound, Err: errors.New("nothing about them has changed")}
	case p.Hash != hash:
		return &sys.Error{Op: "approve the tools of", Path: s.e.Name, Kind: sys.Conflict, Err: errors.New("they have changed again since you looked"), Hint: "look at the difference again"}
	}
	if err := s.r.o.Pins.Pin(ctx, s.e.Name, *p, true); err != nil {
		return err
	}
	s.mu.Lock()
	err := s.acceptLocked(*p)
	s.mu.Unlock()
	s.tell()
	return err
}

// blocked says whether a change waits for the owner.
func (s *slot) blockedLocked() error {
	if s.change == nil {
		return nil
	}
	return &sys.Error{
		Op: "use driver", Path: s.e.Name, Kind: sys.NeedsApproval, Err: errors.New("it has changed its tools since the owner let it in"),
		Hint: "the owner has to look at the difference: `matrixos drivers show " + s.e.Name + "`, or Settings",
	}
}

func (s *slot) offers() []Offer {
	s.mu.Lock()
	defer s.mu.Unlock()
	var out []Offer
	if s.blockedLocked() != nil {
		return nil
	}
	for _, name := range slices.Sorted(maps.Keys(s.known)) {
		if o := s.known[name]; o.Reach != Off {
			out = append(out, o)
		}
	}
	return out
}

func (s *slot) find(tool string) (Offer, error) {
	if err := s.usable(); err != nil {
		return Offer{}, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.blockedLocked(); err != nil {
		return Offer{}, err
	}
	o, ok := s.known[tool]
	switch {
	case !ok:
		return o, &sys.Error{Op: "find tool", Path: FullName(s.e.Name, tool), Kind: sys.NotFound, Hint: "`load_tools` lists what there is"}
	case o.Reach == Off:
		return o, &sys.Error{Op: "call", Path: o.Full, Kind: sys.Refused, Err: errors.New("the owner has switched it off"), Hint: "do without it, and say so"}
	}
	return o, nil
}

// use lets fn use the driver within its time. A driver that has stopped answering
// is closed; one that only takes long is not.
func (s *slot) use(ctx context.Context, fn func(context.Context, Driver, Entry) error) error {
	d, err := s.driver(ctx)
	if err != nil {
		return err
	}
	s.mu.Lock()
	if err = s.blockedLocked(); err == nil {
		s.calls++
		s.busy++
	}
	s.mu.Unlock()
	if err != nil {
		return err
	}
	limit := cmp.Or(s.e.Limit, callWithin)
	bounded, cancel := context.WithTimeoutCause(ctx, limit, errTooLong)
	defer cancel()
	err = fn(bounded, d, s.e)
	s.mu.Lock()
	s.busy--
	s.idleLocked()
	if err == nil {
		s.fails, s.retry = 0, time.Time{}
	}
	s.mu.Unlock()
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return &sys.Error{Op: "use driver", Path: s.e.Name, Kind: sys.Canceled, Err: context.Cause(ctx), Hint: "it is not known whether it took effect"}
	case bounded.Err() != nil:
		s.ping(d)
		return &sys.Error{Op: "use driver", Path: s.e.Name, Kind: sys.Unavailable, Err: fmt.Errorf("it did not answer within %s", limit), Hint: "it is not known whether it took effect; look before you try again"}
	}
	if sys.KindOf(err) == sys.Internal { // not a word of the driver's own: it is gone
		s.drop(d, err)
	}
	return s.unavailable(err)
}

// drop ends a driver that does not answer any more.
func (s *slot) drop(d Driver, why error) {
	s.mu.Lock()
	mine := s.d == d
	if mine {
		s.d = nil
	}
	s.mu.Unlock()
	if mine {
		s.failed(why)
		s.shut(d)
	}
}

var errTooLong = errors.New("it takes too long")

// ping closes a driver that does not answer at all.
func (s *slot) ping(d Driver) {
	ctx, cancel := context.WithTimeout(s.r.base, pingWithin)
	defer cancel()
	if _, err := d.Tools(ctx); err != nil {
		s.drop(d, errors.New("it does not answer any more, and was ended"))
	}
}

// idleLocked lets a driver that nobody uses go after a while.
func (s *slot) idleLocked() {
	if s.idle != nil {
		s.idle.Stop()
	}
	d := s.d
	if d == nil || s.busy > 0 {
		return
	}
	s.idle = time.AfterFunc(idleAfter, func() {
		s.mu.Lock()
		rest := s.d == d && s.busy == 0
		if rest {
			s.d = nil
		}
		s.mu.Unlock()
		if rest {
			s.shut(d)
			s.tell()
		}
	})
}

func (s *slot) shut(d Driver) {
	if err := d.Close(); err != nil {
		s.r.o.Logger.Warn("a driver did not close", "driver", s.e.Name, "error", err)
	}
}

// reset closes the driver and forgives its failures.
func (s *slot) reset() {
	s.mu.Lock()
	d := s.d
	s.d, s.fails, s.retry, s.why = nil, 0, time.Time{}, nil
	s.mu.Unlock()
	if d != nil {
		s.shut(d)
	}
}

// retire closes the driver for good.
func (s *slot) retire() {
	s.mu.Lock()
	d := s.d
	s.d, s.gone = nil, true
	if s.idle != nil {
		s.idle.Stop()
	}
	s.mu.Unlock()
	if d != nil {
		s.shut(d)
	}
}

func (s *slot) tell() {
	i := s.info()
	s.r.o.Tell(sys.DriverData{Name: i.Name, State: i.State, Why: i.Why})
}

// info is the slot as an owner sees it.
func (s *slot) info() sys.DriverInfo {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := sys.DriverInfo{
		Name: s.e.Name, Runs: s.e.Runs, Reach: string(s.e.Reach), Folders: s.e.Folders, Network: s.e.Network, Tools: []sys.DriverTool{},
		Refused: s.refused, Change: s.change, Calls: s.calls, Failures: s.fails,
	}
	for _, name := range slices.Sorted(maps.Keys(s.known)) {
		o := s.known[name]
		i.Tools = append(i.Tools, sys.DriverTool{Name: o.Full, Description: o.Tool.Description, May: string(o.Reach)})
	}
	wait := s.retry.After(s.r.o.Now())
	switch {
	case s.e.Fault != nil:
		i.State, i.Why = sys.DriverFault, s.e.Fault.Error()
	case s.e.Off:
		i.State = sys.DriverOff
	case s.change != nil:
		i.State, i.Why = sys.DriverBlocked, "it has changed its tools; nothing of it is called until you have looked"
	case s.d != nil:
		i.State = sys.DriverRunning
	case wait && s.fails >= failsMost:
		i.State, i.Retry = sys.DriverBroken, s.retry
	case wait:
		i.State, i.Retry = sys.DriverWaiting, s.retry
	case s.pinned == nil:
		i.State = sys.DriverNew
	default:
		i.State = sys.DriverReady
	}
	i.SignIn = s.d == nil && errors.Is(s.why, sys.Unauthorized)
	if i.Why == "" && s.why != nil {
		i.Why = s.why.Error()
	}
	return i
}
