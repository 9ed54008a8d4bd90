package engine_test

import (
	"encoding/json"
	"reflect"
	"testing"

	"pgregory.net/rapid"

	"matrixos/engine"
	"matrixos/model"
)

func text(s string) model.Block { return model.Block{Kind: model.Text, Text: s} }

func call(id string) model.Block {
	return model.Block{Kind: model.ToolUse, ID: id, Name: "Read", Input: json.RawMessage(`{}`)}
}

func result(id string) model.Block {
	return model.Block{Kind: model.ToolResult, ID: id, Name: "Read", Text: "ok " + id}
}

func user(blocks ...model.Block) model.Message {
	return model.Message{Role: model.User, Blocks: blocks}
}

func assistant(blocks ...model.Block) model.Message {
	return model.Message{Role: model.Assistant, Blocks: blocks}
}

func lost(id string) model.Block {
	return model.Block{Kind: model.ToolResult, ID: id, Name: "Read", Text: engine.Interrupted, IsError: true}
}

func TestRepair(t *testing.T) {
	for name, c := range map[string]struct{ in, want []model.Message }{
		"nothing": {nil, []model.Message{}},
		"valid": {
			[]model.Message{user(text("a")), assistant(call("1"), call("2")), user(result("1"), result("2"), text("b")), assistant(text("c"))},
			[]model.Message{user(text("a")), assistant(call("1"), call("2")), user(result("1"), result("2"), text("b")), assistant(text("c"))},
		},
		"a crash in a call": {
			[]model.Message{user(text("a")), assistant(call("1"))},
			[]model.Message{user(text("a")), assistant(call("1")), user(lost("1"))},
		},
		"a crash in a call, then words": {
			[]model.Message{user(text("a")), assistant(call("1"), call("2")), user(text("b"))},
			[]model.Message{user(text("a")), assistant(call("1"), call("2")), user(lost("1"), lost("2"), text("b"))},
		},
		"results in disorder": {
			[]model.Message{user(text("a")), assistant(call("1"), call("2")), user(text("b"), result("2"), result("9"), result("2"))},
			[]model.Message{user(text("a")), assistant(call("1"), call("2")), user(lost("1"), result("2"), text("b"))},
		},
		"a result too late": {
			[]model.Message{user(text("a")), assistant(call("1")), assistant(text("b")), user(result("1"))},
			[]model.Message{user(text("a")), assistant(call("1")), user(lost("1")), assistant(text("b"))},
		},
		"no beginning": {
			[]model.Message{user(result("0")), assistant(text("b"))},
			[]model.Message{user(text("(The beginning of this conversation is lost.)")), assistant(text("b"))},
		},
		"the same id twice": {
			[]model.Message{user(text("a")), assistant(call("1"), call("1")), user(result("1"))},
			[]model.Message{user(text("a")), assistant(call("1")), user(result("1"))},
		},
		"unknown roles and empty messages": {
			[]model.Message{user(text("a")), {Role: "system", Blocks: []model.Block{text("x")}}, assistant(), user()},
			[]model.Message{user(text("a"))},
		},
	} {
		if got := engine.Repair(c.in); !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s:\n got %+v\nwant %+v", name, got, c.want)
		}
	}
}

func messages() *rapid.Generator[[]model.Message] {
	block := rapid.Custom(func(t *rapid.T) model.Block {
		id := rapid.SampledFrom([]string{"", "1", "2", "3"}).Draw(t, "id")
		return rapid.SampledFrom([]model.Block{
			text("words"), call(id), result(id), {Kind: model.Thinking, Text: "hm", Raw: json.RawMessage(`{}`)}, {Kind: model.Opaque},
		}).Draw(t, "block")
	})
	message := rapid.Custom(func(t *rapid.T) model.Message {
		return model.Message{
			Role:   rapid.SampledFrom([]model.Role{model.User, model.Assistant, "", "system"}).Draw(t, "role"),
			Blocks: rapid.SliceOfN(block, 0, 5).Draw(t, "blocks"),
		}
	})
	return rapid.SliceOfN(message, 0, 12)
}

// TestRepairAlwaysValid checks what providers demand, that a repaired history
// stays as it is, that a valid beginning is never touched, and that no words are
// lost.
func TestRepairAlwaysValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		h := messages().Draw(t, "history")
		before, err := json.Marshal(h)
		if err != nil {
			t.Fatal(err)
		}
		got := engine.Repair(h)
		if after, _ := json.Marshal(h); string(after) != string(before) {
			t.Fatalf("the history itself was changed")
		}
		if again := engine.Repair(got); !reflect.DeepEqual(got, again) {
			t.Fatalf("repairing twice differs:\n%+v\n%+v", got, again)
		}
		valid(t, got)
		if want, have := words(h), words(got); have < want {
			t.Fatalf("%d texts of %d are left", have, want)
		}
	})
}

func words(h []model.Message) (n int) {
	for _, m := range h {
		for _, b := range m.Blocks {
			if b.Kind == model.Text && (m.Role == model.User || m.Role == model.Assistant) {
				n++
			}
		}
	}
	return n
}

func valid(t *rapid.T, h []model.Message) {
	if len(h) > 0 && h[0].Role != model.User {
		t.Fatalf("begins with %q", h[0].Role)
	}
	var open []string
	for i, m := range h {
		if len(m.Blocks) == 0 {
			t.Fatalf("message %d is empty", i)
		}
		var ids, results []string
		for _, b := range m.Blocks {
			switch {
			case b.Kind == model.ToolUse && m.Role == model.Assistant:
				ids = append(ids, b.ID)
			case b.Kind == model.ToolResult && m.Role == model.User:
				results = append(results, b.ID)
			case b.Kind == model.ToolUse || b.Kind == model.ToolResult:
				t.Fatalf("message %d: a %s has a %s", i, m.Role, b.Kind)
			}
		}
		if !reflect.DeepEqual(open, results) {
			t.Fatalf("message %d answers %q, want %q", i, results, open)
		}
		open = ids
	}
	if len(open) > 0 {
		t.Fatalf("calls %q are left open", open)
	}
}
