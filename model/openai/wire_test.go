package openai_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"matrixos/model"
	"matrixos/model/modeltest"
	"matrixos/model/openai"
	"matrixos/sys"
)

func serve(t testing.TB, turns ...modeltest.Turn) (*modeltest.Server, model.Model) {
	t.Helper()
	s := modeltest.New(modeltest.Script(turns...))
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	return s, open(t, ts.URL, "")
}

func user(text string) model.Message {
	return model.Message{Role: model.User, Blocks: []model.Block{{Kind: model.Text, Text: text}}}
}

func ask(words string) *model.Request {
	return &model.Request{Model: "home-grown", Messages: []model.Message{user(words)}, Previous: -1}
}

func stream(t testing.TB, m model.Model, r *model.Request) *model.Reply {
	t.Helper()
	rep, err := m.Stream(t.Context(), r, func(d model.Delta) {
		if d.Retry != nil {
			t.Errorf("a retry was announced: %+v", d.Retry)
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	return rep
}

func TestIgnoresEnvironment(t *testing.T) {
	for _, name := range []string{"OPENAI_BASE_URL", "OPENAI_API_KEY", "OPENAI_ADMIN_KEY", "OPENAI_ORG_ID", "OPENAI_PROJECT_ID"} {
		t.Setenv(name, "http://127.0.0.1:1")
	}
	var got http.Header
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		modeltest.New(modeltest.Script(modeltest.Turn{Text: "x"})).ServeHTTP(w, r)
	}))
	defer ts.Close()
	stream(t, open(t, ts.URL, ""), ask("hi"))
	for _, h := range []string{"Authorization", "OpenAI-Organization", "OpenAI-Project"} {
		if v := got.Get(h); v != "" {
			t.Errorf("%s = %q, out of the environment", h, v)
		}
	}
}

// TestLearnsDialects checks that a complaint about the wording is understood
// without a retry being announced, and remembered.
func TestLearnsDialects(t *testing.T) {
	for name, c := range map[string]struct {
		quirks      modeltest.Quirks
		has, hasNot string
	}{
		"new limit":         {modeltest.Quirks{RefuseLimit: true}, `"max_completion_tokens":77`, `"max_tokens"`},
		"no stream options": {modeltest.Quirks{RefuseStream: true}, `"max_tokens":77`, `stream_options`},
		"no effort":         {modeltest.Quirks{RefuseEffort: true}, `"stream_options"`, `reasoning_effort`},
		"all at once": {
			modeltest.Quirks{RefuseEffort: true, RefuseStream: true, RefuseLimit: true},
			`"max_completion_tokens":77`, `reasoning_effort`,
		},
	} {
		var bodies []string
		s := modeltest.New(modeltest.Script(modeltest.Turn{Text: "x", Quirks: c.quirks}))
		ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			bodies = append(bodies, string(body))
			r.Body = io.NopCloser(bytes.NewReader(body))
			s.ServeHTTP(w, r)
		}))
		m := open(t, ts.URL, "")
		for range 2 {
			r := ask("hi")
			r.MaxTokens, r.Effort = 77, "max"
			stream(t, m, r)
		}
		ts.Close()
		last := bodies[len(bodies)-1]
		if !strings.Contains(last, c.has) || strings.Contains(last, c.hasNot) {
			t.Errorf("%s: %s", name, last)
		}
		if bodies[len(bodies)-2] != last {
			t.Errorf("%s: the second request had to learn again", name)
		}
	}
}

func TestStubbornServer(t *testing.T) {
	n := 0
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n++
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, `{"error":{"message":"max_tokens, max_completion_tokens, stream_options and reasoning_effort are all wrong"}}`)
	}))
	defer ts.Close()
	r := ask("hi")
	r.MaxTokens, r.Effort = 77, "high"
	_, err := open(t, ts.URL, "").Stream(t.Context(), r, func(model.Delta) {})
	if sys.KindOf(err) != sys.Invalid || n > 6 {
		t.Errorf("%d requests, %v", n, err)
	}
}

