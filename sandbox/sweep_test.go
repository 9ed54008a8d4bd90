package sandbox

import (
	"os/exec"
	"path/filepath"
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
		t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
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
