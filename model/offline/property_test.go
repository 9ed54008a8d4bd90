package offline

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"matrixos/model"
	"matrixos/sys"
)

// TestColumnNames: any list of fields yields column names that are valid,
// unlike each other, and unlike the system's own.
func TestColumnNames(t *testing.T) {
	l := lexiconForTest(t)
	rapid.Check(t, func(t *rapid.T) {
		labels := rapid.SliceOfN(rapid.OneOf(
			rapid.String(), rapid.SampledFrom([]string{"id", "Created at", "updated_at", "Date", "date", "Größe", "größe", "2nd try", "due date", "a/b/c", "rating out of 5", "status (open, closed)", "___", "emoji 🎉"}),
		), 1, 12).Draw(t, "labels")
		seen := map[string]bool{}
		for _, f := range l.fields(strings.Join(labels, ", "), nil, rapid.Bool().Draw(t, "german")) {
			if !validColumn(f.Name) || seen[f.Name] {
				t.Fatalf("column %q of %q", f.Name, labels)
			}
			seen[f.Name] = true
			if f.Type == TypeChoice && len(f.Options) == 0 {
				t.Fatalf("%q is a choice of nothing", f.Label)
			}
		}
	})
}

func validColumn(s string) bool {
	if s == "" || len(s) > 64 || reserved[s] || s[0] >= '0' && s[0] <= '9' {
		return false
	}
	for _, r := range s {
		if r != '_' && (r < 'a' || r > 'z') && (r < '0' || r > '9') {
			return false
		}
	}
	return true
}

// TestElementsSurvivePrinting: an element that is printed and read again is
// the same, whatever its attributes hold.
func TestElementsSurvivePrinting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		e := element{Tag: "Tracker"}
		for _, name := range []string{"title", "noun", "table"} {
			e.set(str(name, rapid.String().Draw(t, name)))
		}
		e.set(code("filters", list(rapid.SliceOf(rapid.String()).Draw(t, "filters"))))
		e.set(attr{Name: "search"})
		source := "x <Trackers /> (\n  " + e.print("  ") + "\n) <b/>"
		got := elements(source, "Tracker")
		if len(got) != 1 {
			t.Fatalf("%d elements in %s", len(got), source)
		}
		got[0].start, got[0].end = 0, 0
		if got[0].print("  ") != e.print("  ") {
			t.Fatalf("%s became %s", e.print("  "), got[0].print("  "))
		}
	})
}

// TestSpanIsExact: the edit that span finds, applied once, makes the new text.
func TestSpanIsExact(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		line := rapid.SampledFrom([]string{"a\n", "b\n", "\n", "c {\n", "}\n"})
		before := strings.Join(rapid.SliceOfN(line, 1, 12).Draw(t, "before"), "")
		after := strings.Join(rapid.SliceOfN(line, 1, 12).Draw(t, "after"), "")
		if before == after {
			return
		}
		from, to := span(before, after)
		if strings.Index(before, from) != strings.LastIndex(before, from) || strings.Replace(before, from, to, 1) != after {
			t.Fatalf("%q → %q by %q → %q", before, after, from, to)
		}
	})
}

// FuzzAsk says anything to the kernel, in a home with apps: it never panics,
// always answers, stays within bounds, and says the same again.
func FuzzAsk(f *testing.F) {
	for _, s := range []string{
		"Track my expenses with amount, category and date, and show a chart per month", "add a field for the shop", "remind me every day at 8 to x", "rename a to b", "((((((", "a:b:c;d=e/f", "flash cards: a = b; c", "<state>{}</state>", "\x00\xff",
		"with with with", "chart chart chart per per", "sorted by", "group by group by", "füge hinzu", "die die die", "1-5 out of 5 in € km", "“”„«»", "poll: ? a or b", "remind me in 99999999999 minutes", "on 31.13.2026 at 25:99",
	} {
		f.Add(s)
	}
	m, err := New()
	if err != nil {
		f.Fatal(err)
	}
	state, err := json.Marshal(sampleState())
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		for _, p := range []sys.Program{sys.ProgramKernel, sys.ProgramBuilder} {
			r := &model.Request{Program: p, Messages: []model.Message{userMessage("<state>"+string(state)+"</state>", text)}}
			first, err := m.Stream(t.Context(), r, func(model.Delta) {})
			if err != nil || len(first.Message.Blocks) == 0 {
				t.Fatalf("no answer: %v", err)
			}
			raw := mustJSON(t, first)
			if len(raw) > 200_000 {
				t.Fatalf("an answer of %d bytes", len(raw))
			}
			second, err := m.Stream(t.Context(), r, func(model.Delta) {})
			if err != nil || mustJSON(t, second) != raw {
				t.Fatal("the same transcript got another reply")
			}
			checkCalls(t, first)
		}
	})
}

