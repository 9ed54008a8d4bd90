package kernel

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"matrixos/journal"
	"matrixos/sys"
)

// Ask is something the owner wants, or a schedule of theirs.
type Ask struct {
	Text         string
	Conversation sys.Conversation // empty begins a new one
	Model        string           // empty means the owner's default
	From         string           // "desktop", "cli", or a channel
	App          sys.Slug         // the app in front of the owner, if any
	Class        sys.Class        // how urgent it is; the zero value is the owner who waits
	Deadline     time.Time        // when it has to be done, if ever
	Once         string           // names the message of a channel that it was; see Asked
}

// Ticket says where to watch for the answer.
type Ticket struct {
	Request      sys.RequestID    `json:"request"`
	Conversation sys.Conversation `json:"conversation"`
	PID          sys.PID          `json:"pid"`
}

// request is one Ask while it is worked on, by one process and its children.
type request struct {
	id           sys.RequestID
	conversation sys.Conversation
	text         string // what the owner said
	from         string
	app          sys.Slug
	started      time.Time

	mu       sync.Mutex
	landings []sys.LandingID
	open     []sys.Slug
	verified string
	cost     sys.Cost
	known    known
	broken   error // how the newest child failed, until a later one succeeds
}

// Ask begins to work on a and returns at once, when the request is durable;
// events tell the progress, and EventAnswer the end. Words that reach a
// conversation which is being worked on are folded into the running turn; one
// that is parked goes on with them.
func (k *Kernel) Ask(ctx context.Context, a Ask) (Ticket, error) {
	return k.askWith(ctx, a, origin{})
}

// askWith is Ask for a request that the system itself may have made.
func (k *Kernel) askWith(ctx context.Context, a Ask, from origin) (Ticket, error) {
	text := strings.TrimSpace(a.Text)
	if text == "" {
		return Ticket{}, &sys.Error{Op: "ask", Kind: sys.Invalid, Hint: "say what you want, such as: track my expenses"}
	}
	if a.Conversation == "" {
		a.Conversation = newTalkID(k.now())
	}
	if err := k.talks.valid(a.Conversation); err != nil {
		return Ticket{}, err
	}
	if a.Class > sys.Background && k.Stopped() {
		return Ticket{}, &sys.Error{Op: "ask", Kind: sys.Refused, Err: errors.New("everything is stopped"), Hint: "`matrixos cont` lets schedules run again"}
	}
	for {
		p, err := k.claim(a.Conversation)
		if err != nil {
			return Ticket{}, err
		}
		if p == nil {
			break // the conversation is ours
		}
		if p.errand != nil {
			return Ticket{}, &sys.Error{Op: "ask", Path: string(a.Conversation), Kind: sys.Conflict, Err: errors.New("an agent from outside works in this conversation"), Hint: "begin a new one"}
		}
		if t, ok, err := k.steer(ctx, p, a, text); ok || err != nil {
			return t, err
		}
		select { // it is about to leave
		case <-p.done:
		case <-ctx.Done():
			return Ticket{}, ctx.Err()
		}
	}
	p, err := k.admit(ctx, a, text, from)
	if err != nil {
		return Ticket{}, err
	}
	r := p.req()
	k.run(p)
	return Ticket{Request: r.id, Conversation: a.Conversation, PID: p.pid()}, nil
}

// claim takes a conversation for the caller, who then admits a process to it, or
// returns the process that has it.
func (k *Kernel) claim(c sys.Conversation) (*process, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.closed {
		return nil, &sys.Error{Op: "ask", Kind: sys.Unavailable, Hint: "start it again with `matrixos up`"}
	}
	if p, taken := k.talking[c]; taken {
		if p == nil {
			return nil, &sys.Error{Op: "ask", Kind: sys.Conflict, Hint: "ask again in a moment"}
		}
		return p, nil
	}
	k.talking[c] = nil // a process is being made for it
	return nil, nil    //nolint:nilnil // nobody has it
}

