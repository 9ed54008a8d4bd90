package test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"
)

// TestWhatTheOwnerShowsBecomesChecks records the owner at work in an app's window: it is
// said in words, tried, kept as the owner's landing, and found broken by a later change.
func TestWhatTheOwnerShowsBecomesChecks(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	w.Do("ask", request)
	if err := os.Remove(w.Home + "/apps/expenses/contract.json"); err != nil {
		t.Fatal(err)
	}
	desk := w.SignIn(Chromium(t), 1280, 860)
	desk.Follow(w.Addr + "/")
	desk.OpenApp("Expenses")
	app := desk.App("Expenses")
	app.See("Expenses")

	desk.remember()
	desk.See("What you do in this window is remembered")
	desk.See("Show what it has to do")
	app.Click("Add expense")
	app.Type("Amount", "12.50")
	app.Click("^Save|^Add$")
	app.See("12.50")
	desk.Shot("1-recording")
	desk.press("I am done")
	desk.See("What Expenses has to do")
	desk.See("with \"12.50\"")
	desk.Shot("2-sheet")
	desk.press("Keep")
	desk.See("Kept:")
	desk.Shot("3-kept")

	text := w.Read("apps/expenses/contract.json")
	for _, want := range []string{`"recorded"`, `"with": "12.50"`, `"rows": "expenses"`, `"amount": 12.5`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in the contract:\n%s", want, text)
		}
	}
	if t.Failed() {
		t.FailNow()
	}
	w.Run("check", "expenses").says(t, 0, "holds", "as you showed it on")
	w.Run("log").says(t, 0, "You showed what expenses has to do")
}

// TestWhatIsRecordedOfKeysDragsAndSecrets: keys and drags become steps that hold when they
// are played, and what was typed into a field for a password is nowhere in the home.
func TestWhatIsRecordedOfKeysDragsAndSecrets(t *testing.T) {
	const secret = "hunter2-correct-horse"
	w := NewWorld(t)
	w.save("apps/safe/matrix.json", `{"name": "Safe", "slug": "safe", "version": "1.0.0", "runtime": "static"}`)
	w.save("apps/safe/index.html", `<!doctype html>
<title>Safe</title>
<label for="name">Name</label> <input id="name">
<label for="pass">Password</label> <input id="pass" type="password">
<button id="box" style="position: relative; width: 120px; height: 60px; touch-action: none">Box</button>
<p>Turned <b id="turned">0</b> times</p> <p>moved by <b id="moved">0</b></p> <p id="lock">locked</p> <p id="hello"></p>
<script>
  let turned = 0, from = null;
  const say = (id, text) => { document.getElementById(id).textContent = text; };
  addEventListener("keydown", (e) => { if (e.key === "ArrowRight") say("turned", ++turned); });
  document.getElementById("pass").addEventListener("input", (e) => say("lock", e.target.value.length > 20 ? "open with " + e.target.value : "locked"));
  document.getElementById("name").addEventListener("input", (e) => say("hello", e.target.value));
  const box = document.getElementById("box");
  box.addEventListener("pointerdown", (e) => { from = e.clientX; });
  addEventListener("pointerup", (e) => { if (from !== null) say("moved", Math.round(e.clientX - from)); from = null; });
</script>
`)
	w.Up()
	desk := w.SignIn(Chromium(t), 1280, 860)
	app := desk.Open(w, "safe", "Safe")
	app.See("Turned 0 times")
	desk.remember()
	app.See("Turned 0 times")

	box := desk.find(app.page(), "#box")
	shape, err := box.Shape()
	desk.must(err)
	mouse, at := app.page().Mouse, shape.Box()
	start := proto.Point{X: at.X + at.Width/2, Y: at.Y + at.Height/2}
	desk.must(errors.Join(mouse.MoveTo(start), mouse.Down(proto.InputMouseButtonLeft, 1), mouse.MoveLinear(proto.NewPoint(start.X+80, start.Y+10), 5), mouse.Up(proto.InputMouseButtonLeft, 1)))
	app.See("moved by 80")
	for range 3 {
		desk.must(app.page().Keyboard.Type(input.ArrowRight))
	}
	app.See("Turned 3 times")
	desk.keep("Safe")

	app = desk.Open(w, "safe", "Safe")
	app.See("Turned 0 times")
	desk.remember()
	app.See("Turned 0 times")
	app.Type("Name", "Ada")
	app.Type("Password", secret)
	app.See("open with")
	app.See("Ada")
	desk.keep("Safe")

	text := w.Read("apps/safe/contract.json")
	for _, want := range []string{`"fill": "Name"`, `"with": "Ada"`, `"drag": "button"`, `"name": "Box"`, `"press": "ArrowRight"`, `"times": 3`, `"see": "Turned 3 times"`, `"see": "moved by 80"`, `"see": "Ada"`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in the contract:\n%s", want, text)
		}
	}
	w.Run("check", "safe").says(t, 0, "holds", "as you showed it on")
	w.Stop()
	err = filepath.WalkDir(w.Home, func(p string, e fs.DirEntry, err error) error {
		if err != nil || !e.Type().IsRegular() {
			return err
		}
		raw, err := os.ReadFile(p)
		if strings.Contains(string(raw), secret) {
			t.Errorf("the password is in %s", p)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
	if strings.Contains(text, "Password") || strings.Contains(w.Output(), secret) {
		t.Errorf("of the password there is something in the contract or the log:\n%s", text)
	}
}

// remember begins a recording of the window in front, from its menu.
func (d *Desk) remember() {
	d.t.Helper()
	_, err := d.find(d.page, "iframe.shown").Eval(`() => { this.dataset.before = "" }`)
	d.must(err)
	d.must(d.find(d.page, ".window.active .title-bar").Timeout(patience).Click(proto.InputMouseButtonRight, 1))
	d.must(d.named(d.page, ".menu button", "^Remember this").Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
	d.find(d.page, ".app-frame:has(.record-bar) iframe.shown:not([data-before])") // it is opened afresh
}

// keep ends the recording, and keeps it.
func (d *Desk) keep(name string) {
	d.t.Helper()
	d.press("I am done")
	d.See("What " + name + " has to do")
	d.press("Keep")
	d.See("Kept:")
}

// press clicks a button of the desktop, the owner's way.
func (d *Desk) press(name string) {
	d.t.Helper()
	d.must(d.named(d.page, "button:not([disabled])", "^"+name+"$").Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
}

// Type writes into the field with the given label by keys, as a person does.
func (f *Frame) Type(label, value string) {
	f.d.t.Helper()
	id, err := f.d.named(f.page(), "label", "^"+label).Attribute("for")
	f.d.must(err)
	field := f.d.find(f.page(), "[id=\""+*id+"\"]").Timeout(patience)
	f.d.must(field.Focus())
	f.d.must(field.Input(value))
}
