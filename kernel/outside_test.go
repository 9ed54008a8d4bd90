package kernel_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/policy"
	"matrixos/sys"
	"matrixos/test/machine"
)

func answerOf(t *testing.T, m *machine.Machine, r sys.RequestID) sys.AnswerData {
	t.Helper()
	for range 2000 {
		a, err := m.Kernel.Answered(t.Context(), r)
		if err == nil {
			return a
		}
		if !errors.Is(err, sys.NotFound) {
			t.Fatal(err)
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("no answer")
	return sys.AnswerData{}
}

// What somebody else asks is answered as text from outside, and is found again by the
// message that it was.
func TestSomebodyElseAsks(t *testing.T) {
	m := machine.Boot(t, machine.Script{"kernel": func(_ context.Context, _ engine.Host, _ int, _ string) (string, error) { return "Hello.", nil }})
	ticket, err := m.Kernel.AskFor(t.Context(), kernel.Ask{Text: "who are you?", Once: "$event-1", Conversation: "room-1"}, kernel.Outsider{Name: "@bob:b.example"})
	if err != nil {
		t.Fatal(err)
	}
	if a := answerOf(t, m, ticket.Request); !a.OK || a.Text != "Hello." {
		t.Errorf("%+v", a)
	}
	found, err := m.Kernel.Asked(t.Context(), "$event-1")
	if err != nil || found != ticket {
		t.Errorf("found %+v, %v; it was %+v", found, err, ticket)
	}
	for _, once := range []string{"$event-2", "$event", ""} {
		if _, err := m.Kernel.Asked(t.Context(), once); !errors.Is(err, sys.NotFound) {
			t.Errorf("%q: %v", once, err)
		}
	}
	events, err := m.Disk.Journal().Read(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range events {
		var p sys.Process
		if e.Kind == sys.EventProcess && json.Unmarshal(e.Data, &p) == nil && p.Label.Integrity != sys.Untrusted {
			t.Errorf("a process of it is labelled %s", p.Label)
		}
	}
}

// What leaves the home without a process waits for the owner, once, over a restart of
// who waits, and a yes is used up.
func TestPermissionWaitsForTheOwner(t *testing.T) {
	m := machine.Boot(t, machine.Script{})
	p := kernel.Permission{
		Effect: policy.Effect{Kind: policy.Message, Target: "@bob:b.example", Text: "Send “hi”", Args: json.RawMessage(`{"text":"hi"}`)},
		Label:  sys.Label{Integrity: sys.Untrusted, Confidentiality: sys.OwnerOnly}, Request: "r1", From: "guest @bob:b.example",
	}
	impatient, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- m.Kernel.Permit(impatient, p) }()
	id := waitApproval(t, m)
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if err := m.Kernel.Approve(t.Context(), id, kernel.Verdict{Allow: true, From: p.From}); !errors.Is(err, sys.Refused) {
		t.Errorf("approved where it was asked for: %v", err)
	}
	if err := m.Kernel.Approve(t.Context(), id, kernel.Verdict{Allow: true, From: "desktop"}); err != nil {
		t.Fatal(err)
	}
	if err := m.Kernel.Permit(t.Context(), p); err != nil {
		t.Errorf("after the owner's yes: %v", err)
	}
	if err := m.Kernel.Permit(t.Context(), p); err == nil {
		t.Error("a yes was used twice")
	}
	p.Label.Confidentiality = sys.Secret
	if err := m.Kernel.Permit(t.Context(), p); !errors.Is(err, sys.Refused) {
		t.Errorf("a secret: %v", err)
	}
}

func waitApproval(t *testing.T, m *machine.Machine) string {
	t.Helper()
	for range 2000 {
		list, err := m.Kernel.Approvals(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 1 {
			return list[0].ID
		}
		time.Sleep(5 * time.Millisecond)
	}
	t.Fatal("nobody was asked")
	return ""
}
