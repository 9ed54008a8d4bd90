package strength

import (
	"fmt"
	"io/fs"
	"os"
	"path"
	"strconv"
	"strings"
	"testing"

	"matrixos/app"
	"matrixos/app/browser"
	"matrixos/sys"
)

// The contracts of the default apps find most of the small wrong changes that they
// could find. Without MATRIXOS_STRENGTH it is one app and a few changes; with it ("60": so
// many changes of each app, "all") every app that a home begins with, or those that
// MATRIXOS_STRENGTH_APPS names, held to four in five.
func TestDefaultContractsAreStrong(t *testing.T) {
	bin, err := browser.Find(os.Getenv("MATRIXOS_CHROMIUM"))
	if _, e := os.Stat("../../web/runtime/dist/trial-page.js"); err == nil {
		err = e
	}
	if err != nil {
		if os.Getenv("CI") == "true" {
			t.Fatal(err)
		}
		t.Skip("NOT RUN: ", err)
	}
	rt, err := app.New(app.Options{Libraries: os.DirFS("../../web/runtime/dist"), Data: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	b := Bench{Runtime: rt, Browser: browser.New(rt, browser.Options{Bin: bin}), Most: 4}
	t.Cleanup(func() {
		if err := b.Browser.Close(); err != nil {
			t.Error(err)
		}
		if err := rt.Close(); err != nil {
			t.Error(err)
		}
	})
	named := "todo"
	if s := os.Getenv("MATRIXOS_STRENGTH"); s != "" {
		named = os.Getenv("MATRIXOS_STRENGTH_APPS")
		if b.Most, err = strconv.Atoi(s); err != nil {
			b.Most = 1 << 20
		}
	}
	b.measureAll(t, named)
}

func (b Bench) measureAll(t *testing.T, named string) {
	tree, found := os.DirFS("../../home/template"), 0
	err := fs.WalkDir(tree, "apps", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.Name() != "matrix.json" {
			return err
		}
		folder := sys.Path(path.Dir(p))
		if named != "" && !strings.Contains(","+named+",", ","+folder.Base()+",") {
			return nil
		}
		found++
		r, err := b.Measure(t.Context(), tree, folder)
		if err != nil {
			return err
		}
		share := fmt.Sprintf("%s: %d of %d found (%.0f %%), of %d that there are; %d in places that no scenario reaches, %.0f s", r.App, r.Killed, r.Tried, 100*float64(r.Killed)/float64(max(1, r.Tried)), r.Mutants, r.Unreached, r.Millis/1000)
		t.Logf("%s\n%s", share, strings.Join(r.Survivors, "\n"))
		if b.Most > 4 && 5*r.Killed < 4*r.Tried {
			t.Errorf("%s: less than four in five", folder)
		}
		if r.Tried > 0 && r.Killed == 0 {
			t.Errorf("%s: nothing is found", folder)
		}
		return nil
	})
	if err != nil || found == 0 {
		t.Fatal(found, err)
	}
}
