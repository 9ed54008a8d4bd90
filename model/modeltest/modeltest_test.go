package modeltest_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/model/modeltest"
)

// post sends a body and returns the status and what came back.
func post(s *modeltest.Server, path, body string) (int, string) {
	rec := httptest.NewRecorder()
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("X-Api-Key", "k")
	s.ServeHTTP(rec, r)
	return rec.Code, rec.Body.String()
}

const (
	toolUse   = `{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Read","input":{}}]}`
	toolReply = `{"role":"user","content":[{"type":"tool_result","tool_use_id":"t1","content":"ok"}]}`
	hello     = `{"role":"user","content":"hi"}`
)

// TestRejectsWhatTheProviderRejects holds the checks that make a green test mean
// something.
func TestRejectsWhatTheProviderRejects(t *testing.T) {
	marked := `{"type":"text","text":"x","cache_control":{"type":"ephemeral"}}`
	for name, c := range map[string]struct {
		messages, extra string
		status          int
	}{
		"fine":               {hello + "," + toolUse + "," + toolReply, "", 200},
		"nothing":            {"", "", 400},
		"assistant first":    {toolUse, "", 400},
		"an open call":       {hello + "," + toolUse, "", 400},
		"an open call, over": {hello + "," + toolUse + "," + hello, "", 400},
		"a stray result":     {hello + "," + toolReply, "", 400},
		"a late result":      {hello + "," + toolUse + "," + toolReply + "," + toolReply, "", 400},
		"an empty text":      {`{"role":"user","content":[{"type":"text","text":" "}]}`, "", 400},
		"another role":       {`{"role":"system","content":"x"}`, "", 400},
		"arguments no object": {
			hello + `,{"role":"assistant","content":[{"type":"tool_use","id":"t1","name":"Read","input":"x"}]},` + toolReply, "", 400,
		},
		"thinking made up": {
			hello + `,{"role":"assistant","content":[{"type":"thinking","thinking":"x","signature":"y"},{"type":"text","text":"z"}]},` + hello, "", 400,
		},
		"five marks": {`{"role":"user","content":[` + strings.Repeat(marked+",", 4) + marked + `]}`, "", 400},
		"four marks": {`{"role":"user","content":[` + strings.Repeat(marked+",", 3) + marked + `]}`, "", 200},
		"longer marks late": {
			`{"role":"user","content":[` + marked + `,{"type":"text","text":"x","cache_control":{"type":"ephemeral","ttl":"1h"}}]}`, "", 400,
		},
		"no JSON": {`{`, "", 400},
	} {
		s := modeltest.New(modeltest.Script(modeltest.Turn{Text: "x"}))
		status, body := post(s, "/v1/messages", `{"model":"m","max_tokens":9,"messages":[`+c.messages+`]}`)
		if status != c.status {
			t.Errorf("%s: %d %s", name, status, body)
		}
	}
	s := modeltest.New(modeltest.Script(modeltest.Turn{Text: "x"}))
	if status, _ := post(s, "/v1/messages", `{"model":"m","messages":[`+hello+`]}`); status != 400 {
		t.Errorf("no max_tokens: %d", status)
	}
	if status, _ := post(s, "/v1/nowhere", `{}`); status != 404 {
		t.Errorf("another path: %d", status)
	}
	s.Key = "another"
	if status, _ := post(s, "/v1/messages", `{"model":"m","max_tokens":9,"messages":[`+hello+`]}`); status != 401 {
		t.Errorf("a wrong key: %d", status)
	}
}

// TestDemandsThinkingOfTheRunningTurn plays a call after a thought, and sends the
// call back without it.
func TestDemandsThinkingOfTheRunningTurn(t *testing.T) {
	s := modeltest.New(modeltest.Script(modeltest.Turn{Thinking: "hm", Signature: "sig", Calls: []modeltest.Call{{ID: "t1", Name: "Read"}}}))
	ask := func(messages string) int {
		status, _ := post(s, "/v1/messages", `{"model":"m","max_tokens":9,"messages":[`+messages+`]}`)
		return status
	}
	if got := ask(hello); got != 200 {
		t.Fatal(got)
	}
	if got := ask(hello + "," + toolUse + "," + toolReply); got != 400 {
		t.Errorf("without its thinking: %d", got)
	}
	with := strings.Replace(toolUse, `"content":[`, `"content":[{"type":"thinking","thinking":"hm","signature":"sig"},`, 1)
	if got := ask(hello + "," + with + "," + toolReply); got != 200 {
		t.Errorf("with its thinking: %d", got)
	}
}

