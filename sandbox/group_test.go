package sandbox

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/sys"
)

// The nearest folder that hands the controllers on is found; none is no error.
func TestFindGroups(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("self/cgroup", "4:memory:/elsewhere\n0::/user/app/ours\n")
	if got := findGroups(filepath.Join(dir, "self")); got != "" {
		t.Errorf("without a mount: %q", got)
	}
	write("self/mountinfo", "30 24 0:26 / /sys rw - sysfs sysfs rw\n31 30 0:27 / "+dir+"/fs rw,nosuid - cgroup2 cgroup2 rw\n")
	write("fs/user/app/ours/cgroup.subtree_control", "")
	write("fs/user/app/cgroup.subtree_control", "memory\n")
	if got := findGroups(filepath.Join(dir, "self")); got != "" {
		t.Errorf("with half of what is needed: %q", got)
	}
	write("fs/user/cgroup.subtree_control", "cpu memory pids\n")
	if got := findGroups(filepath.Join(dir, "self")); string(got) != dir+"/fs/user" {
		t.Errorf("found %q", got)
	}
}

// A command runs in a group of its own, which is gone afterwards. On a machine
// whose cgroup v2 has the controllers, so are the limits in it.
func TestGroupOfACommand(t *testing.T) {
	s := found(t)
	mount, err := mountOf("/proc/self/mountinfo")
	if err != nil {
		t.Skip("NOT TESTED: this machine has no cgroup v2: ", err)
	}
	parent := groups(mount)
	if s.groups != "" {
		parent = s.groups
	}
	probe, err := parent.folder()
	if err != nil {
		t.Skip("NOT TESTED: groups cannot be made here: ", err)
	}
	if err := os.Remove(probe); err != nil {
		t.Fatal(err)
	}
	s.groups = parent
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		_, err := s.Run(ctx, Command{Script: "sleep 60", Folder: t.TempDir(), Mount: "/home/you"})
		done <- err
	}()
	for inside := ""; inside == "" && t.Context().Err() == nil; time.Sleep(time.Millisecond) {
		names, _ := filepath.Glob(filepath.Join(string(parent), "matrixos-*", "cgroup.procs"))
		if len(names) == 1 {
			text, _ := os.ReadFile(names[0])
			inside = string(text)
		}
	}
	cancel()
	if err := <-done; !errors.Is(err, sys.Canceled) {
		t.Error(err)
	}
	left, err := filepath.Glob(filepath.Join(string(parent), "matrixos-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left: %v %v", left, err)
	}
	g := parent.make(Command{Procs: 7, Memory: 1 << 30})
	if g == nil {
		t.Fatal("no group")
	}
	defer g.remove()
	if max, err := os.ReadFile(filepath.Join(g.path, "pids.max")); err != nil {
		t.Log("NOT TESTED: the limits, as this machine's cgroup v2 has no such controllers")
	} else if strings.TrimSpace(string(max)) != "14" {
		t.Errorf("pids.max is %s", max)
	}
}
