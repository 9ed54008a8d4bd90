package test

import (
	"os"
	"strings"
	"testing"

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

	menu := func(item string) {
		t.Helper()
		desk.must(desk.find(desk.page, ".window.active .title-bar").Timeout(patience).Click(proto.InputMouseButtonRight, 1))
		desk.must(desk.named(desk.page, ".menu button", "^"+item).Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
	}
	_, err := desk.find(desk.page, "iframe.shown").Eval(`() => { this.dataset.before = "" }`)
	desk.must(err)
	menu("Remember this")
	desk.find(desk.page, ".app-frame:has(.record-bar) iframe.shown:not([data-before])") // it is opened afresh
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