// checkCalls holds what goes out: paths stay inside apps/, slugs are valid.
func checkCalls(t *testing.T, r *model.Reply) {
	t.Helper()
	for _, b := range r.Message.Blocks {
		if b.Kind != model.ToolUse {
			if !utf8.ValidString(b.Text) {
				t.Fatalf("text is not UTF-8: %q", b.Text)
			}
			continue
		}
		var in map[string]any
		if err := json.Unmarshal(b.Input, &in); err != nil {
			t.Fatal(err)
		}
		if p, ok := in["file_path"].(string); ok {
			path, err := sys.ParsePath(p)
			if err != nil || string(path) != p || !strings.HasPrefix(p, "apps/") && p != themeFile {
				t.Fatalf("path %q: %v", p, err)
			}
		}
		for _, key := range []string{"app", "slug"} {
			if s, ok := in[key].(string); ok && !sys.Slug(s).Valid() {
				t.Fatalf("slug %q", s)
			}
		}
	}
}

// FuzzBuild builds whatever was said: what comes out always compiles.
func FuzzBuild(f *testing.F) {
	for _, s := range []string{"a, b (c/d)", `x "y" <z> {w}`, "rating out of 10, price in €", "name\\nq, `t`", "choice of a, b or c", "date, time, link, tags"} {
		f.Add(s)
	}
	m, err := New()
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u := m.words.build("Track my things with " + text + " and show a chart per month by category")
		if len(u.spec.Fields) == 0 {
			t.Skip()
		}
		files, err := m.words.files(&u.spec)
		if err != nil {
			t.Fatal(err)
		}
		h := &host{t: t, m: m, files: map[string]string{}}
		for _, file := range files {
			h.files["apps/"+u.spec.Slug+"/"+file.path] = file.text
		}
		h.checkApp(u.spec.Slug)
	})
}

// FuzzEdit applies changes to hand-written files: it never panics, and what it
// returns either fails or keeps every column.
func FuzzEdit(f *testing.F) {
	f.Add(`{"name":"A","storage":{"tables":{"t":{"columns":{"a":"text"}}}}}`, `[{"name":"a"}]`, `import { App } from "@matrixos/ui"; <App title="A"><Stack><Tracker table="t" /></Stack></App>`)
	f.Add(`{}`, `[]`, `<Tracker table="x" a={`)
	f.Add(`{"name":1}`, `[1]`, `<Tabs labels={x}><Tracker table='t' group={{by:"a"}} /></Tabs>`)
	m, err := New()
	if err != nil {
		f.Fatal(err)
	}
	changes := []Change{
		{Op: OpAddField, Field: &Field{Label: "Shop", Type: TypeText}},
		{Op: OpAddChart, Chart: &Chart{Every: "week"}},
		{Op: OpView, To: "board"},
		{Op: OpView, To: "calendar"},
		{Op: OpView, To: "cards"},
		{Op: OpSort, Of: "-a"},
		{Op: OpGroup, Of: "month"},
		{Op: OpFilter},
		{Op: OpTotals},
		{Op: OpRenameApp, To: "B"},
		{Op: OpRenameField, Of: "a", To: "C"},
		{Op: OpDropChart, Of: "all charts"},
		{Op: OpRemoveField, Of: "shop"},
	}
	f.Fuzz(func(t *testing.T, manifest, fields, app string) {
		s, trouble := m.words.open(manifest, fields, app, false)
		if trouble != nil {
			return
		}
		for _, c := range changes {
			if text, trouble := s.apply(c); trouble == nil && text == "" {
				t.Fatalf("%s was done without a word", c.Op)
			}
		}
		for _, c := range s.files(manifest, fields, app, "apps/a") {
			if c.name == "Edit" && strings.Count(app, c.input["old_string"].(string)) != 1 {
				t.Fatalf("an edit that does not fit once: %q", c.input["old_string"])
			}
		}
	})
}
