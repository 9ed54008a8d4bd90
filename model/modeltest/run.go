package modeltest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/model"
	"matrixos/sys"
)

// Patience is what Run needs of a model's constructor, so that a suite full of
// failures takes seconds: Retries further attempts, a first pause of Backoff, no
// pause longer than MaxWait, and Idle of silence.
const (
	Retries = 3
	Backoff = time.Millisecond
	MaxWait = 2 * time.Second
	Idle    = 1500 * time.Millisecond // a busy machine is silent for half a second
)

// ID is the model that Run asks for; the price table lists it.
const ID = "claude-opus-4-6"

const key = "sk-of-the-suite"

// NewModel makes the model to be judged, for a server at url (without /v1) that
// wants key, with the patience above.
type NewModel func(t testing.TB, url, key string) model.Model

// Run judges a model for a remote server against the contract of model.Model.
func Run(t *testing.T, newModel NewModel) {
	j := &judge{newModel: newModel}
	j.probe(t)
	for _, c := range []struct {
		name string
		run  func(*judge, *testing.T)
	}{
		{"streams in order", streamsInOrder},
		{"streams calls", streamsCalls},
		{"keeps thinking verbatim", keepsThinking},
		{"keeps parallel calls apart", parallelCalls},
		{"survives malformed arguments", malformedArguments},
		{"carries long arguments", longArguments},
		{"names every stop", stops},
		{"knows an empty reply", emptyReply},
		{"knows a prompt that is too long", overflows},
		{"tries again", triesAgain},
		{"gives up", givesUp},
		{"follows no redirect", followsNoRedirect},
		{"keeps its connection", keepsConnection},
		{"stops when told", cancels},
		{"serves many at once", concurrent},
		{"counts the cost", counts},
		{"sends equal bytes for equal requests", deterministic},
		{"ignores another provider's blocks", foreignBlocks},
		{"knows limits", limits},
	} {
		t.Run(c.name, func(t *testing.T) { c.run(j, t) })
	}
}

// judge is one run of the suite.
type judge struct {
	newModel NewModel
	protocol Protocol
}

// seen is what came out of one request.
type seen struct {
	*model.Reply
	err    error
	deltas []model.Delta
}

// text joins what was streamed since the last retry.
func (s seen) text(of func(model.Delta) string) string {
	var b strings.Builder
	for _, d := range s.deltas {
		if d.Retry != nil {
			b.Reset()
		}
		b.WriteString(of(d))
	}
	return b.String()
}

func (s seen) retries() (list []model.Retry) {
	for _, d := range s.deltas {
		if d.Retry != nil {
			list = append(list, *d.Retry)
		}
	}
	return list
}

func ofText(d model.Delta) string     { return d.Text }
func ofThinking(d model.Delta) string { return d.Thinking }
func ofInput(d model.Delta) string    { return d.Input }

// serve starts a server that plays, and a model for it.
func (j *judge) serve(t *testing.T, p Player) (*Server, model.Model) {
	t.Helper()
	s := New(p)
	s.Key = key
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	return s, j.newModel(t, ts.URL, key)
}

// probe finds out which protocol the model speaks.
func (j *judge) probe(t *testing.T) {
	t.Helper()
	s, m := j.serve(t, Script(Turn{Text: "hello"}))
	got := ask(t.Context(), m, request("hi"))
	if got.err != nil || len(s.Requests()) != 1 {
		t.Fatalf("a plain request fails: %v (%d requests arrived)", got.err, len(s.Requests()))
	}
	j.protocol = s.Requests()[0].Protocol
}

// request asks for something, with the tools of the suite.
func request(words string) *model.Request {
	schema := json.RawMessage(`{"type":"object","properties":{"path":{"type":"string"}}}`)
	return &model.Request{
		Model: ID, System: []string{"You are judged.", "Stay calm."}, Previous: -1,
		Tools: []model.Tool{
			{Name: "Write", Description: "Writes a file.", Schema: schema},
			{Name: "Read", Description: "Reads a file.", Schema: schema, ReadOnly: true},
		},
		Messages: []model.Message{{Role: model.User, Blocks: []model.Block{{Kind: model.Text, Text: words}}}},
	}
}

// ask runs one request to its end and watches that the sink is used as promised.
func ask(ctx context.Context, m model.Model, r *model.Request) seen {
	var s seen
	var mu sync.Mutex
	over := false
	s.Reply, s.err = m.Stream(ctx, r, func(d model.Delta) {
		mu.Lock()
		defer mu.Unlock()
		if over {
			panic("the sink was called after Stream returned")
		}
		s.deltas = append(s.deltas, d)
	})
	mu.Lock()
	defer mu.Unlock()
	over = true
	return s
}

// must asks and fails the test on an error.
func must(t *testing.T, m model.Model, r *model.Request) seen {
	t.Helper()
	s := ask(t.Context(), m, r)
	if s.err != nil {
		t.Fatalf("the request failed: %v", s.err)
	}
	if s.Message.Role != model.Assistant {
		t.Errorf("role = %q, want assistant", s.Message.Role)
	}
	return s
}

func blocksOf(m model.Message, kind model.BlockKind) (list []model.Block) {
	for _, b := range m.Blocks {
		if b.Kind == kind {
			list = append(list, b)
		}
	}
	return list
}

// refused checks that err is a *sys.Error of a kind, with a way out.
func refused(t *testing.T, err error, kind sys.Kind, hints ...string) {
	t.Helper()
	var e *sys.Error
	if !errors.As(err, &e) {
		t.Fatalf("err = %#v, want a *sys.Error", err)
	}
	if e.Kind != kind {
		t.Errorf("kind = %q, want %q (%v)", e.Kind, kind, err)
	}
	if e.Err == nil {
		t.Errorf("the error names no cause: %v", err)
	}
	for _, h := range hints {
		if !strings.Contains(e.Hint, h) {
			t.Errorf("hint = %q, which does not mention %q", e.Hint, h)
		}
	}
	if strings.Contains(err.Error(), key) {
		t.Errorf("the error shows the key: %v", err)
	}
}
