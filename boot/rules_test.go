package boot

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/disk"
	"matrixos/disk/rows"
	"matrixos/kernel"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

const scalesData = "data/scales/scales.sqlite"

// weigh lands statements on the rows of the app scales, as a command of an agent would.
func (s *System) weigh(t *testing.T, kind sys.LandingKind, sql string) error {
	t.Helper()
	return s.landScales(t, kind, sql, nil)
}

// landScales is weigh, with files that land together with the rows.
func (s *System) landScales(t *testing.T, kind sys.LandingKind, sql string, files map[sys.Path]string) error {
	t.Helper()
	tx, err := s.disk.Begin(t.Context(), "test")
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := tx.Drop(); err != nil {
			t.Error(err)
		}
	}()
	full, err := tx.Data(t.Context(), scalesData)
	if err != nil {
		t.Fatal(err)
	}
	execute(t, full, sql)
	for p, text := range files {
		if err := os.WriteFile(filepath.Join(tx.Dir(), string(p)), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	_, err = tx.Land(t.Context(), disk.Landing{Kind: kind})
	return err
}

// makeScales makes the tables of the app, as its first window would.
func (s *System) makeScales(t *testing.T) {
	t.Helper()
	if err := s.apps.makeTables(t.Context(), "scales"); err != nil {
		t.Fatal(err)
	}
}

func execute(t *testing.T, file, sql string) {
	t.Helper()
	db, err := rows.Open(t.Context(), file, rows.ToCreate, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.ExecContext(t.Context(), sql); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// weights are those that are in the home.
func (s *System) weights(t *testing.T) string {
	t.Helper()
	list, err := s.apps.Rows(t.Context(), "scales", "things")
	if err != nil {
		t.Fatal(err)
	}
	var out []string
	for _, r := range list.Rows {
		out = append(out, fmt.Sprint(r["weight"]))
	}
	return strings.Join(out, " ")
}

// inOrder is a list without the order that rows of one moment happen to have.
func inOrder(list string) string {
	out := strings.Fields(list)
	slices.Sort(out)
	return strings.Join(out, " ")
}

// thing is the statement that adds a row; name is one letter.
func thing(name string, weight int) string {
	return fmt.Sprintf(`INSERT INTO things(id, created_at, updated_at, weight) VALUES('%s0000000-0000-4000-8000-000000000000', '2026-11-27T0%s:00:00.000Z', '2026-11-27T00:00:00.000Z', %d);`, name, name, weight)
}

// TestAnAgentsRowsAreHeldToTheRules of the app's contract, as they will be with what the
// owner has entered meanwhile. The owner's rows are not, and stand in no agent's way.
func TestAnAgentsRowsAreHeldToTheRules(t *testing.T) {
	s := startStatic(t)
	if _, err := s.write(t, sys.ByAgent, scales); err != nil {
		t.Fatal(err)
	}
	if _, err := s.client.Import(t.Context(), "scales", "things", "json", `[{"weight": 3}]`, false); err != nil {
		t.Fatal(err)
	}
	err := s.weigh(t, sys.ByAgent, thing("1", -4)+thing("2", 5))
	for _, want := range []string{"Scales", "“nothing weighs less than nothing”", "id 10000000-0000-4000-8000-000000000000", "apps/scales/contract.json"} {
		if sys.KindOf(err) != sys.NotVerified || !strings.Contains(err.Error(), want) {
			t.Fatalf("rows against a rule: %v; it does not say %q", err, want)
		}
	}
	if got := s.weights(t); got != "3" {
		t.Errorf("after the refusal there is %q", got)
	}
	if err := s.weigh(t, sys.ByAgent, thing("2", 5)); err != nil {
		t.Errorf("rows that keep it: %v", err)
	}
	counted, err := s.healer.Reliability(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(counted.Refused) != 1 || counted.Refused[0].App != "scales" || counted.Refused[0].Mode != 28 || counted.Refused[0].N != 1 || !strings.Contains(counted.Refused[0].Why, "nothing weighs less than nothing") {
		t.Errorf("refused, as `matrixos reliability` counts it: %+v", counted.Refused)
	}
	if err := s.weigh(t, sys.ByOwner, thing("3", -7)); err != nil {
		t.Errorf("the owner's: %v", err)
	}
	if err := s.weigh(t, sys.ByAgent, thing("4", 9)); err != nil {
		t.Errorf("beside a row of the owner's that breaks it: %v", err)
	}
	if err := s.weigh(t, sys.ByAgent, thing("5", -9)); sys.KindOf(err) != sys.NotVerified || strings.Contains(err.Error(), "30000000") {
		t.Errorf("one more: %v", err)
	}
	if err := s.weigh(t, sys.ByAgent, "UPDATE things SET weight = 7 WHERE weight = -7"); err != nil {
		t.Errorf("what mends one of two: %v", err)
	}
	if err := s.weigh(t, sys.ByAgent, "ALTER TABLE things RENAME COLUMN weight TO kilos"); sys.KindOf(err) != sys.NotVerified || !strings.Contains(err.Error(), "can no longer be asked") {
		t.Errorf("what the rule needs is gone: %v", err)
	}
	if err := s.weigh(t, sys.ByAgent, "ALTER TABLE things ADD COLUMN colour TEXT"); err != nil {
		t.Errorf("what it does not need: %v", err)
	}
}

// TestCodeAndRowsAreMendedTogether: an app whose data break a rule is mended by one landing
// of code and rows, which is judged as it will be: with the rows that land, by the contract
// that lands. A rule that is dropped in it holds its rows all the same.
func TestCodeAndRowsAreMendedTogether(t *testing.T) {
	s := startStatic(t)
	if _, err := s.write(t, sys.ByAgent, scales); err != nil {
		t.Fatal(err)
	}
	s.makeScales(t)
	if err := s.weigh(t, sys.ByOwner, thing("1", -7)+thing("2", -8)+thing("3", 9)); err != nil {
		t.Fatal(err)
	}
	n := 0
	both := func(sql string, files map[sys.Path]string) error {
		t.Helper()
		n++
		code := maps.Clone(files)
		code["apps/scales/src/main.tsx"] = fmt.Sprintf("document.body.textContent = \"kg %d\";\n", n)
		return s.landScales(t, sys.ByAgent, sql, code)
	}
	none := map[sys.Path]string{}
	if err := both("UPDATE things SET weight = 7 WHERE weight = -7", none); sys.KindOf(err) != sys.NotVerified || !strings.Contains(err.Error(), "less than nothing") {
		t.Errorf("half of it: %v", err)
	}
	if err := both("UPDATE things SET weight = -weight WHERE weight < 0", none); err != nil {
		t.Errorf("all of it: %v", err)
	}
	if got := s.weights(t); got != "7 8 9" {
		t.Errorf("there is %q", got)
	}
	changed := func(from, to string) map[sys.Path]string {
		return map[sys.Path]string{"apps/scales/contract.json": strings.Replace(scales["apps/scales/contract.json"], from, to, 1)}
	}
	dropped := changed(`, "invariants": [{"name": "nothing weighs less than nothing", "sql": "SELECT id FROM things WHERE weight < 0"}]`, "")
	if err := both("UPDATE things SET weight = -3 WHERE weight = 7", dropped); sys.KindOf(err) != sys.NotVerified || !strings.Contains(err.Error(), "less than nothing") {
		t.Errorf("against a rule that it drops: %v", err)
	}
	if err := both("UPDATE things SET weight = -3 WHERE weight = 7", changed("weight < 0", "weight < -5")); err != nil {
		t.Errorf("by the rule as it lands: %v", err)
	}
	if err := both("UPDATE things SET weight = -6 WHERE weight = 8", none); sys.KindOf(err) != sys.NotVerified {
		t.Errorf("against it: %v", err)
	}
	if got := s.weights(t); got != "-3 8 9" {
		t.Errorf("at the end there is %q", got)
	}
}

// TestImportsAreHeldToTheRules: what a file brings is judged by the rules of the app, as it
// will be with the rows that are there. The refusal names the lines of the file, and nothing
// of it comes in; or all but these rows, where the owner says so.
func TestImportsAreHeldToTheRules(t *testing.T) {
	s := startStatic(t)
	twice := strings.Replace(scales["apps/scales/contract.json"], `"SELECT id FROM things WHERE weight < 0"}`, `"SELECT id FROM things WHERE weight < 0"}, {"name": "no note is there twice", "sql": "SELECT note, count(*) FROM things WHERE note <> '' GROUP BY note HAVING count(*) > 1"}`, 1)
	files := maps.Clone(scales)
	files["apps/scales/contract.json"] = twice
	if _, err := s.write(t, sys.ByAgent, files); err != nil {
		t.Fatal(err)
	}
	s.makeScales(t)
	if err := s.weigh(t, sys.ByOwner, thing("1", -7)); err != nil { // breaks the rule already: in nobody's way
		t.Fatal(err)
	}
	if _, err := s.client.Import(t.Context(), "scales", "things", "csv", "weight,note\n3,kettle\n", false); err != nil {
		t.Fatalf("a file that keeps the rules: %v", err)
	}
	const wrong = "note,weight\n\"two\nlines\",4\nlight,-1\nkettle,2\npan,5\nfeather,-2\n"
	_, err := s.client.Import(t.Context(), "scales", "things", "csv", wrong, false)
	for _, want := range []string{
		"things of Scales", "nothing was imported", "line 4 breaks “nothing weighs less than nothing”: note light, weight -1",
		"line 5 breaks “no note is there twice”: note kettle, weight 2", "line 7 breaks", "all but these rows",
	} {
		if sys.KindOf(err) != sys.NotVerified || !strings.Contains(err.Error(), want) {
			t.Errorf("a file against rules: %v; it does not say %q", err, want)
		}
	}
	if got := inOrder(s.weights(t)); got != "-7 3" {
		t.Errorf("after the refusal there is %q", got)
	}
	done, err := s.client.Import(t.Context(), "scales", "things", "csv", wrong, true)
	if err != nil || done.Rows != 2 || !slices.Equal(done.Left, []int{4, 5, 7}) || done.Landing.Landing.ID == 0 {
		t.Errorf("all but these: %+v, %v", done, err)
	}
	if got := inOrder(s.weights(t)); got != "-7 3 4 5" {
		t.Errorf("then there is %q", got)
	}
	const nested = "{\"others\": [{\"weight\": -1}],\n\"things\": [\n {\"weight\": 6},\n {\"weight\":\n -1}]}"
	if _, err := s.client.Import(t.Context(), "scales", "things", "json", nested, false); err == nil || !strings.Contains(err.Error(), "line 4 breaks") {
		t.Errorf("as JSON: %v", err)
	}
	if _, err := s.client.Import(t.Context(), "scales", "things", "json", `[{"weight": -1}]`, true); sys.KindOf(err) != sys.NotVerified {
		t.Errorf("where nothing else is in the file: %v", err)
	}
	if got := inOrder(s.weights(t)); got != "-7 3 4 5" {
		t.Errorf("at the end there is %q", got)
	}
}

// scripted is a home whose model says what a test has it say.
type scripted struct {
	*System
	server *modeltest.Server
	mu     sync.Mutex
	turns  []modeltest.Turn
}

func startScripted(t *testing.T) *scripted {
	t.Helper()
	p := &scripted{}
	p.server = modeltest.New(modeltest.PlayFunc(func(r *modeltest.Request) modeltest.Turn {
		p.mu.Lock()
		defer p.mu.Unlock()
		if len(p.turns) == 0 {
			return modeltest.Turn{Text: "Done."}
		}
		next := p.turns[0]
		p.turns = p.turns[1:]
		return next
	}))
	ts := httptest.NewServer(p.server)
	t.Cleanup(ts.Close)
	t.Setenv("ANTHROPIC_API_KEY", "sk-test")
	t.Setenv("ANTHROPIC_BASE_URL", ts.URL)
	t.Setenv("MATRIXOS_CHROMIUM", "none")
	t.Setenv("MATRIXOS_KEYRING_PASSPHRASE", "test")
	s, err := Start(context.WithoutCancel(t.Context()), Options{Home: filepath.Join(t.TempDir(), "home"), Model: "anthropic:claude-opus-4-6"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	p.System = s
	return p
}

// says puts a request while the model says turns, and returns the answer and what the
// model was told last.
func (p *scripted) says(t *testing.T, text string, meanwhile func(), turns ...modeltest.Turn) (a sys.AnswerData, told string) {
	t.Helper()
	p.mu.Lock()
	p.turns = turns
	p.mu.Unlock()
	ticket, err := p.kernel.Ask(t.Context(), kernel.Ask{Text: text, From: "desktop"})
	if err != nil {
		t.Fatal(err)
	}
	meanwhile()
	eventually(t, "an answer", func() bool {
		a, err = p.kernel.Answered(t.Context(), ticket.Request)
		return err == nil
	})
	for _, r := range p.server.Requests() {
		if words, _ := r.Words(); strings.Contains(words, "The landing was refused") {
			told = words
		}
	}
	return a, told
}

func nothing() {}

func onScales(action string, more map[string]any) modeltest.Turn {
	in := map[string]any{"app": "scales", "table": "things", "action": action}
	for k, v := range more {
		in[k] = v
	}
	return modeltest.Turn{Calls: []modeltest.Call{{Name: "app_data", Input: in}}}
}

// TestAnAgentIsToldWhichRowsBreakARule, by name, and what it mends lands.
func TestAnAgentIsToldWhichRowsBreakARule(t *testing.T) {
	p := startScripted(t)
	if _, err := p.write(t, sys.ByAgent, scales); err != nil {
		t.Fatal(err)
	}
	const id = "10000000-0000-4000-8000-000000000000"
	a, told := p.says(t, "I weighed four kilos", nothing,
		onScales("insert", map[string]any{"data": map[string]any{"id": id, "weight": -4}}), modeltest.Turn{Text: "Entered."},
		onScales("update", map[string]any{"id": id, "data": map[string]any{"weight": 4}}), modeltest.Turn{Text: "Mended."})
	for _, want := range []string{"“nothing weighs less than nothing”", "id " + id, "Mend the rows with app_data"} {
		if !strings.Contains(told, want) {
			t.Errorf("it was told %q, not %q", told, want)
		}
	}
	if got := p.weights(t); !a.OK || got != "4" {
		t.Errorf("there is %q; the answer %+v", got, a)
	}
}

// TestMode10MostOfATableIsAsked: rows that an agent removes one by one are counted where
// they land. Without the owner's yes they stay, and it is asked once.
func TestMode10MostOfATableIsAsked(t *testing.T) {
	p := startScripted(t)
	if _, err := p.write(t, sys.ByAgent, scales); err != nil {
		t.Fatal(err)
	}
	var all []map[string]any
	for i := range 12 {
		all = append(all, map[string]any{"weight": i})
	}
	raw, err := json.Marshal(all)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.client.Import(t.Context(), "scales", "things", "json", string(raw), false); err != nil {
		t.Fatal(err)
	}
	list, err := p.apps.Rows(t.Context(), "scales", "things")
	if err != nil || len(list.Rows) != 12 {
		t.Fatal(len(list.Rows), err)
	}
	remove := func(n int) (turns []modeltest.Turn) {
		for _, r := range list.Rows[:n] {
			turns = append(turns, onScales("delete", map[string]any{"id": r["id"]}))
		}
		return append(turns, modeltest.Turn{Text: "Tidied up."}, modeltest.Turn{Text: "I insist."}, modeltest.Turn{Text: "I insist."})
	}
	asked := 0
	answer := func(yes bool) func() {
		return func() {
			eventually(t, "the owner is asked", func() bool {
				waiting, err := p.kernel.Approvals(t.Context())
				if err != nil || len(waiting) != 1 {
					return false
				}
				if want := "Delete 6 of the 12 rows of the table things, which the app scales keeps."; waiting[0].Text != want || waiting[0].Kind != "erase" {
					t.Errorf("asked %q, want %q", waiting[0].Text, want)
				}
				asked++
				return p.kernel.Approve(t.Context(), waiting[0].ID, kernel.Verdict{Allow: yes, From: "desktop"}) == nil
			})
		}
	}
	a, told := p.says(t, "tidy up", answer(false), remove(6)...)
	if got := len(strings.Fields(p.weights(t))); got != 12 || a.OK || !strings.Contains(told, "does not want these rows deleted") {
		t.Errorf("after a no there are %d; the answer %+v; it was told %q", got, a, told)
	}
	p.says(t, "tidy up", answer(true), remove(6)...)
	if got := len(strings.Fields(p.weights(t))); got != 6 || asked != 2 {
		t.Errorf("after a yes there are %d; asked %d times", got, asked)
	}
	if list, err = p.apps.Rows(t.Context(), "scales", "things"); err != nil {
		t.Fatal(err)
	}
	p.says(t, "tidy up", nothing, remove(5)...) // a table of six: no more than any entry
	if got := len(strings.Fields(p.weights(t))); got != 1 {
		t.Errorf("of a few rows %d are left", got)
	}
}

// TestMode10EmptyingIsAsked: rows that an agent leaves blank are as good as deleted, and so
// are the entries of a key. What is done to all rows every day is not asked.
func TestMode10EmptyingIsAsked(t *testing.T) {
	p := startScripted(t)
	if _, err := p.write(t, sys.ByAgent, scales); err != nil {
		t.Fatal(err)
	}
	var all []string
	for i := range 12 {
		all = append(all, fmt.Sprintf(`{"weight": %d, "note": "thing number %d"}`, i+2, i))
	}
	if _, err := p.client.Import(t.Context(), "scales", "things", "json", "["+strings.Join(all, ",")+"]", false); err != nil {
		t.Fatal(err)
	}
	list, err := p.apps.Rows(t.Context(), "scales", "things")
	if err != nil || len(list.Rows) != 12 {
		t.Fatal(len(list.Rows), err)
	}
	update := func(n int, data map[string]any) (turns []modeltest.Turn) {
		for _, r := range list.Rows[:n] {
			turns = append(turns, onScales("update", map[string]any{"id": r["id"], "data": data}))
		}
		return append(turns, modeltest.Turn{Text: "Done."}, modeltest.Turn{Text: "I insist."}, modeltest.Turn{Text: "I insist."})
	}
	no := func(want string) func() {
		return func() {
			eventually(t, "the owner is asked", func() bool {
				waiting, err := p.kernel.Approvals(t.Context())
				if err != nil || len(waiting) != 1 {
					return false
				}
				if waiting[0].Text != want || waiting[0].Kind != "erase" {
					t.Errorf("asked %q, want %q", waiting[0].Text, want)
				}
				return p.kernel.Approve(t.Context(), waiting[0].ID, kernel.Verdict{From: "desktop"}) == nil
			})
		}
	}
	a, told := p.says(t, "tidy up", no("Empty 6 of the 12 rows of the table things, which the app scales keeps."), update(6, map[string]any{"note": "", "weight": nil})...)
	if got := len(strings.Fields(p.weights(t))); got != 12 || a.OK || !strings.Contains(told, "deleted or emptied") || strings.Contains(p.weights(t), "nil") {
		t.Errorf("after a no there is %q; the answer %+v; it was told %q", p.weights(t), a, told)
	}
	if a, _ := p.says(t, "all of them are iron", nothing, update(12, map[string]any{"note": "iron"})...); !a.OK {
		t.Errorf("what is done to all rows: %+v", a)
	}
	if a, _ := p.says(t, "a few of them are light", nothing, update(3, map[string]any{"note": "", "weight": nil})...); !a.OK {
		t.Errorf("a few: %+v", a)
	}
}
