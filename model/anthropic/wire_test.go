package anthropic_test

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"matrixos/model"
	"matrixos/model/anthropic"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

func serve(t testing.TB, turns ...modeltest.Turn) (*modeltest.Server, model.Model) {
	t.Helper()
	s := modeltest.New(modeltest.Script(turns...))
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	return s, open(t, ts.URL, "k")
}

func user(text string) model.Message {
	return model.Message{Role: model.User, Blocks: []model.Block{{Kind: model.Text, Text: text}}}
}

func stream(t testing.TB, m model.Model, r *model.Request) *model.Reply {
	t.Helper()
	rep, err := m.Stream(t.Context(), r, func(model.Delta) {})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

// TestIgnoresEnvironment sets everything that the SDK reads by default, and
// checks that none of it shows.
func TestIgnoresEnvironment(t *testing.T) {
	t.Setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:1")
	t.Setenv("ANTHROPIC_API_KEY", "of-the-environment")
	t.Setenv("ANTHROPIC_AUTH_TOKEN", "of-the-environment")
	t.Setenv("ANTHROPIC_CUSTOM_HEADERS", "X-Stray: yes")
	t.Setenv("ANTHROPIC_PROFILE", "nobody")
	s, m := serve(t, modeltest.Turn{Text: "x"})
	s.Key = "k"
	stream(t, m, &model.Request{Model: "m", Messages: []model.Message{user("hi")}, Previous: -1})
	h := s.Requests()[0].Header
	if h.Get("X-Stray") != "" || h.Get("Authorization") != "" {
		t.Errorf("the environment shows in the headers: %v", h)
	}
	if h.Get("Anthropic-Version") == "" {
		t.Error("no version header")
	}
}

func TestAsksForWhatTheModelHas(t *testing.T) {
	for _, c := range []struct {
		id               string
		beta             string
		adaptive, effort bool
		max              int64
	}{
		{"claude-opus-4-6", "context-1m-2025-08-07", true, true, 128_000},
		{"claude-opus-4-7", "", true, true, 128_000},
		{"claude-sonnet-4-6", "", true, true, 64_000},
		{"claude-haiku-4-5", "", false, false, 64_000},
		{"home-grown", "", false, false, 32_000},
	} {
		s, m := serve(t, modeltest.Turn{Text: "x"})
		stream(t, m, &model.Request{Model: c.id, Effort: "high", Messages: []model.Message{user("hi")}, Previous: -1})
		r := s.Requests()[0]
		var body struct {
			Thinking *struct{ Type string }   `json:"thinking"`
			Output   *struct{ Effort string } `json:"output_config"`
			Max      int64                    `json:"max_tokens"`
		}
		if err := json.Unmarshal(r.Body, &body); err != nil {
			t.Fatal(err)
		}
		if got := r.Header.Get("Anthropic-Beta"); got != c.beta {
			t.Errorf("%s: beta = %q, want %q", c.id, got, c.beta)
		}
		if (body.Thinking != nil && body.Thinking.Type == "adaptive") != c.adaptive || (body.Output != nil && body.Output.Effort == "high") != c.effort {
			t.Errorf("%s: thinking = %+v, output = %+v", c.id, body.Thinking, body.Output)
		}
		if body.Max != c.max || r.MaxTokens != c.max {
			t.Errorf("%s: max_tokens = %d, want %d", c.id, body.Max, c.max)
		}
	}
}

// marks lists where a request has cache marks: "system.1:1h", "1.0:5m".
func marks(t *testing.T, raw []byte) (list []string) {
	t.Helper()
	type block struct {
		CC *struct{ TTL string } `json:"cache_control"`
	}
	var body struct {
		System   []block
		Tools    []block
		Messages []struct{ Content []block }
	}
	if err := json.Unmarshal(raw, &body); err != nil {
		t.Fatal(err)
	}
	add := func(where string, blocks []block) {
		for i, b := range blocks {
			if b.CC != nil {
				list = append(list, where+"."+string(rune('0'+i))+":"+b.CC.TTL)
			}
		}
	}
	add("tools", body.Tools)
	add("system", body.System)
	for i, m := range body.Messages {
		add(string(rune('0'+i)), m.Content)
	}
	return list
}

func TestCacheMarks(t *testing.T) {
	opaque := model.Block{
		Kind: model.Opaque, Provider: anthropic.Provider,
		Raw: json.RawMessage(`{"type":"server_tool_use","id":"srvtoolu_1","name":"web_search","input":{"query":"x"}}`),
	}
	tool := model.Tool{Name: "Read", Schema: json.RawMessage(`{"type":"object"}`)}
	for name, c := range map[string]struct {
		r    model.Request
		want string
	}{
		"first":      {model.Request{System: []string{"a", "b"}, Tools: []model.Tool{tool}, Messages: []model.Message{user("1")}, Previous: -1}, "system.1:1h 0.0:"},
		"no system":  {model.Request{Tools: []model.Tool{tool}, Messages: []model.Message{user("1")}, Previous: -1}, "tools.0:1h 0.0:"},
		"no prompt":  {model.Request{System: []string{""}, Messages: []model.Message{user("1")}, Previous: -1}, "0.0:"},
		"second":     {model.Request{System: []string{"a"}, Messages: []model.Message{user("1"), user("2"), user("3")}, Previous: 0}, "system.0:1h 0.0: 2.0:"},
		"many":       {model.Request{System: []string{"a"}, Messages: []model.Message{user("1"), user("2"), user("3"), user("4")}, Previous: 2}, "system.0:1h 2.0: 3.0:"},
		"paused":     {model.Request{Messages: []model.Message{user("1"), {Role: model.Assistant, Blocks: []model.Block{{Kind: model.Text, Text: "…"}, opaque}}}, Previous: 0}, "0.0: 1.1:"},
		"only blank": {model.Request{Messages: []model.Message{user("1"), user(" ")}, Previous: -1}, ""},
	} {
		s, m := serve(t, modeltest.Turn{Text: "x"})
		c.r.Model = "claude-opus-4-7"
		stream(t, m, &c.r)
		if got := strings.Join(marks(t, s.Requests()[0].Body), " "); got != c.want {
			t.Errorf("%s: marks at %q, want %q", name, got, c.want)
		}
	}
}

func TestOpaqueBlocksGoBackVerbatim(t *testing.T) {
	search := map[string]any{"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": map[string]any{"query": "x"}}
	result := map[string]any{"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []any{
		map[string]any{"type": "web_search_result", "url": "https://example.org", "title": "T", "encrypted_content": "c2VjcmV0", "page_age": nil},
	}}
	s, m := serve(t, modeltest.Turn{Opaque: []any{search, result}, Text: "Found.", Stop: model.StopPause}, modeltest.Turn{Text: "x"})
	r := &model.Request{Model: "claude-opus-4-7", Messages: []model.Message{user("look it up")}, Previous: -1}
	rep := stream(t, m, r)
	if len(rep.Message.Blocks) != 3 || rep.Message.Blocks[0].Kind != model.Opaque || rep.Message.Blocks[1].Kind != model.Opaque {
		t.Fatalf("blocks = %+v", rep.Message.Blocks)
	}
	stored, err := json.Marshal(rep.Message)
	if err != nil {
		t.Fatal(err)
	}
	var loaded model.Message
	if err := json.Unmarshal(stored, &loaded); err != nil {
		t.Fatal(err)
	}
	r.Messages = append(r.Messages, loaded)
	stream(t, m, r)
	for _, o := range []map[string]any{search, result} {
		want, err := json.Marshal(o)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Contains(s.Requests()[1].Body, want) {
			t.Errorf("%s did not go back: %s", want, s.Requests()[1].Body)
		}
	}
}

