package policy

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"matrixos/sys"
)

func labelled(i sys.Integrity, c sys.Confidentiality) Subject {
	return Subject{PID: 1, Program: "kernel", Label: sys.Label{Integrity: i, Confidentiality: c}}
}

func TestRuleOfTwo(t *testing.T) {
	fetch, known, message := Effect{Kind: Fetch, Target: "a.example"}, Effect{Kind: Fetch, Target: "a.example", Known: true}, Effect{Kind: Message, Target: "@bob:b.example"}
	for _, c := range []struct {
		name string
		s    Subject
		e    Effect
		want Verdict
	}{
		{"whom the owner has named, with private things", labelled(sys.FromOwner, sys.OwnerOnly), Effect{Kind: Fetch, Target: "a.example", Named: true}, Allowed},
		{"whom only the model has thought of", labelled(sys.FromOwner, sys.OwnerOnly), fetch, Asks},
		{"the same, knowing nothing private", labelled(sys.FromApp, sys.Public), fetch, Allowed},
		{"the owner's word writes to somebody", labelled(sys.FromOwner, sys.OwnerOnly), Effect{Kind: Message, Target: "@bob:b.example", Named: true}, Allowed},
		{"to somebody whom only the model has thought of", labelled(sys.FromOwner, sys.Public), message, Asks},
		{"whom the owner has named, after text from outside", labelled(sys.Untrusted, sys.OwnerOnly), Effect{Kind: Fetch, Target: "a.example", Named: true}, Asks},
		{"text from outside alone may go on reading", labelled(sys.Untrusted, sys.Public), fetch, Allowed},
		{"text from outside and private things", labelled(sys.Untrusted, sys.OwnerOnly), fetch, Asks},
		{"the same, of an address that nothing private is in", labelled(sys.Untrusted, sys.OwnerOnly), known, Allowed},
		{"text from outside writes to somebody", labelled(sys.Untrusted, sys.Public), message, Asks},
		{"even with nothing new in it", labelled(sys.Untrusted, sys.Public), Effect{Kind: Push, Target: "origin", Known: true}, Asks},
		{"a secret goes nowhere", labelled(sys.FromOwner, sys.Secret), known, Refused},
	} {
		if d := Decide(c.s, c.e, Rules{}); d.Verdict != c.want || d.Why == "" {
			t.Errorf("%s: %+v, want %s", c.name, d, c.want)
		}
	}
}

// Without a rule of the owner's that says so, nothing gets more than it would
// with less read, and no process that read untrusted text and private things
// reaches outside with something new.
func TestDecideIsMonotone(t *testing.T) {
	rank := map[Verdict]int{Allowed: 0, Asks: 1, Refused: 2}
	rapid.Check(t, func(t *rapid.T) {
		label := func(name string) sys.Label {
			return sys.Label{
				Integrity:       sys.Integrity(rapid.IntRange(0, 2).Draw(t, name+" integrity")),
				Confidentiality: sys.Confidentiality(rapid.IntRange(0, 2).Draw(t, name+" confidentiality")),
			}
		}
		low, more := label("a"), label("b")
		e := Effect{Kind: rapid.SampledFrom(kinds).Draw(t, "kind"), Target: "x", Known: rapid.Bool().Draw(t, "known"), Named: rapid.Bool().Draw(t, "named")}
		a := Decide(Subject{Program: "p", Label: low}, e, Rules{})
		b := Decide(Subject{Program: "p", Label: low.Join(more)}, e, Rules{})
		if rank[b.Verdict] < rank[a.Verdict] {
			t.Fatalf("%v gives %s, but %v gives %s", low, a.Verdict, low.Join(more), b.Verdict)
		}
		if l := low.Join(more); l.Integrity == sys.Untrusted && l.Confidentiality > sys.Public && !e.Known && b.Verdict == Allowed {
			t.Fatalf("%v may %s", l, e.Kind)
		}
		if b.Verdict == Allowed && !e.Known && !e.Named && e.Kind.changes() && e.Kind != Instruct {
			t.Fatalf("nobody has named whom it may %s", e.Kind)
		}
	})
}

