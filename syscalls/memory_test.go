package syscalls_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/test/machine"
)

type (
	doing    = func(string, machine.Obj) string
	refusing = func(string, machine.Obj, string)
)

func idOf(said string) string { return strings.TrimSuffix(strings.Fields(said)[2], ":") }

func TestMemoryIsRankedAndShowsWhatSaysOtherwise(t *testing.T) {
	m := run(t, func(do doing, refuse refusing) {
		old := idOf(do("remember", machine.Obj{"content": "My dog is called Rex"}))
		do("remember", machine.Obj{"content": "The garden has twelve trees, and a dog house among them", "category": "context"})
		said := do("remember", machine.Obj{"content": "My dog is called Max"})
		if !strings.Contains(said, "Something else was remembered") || !strings.Contains(said, old) || strings.Contains(said, "garden") {
			t.Errorf("remember said %q", said)
		}
		if got := do("recall", machine.Obj{"query": "what is my dog called"}); !strings.HasPrefix(strings.SplitN(got, "]  ", 2)[1], "My dog is called") || !strings.Contains(got, "SAYS OTHERWISE: "+old) {
			t.Errorf("recall %q", got)
		}
		if got := do("recall", machine.Obj{"query": "dog", "category": "context"}); strings.Contains(got, "Rex") || !strings.Contains(got, "garden") {
			t.Errorf("by category %q", got)
		}
		if got := do("recall", machine.Obj{"query": "dog", "limit": 1}); strings.Count(got, "[") != 1 {
			t.Errorf("limited %q", got)
		}
		refuse("remember", machine.Obj{"content": "  "}, "nothing in it")
		refuse("recall", machine.Obj{}, "query")
	})
	// A hand edit counts.
	if err := os.WriteFile(filepath.Join(m.Home, "agents/memory/hand.md"), []byte("I keep bees\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Disk.Capture(t.Context()); err != nil {
		t.Fatal(err)
	}
	list, err := m.Kernel.Memories(t.Context(), kernel.MemoryQuery{Text: "bee keeping"})
	if err != nil || len(list) != 1 || list[0].By != "owner" || list[0].Landing == 0 || list[0].Category != "fact" {
		t.Errorf("by hand: %+v %v", list, err)
	}
	list, err = m.Kernel.Memories(t.Context(), kernel.MemoryQuery{Text: "garden"})
	if err != nil || len(list) != 1 || list[0].By != "kernel" || list[0].Conversation == "" || list[0].Time.IsZero() {
		t.Errorf("by an agent: %+v %v", list, err)
	}
}

// inJournal counts the bytes of the journal's events that have text in them.
func inJournal(t *testing.T, m *machine.Machine, text string) (n int) {
	t.Helper()
	events, err := m.Disk.Journal().Read(t.Context(), 0, 100000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		if bytes.Contains(e.Data, []byte(text)) {
			t.Logf("%d %s %s", e.Seq, e.Kind, e.Data)
			n++
		}
	}
	return n
}

func TestForgetReallyForgets(t *testing.T) {
	turn, id := 0, ""
	m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
		switch turn++; turn {
		case 1:
			said, err := machine.Call(ctx, h, "remember", machine.Obj{"content": "The vault opens with walnut seven"})
			if err == nil {
				id = idOf(said)
			}
			return "noted", err
		case 2, 3:
			return machine.Call(ctx, h, "recall", machine.Obj{"query": "vault"})
		default:
			return machine.Call(ctx, h, "forget", machine.Obj{"id": id})
		}
	}})
	m.Ask("The vault opens with walnut seven")
	m.Ask("remember it: " + strings.Repeat("for long and ", 6) + "ever: The vault opens with walnut seven")
	m.Ask("how does it open?")
	if inJournal(t, m, "walnut") < 3 {
		t.Fatal("the test sees nothing")
	}
	a, events := m.Ask("forget this: The vault opens with walnut seven")
	if !a.OK || !strings.Contains(a.Text, "history of the home still has") || !strings.Contains(a.Text, "conversation") {
		t.Errorf("it does not say what is left: %+v", a)
	}
	if m.File("agents/memory/"+id+".md") != "" {
		t.Error("the file is there")
	}
	for what, query := range map[string]string{
		"an event that is no landing's": `SELECT kind FROM event WHERE kind <> 'landing' AND (instr(CAST(data AS TEXT), 'walnut') OR instr(CAST(data AS TEXT), 'The vault'))`,
		"the process table":             `SELECT row || memo FROM kernel_process WHERE instr(row || memo, 'walnut') OR instr(row || memo, 'The vault')`,
	} {
		rows, err := m.Disk.Journal().Query(t.Context(), query)
		if err != nil {
			t.Fatal(err)
		}
		for rows.Next() {
			var found string
			if err := rows.Scan(&found); err != nil {
				t.Error(err)
			}
			t.Errorf("%s still has it: %s", what, found)
		}
		if err := rows.Close(); err != nil {
			t.Error(err)
		}
	}
	if last := events[len(events)-1]; last.Kind != sys.EventAnswer {
		t.Errorf("events end with %s", last.Kind)
	}
	if v, err := m.Disk.VerifyJournal(t.Context()); err != nil || v.Broken != 0 || v.Forgotten == 0 {
		t.Errorf("the journal %+v %v", v, err)
	}
	if list, err := m.Kernel.Memories(t.Context(), kernel.MemoryQuery{Text: "vault"}); err != nil || len(list) != 0 {
		t.Errorf("found %v %v", list, err)
	}
}

