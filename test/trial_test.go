package test

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/sys"
)

// TestTheDesktopPlaysContracts: a home without a browser says that it has checked files
// only; when a desktop is open, that plays the scenarios, out of the owner's sight and
// without taking their keyboard, and comes to the same verdicts. The desktop is in another
// time zone than the home.
func TestTheDesktopPlaysContracts(t *testing.T) {
	w := NewWorld(t)
	w.Env = append(w.Env, "MATRIXOS_CHROMIUM=none")
	w.Up()
	w.save("apps/mine/matrix.json", `{"name":"Mine","slug":"mine","version":"1.0.0","runtime":"static"}`)
	w.save("apps/mine/index.html", "<!doctype html><title>Mine</title><h1>All mine</h1>")
	w.save("apps/mine/contract.json", `{"version":1,"scenarios":[{"name":"it greets","steps":[{"see":"All mine"}]}]}`)
	Eventually(t, patience, "the app is there", func() bool { return w.app("mine").Verified == sys.VerifiedStatic })
	if r := w.contract("todo"); r.Level != sys.VerifiedStatic || !r.Green || !strings.Contains(r.Note, "no desktop is open") {
		t.Fatalf("without a desktop: %+v", r)
	}

	t.Setenv("TZ", "Pacific/Auckland") // of the browser
	desk := w.SignIn(Chromium(t), 1280, 860)
	desk.Follow(w.Addr + "/")
	Eventually(t, time.Minute, "what waited for a desktop has been played", func() bool { return w.app("mine").Verified == sys.VerifiedBrowser })

	desk.playsUnnoticed(w)
	t.Run("wrong", func(t *testing.T) {
		const file = "apps/todo/src/App.tsx"
		w.save(file, strings.Replace(w.Read(file), `act(update(row.id, { due: next }));`, ``, 1))
		Eventually(t, time.Minute, "the fault is found", func() bool { return len(w.app("todo").Failing) > 0 })
		if said := strings.Join(w.app("todo").Failing, "\n"); !strings.Contains(said, "what repeats comes again") {
			t.Error(said)
		}
	})
	t.Run("hostile", func(t *testing.T) {
		page, err := os.ReadFile("../app/browser/testdata/hostile.html")
		if err != nil {
			t.Fatal(err)
		}
		w.save("apps/hostile/matrix.json", `{"name":"Hostile","slug":"hostile","version":"1.0.0","runtime":"static"}`)
		w.save("apps/hostile/index.html", "<!doctype html><title>x</title><body>"+string(page))
		w.save("apps/hostile/contract.json", `{"version":1,"scenarios":[{"name":"one","steps":[{"click":"button","name":"Go"},{"see":"the milk"}]}]}`)
		Eventually(t, patience, "the app is there", func() bool { return w.app("hostile").Slug != "" })
		r := w.contract("hostile")
		if r.Green || r.Level != sys.VerifiedBrowser || len(r.Scenarios) != 1 || len(r.Scenarios[0].Steps) != 3 || strings.Contains(fmt.Sprint(r), "STOLEN") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("gone", func(t *testing.T) {
		desk.must(desk.page.Close())
		Eventually(t, patience, "the desktop is gone", func() bool { return w.contract("habits").Level == sys.VerifiedStatic })
		if a := w.app("todo"); len(a.Failing) == 0 {
			t.Error("what was found red is forgotten with the desktop")
		}
		if a := w.app("mine"); a.Verified != sys.VerifiedBrowser {
			t.Error("what was found green is forgotten with the desktop")
		}
	})
}

// playsUnnoticed has apps tried while the owner's caret is in the line, and sees that it
// stays there.
func (d *Desk) playsUnnoticed(w *World) {
	t := d.t
	t.Helper()
	line := d.find(d.page, ".home textarea")
	d.must(line.Focus())
	d.watchFocus()
	for _, slug := range compared() {
		r := w.contract(slug)
		if r.Level != sys.VerifiedBrowser || !r.Green {
			t.Errorf("%s: %s %q\n%s", slug, r.Level, r.Note, r.Text())
		}
		t.Logf("%-14s %2d scenarios  %5.1f s", slug, len(r.Scenarios), r.Millis/1000)
	}
	if lost := d.lostFocus(); lost != "" {
		t.Errorf("the owner's keyboard went to %s", lost)
	}
}

// compared are the default apps to play in a desktop: one, or all of them with
// MATRIXOS_COMPARE=all, or those that it names.
func compared() []string {
	switch named := os.Getenv("MATRIXOS_COMPARE"); named {
	case "":
		return []string{"todo"}
	case "all":
	default:
		return strings.Split(named, ",")
	}
	found, _ := filepath.Glob("../home/template/apps/*/matrix.json")
	games, _ := filepath.Glob("../home/template/apps/games/*/matrix.json")
	var all []string
	for _, f := range append(found, games...) {
		var m struct{ Slug string }
		if raw, err := os.ReadFile(f); err == nil && json.Unmarshal(raw, &m) == nil {
			all = append(all, m.Slug)
		}
	}
	return all
}

// TestBothHostsAgree plays all default apps, and wrong ones, in a browser of the home's and
// in an open desktop, and prints both. It is for whoever changes the runner, and takes
// minutes: MATRIXOS_COMPARE=all, or slugs with commas.
func TestBothHostsAgree(t *testing.T) {
	if os.Getenv("MATRIXOS_COMPARE") == "" {
		t.Skip("MATRIXOS_COMPARE is not set: a few apps are compared by TestTheDesktopPlaysContracts, and all of them with a browser in app/browser")
	}
	browser, shown := NewWorld(t), NewWorld(t)
	browser.Limit, shown.Limit = 5*time.Minute, 5*time.Minute // chess has many scenarios, with a computer that thinks
	shown.Env = append(shown.Env, "MATRIXOS_CHROMIUM=none")
	browser.Up()
	shown.Up()
	t.Setenv("TZ", "Pacific/Auckland")
	desk := shown.SignIn(Chromium(t), 1280, 860)
	desk.Follow(shown.Addr + "/")
	Eventually(t, patience, "the desktop is there", func() bool { return shown.contract("clock").Level == sys.VerifiedBrowser })
	for _, slug := range compared() {
		a, b := browser.contract(slug), shown.contract(slug)
		t.Logf("| %-12s | %2d | browser %-5v %5.1f s | desktop %-5v %5.1f s |", slug, len(a.Scenarios), a.Green, a.Millis/1000, b.Green, b.Millis/1000)
		if verdicts(a) != verdicts(b) {
			t.Errorf("%s differs:\n%s\n%s", slug, verdicts(a), verdicts(b))
		}
	}
}

// verdicts says of each step of a report whether it holds, and what was seen if not.
func verdicts(r sys.ContractReport) string {
	var out strings.Builder
	fmt.Fprintln(&out, r.Level)
	for _, s := range r.Scenarios {
		fmt.Fprintf(&out, "%s: %v %q %q\n", s.Name, s.Green, s.Errors, s.Console)
		for _, st := range s.Steps {
			fmt.Fprintf(&out, "  %s: %v %s %s\n", st.Step, st.Green, st.Expected, st.Seen)
		}
		for _, p := range s.Properties {
			fmt.Fprintf(&out, "  %s: %v %v %s %s\n", p.Name, p.Green, p.Skipped, p.Expected, p.Seen)
		}
	}
	return out.String()
}

// app is what the home knows of an app.
func (w *World) app(slug string) sys.AppInfo {
	w.t.Helper()
	var list []sys.AppInfo
	w.Do("apps", "--json").JSON(w.t, &list)
	for _, a := range list {
		if string(a.Slug) == slug {
			return a
		}
	}
	return sys.AppInfo{}
}

// watchFocus notes whatever takes the focus from where it is.
func (d *Desk) watchFocus() {
	d.t.Helper()
	_, err := d.page.Eval(`() => {
		const had = document.activeElement;
		window.lostFocus = "";
		const look = () => { if (document.activeElement !== had) window.lostFocus ||= document.activeElement?.outerHTML.slice(0, 200) ?? "nothing"; };
		for (const type of ["blur", "focusin", "focusout"]) addEventListener(type, look, true);
		setInterval(look, 50);
	}`)
	d.must(err)
}

// lostFocus is what has taken it since, or "".
func (d *Desk) lostFocus() string {
	d.t.Helper()
	res, err := d.page.Eval(`() => window.lostFocus`)
	d.must(err)
	return res.Value.Str()
}
