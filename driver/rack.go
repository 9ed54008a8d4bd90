package driver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/sys"
)

// Reach is what calls of a tool can touch.
type Reach string

// The reaches. Own is enforced: there is nothing else that the driver could touch.
const (
	Own      Reach = "own"      // its own folder
	Read     Reach = "read"     // it looks at things of the owner's
	Write    Reach = "write"    // it changes things of the owner's, where no landing takes them back
	External Reach = "external" // it is, or reaches, somebody else
)

// Off as a tool's reach means that it is not offered.
const Off Reach = "off"

// Entry is one thing to attach, as the owner's file describes it.
type Entry struct {
	Name    string // letters, digits and hyphens
	Version string // another one means that it is attached anew
	Program string // identifies what runs: see Pinned
	Off     bool
	Fault   error // its file is wrong; nothing else is set
	// For people.
	Runs             string
	Folders, Network []string

	Reach    Reach            // of its tools
	Tools    map[string]Reach // the owner's word on single tools
	Sampling bool             // it may ask the model
	Limit    time.Duration    // of one call; 0 means two minutes
	// Open attaches it. ctx bounds the opening, not what was opened. The driver calls
	// changed, from any goroutine, when its tools may have changed.
	Open func(ctx context.Context, changed func()) (Driver, error)
}

// Options are what a Rack is made of. Pins and Logger are required.
type Options struct {
	Pins     Pins
	Reserved []string // names that no tool may have: those of the system calls
	Logger   *slog.Logger
	Now      func() time.Time     // time.Now if nil
	Tell     func(sys.DriverData) // called when something about a driver changed; may be nil
}

// Rack holds the attached things by name. Its methods may be called from any
// goroutine. Close it.
type Rack struct {
	o     Options
	base  context.Context //nolint:containedctx // of what runs in the background, until Close
	stop  context.CancelFunc
	group sync.WaitGroup

	mu     sync.Mutex
	slots  map[string]*slot
	closed bool
}

// NewRack makes an empty Rack.
func NewRack(o Options) *Rack {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Tell == nil {
		o.Tell = func(sys.DriverData) {}
	}
	base, stop := context.WithCancel(context.Background())
	return &Rack{o: o, base: base, stop: stop, slots: map[string]*slot{}}
}

// Use makes entries what is attached: what is not among them any more, or has
// another version, is closed. What is new is opened in the background, once, so
// that its tools get known; what is known is opened when it is needed.
func (r *Rack) Use(entries []Entry) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.closed {
		return
	}
	keep := map[string]bool{}
	for _, e := range entries {
		keep[e.Name] = true
		old := r.slots[e.Name]
		if old != nil && old.e.Version == e.Version {
			continue
		}
		if old != nil {
			r.retire(old)
		}
		s := newSlot(r, e)
		r.slots[e.Name] = s
		if s.unknown() {
			r.group.Go(func() { // not spawn: mu is held, and the rack is open
				if _, err := s.driver(r.base); err != nil {
					r.o.Logger.Warn("a driver could not be attached", "driver", e.Name, "error", err)
				}
			})
		}
		s.tell()
	}
	for name, s := range r.slots {
		if !keep[name] {
			delete(r.slots, name)
			r.retire(s)
			r.o.Tell(sys.DriverData{Name: name, State: sys.DriverOff, Why: "it was removed"})
		}
	}
}

func (r *Rack) retire(s *slot) { r.group.Go(s.retire) }

// spawn runs fn in the background, unless the rack is closing.
func (r *Rack) spawn(fn func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.closed {
		r.group.Go(fn)
	}
}

// Close closes everything that is attached.
func (r *Rack) Close() error {
	r.mu.Lock()
	r.closed = true
	for name, s := range r.slots {
		delete(r.slots, name)
		r.retire(s)
	}
	r.mu.Unlock()
	r.stop()
	r.group.Wait()
	return nil
}

func (r *Rack) slot(name string) (*slot, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if s := r.slots[name]; s != nil {
		return s, nil
	}
	var names []string
	for n := range r.slots {
		names = append(names, n)
	}
	slices.Sort(names)
	return nil, &sys.Error{
		Op: "find driver", Path: name, Kind: sys.NotFound, Err: errors.New("nothing of this name is attached"),
		Hint: "there is: " + cmp.Or(strings.Join(names, ", "), "none; add one with `matrixos drivers add`"),
	}
}

func (r *Rack) all() []*slot {
	r.mu.Lock()
	defer r.mu.Unlock()
	var out []*slot
	for _, s := range r.slots {
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b *slot) int { return strings.Compare(a.e.Name, b.e.Name) })
	return out
}

// List says how every driver is, by name.
func (r *Rack) List() []sys.DriverInfo {
	out := []sys.DriverInfo{}
	for _, s := range r.all() {
		out = append(out, s.info())
	}
	return out
}

