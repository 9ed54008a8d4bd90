package test

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"

	"matrixos/heal"
	"matrixos/sys"
)

// Two apps written by hand: one works hard for a while or gets stuck, the other counts.
const (
	busy = `<!doctype html><title>Busy</title><h1>Busy</h1><p id="said">ready</p><script>
const work = (ms) => { for (const end = performance.now() + ms; performance.now() < end; ); };
const later = (what) => setTimeout(what, 50);
</script>
<button onclick="later(() => { work(7000); said.textContent = 'thought it over' })">Think</button>
<button onclick="later(() => { for (;;); })">Get stuck</button>`
	counting = `<!doctype html><title>Counting</title><p id="n">0 times</p><button onclick="n.textContent = parseInt(n.textContent) + 1 + ' times'">Count</button>
<button onclick="window.kept = Array.from({ length: 12 }, () => new Uint8Array(100 << 20).fill(1)); kept.length">Keep much</button>`
)

// TestAnAppThatHangs: a window that is stuck leaves the desktop and the other windows
// alone, is told in its place with ways out, starts anew, and is in the ledger. Work that
// only takes long is neither told nor reported.
func TestAnAppThatHangs(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	w.Up()
	for slug, page := range map[string]string{"busy": busy, "counting": counting} {
		w.save("apps/"+slug+"/matrix.json", `{"name":"`+strings.ToUpper(slug[:1])+slug[1:]+`","slug":"`+slug+`","version":"1.0.0","runtime":"static"}`)
		w.save("apps/"+slug+"/index.html", page)
		Eventually(t, patience, "the app is there", func() bool { return w.app(slug).OK })
	}
	desk := w.SignIn(chromiumApart(t), 1280, 860)
	other, app := apart{desk, "Counting"}, apart{desk, "Busy"}
	desk.Follow(w.Addr + "/?open=counting")
	other.See("0 times")
	desk.Follow(w.Addr + "/?open=busy")
	app.See("ready")
	other.See("0 times")
	other.Click("Count")
	other.See("1 times")
	took := time.Now()
	other.Click("Keep much")

	app.Click("Think")
	for end := time.Now().Add(9 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Millisecond) {
		if desk.shows("Busy does not answer.") {
			t.Fatal("work that takes long is told as if it were stuck")
		}
	}
	app.See("thought it over")

	app.Click("Get stuck")
	began := time.Now()
	desk.See("Busy does not answer.")
	t.Logf("told after %.1f s", time.Since(began).Seconds())
	desk.Shot("1-stuck")
	other.Click("Count")
	other.See("2 times")
	if noticed(w, "busy", heal.ByPulse) {
		t.Error("reported too soon")
	}
	Eventually(t, time.Minute, "it is in the ledger", func() bool { return noticed(w, "busy", heal.ByPulse) })
	t.Logf("reported after %.1f s", time.Since(began).Seconds())
	desk.Shot("2-reported")

	desk.click(".refusal button", "^Start it again$")
	app.See("ready")
	Eventually(t, patience, "the window is as any", func() bool { return !desk.shows("Busy does not answer.") })
	desk.Shot("3-anew")
	app.Click("Think")
	app.See("thought it over")

	Eventually(t, 3*time.Minute, "what takes too much memory is in the ledger", func() bool { return noticed(w, "counting", heal.ByWeight) })
	t.Logf("memory reported after %.1f s", time.Since(took).Seconds())
	desk.See("Counting takes much memory.")
	desk.Shot("4-heavy")
	list := slices.DeleteFunc(healed(w), func(one sys.HealCase) bool { // what takes so much memory may well be slow, too
		return one.App == "counting" && one.Detector == heal.ByPulse
	})
	if len(list) != 2 {
		t.Errorf("%+v", list)
	}
}

// noticed reports whether a detector has entered an app, with nothing that brings it about.
func noticed(w *World, slug sys.Slug, by string) bool {
	return slices.ContainsFunc(healed(w), func(one sys.HealCase) bool {
		return one.App == slug && one.Mode == 29 && one.Detector == by && one.State == sys.HealUnproven
	})
}

// shows reports whether the desktop shows a text now, app windows not included.
func (d *Desk) shows(text string) bool {
	d.t.Helper()
	body, err := words(func() (*rod.Page, error) { return d.page, nil })
	d.must(err)
	return strings.Contains(body, text)
}

// apart is the inside of an app's window that has a process of its own, for which the
// browser has a session of its own.
type apart struct {
	d    *Desk
	name string
}

// run evaluates an expression that is a text.
func (a apart) run(expression string) (string, error) {
	e, err := a.d.page.Timeout(patience).Element(fmt.Sprintf(`iframe.shown[title=%q]`, a.name))
	if err != nil {
		return "", err
	}
	node, err := e.Describe(1, false)
	if err != nil {
		return "", err
	}
	browser := a.d.page.Browser()
	session, err := proto.TargetAttachToTarget{TargetID: proto.TargetTargetID(node.FrameID), Flatten: true}.Call(browser)
	if err != nil {
		return "", fmt.Errorf("%s has no process of its own: %w", a.name, err)
	}
	raw, err := browser.Call(a.d.page.GetContext(), string(session.SessionID), "Runtime.evaluate", proto.RuntimeEvaluate{Expression: expression})
	if err != nil {
		return "", err
	}
	var res proto.RuntimeEvaluateResult
	err = json.Unmarshal(raw, &res)
	if err == nil && res.ExceptionDetails != nil {
		err = errors.New(res.ExceptionDetails.Text)
	}
	if err != nil {
		return "", err
	}
	return res.Result.Value.Str(), nil
}

// See waits for text in the window.
func (a apart) See(text string) {
	a.d.t.Helper()
	var body string
	var err error
	for began := time.Now(); time.Since(began) < 2*patience; time.Sleep(pause(began)) {
		if body, err = a.run("document.body.innerText"); err == nil && strings.Contains(body, text) {
			return
		}
	}
	a.d.Shot("failure")
	a.d.t.Fatalf("%q is not to be seen in %s (%v):\n%s", text, a.name, err, body)
}

// Click presses the button with the given name.
func (a apart) Click(name string) {
	a.d.t.Helper()
	_, err := a.run(fmt.Sprintf(`[...document.querySelectorAll("button")].find((b) => b.textContent === %q).click()`, name))
	a.d.must(err)
}
