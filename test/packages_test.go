package test

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"matrixos/app/npm/npmtest"
)

// An app that asks for a package of npm says so; with the owner's yes it is
// installed once, and the app runs. A process cannot say that yes.
func TestPackagesFromNPMAskTheOwnerOnce(t *testing.T) {
	for _, tool := range []string{"bwrap", "npm"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Fatalf("%v: tools/setup installs it", err)
		}
	}
	registry := npmtest.Serve(t)
	w := NewWorld(t)
	w.Env = []string{"MATRIXOS_NPM_REGISTRY=" + registry.URL + "/"}
	w.Up()
	for name, text := range map[string]string{
		"matrix.json":  `{"name":"Greeter","slug":"greeter","version":"1.0.0","runtime":"vite"}`,
		"package.json": `{"dependencies":{"tiny-words":"^1.0.0"}}`,
		"src/App.tsx":  `import { hello } from "tiny-words"; export default () => <h1>{hello("you")}</h1>;`,
	} {
		p := filepath.Join(w.Home, "apps/greeter", name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	var got struct {
		Allowed []string
		Missing []struct {
			App      string
			Packages []string
		}
	}
	Eventually(t, time.Minute, "the app lacks a package", func() bool {
		w.Do("apps", "packages", "--json").JSON(t, &got)
		return len(got.Missing) == 1 && got.Missing[0].App == "greeter" && slices.Equal(got.Missing[0].Packages, []string{"tiny-words"})
	})
	if r := w.Do("apps", "packages"); !strings.Contains(r.Stderr, "apps packages allow tiny-words") {
		t.Errorf("%q", r.Stderr)
	}
	desk := w.SignIn(Chromium(t), 1280, 800)
	app := desk.Open(w, "greeter", "Greeter")
	desk.See("Greeter does not compile.")
	desk.Shot("lacks")
	desk.Press("^Install tiny-words from npm$")
	app.Until(`document.querySelector("h1")?.textContent === "hello you"`)
	desk.Shot("installed")
	if a, _ := w.App("greeter"); !a.OK {
		t.Fatalf("with the package: %+v", a)
	}
	w.Do("apps", "packages", "--json").JSON(t, &got)
	if !slices.Equal(got.Allowed, []string{"tiny-words"}) || len(got.Missing) > 0 {
		t.Errorf("after the owner's yes: %+v", got)
	}
	if installed, err := filepath.Glob(filepath.Join(w.Home, ".disk/packages/*/node_modules/tiny-words/ran")); err != nil || len(installed) > 0 {
		t.Errorf("an install script ran: %v, %v", installed, err)
	}
	registry.Close() // from here on it is there
	w.Stop()
	w.Up()
	if a, _ := w.App("greeter"); !a.OK {
		t.Errorf("after a start without the registry: %+v", a)
	}
}
