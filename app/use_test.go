package app_test

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/sys"
)

const bakes = `{"version":1,"scenarios":[{"name":"it opens","steps":[{"see":"Bread"}]}],"invariants":[{"name":"no cold loaf","sql":"SELECT 1 WHERE 0"}]}`

// shown is a contract with what the owner has shown, and an entry of theirs in it.
func shown(t *testing.T, raw string) string {
	t.Helper()
	var before []byte
	if raw != "" {
		before = []byte(raw)
	}
	text, err := app.AddScenario(before, contract.Scenario{
		Name: "it opens", Recorded: "2026-03-11",
		Given: contract.Given{Rows: map[string][]json.RawMessage{"loaves": {json.RawMessage(`{"note":"for Ann"}`)}}},
		Steps: []contract.Step{{Click: "button", Name: "Bake"}, {See: "Baked"}},
	}, "apps/food/bread/contract.json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// What the owner shows joins what was there, under a name of its own.
func TestWhatIsShownJoinsTheContract(t *testing.T) {
	text := shown(t, bakes)
	c, found := contract.Parse([]byte(text), contract.Name)
	if len(found) > 0 || len(c.Scenarios) != 2 || c.Scenarios[0].Name != "it opens" || c.Scenarios[1].Name != "it opens (2)" || c.Scenarios[1].Recorded == "" || len(c.Invariants) != 1 {
		t.Errorf("%v\n%s", found, text)
	}
	if c, _ := contract.Parse([]byte(shown(t, "")), contract.Name); len(c.Scenarios) != 1 {
		t.Errorf("an app without a contract gets %d scenarios", len(c.Scenarios))
	}
	if _, err := app.AddScenario([]byte(`{"version":1,`), contract.Scenario{Name: "x", Steps: []contract.Step{{See: "y"}}}, "apps/x/contract.json"); sys.KindOf(err) != sys.Invalid || !strings.Contains(err.Error(), "apps/x/contract.json") {
		t.Errorf("a contract that cannot be read: %v", err)
	}
}

// A new contract keeps what the owner has shown, and cannot claim that they did.
func TestWhatIsShownOutlastsANewContract(t *testing.T) {
	old := shown(t, bakes)
	text, err := app.SettleContract([]byte(`{"version":1,"scenarios":[{"name":"it bakes","recorded":"2026-01-01","steps":[{"see":"Oven"}]}]}`), []byte(old), "", nil)
	if err != nil {
		t.Fatal(err)
	}
	c, found := contract.Parse([]byte(text), contract.Name)
	if len(found) > 0 || len(c.Scenarios) != 2 || c.Scenarios[0].Recorded != "" || c.Scenarios[1].Name != "it opens (2)" || c.Scenarios[1].Recorded != "2026-03-11" {
		t.Errorf("%v\n%s", found, text)
	}
}

// What is published says nothing of the owner's entries.
func TestWhatIsShownStaysAtHome(t *testing.T) {
	for _, raw := range []string{bakes, ""} {
		tree := breadTree()
		tree["apps/food/bread/contract.json"] = &fstest.MapFile{Data: []byte(shown(t, raw))}
		p := publish(t, tree, publisherOf(1, "@me:local"))
		if bytes.Contains(p.Content, []byte("for Ann")) {
			t.Error("an entry of the owner's is in the bundle")
		}
		if has := bytes.Contains(p.Content, []byte("no cold loaf")); has != (raw != "") {
			t.Errorf("the rest of the contract is in the bundle: %v", has)
		}
	}
}
