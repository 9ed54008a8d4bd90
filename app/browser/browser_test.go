package browser

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/app"
	"matrixos/sys"
)

// chromium finds the browser. Developers without one skip; CI has to have it.
func chromium(t testing.TB) string {
	t.Helper()
	bin, err := Find(os.Getenv("MATRIXOS_CHROMIUM"))
	_, built := os.Stat("../../web/runtime/dist/trial-page.js")
	if err != nil || built != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err, built)
		}
		t.Skip("NOT RUN:", err, built)
	}
	return bin
}

type world struct {
	t    testing.TB
	data string
	rt   *app.Runtime
	b    *Browser
	tree fstest.MapFS
}

func newWorld(t testing.TB) *world {
	t.Helper()
	bin, data := chromium(t), t.TempDir()
	rt, err := app.New(app.Options{Libraries: os.DirFS("../../web/runtime/dist"), Data: data})
	if err != nil {
		t.Fatal(err)
	}
	w := &world{t: t, data: data, rt: rt, b: New(rt, Options{Bin: bin}), tree: fstest.MapFS{}}
	t.Cleanup(func() {
		if err := w.b.Close(); err != nil {
			t.Error(err)
		}
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// from copies an app of the test homes.
func (w *world) from(root, folder string) {
	w.t.Helper()
	if err := filepath.Walk(filepath.Join(root, folder), func(p string, i os.FileInfo, err error) error {
		if err != nil || i.IsDir() {
			return err
		}
		raw, err := os.ReadFile(p)
		name, _ := filepath.Rel(root, p)
		w.tree[strings.TrimSuffix(name, ".golden")] = &fstest.MapFile{Data: raw}
		return err
	}); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) put(name, text string) { w.tree[name] = &fstest.MapFile{Data: []byte(text)} }

// static adds an app of one page with a contract of one scenario.
func (w *world) static(slug, body, steps string) {
	w.put("apps/"+slug+"/matrix.json", `{"name":"`+slug+`","slug":"`+slug+`","version":"1.0.0","runtime":"static","storage":{"tables":{"notes":{"columns":{"text":"text","n":"integer"}}}}}`)
	w.put("apps/"+slug+"/index.html", "<!doctype html><title>x</title><body>"+body)
	w.put("apps/"+slug+"/contract.json", `{"version":1,"scenarios":[{"name":"one","steps":[`+steps+`]}]}`)
}

func (w *world) run(slug string) []sys.ScenarioResult {
	w.t.Helper()
	trial, err := w.rt.Try(w.t.Context(), w.tree, sys.Path("apps/"+slug))
	if err != nil {
		w.t.Fatal(err)
	}
	if len(trial.Faults) > 0 {
		w.t.Fatalf("faults: %+v", trial.Faults)
	}
	out, err := w.b.Try(w.t.Context(), trial, everyPlace(trial))
	if err := errors.Join(err, trial.Close()); err != nil {
		w.t.Fatal(err)
	}
	return out
}

func everyPlace(t *app.Trial) (out []int) {
	for i := range t.Contract.Scenarios {
		out = append(out, i)
	}
	return out
}

// tracker adds the expense tracker that the built-in model writes, with a contract.
func (w *world) tracker() {
	w.from("../../model/offline/testdata", "apps/expenses")
	w.put("apps/expenses/src/main.tsx", `import { createRoot } from "react-dom/client"; import App from "./App"; createRoot(document.getElementById("root")!).render(<App />);`)
	w.put("apps/expenses/contract.json", expenses)
}

const expenses = `{
  "version": 1,
  "request": "Track my expenses by category.",
  "scenarios": [
    {"name": "an entered expense is shown and stays", "steps": [
      {"click": "button", "name": "Add expense"},
      {"fill": "Amount", "with": "12.50"},
      {"choose": "Category", "option": "Food"},
      {"fill": "Date", "with": "2026-03-10"},
      {"click": "button", "name": "Save"},
      {"see": "12.50"},
      {"see": "Total"},
      {"rows": "expenses", "where": {"amount": 12.5, "category": "Food", "date": "2026-03-10"}, "count": 1},
      {"reload": true},
      {"see": "Food", "in": {"role": "row", "name": "12.50"}}
    ]},
    {"name": "the newest comes first", "given": {"rows": {"expenses": [
      {"amount": 1, "category": "Home", "date": "2026-02-01"}, {"amount": 2, "category": "Food", "date": "2026-03-01"}, {"amount": 3, "category": "Fun", "date": "2026-01-01"}]}},
      "steps": [{"see_order": ["2.00", "1.00", "3.00"], "in": {"role": "table", "name": "Category"}}]}
  ],
  "invariants": [{"name": "every expense has an amount", "sql": "SELECT * FROM expenses WHERE amount IS NULL"}],
  "properties": [{"name": "the total is the sum", "shown": "Total", "sql": "SELECT sum(amount) FROM expenses"}]
}`

func TestATrackerKeepsItsContract(t *testing.T) {
	w := newWorld(t)
	w.tracker()
	for range 2 { // the second time in a window that is warm
		for _, s := range w.run("expenses") {
			r := sys.ContractReport{Scenarios: []sys.ScenarioResult{s}}
			if r.Settle(); !r.Green || len(s.Properties) != 2 || len(s.Console) > 0 {
				t.Errorf("%s\n%+v", r.Text(), s)
			}
		}
	}
	own, err := os.ReadDir(w.data)
	if err != nil || len(own) > 0 {
		t.Errorf("a trial touched the owner's data: %v %v", own, err)
	}
}

// Valid but wrong: each of these compiles, opens, and is found.
func TestWrongTrackersAreFound(t *testing.T) {
	w := newWorld(t)
	w.tracker()
	app := string(w.tree["apps/expenses/src/App.tsx"].Data)
	for name, edit := range map[string][2]string{
		"flipped sort":   {`sort="-date"`, `sort="date"`},
		"dropped total":  {`totals={["amount"]}`, ``},
		"another column": {`title="category"`, `title="date" where={{ category: "Food" }}`},
	} {
		w.put("apps/expenses/src/App.tsx", strings.Replace(app, edit[0], edit[1], 1))
		r := sys.ContractReport{Scenarios: w.run("expenses")}
		if r.Settle(); r.Green {
			t.Errorf("%s: passes", name)
		} else {
			t.Logf("%s: %s", name, r.Text())
		}
	}
}

func TestWhatAStepSays(t *testing.T) {
	w := newWorld(t)
	page := `<h1>Notes</h1><label>Text <input id=t></label><label for=k>Kind</label><select id=k><option>Short<option>Long</select><button id=b>Keep</button><ul id=l></ul><p id=time></p>
<script>
const $ = (i) => document.getElementById(i), os = window.MatrixOS;
async function show() { $("l").innerHTML = ""; for (const r of await os.db.find("notes", {orderBy: {n: "asc"}})) { const li = document.createElement("li"); li.textContent = r.text + " " + r.n; $("l").append(li); } }
let n = 0;
$("b").onclick = async () => { await os.db.insert("notes", {text: $("t").value + " " + $("k").value, n: ++n}); await os.writeData("last", {text: $("t").value, at: new Date().getHours()}); show(); };
$("t").onkeydown = (e) => { if (e.key === "Enter") $("b").click(); };
setInterval(() => { $("time").textContent = "it is " + new Date().toLocaleTimeString([], {hour: "2-digit", minute: "2-digit", hour12: false}); }, 1000);
show();
</script>`
	w.static("notes", page, `
		{"fill": "Text", "with": "milk"}, {"choose": "Kind", "option": "Long"}, {"click": "button", "name": "Keep"}, {"see": "milk Long 1", "in": {"role": "list"}},
		{"fill": "Text", "with": "eggs"}, {"press": "Enter", "on": "Text"}, {"see_order": ["milk", "eggs"]}, {"rows": "notes", "count": 2}, {"rows": "notes", "where": {"text": {"$like": "egg%"}}, "count": 1},
		{"key": "last", "is": {"text": "eggs"}}, {"value": "Text", "is": "eggs"}, {"see_not": "bread"}, {"reload": true}, {"see": "eggs Long 2"},
		{"wait": "90m"}, {"see": "it is 11:00"}, {"go_to": "2026-12-24T18:05"}, {"wait": "2s"}, {"see": "it is 18:05"}`)
	for _, s := range w.run("notes") {
		if !s.Green {
			t.Errorf("%+v", s)
		}
	}
	for steps, seen := range map[string]string{
		`{"click": "button", "name": "Save"}`:                         "no such button; there are: keep",
		`{"fill": "Titel", "with": "x"}`:                              "no such field; there are: text, kind",
		`{"choose": "Kind", "option": "Middle"}`:                      "there are: Short, Long",
		`{"see": "bread"}`:                                            "Notes | Text Kind | Keep",
		`{"see_not": "Notes"}`:                                        "notes",
		`{"see_order": ["Kind", "Text"]}`:                             "another order",
		`{"rows": "notes", "count": 1}`:                               "0 rows",
		`{"key": "last", "is": 1}`:                                    "null",
		`{"value": "Kind", "is": "Long"}`:                             `"Short"`,
		`{"rows": "nodes", "count": 1}`:                               "nodes",
		`{"fill": "Text", "with": "a"}, {"value": "Text", "is": "b"}`: `"a"`,
	} {
		w.static("notes", page, steps+`, {"see": "what comes after"}`)
		s := w.run("notes")[0]
		last := s.Steps[len(s.Steps)-1]
		if s.Green || last.Green || !strings.Contains(last.Seen, seen) {
			t.Errorf("%s: %+v", steps, last)
		}
	}
}

// What games and boards need: parts in a state, a pointer that drags, answers from
// outside, and rows of another time.
func TestStepsOfGamesAndBoards(t *testing.T) {
	w := newWorld(t)
	w.put("apps/game/matrix.json", `{"name":"game","slug":"game","version":"1.0.0","runtime":"static","permissions":["net:example.org"],"storage":{"tables":{"notes":{"columns":{"text":"text"}}}}}`)
	w.put("apps/game/index.html", `<!doctype html><title>x</title><body><button aria-pressed="false" id=a onclick="this.setAttribute('aria-pressed','true')">Press <b>me</b></button><button disabled>Take back</button>
<section aria-label="Done" style="height:90px"></section><div role=img aria-label="Sheet" style="width:300px;height:200px"></div><p role=status></p><p role=status id=s></p>
<script>
const s = document.getElementById("s"), sheet = document.querySelector("[aria-label=Sheet]");
let from = null;
addEventListener("pointerdown", (e) => { from = [e.clientX, e.clientY]; e.target.setPointerCapture(e.pointerId); });
addEventListener("pointerup", (e) => { const over = document.elementFromPoint(e.clientX, e.clientY); if (from && e.clientX !== from[0]) s.textContent = "moved " + (e.clientX - from[0]) + " to " + (over.getAttribute("aria-label") || over.tagName); });
MatrixOS.db.find("notes").then((all) => { for (const r of all) { const p = document.createElement("p"); p.textContent = r.text + " of " + r.created_at.slice(0, 10); document.body.append(p); } });
for (const q of ["a?x=1&y=2", "a?x=3", "b", "c"]) MatrixOS.proxyFetch("https://example.org/" + q).then((v) => { const p = document.createElement("p"); p.textContent = q + " says " + v.word; document.body.append(p); }, (e) => { const p = document.createElement("p"); p.textContent = q + " fails: " + e.message; document.body.append(p); });
document.getElementById("a").addEventListener("click", () => MatrixOS.db.insert("notes", {text: "new"}));
</script>`)
	contract := func(steps string) {
		w.put("apps/game/contract.json", `{"version":1,"scenarios":[{"name":"one","given":{"rows":{"notes":[{"text":"old","created_at":"2025-12-24T08:00:00Z"},{"text":"now"}]},
			"net":[{"url":"https://example.org/a?x=1","json":{"word":"first"}},{"url":"https://example.org/a","json":{"word":"second"}},{"url":"https://example.org/b","fail":"no route"}]},"steps":[`+steps+`]}]}`)
	}
	contract(`{"find":"button","name":"Press me","count":1,"state":"not pressed"}, {"click":"button","name":"Press me"}, {"find":"button","name":"Press me","state":"pressed"},
		{"find":"button","name":"Take back","state":"disabled"}, {"find":"button","name":"Nobody","count":0}, {"see":"old of 2025-12-24"}, {"see":"now of 2026-03-11"}, {"rows":"notes","where":{"created_at":{"$gte":"2026-03-11T09:29:59Z"}},"count":2},
		{"see":"a?x=1&y=2 says first"}, {"see":"a?x=3 says second"}, {"see":"no route"}, {"see":"the scenario gives no answer for https://example.org/c"},
		{"drag":"img","name":"Sheet","from":[10,10],"by":[40,0]}, {"see":"moved 40 to Sheet","in":{"role":"status"}}, {"drag":"img","name":"Sheet","from":[10,10],"onto":{"role":"region","name":"Done"}}, {"see":"to Done"}`)
	for _, s := range w.run("game") {
		if !s.Green {
			t.Errorf("%+v", s)
		}
	}
	for steps, seen := range map[string]string{
		`{"find":"button","name":"Take back","state":"enabled"}`: "0 of 1 that is enabled",
		`{"find":"button","name":"Press me","count":2}`:          "1 of them",
		`{"find":"button","name":"Nobody"}`:                      "no such button; there are: press me, take back",
		`{"drag":"button","name":"Take back","by":[1,1]}`:        "disabled",
	} {
		contract(steps + `, {"see": "what comes after"}`)
		s := w.run("game")[0]
		last := s.Steps[len(s.Steps)-1]
		if s.Green || last.Green || !strings.Contains(last.Seen, seen) {
			t.Errorf("%s: %+v", steps, last)
		}
	}
}

// The load probe, and what an app fails at by itself.
func TestAppsThatFail(t *testing.T) {
	w := newWorld(t)
	w.b.o.Patience = 20 * time.Second
	for name, c := range map[string][2]string{
		"blank":     {`<script>1</script>`, "a blank window"},
		"throws":    {`<h1>Hi</h1><script>throw new Error("no such luck")</script>`, "no such luck"},
		"rejects":   {`<h1>Hi</h1><script>Promise.reject(new Error("late luck"))</script>`, "late luck"},
		"on timer":  {`<h1>Hi</h1><script>setTimeout(() => nothing.here, 100)</script>`, "nothing is not defined"},
		"never end": {`<h1>Hi</h1><script>for (;;);</script>`, "hangs"},
	} {
		w.static("bad", c[0], `{"see": "Hi"}`)
		r := sys.ContractReport{Scenarios: w.run("bad")}
		if r.Settle(); r.Green || !strings.Contains(r.Text(), c[1]) {
			t.Errorf("%s: %s", name, r.Text())
		}
	}
	w.static("good", `<h1>Hi</h1>`, `{"see": "Hi"}`) // and the browser goes on
	if s := w.run("good")[0]; !s.Green {
		t.Errorf("%+v", s)
	}
}

// Two windows of the same scenario show the same, whatever clock and chance.
func TestTheSameEachTime(t *testing.T) {
	w := newWorld(t)
	w.static("dice", `<p id=p></p><script>p.textContent = [Math.random(), crypto.randomUUID(), Date.now(), new Date(2026, 0, 5).toLocaleDateString(), (1234.5).toLocaleString(), navigator.language].join(" ")</script>`, `{"see": "never"}`)
	first, second := w.run("dice")[0], w.run("dice")[0]
	a, b := first.Steps[1].Seen, second.Steps[1].Seen
	if a != b || !strings.Contains(a, "1/5/2026 1,234.5 en-US") {
		t.Errorf("%q and %q", a, b)
	}
}

// A look at an app ends with the first scenario that fails; where none does, all were run.
func TestFirstEndsWithWhatFails(t *testing.T) {
	w := newWorld(t)
	w.static("first", "Hello", "")
	for see, most := range map[string]int{"Hello": 6, "Bye": 1} {
		list := []string{`{"name":"0","steps":[{"see":"` + see + `"}]}`}
		for i := range 5 {
			list = append(list, fmt.Sprintf(`{"name":"%d","steps":[{"see":"Hello"}]}`, i+1))
		}
		w.put("apps/first/contract.json", `{"version":1,"scenarios":[`+strings.Join(list, ",")+`]}`)
		trial, err := w.rt.Try(t.Context(), w.tree, "apps/first")
		if err != nil {
			t.Fatal(err)
		}
		w.b.o.Windows = 1 // a second one would run another meanwhile
		out, err := w.b.First(t.Context(), trial)
		if err := errors.Join(err, trial.Close()); err != nil {
			t.Fatal(err)
		}
		r := sys.ContractReport{Scenarios: out}
		if green := r.Settled(); green != (see == "Hello") || len(out) > most || green && len(out) != most {
			t.Errorf("%q: %d run, green %v", see, len(out), green)
		}
	}
}

// TestWarmOnce: what is warm opens no windows again, however often it is asked to, until
// the browser has gone to rest.
func TestWarmOnce(t *testing.T) {
	w := newWorld(t)
	pages := func() int {
		if err := w.b.Warm(); err != nil {
			t.Fatal(err)
		}
		w.b.mu.Lock()
		defer w.b.mu.Unlock()
		return len(w.b.run.free)
	}
	warm := pages()
	if warm == 0 {
		t.Fatal("no page is warm")
	}
	for range w.b.o.Windows { // no window can be opened
		w.b.slots <- struct{}{}
	}
	again := make(chan int, 1)
	go func() { again <- pages() }()
	select {
	case n := <-again:
		if n != warm {
			t.Errorf("of %d pages %d stayed warm", warm, n)
		}
	case <-time.After(10 * time.Second):
		t.Error("it warms what is warm")
	}
	for range w.b.o.Windows {
		<-w.b.slots
	}
	w.b.rest()
	if pages() == 0 {
		t.Error("no page is warm after a rest")
	}
}
