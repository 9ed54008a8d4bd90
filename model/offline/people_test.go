package offline

import (
	"testing"

	"matrixos/model"
)

// What is wanted of somebody with a handle becomes a call; what only has an address in
// it does not.
func TestPeople(t *testing.T) {
	m, err := sharedModel()
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]toolCall{
		"find half an hour with @anna:other next week": tool("propose_deal", "kind", "meeting", "to", "@anna:other", "title", "Meeting", "minutes", 30, "from", "2026-11-30T00:00:00+01:00", "by", "2026-12-07T00:00:00+01:00"),
		"set up a meeting with @anna:other.example of 45 minutes this week about the garden": tool("propose_deal", "kind", "meeting", "to", "@anna:other.example", "title", "the garden", "minutes", 45,
			"from", "2026-11-23T12:00:00+01:00", "by", "2026-11-30T00:00:00+01:00"),
		"Finde eine Stunde mit @anna:other nächste Woche für ein Treffen wegen Urlaub": tool("propose_deal", "kind", "meeting", "to", "@anna:other", "title", "Urlaub", "minutes", 60, "from", "2026-11-30T00:00:00+01:00", "by", "2026-12-07T00:00:00+01:00"),
		"tell @bob:b.example that I am late":                                           tool("matrix_send", "to", "@bob:b.example", "text", "I am late"),
		"ask @bob:b.example for his phone":                                             tool("propose_deal", "kind", "query", "to", "@bob:b.example", "title", "his phone"),
		"remember that @bob:b.example is my brother":                                   {},
	} {
		k := kernel{l: m.words, tools: tools([]string{"propose_deal", "matrix_send"})}
		k.t.state.Now = "2026-11-23T12:00:00+01:00"
		s, ok := k.people(turn{text: text})
		if want.name == "" {
			if ok {
				t.Errorf("%q: %+v", text, s)
			}
			continue
		}
		if !ok || len(s.calls) != 1 || s.calls[0].name != want.name {
			t.Errorf("%q: %+v", text, s)
			continue
		}
		for key, v := range want.input {
			if s.calls[0].input[key] != v {
				t.Errorf("%q: %s is %v, want %v", text, key, s.calls[0].input[key], v)
			}
		}
	}
	k := kernel{l: m.words, tools: []model.Tool{}}
	if _, ok := k.people(turn{text: "meet @anna:other"}); ok {
		t.Error("it makes a call that it may not make")
	}
}
