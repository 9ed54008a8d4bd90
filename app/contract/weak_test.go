package contract

import (
	"strings"
	"testing"
)

func TestWeak(t *testing.T) {
	for _, c := range []struct {
		name, body string
		tables     []string
		want       string
	}{
		{"nothing is to be there", `"scenarios": [{"name": "it opens", "steps": [{"see_not": "an error"}, {"rows": "tasks", "count": 0}, {"key": "list", "is": []}]}]`, nil, "expects anything"},
		{"nothing but a rule of data", `"invariants": [{"name": "no row", "sql": "SELECT 1 WHERE 0"}], "scenarios": [{"name": "it opens", "steps": []}]`, nil, "expects anything"},
		{"only its name", `"scenarios": [{"name": "it opens", "steps": [{"see": "Tasks"}]}]`, []string{"tasks"}, "keeps tasks"},
		{"its name, and it keeps nothing", `"scenarios": [{"name": "it opens", "steps": [{"see": "12:00"}]}]`, nil, ""},
		{"it shows what is there", `"scenarios": [{"name": "shown", "given": {"rows": {"tasks": [{"title": "Milk"}]}}, "steps": [{"see": "Milk"}]}]`, []string{"tasks"}, ""},
		{"acts and does not look", `"scenarios": [{"name": "an entry", "steps": [{"see": "Tasks"}, {"click": "button", "name": "Add"}, {"reload": true}]}]`, []string{"tasks"}, `"an entry", say, ends with its last act`},
		{"acts and looks", `"scenarios": [{"name": "an entry", "steps": [{"fill": "Title", "with": "Milk"}, {"press": "Enter"}, {"see": "Milk"}]}]`, []string{"tasks"}, ""},
		{"takes away", `"scenarios": [{"name": "gone", "given": {"rows": {"tasks": [{"title": "Milk"}]}}, "steps": [{"see": "Milk"}, {"click": "button", "name": "Delete"}, {"see_not": "Milk"}]}]`, []string{"tasks"}, ""},
		{"a figure is tied to the data", `"properties": [{"name": "sum", "shown": "Total", "sql": "SELECT 1"}]`, []string{"tasks"}, ""},
	} {
		parsed, wrong := Parse([]byte(`{"version": 1, `+c.body+`}`), "apps/tasks/contract.json")
		if len(wrong) > 0 {
			t.Fatalf("%s: %v", c.name, wrong)
		}
		got := strings.Join(parsed.Weak(c.tables), "; ")
		if c.want == "" && got != "" || !strings.Contains(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