// admit makes the main process of a request in a conversation that was claimed.
func (k *Kernel) admit(ctx context.Context, a Ask, text string, from origin) (*process, error) {
	name := a.Model
	if name == "" {
		name = k.models.Default()
	}
	r := &request{id: sys.RequestID(uuid.NewString()), conversation: a.Conversation, text: text, from: a.From, app: a.App, started: k.now()}
	if err := k.learn(ctx, r); err != nil {
		return nil, err
	}
	p, err := k.prepare(ctx, spec{
		program: cmp.Or(from.program, sys.ProgramKernel), task: text, model: name, request: r, talk: a.Conversation, class: a.Class, deadline: a.Deadline, origin: from,
		events: func(p *process) []sys.Event {
			return []sys.Event{p.event(sys.EventRequest, sys.RequestData{Text: text, From: a.From, App: a.App, Model: name, Once: a.Once})}
		},
	})
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		delete(k.talking, a.Conversation)
		return nil, err
	}
	k.talking[a.Conversation] = p
	return p, nil
}

// run lets a main process live in the background.
func (k *Kernel) run(p *process) {
	ctx, cancel := context.WithCancelCause(k.base())
	p.arm(ctx, cancel)
	k.group.Go(func() {
		defer cancel(nil)
		_, _ = p.live(ctx) // how it went is in its answer
	})
}

// steer hands text to the process at work in the conversation, durably; a parked
// one goes on with it. False means that the process takes no more.
func (k *Kernel) steer(ctx context.Context, p *process, a Ask, text string) (Ticket, bool, error) {
	if p.rests() {
		t, err := k.goOn(ctx, p, text, a.Once, Grant{})
		return t, true, err
	}
	p.hearing.RLock()
	defer p.hearing.RUnlock()
	p.mu.Lock()
	closing := p.closing || p.row.State.Ended()
	p.mu.Unlock()
	if closing {
		return Ticket{}, false, nil
	}
	var id int64
	e := p.event(sys.EventRequest, sys.RequestData{Text: text, From: a.From, App: a.App, Once: a.Once})
	err := k.commits.do(ctx, func(tx *journal.Tx) error {
		res, err := tx.Exec(ctx, `INSERT INTO kernel_steer(pid, text) VALUES(?, ?)`, int64(p.pid()), text)
		if err != nil {
			return err
		}
		if id, err = res.LastInsertId(); err != nil {
			return err
		}
		return tx.Append(e)
	})
	if err != nil {
		return Ticket{}, false, err
	}
	p.request.known.words(text)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.steer = append(p.steer, steering{id, text})
	return Ticket{Request: p.request.id, Conversation: a.Conversation, PID: p.pid()}, true, nil
}

// answer is what the owner is told of the request in the end.
func (r *request) answer(text string, why error, now time.Time) sys.AnswerData {
	r.mu.Lock()
	a := sys.AnswerData{
		Text: text, Landings: slices.Clone(r.landings), Open: slices.Clone(r.open),
		Verified: r.verified, Cost: r.cost, Millis: now.Sub(r.started).Milliseconds(),
	}
	if why == nil {
		why = r.broken
	}
	r.mu.Unlock()
	if a.OK = why == nil; !a.OK {
		a.Kind, a.Hint = sys.KindOf(why), sys.HintOf(why)
		if a.Text == "" {
			a.Text = plain(why)
		}
	}
	return a
}

// plain is what an owner reads of err; the hint is shown beside it.
func plain(err error) string {
	var e *sys.Error
	if !errors.As(err, &e) {
		return err.Error()
	}
	shown := *e
	shown.Hint = ""
	return shown.Error()
}

// spend adds what a model request cost.
func (r *request) spend(c sys.Cost) {
	r.mu.Lock()
	r.cost = r.cost.Add(c)
	r.mu.Unlock()
}

// note adds a landing.
func (r *request) note(l sys.LandingInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slices.Contains(r.landings, l.ID) {
		return
	}
	r.landings = append(r.landings, l.ID)
	if l.Provenance.Verified != "" {
		r.verified = l.Provenance.Verified
	}
	for _, slug := range l.Created {
		r.showLocked(slug)
	}
}

func (r *request) show(slug sys.Slug) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.showLocked(slug)
}

func (r *request) showLocked(slug sys.Slug) {
	if !slices.Contains(r.open, slug) {
		r.open = append(r.open, slug)
	}
}

// child notes how a child ended; a later success heals an earlier failure.
func (r *request) child(err error) {
	r.mu.Lock()
	r.broken = err
	r.mu.Unlock()
}