func TestRules(t *testing.T) {
	r, err := ParseRules([]byte(`{"rules": [
		{"effect": "fetch", "target": "evil.example", "then": "refuse"},
		{"effect": "fetch", "target": "*.example", "then": "allow"},
		{"effect": "message", "target": "@bob:b.example", "then": "allow", "untrusted": true, "program": "kernel"},
		{"effect": "*", "target": "*", "then": "ask"}]}`))
	if err != nil {
		t.Fatal(err)
	}
	tainted, clean := labelled(sys.Untrusted, sys.OwnerOnly), labelled(sys.FromOwner, sys.OwnerOnly)
	builder := tainted
	builder.Program = "builder"
	for _, c := range []struct {
		s    Subject
		e    Effect
		want Verdict
	}{
		{clean, Effect{Kind: Fetch, Target: "EVIL.example"}, Refused},
		{clean, Effect{Kind: Fetch, Target: "a.example"}, Allowed},
		{tainted, Effect{Kind: Fetch, Target: "a.example"}, Asks}, // the rule does not say untrusted
		{tainted, Effect{Kind: Message, Target: "@bob:b.example"}, Allowed},
		{builder, Effect{Kind: Message, Target: "@bob:b.example"}, Asks},
		{clean, Effect{Kind: Push, Target: "origin"}, Asks},
	} {
		if d := Decide(c.s, c.e, r); d.Verdict != c.want {
			t.Errorf("%s %v: %+v, want %s", c.s.Program, c.e, d, c.want)
		}
	}
}

func TestBadRules(t *testing.T) {
	for text, names := range map[string]string{
		`{"rules": [{"effect": "teleport", "target": "*", "then": "allow"}]}`: `rule 1: effect is "teleport"`,
		`{"rules": [{"effect": "fetch", "target": "*", "then": "maybe"}]}`:    `then is "maybe"`,
		`{"rules": [{"effect": "fetch", "then": "ask"}]}`:                     `target is ""`,
		`{"rules": [{"effect": "fetch", "target": "[", "then": "ask"}]}`:      `target is "["`,
		`{"rule": []}`: "unknown field",
		`nonsense`:     "invalid",
	} {
		_, err := ParseRules([]byte(text))
		if !errors.Is(err, sys.Invalid) || !strings.Contains(err.Error(), names) || sys.HintOf(err) == "" {
			t.Errorf("%s: %v, want it to name %s", text, err, names)
		}
	}
	if r, err := ParseRules(nil); err != nil || len(r.Rules) != 0 {
		t.Errorf("an empty file: %v %v", r, err)
	}
}

func TestHashIsOfTheExactEffect(t *testing.T) {
	e := Effect{Kind: Message, Target: "@b:x", Text: "Send hi", Args: []byte(`{"text":"hi"}`)}
	same := e
	same.Text = "Say hi"
	if e.Hash() != same.Hash() {
		t.Error("how it is shown is not what is done")
	}
	for name, other := range map[string]Effect{
		"args":   {Kind: Message, Target: "@b:x", Args: []byte(`{"text":"ho"}`)},
		"target": {Kind: Message, Target: "@c:x", Args: e.Args},
		"kind":   {Kind: Publish, Target: "@b:x", Args: e.Args},
	} {
		if other.Hash() == e.Hash() {
			t.Errorf("%s does not count", name)
		}
	}
}

func TestOnlyTheOwnerChangesWhatProgramsMay(t *testing.T) {
	s := Subject{Program: "evolver", Grant: Grant{Writes: []string{"system/", "agents/"}}}
	for _, p := range []sys.Path{RulesFile, "system/privacy.json", "agents/kernel.md", "agents/builder.md"} {
		if err := Write(s, p); !errors.Is(err, sys.Refused) {
			t.Errorf("%s: %v", p, err)
		}
	}
	if err := Write(s, "agents/custom/cook.md"); err != nil {
		t.Error(err)
	}
}

func TestInstructions(t *testing.T) {
	changes := []sys.Change{{Path: "projects/a.md"}, {Path: "agents/custom/x.md"}, {Path: "agents/memory/m.md"}, {Path: "system/user.md"}}
	if _, ok := Instructs(labelled(sys.FromOwner, sys.OwnerOnly), changes); ok {
		t.Error("the owner's own word needs no approval")
	}
	e, ok := Instructs(labelled(sys.Untrusted, sys.OwnerOnly), changes)
	if !ok || e.Kind != Instruct || !strings.Contains(string(e.Args), "system/user.md") || strings.Contains(string(e.Args), "memory") {
		t.Errorf("%+v %v", e, ok)
	}
	if !slices.Contains(kinds, Instruct) || Decide(labelled(sys.Untrusted, sys.Public), e, Rules{}).Verdict != Asks {
		t.Error("it has to be asked")
	}
}
