package syscalls_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/sys"
	"matrixos/test/machine"
)

// What the owner's word allows goes out by itself, what text from outside has
// touched waits for a yes, and a new place always does.
func TestSyncGoesThroughPolicy(t *testing.T) {
	hub := filepath.Join(t.TempDir(), "hub.git")
	if out, err := exec.Command("git", "init", "-q", "--bare", "--initial-branch=main", hub).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	w := newWorld(t, filepath.Join(t.TempDir(), "home"), newOutdoors(t), nil)
	defer w.Close()
	w.furnish("sync_files", row{})
	approvals := func() int { return happened(sys.EventApproval)(w) }
	sync := func(action, url string) use {
		a := machine.Obj{"action": action}
		if url != "" {
			a["remote_url"] = url
		}
		return use{"sync_files", a}
	}
	if got := w.run(sync("push", "")); !strings.Contains(got, "no such remote") {
		t.Errorf("push nowhere: %q", got)
	}
	if got := w.run(sync("add_remote", hub)); !strings.Contains(got, hub) || approvals() != 1 {
		t.Errorf("add: %q after %d approvals", got, approvals())
	}
	if got := w.run(sync("push", "")); !strings.Contains(got, "Sent to origin") || approvals() != 1 {
		t.Errorf("push: %q after %d approvals", got, approvals())
	}
	if err := os.WriteFile(filepath.Join(w.Home, "system", "hand.md"), []byte("by hand\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if got := w.run(sync("commit", ""), sync("pull", "")); !strings.Contains(got, "ecorded") || !strings.Contains(got, "Sent") && !strings.Contains(got, "same") {
		t.Errorf("commit, pull: %q", got)
	}
	if got := w.run(use{"web_fetch", machine.Obj{"url": "https://a.example/"}}, sync("push", "")); !strings.Contains(got, "origin") || approvals() != 3 { // the page, which nobody named, and the push
		t.Errorf("push after a page: %q after %d approvals", got, approvals())
	}
	out, err := exec.Command("git", "-C", hub, "show", "main:system/hand.md").CombinedOutput()
	if err != nil || string(out) != "by hand\n" {
		t.Errorf("the hub has %q: %v", out, err)
	}
	if got := w.run(sync("remove_remote", "")); !strings.Contains(got, "none yet") {
		t.Errorf("remove: %q", got)
	}
}
