package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"matrixos/journal"
	"matrixos/sys"
)

// Guest is an agent of somebody else that the owner has let in. It has no model of
// ours: its calls come from outside, each of them as a process that is held to what
// the guest may do, labelled as text from outside, and landed by the same door.
type Guest struct {
	Name   sys.Slug // as the owner calls it
	Calls  []string // the system calls that it may make
	Writes []string // what its landings may change
	Ask    bool     // it may put requests to the main agent
}

// guestFrom begins the channel of what a guest asks for.
const guestFrom = "guest "

// guestLabel is of everything that a guest does: what it has read elsewhere nobody
// here knows, and it has the owner's things from here.
var guestLabel = sys.Label{Integrity: sys.Untrusted, Confidentiality: sys.OwnerOnly}

// guestIdle is how long changes of a guest wait for its next call.
const guestIdle = 30 * time.Minute

// Visit is one stay of a guest: a conversation of its own. Its methods may be called
// from any goroutine; its calls are made one at a time. Leave it.
type Visit struct {
	k     *Kernel
	guest Guest
	talk  sys.Conversation // of its calls
	asks  sys.Conversation // of its requests

	mu   sync.Mutex
	work *errand               // changes that were begun and have not landed
	seen map[sys.Path][32]byte // what it knows files to hold
	gone bool
}

// Step is one system call.
type Step struct {
	Name  string
	Input json.RawMessage
}

// Outcome is what calls of a guest came to. Text is of the last one that ran.
type Outcome struct {
	Text    string
	Failed  bool
	Landing sys.LandingID // 0 if nothing has landed
}

// Visit receives a guest.
func (k *Kernel) Visit(g Guest) *Visit {
	return &Visit{k: k, guest: g, talk: newTalkID(k.now()), asks: newTalkID(k.now()), seen: map[sys.Path][32]byte{}}
}

// Calls are the system calls that the guest may make, in the order it names them.
func (v *Visit) Calls() (out []Syscall) {
	for _, name := range v.guest.Calls {
		if c, ok := v.k.calls[name]; ok {
			out = append(out, c.Syscall)
		}
	}
	return out
}

// Do makes calls, one after the other until one fails, in one transaction. It lands
// at the end, unless Begin has begun one that is still open. What a guest gets to
// read is in the outcome; an error says that nothing was done.
func (v *Visit) Do(ctx context.Context, title string, steps ...Step) (Outcome, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.work != nil {
		return v.work.run(ctx, steps)
	}
	e, err := v.start(ctx, title, false)
	if err != nil {
		return Outcome{}, err
	}
	out, err := e.run(ctx, steps)
	if err != nil || out.Failed {
		e.end(errGuestLeft)
		return out, err
	}
	landed, err := e.land(ctx)
	if err != nil {
		e.end(err)
		return Outcome{}, err
	}
	out.Landing = landed
	return out, nil
}

// Begin opens a transaction, in which the calls that follow are collected until Land
// or Drop.
func (v *Visit) Begin(ctx context.Context, title string) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.work != nil {
		return &sys.Error{Op: "begin", Kind: sys.Exists, Err: errors.New("changes are begun already"), Hint: "land or drop them first"}
	}
	e, err := v.start(ctx, title, true)
	if err == nil {
		v.work = e
	}
	return err
}

// Land lands what was collected. If that is refused, the error says why, and the
// transaction stays open to mend it.
func (v *Visit) Land(ctx context.Context) (sys.LandingID, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.work == nil {
		return 0, errNotBegun
	}
	id, err := v.work.land(ctx)
	select {
	case <-v.work.over:
		v.work = nil
	default:
	}
	return id, err
}

// Drop forgets what was collected.
func (v *Visit) Drop() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.work == nil {
		return errNotBegun
	}
	v.work.end(errGuestLeft)
	v.work = nil
	return nil
}

// Leave ends the visit; what was collected and has not landed is dropped.
func (v *Visit) Leave() {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.gone = true
	if v.work != nil {
		v.work.end(errGuestLeft)
		v.work = nil
	}
}

var (
	errNotBegun  = &sys.Error{Op: "land", Kind: sys.NotFound, Err: errors.New("no changes are begun"), Hint: "each call lands by itself then"}
	errGuestLeft = &sys.Error{Op: "run", Kind: sys.Canceled, Err: errors.New("the guest has dropped it")}
)

// Ask puts a request to the main agent, as text from outside, and waits for the
// answer.
func (v *Visit) Ask(ctx context.Context, text string) (string, error) {
	if !v.guest.Ask {
		return "", &sys.Error{Op: "ask", Path: string(v.guest.Name), Kind: sys.Refused, Err: errors.New("it may not ask"), Hint: "the owner can give it the scope ask"}
	}
	sub := v.k.journal.Subscribe(v.k.journal.Last())
	defer sub.Close()
	t, err := v.k.askWith(ctx, Ask{Text: text, From: guestFrom + string(v.guest.Name), Conversation: v.asks}, v.origin())
	if err != nil {
		return "", err
	}
	for {
		events, err := sub.Next(ctx)
		if err != nil {
			return "", err
		}
		for _, e := range events {
			if e.Kind != sys.EventAnswer || e.Request != t.Request {
				continue
			}
			var a sys.AnswerData
			if err := json.Unmarshal(e.Data, &a); err != nil {
				return "", err
			}
			if !a.OK {
				return "", &sys.Error{Op: "ask", Path: "the home", Kind: a.Kind, Err: errors.New(a.Text), Hint: a.Hint}
			}
			return a.Text, nil
		}
	}
}

// origin labels what the guest brings about, and its conversation with it.
func (v *Visit) origin() origin {
	return origin{label: guestLabel, also: func(context.Context, *journal.Tx, sys.PID) error { return nil }}
}

// start makes the process of an errand.
func (v *Visit) start(ctx context.Context, title string, open bool) (*errand, error) {
	switch {
	case v.gone:
		return nil, errGuestLeft
	case v.k.Stopped():
		return nil, &sys.Error{Op: "call", Kind: sys.Refused, Err: errors.New("the owner has stopped everything"), Hint: "`matrixos cont` lets it go on"}
	}
	if p, err := v.k.claim(v.talk); err != nil || p != nil {
		return nil, errors.Join(err, &sys.Error{Op: "call", Kind: sys.Conflict, Err: errors.New("somebody works in this conversation"), Hint: "call again in a moment"})
	}
	text := string(v.guest.Name) + ": " + title
	from := guestFrom + string(v.guest.Name)
	e := &errand{open: open, jobs: make(chan job), over: make(chan struct{})}
	p, err := v.k.prepare(ctx, spec{
		program: sys.Program("guest-" + v.guest.Name), task: text, errand: e, talk: v.talk, origin: v.origin(),
		fixed:   &Program{Name: sys.Program("guest-" + v.guest.Name), Tools: v.guest.Calls, Writes: v.guest.Writes},
		request: &request{id: sys.RequestID(uuid.NewString()), conversation: v.talk, text: text, from: from, started: v.k.now()},
		events: func(p *process) []sys.Event {
			return []sys.Event{p.event(sys.EventRequest, sys.RequestData{Text: text, From: from})}
		},
	})
	v.k.mu.Lock()
	if err != nil {
		delete(v.k.talking, v.talk)
		v.k.mu.Unlock()
		return nil, err
	}
	v.k.talking[v.talk] = p
	v.k.mu.Unlock()
	p.seen, p.closing, e.p = v.seen, true, p
	v.k.runErrand(p)
	return e, nil
}

// isGuest reports whether a request came from a guest.
func isGuest(from string) bool { return strings.HasPrefix(from, guestFrom) }
