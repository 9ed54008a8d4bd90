package contract

import (
	"encoding/json"
	"strings"
	"testing"
	"time"
)

func recording(t testing.TB, use string) Recording {
	t.Helper()
	u, err := ParseUse([]byte(use))
	if err != nil {
		t.Fatal(err)
	}
	from := time.Date(2026, 3, 11, 8, 30, 0, 0, time.UTC)
	return Recording{
		Use: u, At: "2026-03-11T09:30:00", From: from, Until: from.Add(time.Minute),
		Before: State{Rows: map[string][]Row{"expenses": {{"id": "a", "created_at": "2026-03-01T08:00:00.000Z", "amount": json.Number("5"), "note": "Tea", "api_token": "hush"}}}},
		After: State{Rows: map[string][]Row{"expenses": {
			{"id": "a", "created_at": "2026-03-01T08:00:00.000Z", "amount": json.Number("6"), "note": "Tea", "api_token": "hush"},
			{"id": "b", "created_at": "2026-03-11T08:30:10.000Z", "amount": json.Number("12.5"), "note": "Lunch", "day": "2026-03-11", "at": "2026-03-11T08:30:10.000Z", "luck": json.Number("4"), "api_token": "hush"},
		}}},
	}
}

const lunch = `{"steps":[{"click":"button","name":"Add expense"},{"fill":"Amount","with":"12.50"},{"fill":"Note","with":"Lunch"},{"click":"button","name":"Save"}],
	"seen":["Lunch","12.50","saved just now","€18.50"],"gone":["€5.00"]}`

func said(d Draft) string {
	var all []string
	for _, s := range d.Steps[d.Acts:] {
		all = append(all, s.String())
	}
	return strings.Join(all, "\n")
}

// What the owner saw and what rows came of it is expected; what is of the moment, of chance
// or secret is not.
func TestADraftExpectsWhatIsTheSameEachTime(t *testing.T) {
	r := recording(t, lunch)
	again := State{Rows: map[string][]Row{"expenses": {
		r.After.Rows["expenses"][0],
		{"id": "z", "amount": json.Number("12.5"), "note": "Lunch", "day": "2026-03-11", "luck": json.Number("9")},
	}}}
	d := r.Draft(&again)
	got := said(d)
	want := `one entry in expenses with amount 12.5, day "2026-03-11" and note "Lunch"
one entry in expenses with amount 6
see "Lunch"
see "12.50"
see "€18.50"
do not see "€5.00"`
	if got != want {
		t.Errorf("expects\n%s\nwant\n%s", got, want)
	}
	left := strings.Join(d.Left, "\n")
	for _, w := range []string{"luck of an entry", "at of an entry", "api_token of an entry", "just now"} {
		if !strings.Contains(left, w) {
			t.Errorf("%q is not among what is left out:\n%s", w, left)
		}
	}
	if raw, _ := json.Marshal(d.Scenario); strings.Contains(string(raw), "hush") {
		t.Errorf("a secret is kept: %s", raw)
	}
	if d.Recorded != "2026-03-11" || len(faults(d.Scenario)) > 0 {
		t.Errorf("recorded %q, %v", d.Recorded, faults(d.Scenario))
	}
}

// Rows that the steps do not make, because another window or program made them, are not expected.
func TestADraftKnowsWhatTheStepsMake(t *testing.T) {
	r := recording(t, lunch)
	again := State{Rows: map[string][]Row{"expenses": {r.Before.Rows["expenses"][0]}}}
	if got := said(r.Draft(&again)); strings.Contains(got, "note \"Lunch\"") {
		t.Errorf("expects %s", got)
	}
}

// With something typed into a field for secrets, only what was typed elsewhere is expected.
func TestSecretsAreNotExpected(t *testing.T) {
	r := recording(t, strings.Replace(lunch, `"gone"`, `"secret":true,"gone"`, 1))
	r.After.Rows["expenses"][1]["word"] = "hunter2"
	d := r.Draft(nil)
	raw, _ := json.Marshal(d.Scenario)
	if strings.Contains(string(raw), "hunter2") || strings.Contains(string(raw), "18.50") || !strings.Contains(string(raw), `"note":"Lunch"`) {
		t.Errorf("kept %s", raw)
	}
}

// A window can only tell of what a person does.
func TestAUseIsNotBelieved(t *testing.T) {
	for _, use := range []string{
		``, `{}`, `{"steps":[]}`, `{"steps":[{"see":"paid"}]}`, `{"steps":[{"rows":"others","count":1}]}`, `{"steps":[{"click":"oracle","name":"x"}]}`,
		`{"steps":[{"click":"button","name":"x"}],"given":{"rows":{}}}`, `{"steps":[{"go_to":"2020-01-01"}]}`, `{"steps":[{"click":"button","name":"x","see":"y"}]}`,
		`{"steps":[` + strings.Repeat(`{"click":"button","name":"x"},`, maxActs) + `{"click":"button","name":"x"}]}`,
	} {
		if u, err := ParseUse([]byte(use)); err == nil {
			t.Errorf("%.80s is taken: %+v", use, u)
		}
	}
}

func FuzzParseUse(f *testing.F) {
	f.Add(lunch)
	f.Add(`{"steps":[{"press":"a","times":-1}],"seen":["\u0000"]}`)
	f.Fuzz(func(t *testing.T, use string) {
		u, err := ParseUse([]byte(use))
		if err != nil {
			return
		}
		r := recording(t, lunch)
		r.Use = u
		if found := faults(r.Draft(nil).Scenario); len(found) > 0 {
			t.Fatalf("the draft is no scenario: %+v", found)
		}
	})
}
