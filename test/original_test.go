package test

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"

	"matrixos/sys"
)

// install copies the apps of a folder of app/testdata into the home and waits until
// the system has them.
func (w *World) install(from string, slugs ...string) {
	w.t.Helper()
	root := os.DirFS(filepath.Join("..", "app", "testdata", from))
	err := fs.WalkDir(root, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := fs.ReadFile(root, name)
		if err != nil {
			return err
		}
		w.save(name, string(raw))
		return nil
	})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, slug := range slugs {
		Eventually(w.t, time.Minute, slug+" is there", func() bool { _, ok := w.App(slug); return ok })
	}
}

// Open opens an app on the desk, alone.
func (d *Desk) Open(w *World, slug, name string) *Frame {
	d.t.Helper()
	d.Follow(w.Do("open", slug, "--print").Stdout)
	return d.App(name)
}

// eval runs a script in the app; a frame that goes away meanwhile is an error.
func (f *Frame) eval(js string) (value string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the page went away: %v", r)
		}
	}()
	p, err := f.now()
	if err != nil {
		return "", err
	}
	res, err := p.Eval("() => { " + js + " }")
	if err != nil {
		return "", err
	}
	return res.Value.Str(), nil
}

// Until waits for an expression of the app's page to be true.
func (f *Frame) Until(js string) {
	f.d.t.Helper()
	var got string
	var err error
	for began := time.Now(); ; time.Sleep(pause(began)) {
		if got, err = f.eval("return String(Boolean(" + js + "))"); err == nil && got == "true" {
			return
		}
		if time.Since(began) > 2*patience {
			text, _ := f.eval("return document.body.innerText")
			f.d.Shot("failure")
			f.d.t.Fatalf("not so: %s (%v):\n%s", js, err, text)
		}
	}
}

// Set writes into a field, Press clicks a button by selector, as a script would.
func (f *Frame) Set(selector, value string) {
	f.d.t.Helper()
	f.Until(fmt.Sprintf("document.querySelector(%q)", selector))
	_, err := f.eval(fmt.Sprintf(`const e = document.querySelector(%q); Object.getOwnPropertyDescriptor(Object.getPrototypeOf(e), "value").set.call(e, %q);
		for (const kind of ["input", "change"]) e.dispatchEvent(new Event(kind, { bubbles: true })); return ""`, selector, value))
	f.d.must(err)
}

func (f *Frame) Push(selector string) {
	f.d.t.Helper()
	f.Until(fmt.Sprintf("document.querySelector(%q)", selector))
	_, err := f.eval(fmt.Sprintf("document.querySelector(%q).click(); return ''", selector))
	f.d.must(err)
}

// Text is what an element of the app shows.
func (f *Frame) Text(selector string) string {
	f.d.t.Helper()
	text, err := f.eval(fmt.Sprintf("return document.querySelector(%q)?.innerText ?? ''", selector))
	f.d.must(err)
	return text
}

// explored is what every function of the bridge answers to the explorer.
var explored = [][2]string{
	{"bulkInsert", "5 true"},
	{"find", "Apple,Pear,Bread,apple juice,Milk"},
	{"find value", "Apple,Pear"},
	{"find null", "Milk"},
	{"find $eq", "Pear"},
	{"find $ne", "Apple,Bread,apple juice,Milk"},
	{"find $lt", "Pear,Milk"},
	{"find $lte", "Pear,Bread,Milk"},
	{"find $gt", "Bread"},
	{"find $gte and $lt", "Apple,apple juice"},
	{"find $in", "Bread,Milk"},
	{"find $in nothing", ""},
	{"find $like", "Apple"},
	{"find $ilike", "Apple,apple juice"},
	{"find two columns", "Apple"},
	{"find by time", "Pear"},
	{"find by uuid", "Apple"},
	{"orderBy asc", "Apple,apple juice,Bread,Milk,Pear"},
	{"orderBy desc", "Apple,apple juice,Bread,Milk,Pear"},
	{"orderBy two", "Milk,Bread,apple juice,Pear,Apple"},
	{"limit and offset", "Milk,Bread"},
	{"limit too large", "Error: "},
	{"limit zero", "Error: "},
	{"findOne", `["Apple",1.25,10,true,"2026-11-01T08:00:00.000Z",true,["fruit",{"org":true}],"string",true]`},
	{"findOne missing", "null"},
	{"other shapes", `[{"a":1},null,null,"plain",["fruit",{"org":true}]]`},
	{"count", "[5,3,1]"},
	{"insert", "id 36"},
	{"update", `["Apple",9.5,null,true]`},
	{"bulkUpdate", `[["Pear",4,true],["Bread",6,true]]`},
	{"bulkUpdate all or none", "Error: "},
	{"after none", "4"},
	{"bulkInsert all or none", "Error: "},
	{"delete", "[null,5]"},
	{"delete missing", "Error: "},
	{"update missing", "Error: "},
	{"unknown table", "Error: "},
	{"unknown column", "Error: "},
	{"unknown operator", "Error: "},
	{"unknown order", "Error: "},
	{"wrong type", "Error: "},
	{"not plain data", "Error: "},
	{"appInfo", `["explorer","API Explorer","1.0.0"]`},
	{"onChange", "heard"},
	{"onChange stopped", "quiet"},
	{"readData absent", "null"},
	{"data object", "same"}, {"data string", "same"}, {"data number", "same"}, {"data false", "same"}, {"data list", "same"}, {"data empty", "same"},
	{"bad key", "Error: "},
	{"onDataChange", "object@explorer"},
	{"theme", "complete"},
	{"design", `["string",true]`},
	{"app", "API Explorer"},
	{"integrations", "[]"},
	{"service", "Error: "},
	{"proxyFetch", "Error: "},
	{"proxyFetch address", "Error: "},
	{"gatewayFetch", "Error: "},
	{"openApp unknown", "Error: "},
	{"navigate unknown", "Error: "},
	{"generate nothing", "Error: "},
}

