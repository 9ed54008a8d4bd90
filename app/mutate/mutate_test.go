package mutate

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/evanw/esbuild/pkg/api"
)

const sample = `import { sortRows, useRows } from "@matrixos/sdk";
// if (a < b) in a comment
const total = rows.filter((r) => r.paid === true).reduce((sum, r) => sum + r.amount, 0);
export default function X() {
  const { rows, insert } = useRows("bills");
  const save = async () => { if (total > 3 && ready) { await insert({ amount: Math.round(total) }); setOpen(false); } };
  const list = sortRows(rows, "-date");
  return <App title="a - b"><p>x - y &lt; {total * 2} and 3 < 4 is text</p><Tracker table="bills" title="amount" sort="-date" totals={["amount"]} filters={["date"]} search onSave={save} gap={24} /></App>;
}
`

func TestEveryOperatorHasAPlace(t *testing.T) {
	found := map[string][]string{}
	for _, m := range Of(sample, []string{"amount", "date", "paid"}) {
		found[m.Operator] = append(found[m.Operator], m.From+" > "+m.To)
		if got := m.Apply(sample); got == sample || m.String() == "" {
			t.Errorf("%s changes nothing", m)
		}
	}
	for op, want := range map[string]string{
		"flip comparison": "=== > !==", "swap sign": "+ > -", "swap and/or": "&& > ||", "negate condition": "total > 3 && ready > !(total > 3 && ready)",
		"change constant": "3 > 4", "flip truth": "true > false", "change rounding": "round > floor", "drop a save": "setOpen(false) > void 0", "drop an await": "await > ",
		"flip sort": `"-date" > "date"`, "other column": `"amount" > "date"`, "drop a filter": `filters={["date"]} > `, "drop a feature": `totals={["amount"]} > `,
	} {
		if !slices.Contains(found[op], want) {
			t.Errorf("%s: no %q in %q", op, want, found[op])
		}
	}
	for op, list := range found {
		if !slices.Contains(Operators, op) {
			t.Errorf("%q is not listed", op)
		}
		for _, m := range list {
			if strings.Contains(m, "24") {
				t.Errorf("layout is changed: %s", m)
			}
		}
	}
	for _, m := range Of(sample, nil) {
		if line := strings.Split(sample, "\n")[m.Line-1]; strings.HasPrefix(line, "//") || m.Operator == "flip comparison" && m.Line == 8 {
			t.Errorf("a comment or text is changed: %s", m)
		}
	}
}

// What makes no difference that shows is no fault: one millisecond more, or a quotient by a
// side that is 1 or -1. A limit that is off by one is a fault.
func TestChangesAreLargeEnoughToShow(t *testing.T) {
	for source, want := range map[string]string{
		"wait(400)": "wait(600)", "wait(9)": "wait(10)", "wait(0.5)": "wait(1.5)", "a[63] = b": "a[94] = b",
		"if (n >= 100) go": "if (n >= 101) go", "if (12 < n) go": "if (13 < n) go", "x = n * side": "x = n + side", "x = n / 2": "x = n * 2",
	} {
		if !slices.ContainsFunc(Of(source, nil), func(m Mutant) bool { return m.Apply(source) == want }) {
			t.Errorf("%s does not become %s: %v", source, want, Of(source, nil))
		}
	}
}

// Nearly all mutants of the built-in model's apps compile: what does not is lost
// work.
func TestMutantsOfAppsCompile(t *testing.T) {
	files, err := filepath.Glob("../../model/offline/templates/*/src/*.ts*")
	if err != nil || len(files) < 20 {
		t.Fatal(err, len(files))
	}
	all, bad := 0, 0
	for _, f := range files {
		raw, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		source := strings.NewReplacer("__TABLE__", "rows", "__PRICE__", "price", "__PIECES__", "1", "__COMPONENT__", "X", "__IMPORTS__", "App", "__BODY__", "").Replace(string(raw))
		for _, m := range Of(source, []string{"price", "title"}) {
			all++
			if r := api.Transform(m.Apply(source), api.TransformOptions{Loader: api.LoaderTSX}); len(r.Errors) > 0 {
				bad++
				t.Logf("%s: %s", f, m)
			}
		}
	}
	if all < 300 || bad*20 > all {
		t.Errorf("%d of %d mutants do not compile", bad, all)
	}
}

func FuzzOf(f *testing.F) {
	f.Add(sample)
	f.Add("<a b={`${<c>{1}</c>}`}/>")
	f.Add("x = /[/\"]/g; y = a < b > (c")
	f.Add("if (")
	f.Fuzz(func(t *testing.T, source string) {
		for _, m := range Of(source, []string{"a", "b"}) {
			if m.Apply(source) == source {
				t.Errorf("%s changes nothing", m)
			}
		}
	})
}
