package disk

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// At whatever point the machine stops while files and rows land: after recovery both
// are there or both are not, the rows once, and what the owner's app wrote is kept.
// Recovery is stopped at each of its points, too.
func TestCrashesBetweenFilesAndRows(t *testing.T) {
	var hook hooked
	var states []string
	wanted := []string{"files", "rows-staged", "committed", "rows-commit", "rows-committed", "exchange", "applied", "recover-rows", "recover-data"}
	freeze := func(root, dir string) func(string) {
		return func(point string) {
			if !slices.Contains(wanted, point) {
				return
			}
			to := filepath.Join(dir, fmt.Sprintf("%02d-%s", len(states), point))
			if out, err := exec.Command("cp", "-a", root, to).CombinedOutput(); err != nil && !strings.Contains(string(out), "No such file") {
				t.Errorf("%v: %s", err, out) // a file that the history writer has just renamed is no failure
			}
			states = append(states, to)
		}
	}
	h := withTasks(t, hook.option)
	tx := h.begin()
	run(t, h.private(tx), `ALTER TABLE task ADD COLUMN due TEXT`, `UPDATE task SET done = done + 1`, `INSERT INTO task VALUES('c','Bread',0,'x')`)
	run(t, filepath.Join(h.root, tasks), `INSERT INTO task VALUES('z','Later',0)`)
	put(t, filepath.Join(tx.Dir(), "apps/tasks/index.html"), "new")
	hook.set(freeze(h.root, t.TempDir()))
	h.landTxn(tx)
	hook.set(nil)

	before, after := "a:Tea:0\nb:Milk:0\nz:Later:0", "a:Tea:1\nb:Milk:1\nc:Bread:0\nz:Later:0"
	check := func(state string, again bool) (landed bool) {
		t.Helper()
		name := filepath.Base(state)
		if again {
			hook.set(freeze(state, t.TempDir()))
		}
		h := open(t, state, hook.option)
		hook.set(nil)
		file, got := h.live("apps/tasks/index.html"), h.tasks()
		switch {
		case file == "new" && got == after:
			landed = true
		case file != "<absent>" || got != before:
			t.Errorf("%s: the file is %q, the rows are\n%s", name, file, got)
		}
		if h.landed("apps/tasks/index.html") != file {
			t.Errorf("%s: the history has another file", name)
		}
		if got := ask(t, filepath.Join(state, tasks), `PRAGMA integrity_check`); got != "ok" {
			t.Errorf("%s: %s", name, got)
		}
		h.landFiles(map[string]string{"more.txt": "x"}) // it works on
		h.close()
		return landed
	}
	first := states
	count := map[bool]int{}
	seen := map[string]bool{}
	for _, s := range first {
		seen[filepath.Base(s)[3:]] = true
		states = nil
		landed := check(s, strings.Contains(s, "commit"))
		count[landed]++
		for _, s := range states {
			seen[filepath.Base(s)[3:]] = true
			if check(s, false) != landed {
				t.Errorf("%s: interrupted again it came out differently", s)
			}
			if err := os.RemoveAll(s); err != nil {
				t.Error(err)
			}
		}
	}
	for _, point := range wanted {
		if !seen[point] {
			t.Errorf("point %s was not passed", point)
		}
	}
	if count[true] < 3 || count[false] < 2 {
		t.Errorf("%v: the test sees too little", count)
	}
}