func TestForgettingThatDoesNotLandForgetsNothing(t *testing.T) {
	turn, id := 0, ""
	m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
		if turn++; turn == 1 {
			said, err := machine.Call(ctx, h, "remember", machine.Obj{"content": "The vault opens with walnut seven"})
			if err == nil {
				id = idOf(said)
			}
			return "noted", err
		}
		if _, err := machine.Call(ctx, h, "forget", machine.Obj{"id": id}); err != nil {
			t.Error(err)
		}
		return "", &sys.Error{Op: "x", Kind: sys.Internal}
	}})
	m.Ask("remember")
	m.Ask("forget")
	if m.File("agents/memory/"+id+".md") == "" || inJournal(t, m, "walnut") == 0 {
		t.Error("forgotten though the process failed")
	}
	got, err := m.Kernel.ForgetMemory(t.Context(), id)
	if err != nil || got.ID != id || m.File("agents/memory/"+id+".md") != "" || inJournal(t, m, "walnut") != 0 {
		t.Errorf("by the owner: %+v %v", got, err)
	}
	if _, err := m.Kernel.ForgetMemory(t.Context(), id); sys.KindOf(err) != sys.NotFound {
		t.Errorf("twice: %v", err)
	}
}

func TestRecallTaintsOnlyWithWhatItShows(t *testing.T) {
	m := machine.Boot(t, as(t, func(do func(string, machine.Obj) string, _ func(string, machine.Obj, string)) {
		do("remember", machine.Obj{"content": "Granny's soup needs leeks"})
	}))
	m.Ask("go")
	list, err := m.Kernel.Memories(t.Context(), kernel.MemoryQuery{})
	if err != nil || len(list) != 1 || list[0].Label.Integrity != sys.FromOwner || list[0].Label.Confidentiality != sys.OwnerOnly {
		t.Errorf("%+v %v", list, err)
	}
}

func TestConversationsAreFound(t *testing.T) {
	turn, found, both, fresh := 0, "", "", ""
	m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
		if turn++; turn == 1 {
			return "I will keep the afternoon free.", nil
		}
		var err error
		if found, err = machine.Call(ctx, h, "search_conversations", machine.Obj{"query": "plumbers"}); err != nil {
			return "", err
		}
		if both, err = machine.Call(ctx, h, "memory_search", machine.Obj{"query": "afternoon"}); err != nil {
			return "", err
		}
		if fresh, err = machine.Call(ctx, h, "new_conversation", machine.Obj{}); err != nil {
			return "", err
		}
		_, err = machine.Call(ctx, h, "search_conversations", machine.Obj{})
		if err == nil {
			t.Error("a search for nothing")
		}
		return "ok", nil
	}})
	m.Ask("The plumber comes on Friday")
	if a, _ := m.Ask("when?"); !a.OK {
		t.Fatal(a)
	}
	if !strings.Contains(found, "user, entry ") || !strings.Contains(found, "(“The plumber comes on Friday”)") {
		t.Errorf("found %q", found)
	}
	if !strings.Contains(both, "assistant, entry") || !strings.Contains(both, "Remembered:\nNothing.") {
		t.Errorf("both %q", both)
	}
	id := sys.Conversation(strings.TrimSuffix(strings.Fields(fresh)[2], "."))
	if _, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "hello", Conversation: id}); err != nil {
		t.Errorf("%s: %v", id, err)
	}
}