// TestAppsOfTheOriginal runs apps as developers of the original Matrix OS and its AI
// write them, unmodified, in the desktop: static pages, Vite source trees, a server.
func TestAppsOfTheOriginal(t *testing.T) {
	for _, tool := range []string{"bwrap", "node"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: tools/setup installs it", err)
		}
	}
	w := NewWorld(t)
	w.Args = []string{"--model", "offline"}
	w.Up()
	w.install("original", "tasks", "recipes", "explorer", "ledger", "lights", "hub", "guestbook")
	for _, slug := range []string{"tasks", "recipes", "explorer", "ledger", "lights", "hub", "guestbook"} {
		if a, _ := w.App(slug); !a.OK {
			t.Errorf("%s: %+v", slug, a)
		}
	}
	b := Chromium(t)
	desk := w.SignIn(b, 1440, 900)
	desk.See("Tasks")
	run := func(name string, fn func(t *testing.T)) {
		t.Run(name, func(t *testing.T) {
			outer := desk.t
			desk.t, w.t = t, t
			defer func() { desk.t, w.t = outer, outer }()
			fn(t)
		})
	}
	run("static page", func(t *testing.T) { useTasks(t, w, desk) })
	run("static files", func(t *testing.T) { useRecipes(t, w, desk) })
	run("bridge", func(t *testing.T) { useExplorer(t, w, desk) })
	run("react and vite", func(t *testing.T) { useLedger(t, w, desk) })
	run("javascript and vite", func(t *testing.T) { useLights(t, w, desk) })
	run("what it asks the system", func(t *testing.T) { useHub(t, w, desk) })
	run("node", func(t *testing.T) { useGuestbook(t, w, desk) })
}

func useTasks(t *testing.T, w *World, desk *Desk) {
	app := desk.Open(w, "tasks", "Tasks")
	app.Until(`document.getElementById("summary").textContent === "0 of 0 open"`)
	for _, title := range []string{"Water the plants", "Call Ada"} {
		app.Set("#title", title)
		app.Push("#form button")
		app.See(title)
	}
	app.Set("#priority", "3")
	app.Set("#title", "Pay <b>rent</b>")
	app.Push("#form button")
	app.Until(`[...document.querySelectorAll("li span")].map((s) => s.textContent).join() === "Pay <b>rent</b>,Water the plants,Call Ada"`)
	app.Push(`input[aria-label="Done: Call Ada"]`)
	app.Until(`document.getElementById("summary").textContent === "2 of 3 open"`)
	app.Push(`[data-filter="done"]`)
	app.Until(`document.querySelectorAll("li").length === 1`)
	Eventually(t, patience, "localStorage is kept", func() bool {
		raw, err := os.ReadFile(filepath.Join(w.Home, "data/tasks/local-storage.json"))
		return err == nil && strings.Contains(string(raw), `"tasks.filter":"done"`)
	})
	desk.Shot("tasks")
	app = desk.Open(w, "tasks", "Tasks")
	app.Until(`document.querySelector(".active")?.dataset.filter === "done" && document.querySelectorAll("li").length === 1`)
	app.Click("^Clear done$")
	app.Until(`document.querySelector("matrix-dialog")?.shadowRoot.querySelector("p").textContent === "Delete 1 finished tasks?"`)
	desk.Shot("confirm")
	_, err := app.eval(`document.querySelector("matrix-dialog").shadowRoot.querySelector(".yes").click(); return ""`)
	desk.must(err)
	app.Until(`document.getElementById("summary").textContent === "2 of 2 open"`)
	app.Push(`[data-filter="all"]`)
	app.Push(`[aria-label="Delete Water the plants"]`)
	Eventually(t, patience, "the row is gone", func() bool {
		return w.Rows("tasks", "SELECT title, priority, done FROM tasks") == "Pay <b>rent</b>|3|0"
	})
}