func TestEstimatesMissingUsage(t *testing.T) {
	_, m := serve(t, modeltest.Turn{Text: strings.Repeat("word ", 100), Quirks: modeltest.Quirks{NoUsage: true}})
	c := stream(t, m, ask(strings.Repeat("word ", 1000))).Cost
	if !c.Estimated || c.Input < 1000 || c.Input > 2000 || c.Output < 100 || c.Output > 200 {
		t.Errorf("cost = %+v", c)
	}
}

// answer serves one fixed stream.
func answer(t *testing.T, chunks ...string) model.Model {
	t.Helper()
	ts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for _, c := range chunks {
			fmt.Fprintf(w, "data: %s\n\n", c)
		}
	}))
	t.Cleanup(ts.Close)
	return open(t, ts.URL, "")
}

// TestQuirks holds streams as servers were seen to send them.
func TestQuirks(t *testing.T) {
	for name, c := range map[string]struct {
		chunks []string
		check  func(t *testing.T, r *model.Reply)
	}{
		"OpenRouter: comments, a cost, and no ids": {
			[]string{
				`{"choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}`,
				`{"choices":[{"index":0,"delta":{"content":""},"finish_reason":"stop"}]}`,
				`{"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"cost":0.0125}}`, `[DONE]`,
			},
			func(t *testing.T, r *model.Reply) {
				if r.Cost.USD != 0.0125 || r.Cost.Estimated || r.Cost.Input != 10 {
					t.Errorf("cost = %+v", r.Cost)
				}
			},
		},
		"Ollama: a whole call, finished by stop": {
			[]string{
				`{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"role":"assistant","content":"","tool_calls":[{"id":"call_a","index":0,"type":"function","function":{"name":"Read","arguments":"{\"path\":\"a\"}"}}]},"finish_reason":null}]}`,
				`{"id":"chatcmpl-1","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":"stop"}]}`, `[DONE]`,
			},
			func(t *testing.T, r *model.Reply) {
				if r.Stop != model.StopTool || len(r.Message.Blocks) != 1 || string(r.Message.Blocks[0].Input) != `{"path":"a"}` {
					t.Errorf("reply = %+v", r)
				}
			},
		},
		"vLLM: the name alone, arguments later, null content": {
			[]string{
				`{"id":"x","choices":[{"index":0,"delta":{"content":null,"tool_calls":[{"index":0,"id":"c1","type":"function","function":{"name":"Read"}}]},"finish_reason":null}]}`,
				`{"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\""}}]},"finish_reason":null}]}`,
				`{"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":":1}"}}]},"finish_reason":"tool_calls"}]}`,
			},
			func(t *testing.T, r *model.Reply) {
				if len(r.Message.Blocks) != 1 || string(r.Message.Blocks[0].Input) != `{"a":1}` {
					t.Errorf("reply = %+v", r)
				}
			},
		},
		"arguments encoded twice": {
			[]string{`{"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"c","function":{"name":"Read","arguments":"\"{\\\"a\\\":1}\""}}]},"finish_reason":"tool_calls"}]}`},
			func(t *testing.T, r *model.Reply) {
				if string(r.Message.Blocks[0].Input) != `{"a":1}` {
					t.Errorf("input = %s", r.Message.Blocks[0].Input)
				}
			},
		},
		"thoughts under another name, a second choice": {
			[]string{
				`{"choices":[{"index":0,"delta":{"reasoning":"Hm."},"finish_reason":null},{"index":1,"delta":{"content":"other"},"finish_reason":null}]}`,
				`{"choices":[{"index":0,"delta":{"content":"Yes."},"finish_reason":"stop"}]}`,
			},
			func(t *testing.T, r *model.Reply) {
				if len(r.Message.Blocks) != 2 || r.Message.Blocks[0].Text != "Hm." || r.Message.Blocks[1].Text != "Yes." {
					t.Errorf("blocks = %+v", r.Message.Blocks)
				}
			},
		},
		"a refusal of its own": {
			[]string{`{"choices":[{"index":0,"delta":{"refusal":"I can't."},"finish_reason":"stop"}]}`},
			func(t *testing.T, r *model.Reply) {
				if r.Stop != model.StopRefusal || r.Message.Blocks[0].Text != "I can't." {
					t.Errorf("reply = %+v", r)
				}
			},
		},
		"a call without a name": {
			[]string{`{"choices":[{"index":0,"delta":{"content":"x","tool_calls":[{"index":0,"id":"c","function":{"arguments":"{}"}}]},"finish_reason":"tool_calls"}]}`},
			func(t *testing.T, r *model.Reply) {
				if r.Stop != model.StopEnd || len(r.Message.Blocks) != 1 {
					t.Errorf("reply = %+v", r)
				}
			},
		},
	} {
		t.Run(name, func(t *testing.T) { c.check(t, stream(t, answer(t, c.chunks...), ask("hi"))) })
	}
}

