package offline

import (
	"strings"
	"testing"
)

// TestRowsAreEntered enters what a sentence says, and leaves what it does not say
// for sure to the app.
func TestRowsAreEntered(t *testing.T) {
	for text, want := range map[string]string{
		"add 12.50 for lunch to expenses":             `{"amount":12.5,"category":"Food","date":"2026-11-23","what":"lunch"}`,
		"add 12,50 for lunch to my expenses":          `{"amount":12.5,"category":"Food","date":"2026-11-23","what":"lunch"}`,
		"I spent 20 euros on train tickets yesterday": `{"amount":20,"category":"Transport","date":"2026-11-22","what":"train tickets"}`,
		"log $3 for a thing in expenses":              `{"amount":3,"category":"Other","date":"2026-11-23","what":"thing"}`,
		"add lunch to expenses for some euros":        "",
	} {
		h := newHost(t)
		h.ask("track my expenses")
		answer := h.ask(text)
		if want == "" {
			if len(h.rows) > 0 {
				t.Errorf("%q entered %v", text, h.rows)
			}
			continue
		}
		if len(h.rows) != 1 || !strings.Contains(h.rows[0], `"data":`+want) || !strings.Contains(answer, "Added to Expenses") {
			t.Errorf("%q: %v; %s", text, h.rows, answer)
		}
	}
}

// TestRowsAreAsked answers sums and counts from what the rows say.
func TestRowsAreAsked(t *testing.T) {
	for text, want := range map[string]struct{ asked, says string }{
		"what did I spend on food?":                       {`"where":{"category":{"$ilike":"%food%"}}`, "30.50 in Expenses for “food”, over 2 entries"},
		"how much did I spend on food this month?":        {`"date":{"$gte":"2026-11-01","$lt":"2026-12-01"}`, "30.50"},
		"how much did I spend last week":                  {`"date":{"$gte":"2026-11-16","$lt":"2026-11-23"}`, "30.50 in Expenses"},
		"how much did I spend on 100% wool?":              {`%100\\% wool%`, "30.50"},
		"was habe ich diesen Monat für Essen ausgegeben?": {`"date":{"$gte":"2026-11-01","$lt":"2026-12-01"}`, "30.50"},
	} {
		h := newHost(t)
		h.ask("track my expenses")
		h.answers = func(asked string) string {
			if strings.Contains(asked, `"note"`) {
				return `{"sums":[]}`
			}
			return `{"sums":[{"sum":30.5,"rows":2}]}`
		}
		answer := h.ask(text)
		if !strings.Contains(strings.Join(h.rows, "\n"), want.asked) || !strings.Contains(answer, want.says) {
			t.Errorf("%q: %v; %s", text, h.rows, answer)
		}
		h.answers = func(string) string { return `{"sums":[]}` }
		if answer := h.ask(text); !strings.Contains(answer, "no entry") && !strings.Contains(answer, "keinen Eintrag") {
			t.Errorf("%q of nothing: %s", text, answer)
		}
	}
	h := newHost(t)
	h.ask("track my expenses")
	h.focus = "expenses"
	if answer := h.ask("what was my biggest expense?"); len(h.rows) > 0 || !strings.Contains(answer, "adds up and counts") {
		t.Errorf("it claims to know: %v; %s", h.rows, answer)
	}
}