func useRecipes(t *testing.T, w *World, desk *Desk) {
	app := desk.Open(w, "recipes", "Recipes")
	app.Until(`document.getElementById("status").textContent === "ready, used 0 times, opened 1"`)
	app.Until(`getComputedStyle(document.getElementById("status")).color === "rgb(1, 2, 3)" && document.images[0].naturalWidth > 0`)
	app.Set("#template", "Soup")
	app.Push("#use")
	app.Until(`document.getElementById("text").value === "Leek\nPotato" && document.getElementById("status").textContent === "used 1"`)
	app.Push("#save")
	app.Until(`document.getElementById("heard").textContent.includes("settings@recipes text@recipes")`)
	if got := w.Read("data/recipes/text.json"); got != `"Leek\nPotato"` {
		t.Errorf("kept %q", got)
	}
	if got := w.Read("data/recipes/settings.json"); got != `{"template":"Soup","uses":1}` {
		t.Errorf("kept %q", got)
	}
	app.Push(`a[href="about.html"]`)
	app.Until(`document.getElementById("last")?.textContent === "Last used: Soup"`)
	app.Push("a")
	app.Until(`document.getElementById("status")?.textContent.startsWith("ready, used 1 times")`)
}

func useExplorer(t *testing.T, w *World, desk *Desk) {
	app := desk.Open(w, "explorer", "API Explorer")
	app.Push("#run")
	app.Until(`document.getElementById("state").textContent === "done"`)
	raw, err := app.eval(`return JSON.stringify([...document.querySelectorAll("dt")].map((dt) => [dt.textContent, dt.nextSibling.textContent]))`)
	desk.must(err)
	var got [][2]string
	if err := json.Unmarshal([]byte(raw), &got); err != nil {
		t.Fatal(err)
	}
	for i, want := range explored {
		if i >= len(got) {
			t.Errorf("%s was not tried", want[0])
			continue
		}
		right := got[i][1] == want[1]
		if want[1] == "Error: " { // with words
			right = strings.HasPrefix(got[i][1], want[1]) && len(got[i][1]) > 25
		}
		if got[i][0] != want[0] || !right {
			t.Errorf("%q, want %q", got[i], want)
		}
	}
	desk.Shot("explorer")
	app.Push("#ask")
	desk.See("Suggest three names for a cat")
	desk.Press("^Don’t$")
	app.See("The owner said no.")
	app.Push("#open")
	desk.App("Tasks").See("open")
	app.Push("#go")
	desk.See("Keys")
}

func useLedger(t *testing.T, w *World, desk *Desk) {
	app := desk.Open(w, "ledger", "Ledger")
	app.See("Balance €0.00 in 0 of 0")
	app.See("production build of Ledger")
	app.Until(`document.querySelector("img").naturalWidth > 0`)
	app.Click("^Load samples$")
	app.See("Balance €1,596.80 in 3 of 3")
	app.See("Oct 2026: 1600.00")
	app.Until(`document.querySelectorAll(".recharts-bar-rectangle").length === 2`)
	app.Set("#label", "Book")
	app.Set("#amount", "6.8")
	app.Click("Add entry")
	app.See("Balance €1,590.00 in 4 of 4")
	app.Set("#search", "COF")
	app.See("Balance -€3.20 in 1 of 4")
	app.Set("#search", "")
	app.See("in 4 of 4")
	app.Push(`[aria-label="Delete Rent"]`)
	app.See("Balance €2,490.00 in 3 of 3")
	app.Click("^In dollars$")
	app.Until(`document.title === "Ledger 3113 USD"`)
	desk.Shot("ledger")
	if got := w.Rows("ledger", "SELECT label, amount, kind, tags FROM transactions ORDER BY booked_on"); got != "Salary|2500.0|income|[\"work\"]\nCoffee|3.2|expense|\nBook|6.8|expense|[]" {
		t.Errorf("rows %q", got)
	}
}

