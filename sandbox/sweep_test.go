package sandbox

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// What outlived its parent is ended at the next start, and nothing else is.
func TestSweepEndsWhatIsLeft(t *testing.T) {
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Fatal(err)
	}
	root, other := t.TempDir(), t.TempDir()
	start := func(home string) *exec.Cmd {
		s := &Sandbox{Path: bwrap}
		args := s.args(Command{Argv: []string{"sleep", "600"}, Folder: home, Mount: home}.withDefaults())
		for i, a := range args { // as one is that has not come to it yet
			if a == "--die-with-parent" {
				args = append(args[:i], args[i+1:]...)
				break
			}
		}
		cmd := exec.Command(bwrap, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			Sweep(home) // not the one process alone: what is confined lives on without it
			_ = cmd.Wait()
		})
		return cmd
	}
	left, foreign := start(root), start(other)
	if n := Sweep(root); n == 0 {
		t.Fatal("nothing was found")
	}
	gone := make(chan error, 1)
	go func() { gone <- left.Wait() }()
	select {
	case <-gone:
	case <-time.After(time.Minute):
		t.Fatal("it lives on")
	}
	if lines := confined(t, root); len(lines) != 0 {
		t.Errorf("it has left %q", lines)
	}
	if lines := confined(t, other); len(lines) == 0 {
		t.Error("nothing of another home is there any more")
	}
	if foreign.Process.Signal(syscall.Signal(0)) != nil {
		t.Error("one of another home was ended")
	}
	for line, want := range map[string]bool{
		"/usr/bin/bwrap --hostname matrixos --bind " + root + "/.disk/x " + root: true,
		"bwrap --hostname matrixos --bind /x " + root + "2":                      false,
		"bwrap --hostname elsewhere --bind /x " + root:                           false,
		"vim --hostname matrixos " + root:                                        false,
		"":                                                                       false,
	} {
		if got := confines([]byte(strings.ReplaceAll(line, " ", "\x00")), filepath.Clean(root)); got != want {
			t.Errorf("%q: %v", line, got)
		}
	}
}

// TestSweepMissesNoChild: one that is ended in the moment in which it makes its child leaves
// nothing, however often.
func TestSweepMissesNoChild(t *testing.T) {
	bwrap, err := exec.LookPath("bwrap")
	if err != nil {
		t.Fatal(err)
	}
	for n := range 100 {
		root := t.TempDir()
		s := &Sandbox{Path: bwrap}
		args := s.args(Command{Argv: []string{"sleep", "600"}, Folder: root, Mount: root}.withDefaults())
		args = slices.DeleteFunc(args, func(a string) bool { return a == "--die-with-parent" })
		cmd := exec.Command(bwrap, args...)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(n) * 100 * time.Microsecond) // some before it has a child, some after
		Sweep(root)
		_ = cmd.Wait()
		if lines := confined(t, root); len(lines) != 0 {
			Sweep(root)
			t.Fatalf("after %d tries: %q", n, lines)
		}
	}
}

// confined are the command lines of what runs for a home, as the machine lists them.
func confined(t *testing.T, root string) (lines []string) {
	t.Helper()
	names, err := readNames("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range names {
		line, err := os.ReadFile(filepath.Join("/proc", n, "cmdline"))
		if err == nil && confines(line, root) {
			lines = append(lines, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return lines
}
