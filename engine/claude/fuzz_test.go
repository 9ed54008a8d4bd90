package claude

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"matrixos/model"
)

// FuzzWire takes requests of the CLI apart and puts them together again: what
// is no request is refused, and what is one stays valid.
func FuzzWire(f *testing.F) {
	f.Add([]byte(`{"model":"m","max_tokens":5,"stream":true,"system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":"hi"}]}`))
	f.Add([]byte(`{"messages":[{"role":"user","content":[{"type":"tool_result","tool_use_id":"a","content":[{"type":"text","text":"x"},{"type":"text","text":"<system-reminder>y"}]}]}]}`))
	f.Add([]byte(`{"messages":[{"role":"assistant","content":[{"type":"text","text":"No response requested."}]},{"role":"user","content":[]}],"tools":[null]}`))
	f.Add([]byte(`{"messages":[{"role":"user","content":[null,{"type":7}]}]}`))
	f.Add([]byte(`{"messages":[{"role":"user","content":[null,{"type":"text","text":"` + goOn + `","cache_control":{}}]}]}`))
	f.Add([]byte(`{"messages":null}`))
	f.Add([]byte(`[]`))
	f.Fuzz(func(t *testing.T, body []byte) {
		w, err := parseWire(body)
		if err != nil {
			return
		}
		w.tidy()
		w.settle(map[string]*result{"a": {block: model.Block{Kind: model.ToolResult, ID: "a", Text: "ours", IsError: true}}})
		w.carry([]model.Message{{Role: model.User, Blocks: []model.Block{{Kind: model.Text, Text: "more"}}}})
		out, err := w.encode(10, "low")
		if err != nil {
			t.Fatalf("%s: %v", body, err)
		}
		again, err := parseWire(out)
		if err != nil || again.max != 10 || !again.carries("more") {
			t.Fatalf("%s became %s: %v", body, out, err)
		}
	})
}

// FuzzLine reads what a CLI says.
func FuzzLine(f *testing.F) {
	f.Add([]byte(`{"type":"result","is_error":true,"errors":["x"]}`))
	f.Add([]byte(`{"type":"control_request","request":{"subtype":"mcp_message","message":{"id":null,"params":{"_meta":{"claudecode/toolUseId":"x"}}}}}`))
	f.Add([]byte(`{"type":"control_request","request":{"input":7,"message":[]}}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		l := parseLine(text)
		if l == nil {
			return
		}
		s := &session{eng: New(Options{}), results: map[string]*result{}}
		for _, v := range []any{permission(s.allows(l.Request.ToolUseID, l.Request.ToolName), l.Request.Input), s.guardHook(l.Request.Input)} {
			if raw, err := json.Marshal(v); err != nil || !bytes.Contains(raw, []byte("deny")) {
				t.Errorf("%s is answered by %s, %v", text, raw, err)
			}
		}
		if l.Request.Message.Method != "tools/call" {
			if _, err := json.Marshal(s.serveMCP(nil, &l.Request.Message)); err != nil {
				t.Error(err)
			}
		}
	})
}

// An answer that is streamed to the CLI is the one that came, whatever is in it.
func TestStreamsAreWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringN(1, 200, -1)
		blocks := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) model.Block {
			switch rapid.IntRange(0, 2).Draw(t, "kind") {
			case 0:
				return model.Block{Kind: model.Text, Text: "t" + text.Draw(t, "text")}
			case 1:
				return model.Block{Kind: model.Thinking, Provider: provider, Raw: mustJSON(object{"type": "thinking", "thinking": text.Draw(t, "thought"), "signature": "c2ln"})}
			}
			return model.Block{Kind: model.ToolUse, ID: "toolu_" + rapid.StringMatching(`[a-z0-9]{1,9}`).Draw(t, "id"), Name: "Read", Input: mustJSON(object{"path": text.Draw(t, "path")})}
		}), 1, 5).Draw(t, "blocks")
		m := model.Message{Role: model.Assistant, Blocks: blocks}
		want := encodeBlocks(m)
		got := together(stream(&model.Reply{ID: "msg_1", Model: "m"}, want, "end_turn"))
		if !slices.EqualFunc(got, want, func(a, b json.RawMessage) bool { return same(a, b) }) {
			t.Fatalf("%s became %s", want, got)
		}
	})
}

// together puts the blocks of a stream together, as its reader does.
func together(stream []byte) (blocks []json.RawMessage) {
	var all []map[string]any
	for line := range strings.Lines(string(stream)) {
		data, ok := strings.CutPrefix(line, "data: ")
		var e map[string]any
		if !ok || json.Unmarshal([]byte(data), &e) != nil {
			continue
		}
		switch e["type"] {
		case "content_block_start":
			all = append(all, e["content_block"].(map[string]any))
		case "content_block_delta":
			b, d := all[len(all)-1], e["delta"].(map[string]any)
			switch d["type"] {
			case "text_delta":
				b["text"] = b["text"].(string) + d["text"].(string)
			case "thinking_delta":
				b["thinking"] = b["thinking"].(string) + d["thinking"].(string)
			case "signature_delta":
				b["signature"] = d["signature"]
			case "input_json_delta":
				b["input"] = json.RawMessage(d["partial_json"].(string))
			}
		}
	}
	for _, b := range all {
		blocks = append(blocks, mustJSON(b))
	}
	return blocks
}

func same(a, b json.RawMessage) bool {
	var x, y any
	if json.Unmarshal(a, &x) != nil || json.Unmarshal(b, &y) != nil {
		return false
	}
	return bytes.Equal(mustJSON(x), mustJSON(y))
}
