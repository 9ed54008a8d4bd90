package coder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// turn is one run from what the owner said to the model's last word, in as many
// runs of the program as that takes. Its loop is the only goroutine that asks the
// model, keeps messages and emits events.
type turn struct {
	*session
	emit  func(engine.Event)
	out   *engine.Outcome
	asked chan *asked
	over  chan struct{} // closed when the run of now is over
	guard engine.Guard

	final    bool // the model has said its last word
	refused  bool // which was no
	resumed  bool // the run of now goes on with what the program has
	crashes  int
	empty    int // empty replies in a row
	relieved int // how often room was made for the request that is on its way
	cutOff   int // replies in a row that ended at the output limit
	at       int // steps, so that replies have ids of their own

	bad     int           // calls of the newest reply that could not be run
	open    []model.Block // calls of the newest reply that have no result yet
	calls   sync.WaitGroup
	readers sync.RWMutex  // a call that may change something is alone
	slots   chan struct{} // of calls that only read

	running bool   // a run of the program, so that it may make calls; session.mu guards it
	due     []*due // calls of the newest reply that it may make; as above
}

const (
	parallel   = 8                // calls that only read and run at once
	maxCrashes = 3                // of the program in one turn, before it is given up
	restWithin = 10 * time.Second // for a program to end after the last word
)

func (t *turn) run(ctx context.Context, in []model.Block) error {
	for {
		token, err := t.begin(in)
		if err != nil {
			return err
		}
		if err = t.once(ctx, token); err != nil {
			return errors.Join(err, t.settle(context.WithoutCancel(ctx), nil))
		}
		if !t.final { // it ended too early
			in = []model.Block{{Kind: model.Text, Text: goOn}}
			if err := errors.Join(t.settle(ctx, nil), t.keepUser(in)); err != nil {
				return err
			}
			in = nil // it is part of the conversation, which the next one gets whole
			continue
		}
		if t.refused {
			return nil
		}
		if in = t.host.Steering(); len(in) == 0 {
			return nil
		}
		if err := t.host.Keep(context.WithoutCancel(ctx), model.Message{Role: model.User, Blocks: in}, sys.Cost{}); err != nil {
			return err
		}
		t.final = false
	}
}

// once runs the program until it has ended, and nothing of it is left.
func (t *turn) once(ctx context.Context, token string) error {
	p, err := t.start(ctx, token)
	if err != nil {
		return err
	}
	gone, said := make(chan struct{}), &tail{}
	go func() {
		_, _ = io.Copy(said, p.Out) // until it has ended
		p.Kill()                    // it may have closed its output and live on
		p.Wait()
		close(gone)
	}()
	err = t.follow(ctx, gone)
	p.Kill()
	close(t.over)
	<-gone
	t.runs(false)
	t.calls.Wait() // so that none is made twice
	if ctx.Err() != nil {
		return canceled(ctx)
	}
	t.known = err == nil && t.final
	if err != nil || t.final {
		return err
	}
	return t.crashed(ctx, strings.TrimSpace(said.String()+"\n"+p.Said()))
}

// start starts the program, in the folder as it is now.
func (t *turn) start(ctx context.Context, token string) (p *Program, err error) {
	place, err := t.host.Work(ctx)
	if err != nil {
		return nil, err
	}
	c := t.eng.o.Command
	line := c.Run
	if t.resumed = t.known; t.resumed {
		line = append([]string{c.Run[0]}, c.Again...)
	} else if err := t.Close(); err != nil {
		return nil, err
	}
	if t.dir == "" {
		if t.dir, err = t.eng.furnish(t.o.Model); err != nil {
			return nil, err
		}
	}
	t.over = make(chan struct{})
	l := Launch{Own: t.dir, Place: place, Env: map[string]string{"HOME": Private}, Serve: t.serveAt(ctx, t.over)}
	asked := strings.Contains(strings.Join(line, " "), "{prompt}")
	for _, a := range line {
		l.Args = append(l.Args, t.eng.fill(a, t.o.Model, token))
	}
	for k, v := range t.eng.env() {
		l.Env[k] = t.eng.fill(v, t.o.Model, token)
	}
	t.runs(true)
	if p, err = t.eng.o.Start(l); err != nil {
		return nil, err
	}
	if !asked {
		_, _ = io.WriteString(p.In, token+"\n") // fails if it has ended, which is told elsewhere
	}
	_ = p.In.Close()
	return p, nil
}

func (t *turn) runs(yes bool) {
	t.mu.Lock()
	t.running = yes
	t.mu.Unlock()
}

// env is what programs look at to find their model, and what this one wants beside.
func (e *Engine) env() map[string]string {
	env := map[string]string{"OPENAI_BASE_URL": "{url}/v1", "OPENAI_API_BASE": "{url}/v1", "OPENAI_API_KEY": "none"}
	for k, v := range e.o.Command.Env {
		env[k] = v
	}
	return env
}

// follow serves the program until it has ended or need not go on.
func (t *turn) follow(ctx context.Context, gone <-chan struct{}) error {
	var rest <-chan time.Time
	for {
		select {
		case <-ctx.Done():
			return canceled(ctx)
		case q := <-t.asked:
			if err := t.serve(ctx, q); err != nil {
				return err
			}
			rest = nil
			if t.final {
				rest = time.After(restWithin)
			}
		case <-rest:
			return nil
		case <-gone:
			return nil
		}
	}
}

// crashed reports why a program that ended before the model's last word is not
// started once more, if it is not.
func (t *turn) crashed(ctx context.Context, said string) error {
	err := errors.New("it ended before the model had said its last word")
	if said = oneLine(said); said != "" {
		err = fmt.Errorf("%w; at last it said: %s", err, said)
	}
	if t.out.Steps == 0 && !t.resumed || t.crashes+1 >= maxCrashes {
		return &sys.Error{
			Op: "run " + t.eng.o.Name, Path: t.eng.o.Command.Run[0], Kind: sys.Unavailable, Err: err,
			Hint: "try whether it runs by itself; any other model works without it",
		}
	}
	t.crashes++
	t.eng.o.Logger.WarnContext(ctx, "a coding agent is started again", "agent", t.eng.o.Name, "error", err)
	return nil
}

func canceled(ctx context.Context) error {
	return &sys.Error{Op: op, Kind: sys.Canceled, Err: context.Cause(ctx)}
}

// tail keeps the end of what is written to it.
type tail struct{ text []byte }

func (t *tail) Write(p []byte) (int, error) {
	const most = 2000
	t.text = append(t.text, p...)
	if n := len(t.text); n > most {
		t.text = append(t.text[:0], t.text[n-most:]...)
	}
	return len(p), nil
}

func (t *tail) String() string { return string(t.text) }

// oneLine is the end of text in one line.
func oneLine(text string) string {
	text = strings.Join(strings.Fields(strings.ToValidUTF8(text, "")), " ")
	if len(text) > 400 {
		text = "…" + strings.ToValidUTF8(text[len(text)-400:], "")
	}
	return text
}
