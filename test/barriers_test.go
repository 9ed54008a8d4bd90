package test

import (
	"os"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"
)

// TestNobodyIsShutOut walks through the desktop as people see it who use a screen reader, the
// keyboard alone, strong contrast or a phone: axe-core holds each place to WCAG 2.1 AA.
func TestNobodyIsShutOut(t *testing.T) {
	t.Parallel()
	axe, err := os.ReadFile("../web/node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatalf("%v (make test installs it)", err)
	}
	w := NewWorld(t)
	w.Up()
	w.Do("ask", request)
	browser := Chromium(t)
	for _, scheme := range []string{"light", "dark"} {
		desk := w.SignInAgain(browser, 1280, 860)
		desk.Scheme(scheme)
		look := func(place string) {
			t.Helper()
			desk.Shot(scheme + "-" + place)
			desk.hasNoBarrier(string(axe), scheme+", "+place)
		}
		desk.find(desk.page, ".home textarea")
		look("home")
		for _, program := range []string{"Ask", "Messages", "Social", "Activity", "History", "Files", "Mind", "Settings"} {
			desk.dock(program)
			window := desk.find(desk.page, `.window[aria-label="`+program+`"]`)
			desk.rests()
			look(program)
			desk.must(window.Timeout(patience).Focus())
			desk.must(desk.page.KeyActions().Press(input.AltLeft).Type(input.KeyW).Do())
		}
		desk.dock("All apps")
		desk.find(desk.page, ".launcher .tile")
		look("launcher")
		desk.must(desk.page.KeyActions().Type(input.Escape).Do())
		desk.must(desk.page.KeyActions().Press(input.ControlLeft).Type(input.KeyK).Do())
		desk.find(desk.page, "[cmdk-item]")
		look("palette")
		desk.must(desk.page.Close())

		phone := w.SignInAgain(browser, 390, 844)
		phone.Scheme(scheme)
		desk = phone
		desk.find(desk.page, ".home textarea")
		look("phone")
		desk.must(desk.page.Close())
	}
}

// dock presses a button of the dock.
func (d *Desk) dock(name string) {
	d.t.Helper()
	d.must(d.find(d.page, `.dock button[aria-label^="`+name+`"]`).Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
}

// rests waits until a window shows what comes later.
func (d *Desk) rests() {
	d.t.Helper()
	d.must(d.page.WaitIdle(patience))
	d.must(d.page.WaitDOMStable(300*time.Millisecond, 0))
}

// hasNoBarrier fails with what of a page some people cannot use. Windows of apps are left out.
func (d *Desk) hasNoBarrier(axe, place string) {
	d.t.Helper()
	if _, err := (proto.RuntimeEvaluate{Expression: axe}).Call(d.page); err != nil {
		d.t.Fatal(err)
	}
	res, err := d.page.Eval(`() => axe.run({ exclude: ["iframe"] }, { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa"] }).then((found) => ({
		tried: found.passes.length,
		barriers: found.violations.flatMap((v) => v.nodes.map((n) => v.id + ": " + n.target.join(" ") + ": " + n.failureSummary)),
	}))`)
	d.must(err)
	var found struct {
		Tried    int
		Barriers []string
	}
	if err := res.Value.Unmarshal(&found); err != nil {
		d.t.Fatal(err)
	}
	if found.Tried < 5 {
		d.t.Errorf("%s: only %d rules had anything to look at", place, found.Tried)
	}
	for _, barrier := range found.Barriers {
		d.t.Errorf("%s: %s", place, barrier)
	}
}
