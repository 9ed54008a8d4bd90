package test

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"matrixos/client"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

// connect is a client of the world's daemon.
func (w *World) connect() *client.Client {
	w.t.Helper()
	c, err := client.Connect(context.Background(), w.Home)
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(c.Close)
	return c
}

// await reads the journal until an event fits.
func await(t *testing.T, c *client.Client, what string, fits func(sys.Event) bool) sys.Event {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	s, err := c.Events(ctx, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for {
		batch, err := s.Next(ctx)
		if err != nil {
			t.Fatalf("no %s: %v", what, err)
		}
		for _, e := range batch {
			if fits(e) {
				return e
			}
		}
	}
}

// once lets the first request that fits hang, so that the binary can be killed
// while it waits, and answers all others by rules.
type once struct {
	modeltest.Player
	fits    func(*modeltest.Request) bool
	struck  atomic.Bool
	reached chan struct{}
}

func (o *once) Play(r *modeltest.Request) modeltest.Turn {
	turn := o.Player.Play(r)
	if o.fits(r) && o.struck.CompareAndSwap(false, true) {
		close(o.reached)
		turn.Delay = modeltest.Duration(time.Minute)
	}
	return turn
}

func call(name string, input any) modeltest.Turn {
	return modeltest.Turn{Text: "Now " + name + ".", Calls: []modeltest.Call{{Name: name, Input: input}}}
}

// promise is what a new app that a scripted model has built has to do: it opens. What it
// ties is never shown, so that it fits any app.
var promise = map[string]any{
	"version": 1, "scenarios": []any{map[string]any{"name": "it opens", "steps": []any{map[string]any{"see_not": "an error"}}}},
	"properties": []any{map[string]any{"name": "any", "shown": "No App Shows This", "sql": "SELECT 1"}},
}

// TestKilledInEachStateItGoesOn kills the binary while a request is in one state
// of its life after the other. After the next start the request is answered, once
// and well; nothing that had been done is lost, and nothing is done twice. A kill
// from outside meets only states that last: the kernel's TestMode12KilledInEachState
// has them all, to the letter.
func TestKilledInEachStateItGoesOn(t *testing.T) { //nolint:gocognit // one story with several beginnings
	const model = "anthropic:claude-opus-4-6"
	write := func(name, text string) modeltest.Turn {
		return call("Write", map[string]string{"file_path": "apps/pair/" + name, "content": text})
	}
	spawn := call("spawn", map[string]any{"program": "builder", "task": "write them", "app": "pair", "contract": promise})
	builder := []modeltest.Turn{write("a.txt", "one"), write("b.txt", "two"), {Text: "Built."}}
	kernel := []modeltest.Turn{spawn, {Text: "Done."}}
	asks := func(p sys.Program, answers int) func(*modeltest.Request) bool {
		return func(r *modeltest.Request) bool {
			_, n := r.Words()
			return r.Program() == p && n == answers
		}
	}
	never := func(*modeltest.Request) bool { return false }
	tool := func(name string) func(sys.Event) bool {
		return func(e sys.Event) bool {
			return e.Kind == sys.EventCall && strings.Contains(string(e.Data), `"name":"`+name+`"`)
		}
	}
	for name, c := range map[string]struct {
		kernel, builder []modeltest.Turn
		hang            func(*modeltest.Request) bool // kill while this request waits
		event           func(sys.Event) bool          // or when this has happened
		answer          string                        // to a question
	}{
		"the first request to the model": {hang: asks("kernel", 0)},
		"a child's first request":        {hang: asks("builder", 0)},
		"after a child's writes":         {hang: asks("builder", 2)},
		"after the child has landed":     {hang: asks("kernel", 1)},
		"a command that runs": {
			builder: []modeltest.Turn{write("a.txt", "one"), call("Bash", map[string]string{"command": "echo half > apps/pair/c.txt; sleep 60"}), write("b.txt", "two"), {Text: "Built."}},
			event:   tool("Bash"),
		},
		"a question to the owner": {
			kernel: []modeltest.Turn{call("ask_owner", map[string]string{"question": "Sure?"}), spawn, {Text: "Done."}},
			event:  func(e sys.Event) bool { return e.Kind == sys.EventQuestion }, answer: "yes",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if c.kernel == nil {
				c.kernel = kernel
			}
			if c.builder == nil {
				c.builder = builder
			}
			if c.hang == nil {
				c.hang = never
			}
			player := &once{fits: c.hang, reached: make(chan struct{}), Player: modeltest.Rules(
				modeltest.Rule{Program: "kernel", Turns: c.kernel}, modeltest.Rule{Program: "builder", Turns: c.builder})}
			server := modeltest.New(player)
			ts := httptest.NewServer(server)
			t.Cleanup(func() { ts.CloseClientConnections(); ts.Close() })
			w := NewWorld(t)
			w.untried = true
			w.Env, w.Args = providers(ts.URL)[model], []string{"--model", model}
			w.Up()
			ticket, err := w.connect().Ask(t.Context(), client.Ask{Text: "write two files", From: "desktop"})
			if err != nil {
				t.Fatal(err)
			}
			if c.event != nil {
				await(t, w.connect(), "moment to kill", c.event)
			} else {
				select {
				case <-player.reached:
				case <-time.After(patience):
					t.Fatal("the model was not asked")
				}
			}
			w.Crash()
			w.Up()
			cl := w.connect()
			if c.answer != "" {
				q := await(t, cl, "question", c.event)
				var d sys.QuestionData
				if err := json.Unmarshal(q.Data, &d); err != nil {
					t.Fatal(err)
				}
				if err := cl.Answer(t.Context(), d.ID, c.answer); err != nil {
					t.Fatal(err)
				}
				if err := cl.Answer(t.Context(), d.ID, "no"); sys.KindOf(err) != sys.NotFound {
					t.Errorf("a second answer: %v", err)
				}
			}
			w.wentWell(cl, ticket)
		})
	}
}

// wentWell checks the end of the request of TestKilledInEachStateItGoesOn.
func (w *World) wentWell(cl *client.Client, ticket client.Ticket) {
	w.t.Helper()
	t, ok := w.t.(*testing.T)
	if !ok {
		return
	}
	e := await(t, cl, "answer", func(e sys.Event) bool { return e.Kind == sys.EventAnswer })
	var a sys.AnswerData
	if err := json.Unmarshal(e.Data, &a); err != nil {
		t.Fatal(err)
	}
	if e.Request != ticket.Request || !a.OK || a.Text != "Done." || len(a.Landings) != 1 {
		t.Errorf("answer %+v", a)
	}
	if got := w.Read("apps/pair/a.txt") + w.Read("apps/pair/b.txt"); got != "onetwo" {
		t.Errorf("the files hold %q", got)
	}
	list, err := cl.Landings(t.Context(), 100, 0)
	if err != nil {
		t.Fatal(err)
	}
	agents := 0
	for _, l := range list {
		if l.Kind == sys.ByAgent {
			agents++
		}
	}
	if agents != 1 {
		t.Errorf("%d landings of agents, want one: %+v", agents, list)
	}
	events, err := cl.Conversation(t.Context(), ticket.Conversation)
	if err != nil {
		t.Fatal(err)
	}
	count := map[sys.EventKind]int{}
	for _, e := range events {
		count[e.Kind]++
	}
	if count[sys.EventAnswer] != 1 || count[sys.EventRequest] != 1 || count[sys.EventQuestion] > 1 {
		t.Errorf("events %v", count)
	}
	if rows, err := cl.Processes(t.Context()); err != nil || len(rows) != 0 {
		t.Errorf("left: %+v %v", rows, err)
	}
}