// usage posts a prompt of n blocks, of which the listed ones are marked, and
// returns what it used.
func usage(t *testing.T, s *modeltest.Server, n int, marked ...int) modeltest.Usage {
	t.Helper()
	var blocks []string
	for i := range n {
		b := fmt.Sprintf(`{"type":"text","text":"block number %04d of the prompt"}`, i)
		for _, m := range marked {
			if m == i {
				b = strings.TrimSuffix(b, "}") + `,"cache_control":{"type":"ephemeral"}}`
			}
		}
		blocks = append(blocks, b)
	}
	before := s.Used()
	status, body := post(s, "/v1/messages", `{"model":"m","max_tokens":9,"messages":[{"role":"user","content":[`+strings.Join(blocks, ",")+`]}]}`)
	if status != 200 {
		t.Fatal(status, body)
	}
	after := s.Used()
	return modeltest.Usage{
		Input: after.Input - before.Input, Write5m: after.Write5m - before.Write5m, Read: after.Read - before.Read,
	}
}

func TestCacheSimulator(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	s := modeltest.New(modeltest.Script(modeltest.Turn{Text: "x"}))
	s.Now = func() time.Time { return now }
	one := usage(t, s, 1).Input // tokens of a block

	check := func(step string, got modeltest.Usage, read, write, input int64) {
		t.Helper()
		if want := (modeltest.Usage{Read: read * one, Write5m: write * one, Input: input * one}); got != want {
			t.Errorf("%s: %+v, want %+v", step, got, want)
		}
	}
	check("unmarked", usage(t, s, 30), 0, 0, 30)
	check("first", usage(t, s, 30, 9), 0, 10, 20)
	check("again", usage(t, s, 30, 9), 10, 0, 20)
	check("within the look-back", usage(t, s, 30, 28), 10, 19, 1)
	check("beyond the look-back", usage(t, s, 60, 58), 0, 59, 1)
	check("beyond, with a mark on the old end", usage(t, s, 90, 58, 89), 59, 31, 0)
	now = now.Add(4 * time.Minute)
	check("still alive", usage(t, s, 30, 9), 10, 0, 20)
	now = now.Add(4 * time.Minute)
	check("kept alive by use", usage(t, s, 30, 9), 10, 0, 20)
	now = now.Add(6 * time.Minute)
	check("expired", usage(t, s, 30, 9), 0, 10, 20)
}

func TestLoad(t *testing.T) {
	for name, c := range map[string]struct {
		doc string
		ok  bool
	}{
		"turns":   {`{"turns":[{"text":"hi","delay":"5ms","fault":{"kind":"drop","after":10}}]}`, true},
		"rules":   {`{"rules":[{"program":"kernel","match":"hi","turns":[{"calls":[{"name":"Read","input":{"a":1}}]}]}]}`, true},
		"both":    {`{"turns":[{}],"rules":[{}]}`, false},
		"neither": {`{}`, false},
		"a typo":  {`{"turn":[{"text":"hi"}]}`, false},
		"no JSON": {`turns:`, false},
	} {
		p, err := modeltest.Load(strings.NewReader(c.doc))
		if (err == nil) != c.ok || (p != nil) != c.ok {
			t.Errorf("%s: %v, %v", name, p, err)
		}
	}
}

func TestScriptsSurviveJSON(t *testing.T) {
	in := modeltest.Turn{Text: "x", Delay: modeltest.Duration(1500 * time.Millisecond), Quirks: modeltest.Quirks{NoIndex: true}}
	raw, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	var out modeltest.Turn
	if err := json.Unmarshal(raw, &out); err != nil || out.Delay != in.Delay || out.Quirks != in.Quirks || out.Text != in.Text {
		t.Errorf("%s = %+v, %v", raw, out, err)
	}
}

