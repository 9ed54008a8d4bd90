package offline

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew, to be read before they are committed")

// TestSentences understands every sentence of testdata/sentences.txt as that
// file says. A line is "app in front | sentence" ("-" for none in front, "none"
// for a home without apps), and under it the intent.
func TestSentences(t *testing.T) {
	const name = "testdata/sentences.txt"
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	l := lexiconForTest(t)
	var out []string
	n := 0
	lines := strings.Split(strings.TrimSpace(string(raw)), "\n")
	for i := 0; i < len(lines); i++ {
		front, text, ok := strings.Cut(lines[i], " | ")
		if !ok {
			t.Fatalf("%s: line %d has no sentence", name, i+1)
		}
		st := sampleState()
		switch front {
		case "none":
			st.Apps = nil
		case "-":
		default:
			st.Focus = front
		}
		got := signature(l.understand(text, st, ""))
		out = append(out, lines[i], "    "+got)
		n++
		want := ""
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "    ") {
			i++
			want = lines[i][4:]
		}
		if got != want && !*update {
			t.Errorf("%s\n got %s\nwant %s", text, got, want)
		}
	}
	if n < 150 {
		t.Errorf("%d sentences are too few", n)
	}
	if *update {
		if err := os.WriteFile(name, []byte(strings.Join(out, "\n")+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestGoldenApps keeps a few generated apps whole under testdata/apps, so that
// a reviewer reads what owners get.
func TestGoldenApps(t *testing.T) {
	for folder, text := range map[string]string{
		"expenses":     "Track my expenses with amount, category and date, and show a chart per month",
		"wine":         "wine cellar with name, vintage, quantity, price and rating",
		"board":        "A kanban board with columns Idea, Doing, Review, Done",
		"birthdays":    "a calendar for birthdays",
		"ausgaben":     "Verfolge meine Ausgaben mit Betrag, Kategorie und Datum und zeige ein Diagramm pro Monat",
		"habits":       "habit tracker for reading and running",
		"invoices":     "track invoices with number, client, amount in euros, due date and paid yes/no, grouped by month, with totals and a pie chart by client",
		"to-do":        "todo app",
		"reading-list": "reading list app called Reading list with title, pages, link, rating out of 5 and tags",
	} {
		h := newHost(t)
		h.ask(text)
		written := 0
		for p, got := range h.files {
			rel, ok := strings.CutPrefix(p, "apps/")
			if !ok || strings.HasSuffix(p, "main.tsx") {
				continue
			}
			written++
			if !strings.HasPrefix(rel, strings.ReplaceAll(folder, "_", "-")) && folder != "wine" {
				t.Errorf("%s wrote %s", text, p)
			}
			_, rest, _ := strings.Cut(rel, "/")
			golden := filepath.Join("testdata", "apps", folder, filepath.FromSlash(rest)+".golden")
			if *update {
				if err := os.MkdirAll(filepath.Dir(golden), 0o750); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(golden, []byte(got), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if got != string(want) {
				t.Errorf("%s differs from %s:\n%s", p, golden, got)
			}
		}
		if written < 4 {
			t.Errorf("%q wrote %d files", text, written)
		}
	}
}

// TestLexicon checks the data: types that exist, icons that exist, views that
// name fields that exist.
func TestLexicon(t *testing.T) {
	l := lexiconForTest(t)
	if len(l.domains) < 40 || len(l.icons) < 1000 {
		t.Fatalf("%d domains, %d icons", len(l.domains), len(l.icons))
	}
	categories := strings.Fields("utility productivity social dev games entertainment education finance health communication")
	for _, d := range l.domains {
		s := Spec{}
		for _, spec := range d.Fields {
			f := l.compact(spec)
			if !slices.Contains(allTypes, f.Type) || f.Name == "" {
				t.Errorf("%s: %q is no field", d.Name, spec)
			}
			if f.Type == TypeChoice && len(f.Options) < 2 {
				t.Errorf("%s: %s has no options", d.Name, f.Label)
			}
			s.Fields = append(s.Fields, f)
		}
		for _, c := range slices.Concat([]string{strings.TrimPrefix(d.Sort, "-"), d.Group, d.Done, d.Identity}, d.Totals, d.Filters) {
			if c != "" && c != "created_at" && !s.has(c) {
				t.Errorf("%s names the column %s, which it does not have", d.Name, c)
			}
		}
		if !l.icons[d.Icon] || !slices.Contains(categories, d.Category) {
			t.Errorf("%s: icon %s, category %s", d.Name, d.Icon, d.Category)
		}
		if d.German == "" || d.NounDE == "" || d.Noun == "" {
			t.Errorf("%s has no German or no noun", d.Name)
		}
	}
	for _, k := range l.kinds {
		if !l.icons[k.Icon] || !slices.Contains(categories, k.Category) {
			t.Errorf("%s: icon %s, category %s", k.Name, k.Icon, k.Category)
		}
		if !k.Kind.records() && l.say(false, "about-"+string(k.Kind)) == "about-"+string(k.Kind) {
			t.Errorf("%s says nothing about itself", k.Name)
		}
	}
	for key, r := range l.replies {
		if r.EN == "" || strings.Contains(r.EN, "Oops") || strings.Contains(strings.ToLower(r.EN), "invalid") {
			t.Errorf("reply %s: %q", key, r.EN)
		}
	}
}
