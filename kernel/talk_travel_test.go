package kernel_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/test/machine"
)

// spoke makes a conversation with entries of the given ids, and a request per entry
// that was answered.
func spoke(id sys.Conversation, label sys.Label, ids ...string) kernel.TalkCopy {
	c := kernel.TalkCopy{ID: id, Label: label}
	for i, name := range ids {
		at := time.Unix(int64(1000+i), 0).UTC()
		c.Entries = append(c.Entries, kernel.Entry{ID: name, Time: at, PID: 99, Message: model.Message{Role: model.User, Blocks: []model.Block{{Kind: model.Text, Text: name}}}})
		for _, e := range []sys.Event{
			sys.NewEvent(sys.EventRequest, sys.RequestData{Text: name, Once: "channel"}), sys.NewEvent(sys.EventAnswer, sys.AnswerData{OK: true, Text: "to " + name, Landings: []sys.LandingID{7}}),
		} {
			e.Time, e.Conversation, e.Request, e.PID = at, id, sys.RequestID("r-"+name), 99
			c.Events = append(c.Events, e)
		}
	}
	return c
}

func idsOf(t *testing.T, k *kernel.Kernel, id sys.Conversation) (out []string) {
	t.Helper()
	list, err := k.Conversation(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.PID != 0 {
			t.Errorf("entry %s is of process %d of another home", e.ID, e.PID)
		}
		out = append(out, e.ID)
	}
	return out
}

// A conversation of another device is taken once, goes on from there, keeps its label,
// and where both went on apart both are kept.
func TestConversationsOfAnotherDevice(t *testing.T) {
	k, ctx := machine.Boot(t, machine.Script{}).Kernel, t.Context()
	outside := sys.Label{Integrity: sys.Untrusted}
	take := func(c kernel.TalkCopy, aside string, want sys.Kind) {
		t.Helper()
		if err := k.TakeTalk(ctx, c, aside); err == nil && want != "" || err != nil && sys.KindOf(err) != want {
			t.Fatalf("take %s: %v, want %q", c.ID, err, want)
		}
	}
	for range 2 {
		take(spoke("talk", outside, "a", "b"), "", "")
	}
	take(spoke("talk", outside, "a", "b", "c"), "", "")
	take(spoke("talk", outside, "a"), "", "") // less than is here
	if got := idsOf(t, k, "talk"); !slices.Equal(got, []string{"a", "b", "c"}) {
		t.Errorf("the entries are %v", got)
	}
	c, err := k.CopyTalk(ctx, "talk")
	if err != nil || len(c.Events) != 6 || c.Label != outside {
		t.Fatalf("the copy has %d events and the label %v, %v", len(c.Events), c.Label, err)
	}
	for _, e := range c.Events {
		if e.PID != 0 || strings.Contains(string(e.Data), `"once"`) || strings.Contains(string(e.Data), `"landings"`) {
			t.Errorf("an event of the other home came as %+v", e)
		}
	}
	if ticket, err := k.Asked(ctx, "channel"); err == nil {
		t.Errorf("a message of the other home's channel counts as asked here: %v", ticket)
	}

	apart := spoke("talk", sys.Label{}, "a", "b", "d")
	take(apart, "", sys.Conflict)
	take(apart, "laptop", "")
	if got := fmt.Sprint(idsOf(t, k, "talk"), idsOf(t, k, "talk-laptop")); got != "[a b d] [a b c]" {
		t.Errorf("apart, the entries are %s", got)
	}
	for _, id := range []sys.Conversation{"talk", "talk-laptop"} {
		if c, err := k.CopyTalk(ctx, id); err != nil || c.Label != outside {
			t.Errorf("%s has the label %v, %v", id, c.Label, err)
		}
	}
	heads, err := k.TalkHeads(ctx)
	if err != nil || !slices.Equal(heads, []kernel.TalkHead{{"talk-laptop", 3, "c", 3}, {"talk", 3, "d", 4}}) && !slices.Equal(heads, []kernel.TalkHead{{"talk", 3, "d", 4}, {"talk-laptop", 3, "c", 3}}) {
		t.Errorf("the heads are %+v, %v", heads, err)
	}

	take(spoke("../x", sys.Label{}, "a"), "", sys.Invalid)
	take(spoke("talk.p3", sys.Label{}, "a"), "", sys.Invalid)
	take(kernel.TalkCopy{ID: "empty"}, "", sys.Invalid)
}
