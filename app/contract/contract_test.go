package contract

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

const whole = `{
  "version": 1,
  "request": "Track my expenses by category.",
  "answers": [{"question": "In which currency?", "answer": "Euro"}],
  "scenarios": [
    {"name": "an entry stays", "at": "2026-03-11T09:30", "given": {"rows": {"expenses": [{"amount": 5}]}, "keys": {"best": 3}, "net": [{"url": "https://example.org/a", "json": {"b": 1}}, {"url": "https://example.org/", "fail": "no route"}]}, "steps": [
      {"click": "button", "name": "Add expense", "nth": 1, "in": {"role": "main"}},
      {"fill": "Amount", "with": "12.50"},
      {"choose": "Category", "option": "Food"},
      {"press": "Enter", "on": "Amount", "times": 2},
      {"see": "12.50", "in": {"role": "row", "name": "Food"}},
      {"see_not": "13.50"},
      {"see_order": ["12.50", "5.00"]},
      {"drag": "button", "name": "Card", "from": [4, 4], "onto": {"role": "region", "name": "Done"}},
      {"drag": "img", "name": "Sheet", "by": [40, -10]},
      {"find": "button", "name": "Take back", "state": "disabled", "count": 1},
      {"value": "Amount", "is": ""},
      {"rows": "expenses", "where": {"amount": 12.5}, "count": 1},
      {"key": "best", "is": {"score": 3}},
      {"reload": true},
      {"go_to": "2026-04-01"},
      {"wait": "25m"}
    ]}
  ],
  "invariants": [{"name": "amounts are known", "sql": "SELECT * FROM expenses WHERE amount IS NULL"}],
  "properties": [{"name": "the total is the sum", "shown": "Total", "sql": "SELECT sum(amount) FROM expenses", "tolerance": 0.01}]
}`

