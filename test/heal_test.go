package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod/lib/proto"

	"matrixos/sys"
)

// TestHealingIsSeenAndTakenBack: a file of an app that is cut short on the disk is whole
// again by itself, the desktop says so and the owner takes it back. A change of the
// owner's own that breaks the app is not touched: its window offers the repair.
func TestHealingIsSeenAndTakenBack(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	w.Do("ask", request)
	const code, fields = "apps/expenses/src/App.tsx", "apps/expenses/src/fields.json"
	good, plain := w.Read(code), w.Read(fields)
	desk := w.SignIn(Chromium(t), 1280, 860)
	desk.Follow(w.Addr + "/")
	desk.OpenApp("Expenses")

	w.save(code, good[:len(good)/2])
	desk.See("Healed Expenses")
	if got := w.Read(code); got != good {
		t.Errorf("%s is %q", code, got)
	}
	desk.Shot("1-healed")
	cases := healed(w)
	if len(cases) != 1 || cases[0].State != sys.HealDone || cases[0].Mode != 19 || cases[0].Landing == 0 {
		t.Fatalf("%+v", cases)
	}

	if !strings.Contains(plain, `"Amount"`) {
		t.Fatalf("no such field: %s", plain)
	}
	edited := strings.Replace(plain, `"Amount"`, `"How much"`, 1)
	w.save(fields, edited)
	desk.See("a repair is ready")
	desk.Shot("2-proposed")
	if got := w.Read(fields); got != edited {
		t.Errorf("the owner's edit was undone unasked: %s", got)
	}
	w.Run("heal", "expenses").says(t, 7, "your own change", "heal accept", "How much")
	desk.Press("Show what it does")
	desk.See("For you to decide")
	desk.Shot("3-repairs")
	desk.must(desk.named(desk.page, ".repair button", "^Repair it$").Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
	Eventually(t, patience, "the field is back", func() bool { return w.Read(fields) == plain })
	w.Run("heal", "expenses").says(t, 0)

	desk.must(desk.named(desk.page, ".repair button", "^Take it back$").Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
	Eventually(t, patience, "the repair is taken back", func() bool { return w.Read(fields) == edited })
	Eventually(t, patience, "the repair counts as taken back", func() bool {
		return healed(w)[0].State == sys.HealBack
	})
	if got := w.Read(fields); got != edited {
		t.Errorf("the repair was made again: %s", got)
	}
	other := w.SignInAgain(desk.page.Browser(), 390, 844)
	other.Scheme("dark")
	other.Follow(w.Addr + "/?open=expenses")
	other.App("Expenses").See("Expenses")
	other.Shot("4-dark")
	w.Do("reliability").says(t, 0, "19 a file is damaged", "n = ")
}

// healed is the ledger of a home, newest first.
func healed(w *World) (list []sys.HealCase) {
	w.t.Helper()
	w.Do("heal", "list", "--json").JSON(w.t, &list)
	return list
}

// TestWhatBrokeWhileNothingRan is found at the next start.
func TestWhatBrokeWhileNothingRan(t *testing.T) {
	w := NewWorld(t)
	w.Do("ask", request)
	const code = "apps/expenses/src/App.tsx"
	good := w.Read(code)
	if err := os.WriteFile(filepath.Join(w.Home, code), []byte(good[:100]+strings.Repeat("\x00", 200)+good[300:]), 0o644); err != nil {
		t.Fatal(err)
	}
	w.Up()
	Eventually(t, 2*time.Minute, "the file is whole again", func() bool { return w.Read(code) == good })
}