// TestPlainBlocksAreStoredOnce checks that text and calls do not carry the
// provider's encoding along: a conversation would be twice as long on disk.
func TestPlainBlocksAreStoredOnce(t *testing.T) {
	_, m := serve(t, modeltest.Turn{Text: "x", Calls: []modeltest.Call{{Name: "Read", Input: map[string]int{"a": 1}}}})
	for _, b := range stream(t, m, &model.Request{Model: "m", Messages: []model.Message{user("hi")}, Previous: -1}).Message.Blocks {
		if len(b.Raw) > 0 {
			t.Errorf("a %s block carries %s", b.Kind, b.Raw)
		}
	}
}

// canned answers every request with the same bytes.
type canned []byte

func (c canned) RoundTrip(r *http.Request) (*http.Response, error) {
	return &http.Response{
		StatusCode: http.StatusOK, Request: r, Header: http.Header{"Content-Type": {"text/event-stream"}},
		Body: io.NopCloser(bytes.NewReader(c)),
	}, nil
}

// FuzzStream feeds what no server should send. Whatever comes out is a reply that
// can be stored and sent back, or an error with a kind.
func FuzzStream(f *testing.F) {
	rec := httptest.NewRecorder()
	modeltest.New(modeltest.Script(modeltest.Turn{
		Thinking: "hm", Text: "hello", Calls: []modeltest.Call{{Name: "Read", Arguments: `{"a":1}`}},
	})).ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/v1/messages", strings.NewReader(
		`{"model":"m","max_tokens":5,"stream":true,"messages":[{"role":"user","content":"hi"}]}`)))
	whole := rec.Body.Bytes()
	f.Add(whole)
	f.Add(whole[:len(whole)/2])
	f.Add(bytes.ReplaceAll(whole, []byte(`"index":1`), []byte(`"index":-1`)))
	f.Add(bytes.ReplaceAll(whole, []byte(`"type":"text"`), []byte(`"type":"new"`)))
	f.Add([]byte("event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n"))
	f.Add([]byte("event: error\ndata: nonsense\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := anthropic.New(anthropic.Options{
			Key: "k", BaseURL: "http://127.0.0.1:1", HTTP: &http.Client{Transport: canned(body)}, MaxRetries: -1, Idle: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := &model.Request{Model: "m", Messages: []model.Message{user("hi")}, Previous: -1}
		rep, err := m.Stream(t.Context(), r, func(model.Delta) {})
		if err != nil {
			if sys.KindOf(err) == sys.Internal {
				t.Errorf("an error without a kind: %v", err)
			}
			return
		}
		if _, err := json.Marshal(rep.Message); err != nil {
			t.Errorf("the reply cannot be stored: %v", err)
		}
		r.Messages = append(r.Messages, rep.Message, user("more"))
		if _, err := m.Stream(t.Context(), r, func(model.Delta) {}); err != nil && sys.KindOf(err) == sys.Internal {
			t.Errorf("the reply cannot be sent back: %v", err)
		}
	})
}
