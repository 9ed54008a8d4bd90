package offline

import (
	"strings"
	"testing"
)

// A tracker that is asked for in words is under 120 lines: manifest, page, fields and
// code together, in lines that a person reads.
func TestATrackerIsShort(t *testing.T) {
	for _, text := range []string{
		"Track my expenses with amount, category and date, and show a chart per month",
		"track invoices with number, client, amount in euros, due date and paid yes/no, grouped by month, with totals and a pie chart by client",
		"reading list app called Reading list with title, pages, link, rating out of 5 and tags",
		"wine cellar with name, vintage, quantity, price and rating",
		"mood tracker with mood, note and date",
	} {
		h := newHost(t)
		h.ask(text)
		total, widest := 0, 0
		for p, got := range h.files {
			if !strings.HasPrefix(p, "apps/") || strings.HasSuffix(p, "contract.json") { // that says what it does, not how
				continue
			}
			for line := range strings.Lines(got) {
				total, widest = total+1, max(widest, len(line))
			}
		}
		t.Logf("%d lines, the widest of %d: %s", total, widest, text)
		if total < 20 || total >= 120 || widest > 250 {
			t.Errorf("%q is %d lines, the widest of %d", text, total, widest)
		}
	}
}