func useLights(t *testing.T, w *World, desk *Desk) {
	app := desk.Open(w, "lights", "Lights Out")
	app.See("A light switches its neighbours too.")
	app.Until(`getComputedStyle(document.querySelector('[aria-label="2,2 on"]')).backgroundColor === "rgb(255, 204, 0)"`)
	app.Push(`[aria-label="2,2 on"]`)
	app.See("Level 2")
	app.See("Best: 1")
	if got := w.Read("data/lights/best.json"); got != "1" {
		t.Errorf("best %q", got)
	}
}

func useHub(_ *testing.T, w *World, desk *Desk) {
	app := desk.Open(w, "hub", "Hub")
	app.Until(`document.getElementById("theme").textContent.startsWith("#")`)
	before := app.Text("#theme")
	desk.Scheme("dark")
	app.Until(fmt.Sprintf(`document.getElementById("theme").textContent !== %q`, before))
	desk.Scheme("light")
	app.Click("^Rates$")
	desk.See("Hub wants to read from")
	desk.See("rates.example.org")
	desk.Shot("wish")
	desk.Press("^Don’t$")
	app.See("rates failed: You have not allowed it: rates.example.org.")
	app.Click("^Connected$")
	app.See("connected: []")
	app.Click("^Plan$")
	desk.See("wants to ask the system")
	desk.Press("^Ask it$")
	app.See(`ask: {"conversation":`)
}

// useGuestbook is a server of an app in a browser: the owner's yes, its page, its data,
// its end by itself and its return, and its end when the yes is taken back.
func useGuestbook(t *testing.T, w *World, desk *Desk) {
	if r := w.contract("guestbook"); r.Level != sys.VerifiedStatic || !strings.Contains(r.Note, "wants to run a program on this machine") {
		t.Errorf("before the owner's yes: %+v", r)
	}
	app := desk.Open(w, "guestbook", "Guestbook")
	desk.See("wants to run a program of its own")
	desk.Shot("server-wish")
	desk.Press("^Allow$")
	app.Until(`document.getElementById("note")?.textContent === "0 guests, Guestbook last saw 0"`)
	app.Until(`getComputedStyle(document.getElementById("note")).color === "rgb(4, 5, 6)"`)
	app.Set("#name", "Ada")
	app.Push("#form button")
	app.Until(`document.querySelector("#guests li")?.textContent === "Ada"`)
	app.Push("#form button")
	app.See("a name is needed")
	if got := w.Read(path.Join("data/guestbook/server/guests.json")); got != `["Ada"]` {
		t.Errorf("kept %q", got)
	}
	desk.Shot("guestbook")
	app.Push("#crash")
	Eventually(t, 4*patience, "it is back, with its data", func() bool {
		_, err := app.eval(`refresh(); return ""`)
		return err == nil && strings.Contains(app.Text("#note"), "1 guests")
	})
	log := w.Do("apps", "log", "guestbook").Stdout
	for _, want := range []string{"started: node server.js]", "guestbook is listening", "the book fell off the table", "ended by itself]"} {
		if !strings.Contains(log, want) {
			t.Errorf("its log lacks %q:\n%s", want, log)
		}
	}
	if r := w.contract("guestbook"); r.Level != sys.VerifiedBrowser || !r.Green || len(r.Scenarios) != 2 {
		t.Errorf("its contract: %+v", r)
	}
	if got := w.Read("data/guestbook/server/guests.json"); got != `["Ada"]` {
		t.Errorf("a trial wrote to the owner's data: %q", got)
	}
	desk.TakeBack("Guestbook")
	app = desk.Open(w, "guestbook", "Guestbook")
	desk.See("wants to run a program of its own")
}

// contract tries an app against its contract.
func (w *World) contract(slug string) (r sys.ContractReport) {
	w.t.Helper()
	var all []sys.ContractReport
	raw := w.Run("check", slug, "--json")
	raw.JSON(w.t, &all)
	if len(all) != 1 {
		w.t.Fatalf("check %s: %s", slug, raw.Stdout)
	}
	return all[0]
}

// TakeBack takes back, in the launcher, what an app has been allowed.
func (d *Desk) TakeBack(name string) {
	d.t.Helper()
	d.must(d.page.KeyActions().Press(input.AltLeft).Type(input.KeyA).Do())
	tile := d.named(d.page, ".launcher .tile", "^"+name)
	d.must(tile.Timeout(patience).Click(proto.InputMouseButtonRight, 1))
	d.Shot("take-back")
	d.must(d.named(d.page, "[role=menuitem]", "Take back what you have allowed it").Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
}
