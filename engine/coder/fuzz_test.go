package coder

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"matrixos/model"
)

// Whatever a program asks, it is refused or answered by something whole.
func fuzz(f *testing.F, p protocol) {
	calls := []model.Tool{{Name: "Write"}, {Name: "spawn"}}
	f.Fuzz(func(t *testing.T, body []byte) {
		q, err := p.parse(body)
		if err != nil {
			return
		}
		q.names(calls)
		(&session{words: map[string][]model.Message{"token": {{Role: model.Assistant, Blocks: []model.Block{{Kind: model.Text, Text: "said"}}}, {Role: model.User, Blocks: []model.Block{{Kind: model.Text, Text: "words"}}}}}}).restore(q)
		a := &reply{Reply: &model.Reply{Model: "m"}, id: "1", blocks: []model.Block{{Kind: model.Text, Text: "<b>"}, {Kind: model.ToolUse, ID: "c", Name: "nowhere", Input: json.RawMessage(`"{"`)}}}
		for _, tool := range q.list() {
			a.blocks = append(a.blocks, model.Block{Kind: model.ToolUse, ID: "c", Name: tool.Name, Input: json.RawMessage(`{"input":"x"}`)})
		}
		out := p.answer(q, a)
		if !q.stream {
			if !json.Valid(out) {
				t.Fatalf("%s", out)
			}
			return
		}
		for line := range strings.Lines(string(out)) {
			if data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: "); ok && data != "[DONE]" && !json.Valid([]byte(data)) {
				t.Fatalf("%s", line)
			}
		}
		if !bytes.Contains(p.fault("why"), []byte("why")) {
			t.Fatal("no reason is given")
		}
	})
}

func FuzzResponses(f *testing.F) {
	f.Add([]byte(`{"stream":true,"instructions":"i","input":[{"type":"message","role":"developer","content":"d"},{"role":"user","content":[{"type":"input_text","text":"a token b"},{"type":"input_image"}]},{"type":"function_call","call_id":"1","namespace":"mcp__home","name":"spawn","arguments":"{}"},{"type":"custom_tool_call","call_id":"2","name":"apply_patch","input":"*"},{"type":"function_call_output","call_id":"1","output":"x"},{"type":"custom_tool_call_output","call_id":"2","output":[{"type":"input_text","text":"y"}]},{"type":"reasoning"}],"tools":[{"type":"namespace","name":"mcp__home","tools":[{"type":"function","name":"spawn"}]},{"type":"custom","name":"apply_patch","format":{"definition":"g"}},{"type":"web_search"}]}`))
	f.Add([]byte(`{"input":"hello"}`))
	f.Add([]byte(`{"input":[null,{"type":"message","content":7}],"tools":[{}]}`))
	fuzz(f, responses{})
}

func FuzzChat(f *testing.F) {
	f.Add([]byte(`{"stream":true,"messages":[{"role":"system","content":"s"},{"role":"user","content":[{"type":"text","text":"token"}]},{"role":"assistant","content":null,"tool_calls":[{"id":"1","function":{"name":"home_Write","arguments":"{}"}}]},{"role":"tool","tool_call_id":"1","content":"x"},{"role":"developer","content":"late"}],"tools":[{"type":"function","function":{"name":"home_Write","parameters":{"type":"object"}}},{"type":"function","function":{"name":"Write"}}]}`))
	f.Add([]byte(`{"messages":[{"role":"user","content":""}]}`))
	f.Add([]byte(`{"messages":null,"tools":[null]}`))
	fuzz(f, chat{})
}

// A system call has its own name for the model, whatever programs put in front; a
// tool of the program's of the same name keeps it.
func TestNames(t *testing.T) {
	for _, c := range []struct{ space, name, want string }{
		{"mcp__home", "spawn", "spawn"}, {"", "mcp__home__spawn", "spawn"}, {"", "home_spawn", "spawn"}, {"", "home.spawn", "spawn"},
		{"", "spawn_agent", "spawn_agent"}, {"", "homespawn", "homespawn"}, {"other", "spawn", "other__spawn"}, {"", "home_unknown", "home_unknown"},
		{"mcp__home", "Write", "mcp__home__Write"},
	} {
		q := &request{tools: []tool{{space: c.space, name: c.name}, {name: "Write"}}}
		q.names([]model.Tool{{Name: "spawn"}, {Name: "Write"}})
		if got := q.tools[0].Name; got != c.want {
			t.Errorf("%s %s is shown as %s, want %s", c.space, c.name, got, c.want)
		}
		call, ours := q.call(q.tools[0].Name)
		if want := strings.Contains(c.space+c.name, "home") && c.name != "homespawn" && c.name != "home_unknown"; ours != want || ours && call != "spawn" && call != "Write" {
			t.Errorf("%s %s stands for %q, %v", c.space, c.name, call, ours)
		}
	}
	q := &request{tools: []tool{{name: "Write"}}}
	q.names([]model.Tool{{Name: "Write"}})
	if _, ours := q.call("Write"); ours {
		t.Error("a tool of the program's is taken for a system call")
	}
}