func TestFinishedByError(t *testing.T) {
	m := answer(t, `{"choices":[{"index":0,"delta":{"content":"Hal"},"finish_reason":"error"}]}`, `[DONE]`)
	_, err := m.Stream(t.Context(), ask("hi"), func(model.Delta) {})
	if sys.KindOf(err) != sys.Unavailable {
		t.Errorf("err = %v", err)
	}
}

// TestThoughtsOfTheRunningTurnOnly checks that what a model thought goes back
// while its turn runs, and no longer: some servers demand it, others refuse
// anything older.
func TestThoughtsOfTheRunningTurnOnly(t *testing.T) {
	s, m := serve(t, modeltest.Turn{Text: "x"})
	think := func(text string) model.Block {
		return model.Block{Kind: model.Thinking, Text: text, Provider: openai.Provider}
	}
	call := model.Block{Kind: model.ToolUse, ID: "1", Name: "Read", Input: json.RawMessage(`{}`)}
	r := ask("first")
	r.Messages = append(r.Messages,
		model.Message{Role: model.Assistant, Blocks: []model.Block{think("old thought"), {Kind: model.Text, Text: "Yes."}}},
		user("second"), user("and third"),
		model.Message{Role: model.Assistant, Blocks: []model.Block{think("new thought"), call}},
		model.Message{Role: model.User, Blocks: []model.Block{{Kind: model.ToolResult, ID: "1", Text: "ok"}}},
	)
	stream(t, m, r)
	body := string(s.Requests()[0].Body)
	if strings.Contains(body, "old thought") || !strings.Contains(body, `"reasoning_content":"new thought"`) {
		t.Errorf("body = %s", body)
	}
	if !strings.Contains(body, `second\n\nand third`) {
		t.Errorf("two user messages in a row were not joined: %s", body)
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
	for _, q := range []modeltest.Quirks{{}, {NoIndex: true, NoID: true, WholeCalls: true}, {ObjectArgs: true, SameIndex: true}} {
		rec := httptest.NewRecorder()
		modeltest.New(modeltest.Script(modeltest.Turn{
			Thinking: "hm", Text: "hello", Quirks: q,
			Calls: []modeltest.Call{{Name: "Read", Arguments: `{"a":1}`}, {Name: "Write", Arguments: `{"b":2}`}},
		})).ServeHTTP(rec, httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(
			`{"model":"m","stream":true,"messages":[{"role":"user","content":"hi"}]}`)))
		f.Add(rec.Body.Bytes())
		f.Add(rec.Body.Bytes()[:rec.Body.Len()*2/3])
	}
	f.Add([]byte("data: {\"error\":null}\n\ndata: [DONE]\n\n"))
	f.Add([]byte(`data: {"choices":[{"delta":{"tool_calls":[{"index":-9e99,"function":{"name":1,"arguments":{}}}]},"finish_reason":"stop"}]}` + "\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		m, err := openai.New(openai.Options{
			BaseURL: "http://127.0.0.1:1", HTTP: &http.Client{Transport: canned(body)}, MaxRetries: -1, Idle: time.Second,
		})
		if err != nil {
			t.Fatal(err)
		}
		r := ask("hi")
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
		for _, b := range rep.Message.Blocks {
			if b.Kind == model.ToolUse && (b.ID == "" || b.Name == "") {
				t.Errorf("a call without id or name: %+v", b)
			}
		}
		r.Messages = append(r.Messages, rep.Message, user("more"))
		if _, err := m.Stream(t.Context(), r, func(model.Delta) {}); err != nil && sys.KindOf(err) == sys.Internal {
			t.Errorf("the reply cannot be sent back: %v", err)
		}
	})
}
