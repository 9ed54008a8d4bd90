package kernel

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"matrixos/model"
	"matrixos/sys"
)

// Ask is something the owner wants.
type Ask struct {
	Text         string
	Conversation sys.Conversation // empty begins a new one
	Model        string           // empty means the owner's default
	From         string           // "desktop", "cli", or a channel
	App          sys.Slug         // the app in front of the owner, if any
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
	app          sys.Slug
	started      time.Time

	mu       sync.Mutex
	landings []sys.LandingID
	open     []sys.Slug
	verified string
	cost     sys.Cost
	broken   error // how the newest child failed, until a later one succeeds
}

// Ask begins to work on a and returns at once; events tell the progress, and
// EventAnswer the end. Words that reach a conversation which is being worked on
// are folded into the running turn.
func (k *Kernel) Ask(ctx context.Context, a Ask) (Ticket, error) {
	text := strings.TrimSpace(a.Text)
	if text == "" {
		return Ticket{}, &sys.Error{Op: "ask", Kind: sys.Invalid, Hint: "say what you want, such as: track my expenses"}
	}
	if a.Conversation == "" {
		a.Conversation = sys.Conversation(k.now().Format("20060102-150405-") + uuid.NewString()[:8])
	}
	if err := k.talks.valid(a.Conversation); err != nil {
		return Ticket{}, err
	}
	if t, ok, err := k.steer(ctx, a, text); ok || err != nil {
		return t, err
	}
	name := a.Model
	if name == "" {
		name = k.models.Default()
	}
	r := &request{id: sys.RequestID(uuid.NewString()), conversation: a.Conversation, text: text, app: a.App, started: k.now()}
	p, err := k.prepare(ctx, spec{program: sys.ProgramKernel, task: text, model: name, request: r, talk: a.Conversation})
	if err != nil {
		return Ticket{}, err
	}
	if err := k.admit(p); err != nil {
		return Ticket{}, err
	}
	e := p.event(sys.EventRequest, sys.RequestData{Text: text, From: a.From, App: a.App, Model: name})
	if _, err := k.journal.Append(ctx, e); err != nil {
		k.dismiss(p)
		return Ticket{}, err
	}
	k.group.Go(func() { k.serve(p) })
	return Ticket{Request: r.id, Conversation: a.Conversation, PID: p.pid()}, nil
}

// steer hands text to the process at work in the conversation, if there is one.
func (k *Kernel) steer(ctx context.Context, a Ask, text string) (Ticket, bool, error) {
	k.mu.Lock()
	p := k.talking[a.Conversation]
	k.mu.Unlock()
	if p == nil {
		return Ticket{}, false, nil
	}
	if _, err := k.journal.Append(ctx, p.event(sys.EventRequest, sys.RequestData{Text: text, From: a.From, App: a.App})); err != nil {
		return Ticket{}, false, err
	}
	p.mu.Lock()
	p.steer = append(p.steer, model.Block{Kind: model.Text, Text: text})
	p.mu.Unlock()
	return Ticket{Request: p.request.id, Conversation: a.Conversation, PID: p.pid()}, true, nil
}

// serve runs the main process of a request and answers it.
func (k *Kernel) serve(p *process) {
	ctx, cancel := context.WithCancelCause(k.base())
	defer cancel(nil)
	p.arm(cancel)
	report, err := p.live(ctx)
	r := p.request
	r.mu.Lock()
	a := sys.AnswerData{
		OK: err == nil, Text: report.Text, Landings: slices.Clone(r.landings), Open: slices.Clone(r.open),
		Verified: r.verified, Cost: r.cost, Millis: k.now().Sub(r.started).Milliseconds(),
	}
	if err == nil && r.broken != nil {
		err = r.broken
		a.OK = false
	}
	r.mu.Unlock()
	if err != nil {
		a.Kind, a.Hint = sys.KindOf(err), sys.HintOf(err)
		if a.Text == "" {
			a.Text = plain(err)
		}
	}
	e := p.event(sys.EventAnswer, a)
	k.dismiss(p)
	if _, err := k.journal.Append(context.WithoutCancel(ctx), e); err != nil {
		k.log.Error("an answer could not be kept", "request", r.id, "error", err)
	}
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
	r.landings = append(r.landings, l.ID)
	if l.Provenance.Verified != "" {
		r.verified = l.Provenance.Verified
	}
	for _, slug := range l.Created {
		r.showLocked(slug)
	}
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