func schema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("contract.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("contract.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAWholeContract(t *testing.T) {
	c, found := Parse([]byte(whole), "apps/x/contract.json")
	if len(found) > 0 {
		t.Fatal(found)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(whole))
	if err != nil {
		t.Fatal(err)
	}
	if err := schema(t).Validate(v); err != nil {
		t.Error(err)
	}
	steps := c.Scenarios[0].Steps
	seen := map[string]bool{}
	for _, s := range steps {
		seen[s.Verb()] = true
		if s.String() == "do nothing" {
			t.Errorf("%+v has no words", s)
		}
	}
	for _, v := range Verbs() {
		if !seen[v] {
			t.Errorf("%s is in no example", v)
		}
	}
	if got := steps[len(steps)-1].Pause().Minutes(); got != 25 {
		t.Errorf("pause %v", got)
	}
	raw, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if again, found := Parse(raw, "x"); len(found) > 0 || len(again.Scenarios[0].Steps) != len(steps) {
		t.Errorf("what was written is read differently: %v", found)
	}
}

// What is wrong is told by its place, and no schema would let it through either.
func TestWrongContracts(t *testing.T) {
	valid := schema(t)
	for _, c := range []struct{ name, text, line, says string }{
		{"not JSON", "{\n\"version\": 1,\n\"scenarios\": [}", "3", "not JSON"},
		{"text after it", `{"version":1,"scenarios":[{"name":"a"}]} x`, "1", "after the closing brace"},
		{"an unknown field", `{"version":1,"scenario":[]}`, "1", `"scenario" is no field here; there are version`},
		{"an unknown step", "{\"version\":1,\"scenarios\":[{\"name\":\"a\",\"steps\":[\n{\"flil\":\"Amount\"}]}]}", "2", "scenarios[0].steps[0]: flil is no step; a step has one of fill, choose"},
		{"two steps in one", `{"version":1,"scenarios":[{"name":"a","steps":[{"see":"x","reload":true}]}]}`, "1", "see and reload are two steps"},
		{"half a step", `{"version":1,"scenarios":[{"name":"a","steps":[{"fill":"Amount"}]}]}`, "1", "fill needs with"},
		{"a stray field", `{"version":1,"scenarios":[{"name":"a","steps":[{"see":"x","nth":2}]}]}`, "1", `"nth" is no field here`},
		{"an unknown role", `{"version":1,"scenarios":[{"name":"a","steps":[{"click":"knob","name":"x"}]}]}`, "1", `the role is "knob"; there are alert`},
		{"a wrong type", `{"version":1,"scenarios":[{"name":5}]}`, "1", "has to be a text"},
		{"a wrong version", `{"version":2,"scenarios":[{"name":"a"}]}`, "1", "version is 2; it has to be 1"},
		{"nothing promised", `{"version":1}`, "1", "promises nothing"},
		{"no name", `{"version":1,"scenarios":[{"name":" "}]}`, "1", "name is missing"},
		{"a wrong date", `{"version":1,"scenarios":[{"name":"a","at":"tomorrow"}]}`, "1", `"tomorrow" is no date`},
		{"a wrong wait", `{"version":1,"scenarios":[{"name":"a","steps":[{"wait":"soon"}]}]}`, "1", `wait is "soon"`},
		{"a query that writes", `{"version":1,"invariants":[{"name":"a","sql":"DELETE FROM x"}]}`, "1", "does not begin with SELECT"},
		{"a negative count", `{"version":1,"scenarios":[{"name":"a","steps":[{"rows":"x","count":-1}]}]}`, "1", "out of range"},
		{"an empty step", `{"version":1,"scenarios":[{"name":"a","steps":[{"reload":false}]}]}`, "1", "the step is empty"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, found := Parse([]byte(c.text), "apps/x/contract.json")
			if len(found) == 0 {
				t.Fatal("it passes")
			}
			d := found[0]
			if !strings.Contains(d.Text, c.says) || json.Number(c.line).String() != json.Number(itoa(d.Line)).String() || d.File != "apps/x/contract.json" {
				t.Errorf("%s:%d: %s", d.File, d.Line, d.Text)
			}
			v, err := jsonschema.UnmarshalJSON(strings.NewReader(c.text))
			if err == nil && valid.Validate(v) == nil {
				t.Error("the schema lets it pass")
			}
		})
	}
}

func itoa(n int) string {
	raw, _ := json.Marshal(n)
	return string(raw)
}

func TestOneReadingStatement(t *testing.T) {
	for q, ok := range map[string]bool{
		"SELECT 1": true, " with x as (select 1) select * from x;": true, "select(1)": true, "SELECT 1; DROP TABLE x": false, "PRAGMA writable_schema=1": false,
		"ATTACH 'x' AS y": false, "": false, "selection": false,
	} {
		if got := ReadOnly(q) == nil; got != ok {
			t.Errorf("%q: %v", q, got)
		}
	}
}

// What the parser lets pass can be run: steps have a verb, and a second reading is
// the same as the first.
func FuzzParse(f *testing.F) {
	f.Add([]byte(whole))
	f.Add([]byte(`{"version":1,"scenarios":[{"name":"a","steps":[{"see":""}]}]}`))
	f.Add([]byte(`{"version":1,"scenarios":[{"name":"a","steps":[null]}],"answers":[1]}`))
	f.Add([]byte(`{"version":1,"scenarios":[{"Name":"a","STEPS":[{"Reload":true}]}]}`))
	f.Add([]byte("[1,2"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, found := Parse(raw, "f")
		if len(found) > 0 {
			for _, d := range found {
				if d.Line < 1 || d.Text == "" {
					t.Fatalf("%+v", d)
				}
			}
			return
		}
		for _, s := range c.Scenarios {
			for _, step := range s.Steps {
				if step.Verb() == "" {
					t.Fatalf("%q passes with an empty step", raw)
				}
			}
		}
		again, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		if _, found := Parse(again, "f"); len(found) > 0 {
			t.Fatalf("%q passes, and its own form %q does not: %v", raw, again, found)
		}
	})
}