// Info says how one driver is.
func (r *Rack) Info(name string) (sys.DriverInfo, error) {
	s, err := r.slot(name)
	if err != nil {
		return sys.DriverInfo{}, err
	}
	return s.info(), nil
}

// Offers lists the tools that may be called, by server and name. Nothing is
// started for it.
func (r *Rack) Offers() []Offer {
	var out []Offer
	for _, s := range r.all() {
		out = append(out, s.offers()...)
	}
	return out
}

// Find is one tool by its full name; the error says why it cannot be called. A
// driver whose tools are not known yet is opened for it.
func (r *Rack) Find(ctx context.Context, full string) (Offer, error) {
	server, tool, ok := SplitName(full)
	if !ok {
		return Offer{}, &sys.Error{Op: "find tool", Path: full, Kind: sys.Invalid, Hint: "write mcp__SERVER__TOOL"}
	}
	s, err := r.slot(server)
	if err != nil {
		return Offer{}, err
	}
	if s.unknown() {
		if _, err := s.driver(ctx); err != nil {
			return Offer{}, err
		}
	}
	return s.find(tool)
}

// Call calls a tool that was found. What comes back is bounded and cleaned, and is
// text from outside all the same. An error is of kind Unavailable if the driver did
// not answer, and Refused if it may not be called now.
func (r *Rack) Call(ctx context.Context, o Offer, args []byte, h Host) (Result, error) {
	var out Result
	err := r.with(ctx, o.Server, func(ctx context.Context, d Driver, e Entry) (err error) {
		if !e.Sampling {
			h = noSampling{h}
		}
		out, err = d.Call(ctx, o.Tool.Name, args, h)
		return err
	})
	if err != nil {
		return Result{}, err
	}
	if err := o.check(out); err != nil {
		return Result{}, err
	}
	if out.Text == "" && len(out.Data) > 0 {
		out.Text = string(out.Data)
	}
	out.Text = cleanResult(out.Text)
	return out, nil
}

// Resources lists what a driver has to read; Resource reads one.
func (r *Rack) Resources(ctx context.Context, server string) (out []Resource, err error) {
	return out, r.with(ctx, server, func(ctx context.Context, d Driver, _ Entry) error {
		l, ok := d.(Librarian)
		if !ok {
			return none(server, "texts to read")
		}
		out, err = l.Resources(ctx)
		return err
	})
}

// Resource reads a text by its address.
func (r *Rack) Resource(ctx context.Context, server, uri string) (out Result, err error) {
	err = r.with(ctx, server, func(ctx context.Context, d Driver, _ Entry) error {
		l, ok := d.(Librarian)
		if !ok {
			return none(server, "texts to read")
		}
		out, err = l.Resource(ctx, uri)
		return err
	})
	out.Text = cleanResult(out.Text)
	return out, err
}

// Prompts lists a driver's prompts; Prompt fills one in.
func (r *Rack) Prompts(ctx context.Context, server string) (out []Prompt, err error) {
	return out, r.with(ctx, server, func(ctx context.Context, d Driver, _ Entry) error {
		l, ok := d.(Prompter)
		if !ok {
			return none(server, "prompts")
		}
		out, err = l.Prompts(ctx)
		return err
	})
}

// Prompt fills a prompt in.
func (r *Rack) Prompt(ctx context.Context, server, name string, args map[string]string) (out Result, err error) {
	err = r.with(ctx, server, func(ctx context.Context, d Driver, _ Entry) error {
		l, ok := d.(Prompter)
		if !ok {
			return none(server, "prompts")
		}
		out, err = l.Prompt(ctx, name, args)
		return err
	})
	out.Text = cleanResult(out.Text)
	return out, err
}

func none(server, what string) error {
	return &sys.Error{Op: "ask", Path: server, Kind: sys.NotFound, Err: fmt.Errorf("it has no %s", what)}
}

// with lets fn use a driver, within the driver's time.
func (r *Rack) with(ctx context.Context, server string, fn func(context.Context, Driver, Entry) error) error {
	s, err := r.slot(server)
	if err != nil {
		return err
	}
	return s.use(ctx, fn)
}

// Approve is the owner's yes to a change of a driver's tools, of which hash is what
// was shown.
func (r *Rack) Approve(ctx context.Context, server, hash string) error {
	s, err := r.slot(server)
	if err != nil {
		return err
	}
	return s.approve(ctx, hash)
}

// Restart closes a driver, forgives what it did, and opens it anew.
func (r *Rack) Restart(ctx context.Context, server string) error {
	s, err := r.slot(server)
	if err != nil {
		return err
	}
	s.reset()
	_, err = s.driver(ctx)
	return err
}

// noSampling is a Host that lets no model be asked.
type noSampling struct{ Host }

// Sample implements Host.
func (noSampling) Sample(context.Context, Sampling) (string, error) {
	return "", &sys.Error{Op: "ask the model", Kind: sys.Refused, Err: errors.New("this server may not"), Hint: "the owner can set sampling to true in its file"}
}