// TestRulesChooseByConversation plays two conversations of one rule book through
// one server, in turns.
func TestRulesChooseByConversation(t *testing.T) {
	rules, err := modeltest.App(modeltest.Build{
		Match: "EXPENSES", Slug: "expenses", Report: "Built.", Answer: "Here it is.",
		Files: fstest.MapFS{"matrix.json": {Data: []byte("{}")}, "src/App.tsx": {Data: []byte("export {}")}},
	})
	if err != nil {
		t.Fatal(err)
	}
	rules = append(rules, modeltest.Rule{Turns: []modeltest.Turn{{Text: "Anything else?"}}})
	s := modeltest.New(modeltest.Rules(rules...))
	tools := map[string]string{
		"kernel":  `[{"name":"spawn","input_schema":{}},{"name":"Write","input_schema":{}}]`,
		"builder": `[{"name":"mcp__kernel__Write","input_schema":{}}]`,
	}
	ask := func(program, messages string) string {
		status, body := post(s, "/v1/messages", `{"model":"m","max_tokens":9,"tools":`+tools[program]+`,"messages":[`+messages+`]}`)
		if status != 200 {
			t.Fatalf("%d %s", status, body)
		}
		return body
	}
	answered := func(first string, n int) string {
		out := first
		for i := range n {
			out += strings.ReplaceAll(","+toolUse+","+toolReply, "t1", fmt.Sprint("t", i))
		}
		return out
	}
	task := `{"role":"user","content":"Build the app expenses as the owner asked."}`
	owner := `{"role":"user","content":[{"type":"text","text":"<state>{}</state>"},{"type":"text","text":"track my expenses"}]}`
	for _, c := range []struct{ program, messages, want string }{
		{"kernel", owner, `"name":"spawn"`},
		{"builder", task, `"file_path":"apps/expenses/matrix.json"`},
		{"kernel", answered(owner, 1), `Here it is.`},
		{"builder", answered(task, 1), `"name":"mcp__kernel__Write"`},
		{"builder", answered(task, 1), `"file_path":"apps/expenses/src/App.tsx"`},
		{"builder", answered(task, 2), `Built.`},
		{"builder", answered(task, 3), `Built.`},
		{"kernel", `{"role":"user","content":"good morning"}`, `Anything else?`},
	} {
		if got := ask(c.program, c.messages); !strings.Contains(got, c.want) {
			t.Errorf("%s, %s: %s, want %s", c.program, c.messages, got, c.want)
		}
	}
}

// TestFaultsOfRules checks that a rule's fault strikes as often as it says.
func TestFaultsOfRules(t *testing.T) {
	s := modeltest.New(modeltest.Rules(modeltest.Rule{Turns: []modeltest.Turn{
		{Text: "x", Fault: &modeltest.Fault{Kind: modeltest.HTTPError, Status: 529, Times: 2}},
	}}))
	var got []int
	for range 4 {
		status, _ := post(s, "/v1/messages", `{"model":"m","max_tokens":9,"messages":[`+hello+`]}`)
		got = append(got, status)
	}
	if fmt.Sprint(got) != "[529 529 200 200]" {
		t.Errorf("statuses = %v", got)
	}
}

// TestAnswersWithoutStream covers clients that ask for a whole answer.
func TestAnswersWithoutStream(t *testing.T) {
	s := modeltest.New(modeltest.Script(modeltest.Turn{Text: "hello", Calls: []modeltest.Call{{Name: "Read"}}}))
	for path, want := range map[string]string{"/v1/messages": `"stop_reason":"tool_use"`, "/chat/completions": `"finish_reason":"tool_calls"`} {
		status, body := post(s, path, `{"model":"m","max_tokens":9,"messages":[`+hello+`]}`)
		if status != 200 || !strings.Contains(body, want) || !strings.Contains(body, "hello") || !json.Valid([]byte(body)) {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
}

// FuzzServer feeds both protocols any body: a status, and never a panic.
func FuzzServer(f *testing.F) {
	f.Add(`{"model":"m","max_tokens":9,"stream":true,"messages":[` + hello + "," + toolUse + "," + toolReply + `]}`)
	f.Add(`{"messages":[{"role":"tool","content":null}],"tools":[{"function":3}]}`)
	f.Add(`{"messages":[null,{"content":[null]}],"system":[null],"tools":[null]}`)
	f.Fuzz(func(t *testing.T, body string) {
		for _, path := range []string{"/v1/messages", "/v1/chat/completions"} {
			rec := httptest.NewRecorder()
			s := modeltest.New(modeltest.Rules(modeltest.Rule{Turns: []modeltest.Turn{{Text: "x", Calls: []modeltest.Call{{Name: "Read"}}}}}))
			s.ServeHTTP(rec, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
			if _, err := io.ReadAll(rec.Body); err != nil || rec.Code == 0 {
				t.Errorf("%d, %v", rec.Code, err)
			}
		}
	})
}
