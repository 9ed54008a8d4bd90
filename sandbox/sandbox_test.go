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

// found returns a working sandbox. On a machine without one the tests cannot
// run; `make test` installs bubblewrap, so there a missing one fails.
func found(t *testing.T) *Sandbox {
	t.Helper()
	s, err := Find(t.Context())
	if err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	return s
}

func TestContained(t *testing.T) {
	s := found(t)
	outside := t.TempDir()
	secret := filepath.Join(outside, "secret")
	if err := os.WriteFile(secret, []byte("canary-8143"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, script := range map[string]string{
		"read":    "cat " + secret,
		"write":   "echo owned > " + secret,
		"remove":  "rm -r " + outside,
		"host":    "ls /proc/1/root/" + outside,
		"shadow":  "cat /etc/shadow",
		"network": "exec 3<>/dev/tcp/127.0.0.1/1",
		"kill":    "kill -9 " + "$PPID $(ps -eo pid= 2>/dev/null)",
		"mount":   "mount -t tmpfs x /usr",
		"system":  "touch /usr/bin/owned",
	} {
		t.Run(name, func(t *testing.T) {
			out, err := s.Run(t.Context(), Command{Script: script, Folder: t.TempDir(), Mount: "/home/you", Limit: 10 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(string(out.Output), "canary-8143") {
				t.Errorf("leaked: %s", out.Output)
			}
			if out.Status == 0 {
				t.Errorf("%q succeeded: %s", script, out.Output)
			}
			if got, err := os.ReadFile(secret); err != nil || string(got) != "canary-8143" {
				t.Fatalf("outside was changed: %q %v", got, err)
			}
		})
	}
}

func TestWorksInItsFolder(t *testing.T) {
	s := found(t)
	dir := t.TempDir()
	out, err := s.Run(t.Context(), Command{Script: `pwd; echo hello > a.txt; cat /home/you/a.txt; exit 3`, Folder: dir, Mount: "/home/you"})
	if err != nil {
		t.Fatal(err)
	}
	if got := string(out.Output); got != "/home/you\nhello\n" || out.Status != 3 {
		t.Errorf("status %d output %q", out.Status, got)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "a.txt")); err != nil || string(got) != "hello\n" {
		t.Errorf("file: %q %v", got, err)
	}
}

func TestLimits(t *testing.T) {
	s := found(t)
	start := time.Now()
	out, err := s.Run(t.Context(), Command{Script: "sleep 60 & sleep 60", Folder: t.TempDir(), Mount: "/home/you", Limit: 300 * time.Millisecond})
	if err != nil || out.Over != ByTime || out.Status != 124 {
		t.Errorf("timeout: %+v %v", out, err)
	}
	if time.Since(start) > 10*time.Second {
		t.Error("the time limit did not end the command")
	}
	out, err = s.Run(t.Context(), Command{Script: "yes | head -c 5000000", Folder: t.TempDir(), Mount: "/home/you", Output: 1000})
	if err != nil || !out.Truncated || len(out.Output) > 1200 {
		t.Errorf("flood: %d bytes, truncated %v, %v", len(out.Output), out.Truncated, err)
	}
}

// Each way to use too much ends by its own limit, long before the time is up, and
// leaves no process.
func TestTooMuch(t *testing.T) {
	s := found(t)
	before := children(t)
	for script, want := range map[string]Limit{
		`:(){ :|:& };:; sleep 60`:                             ByProcesses,
		`for i in $(seq 60); do sleep 60 & done; wait`:        ByProcesses,
		`for i in $(seq 60); do setsid sleep 60 & done; wait`: ByProcesses,
		"yes":                 ByOutput,
		"yes | cat & yes >&2": ByOutput,
		`for i in 1 2 3 4; do head -c 100M /dev/zero | tail -c 100M | { sleep 60; cat; } > /dev/null & done; wait`: ByMemory,
		"head -c 1G /dev/zero > /tmp/a; sleep 60":     ByMemory,
		"head -c 1G /dev/zero > /dev/shm/a; sleep 60": ByMemory,
	} {
		out, err := s.Run(t.Context(), Command{Script: script, Folder: t.TempDir(), Mount: "/home/you", Limit: 50 * time.Second, Procs: 40, Memory: 200 << 20, Output: 1 << 20})
		if err != nil || out.Over != want || len(out.Output) > 1<<20+100 {
			t.Errorf("%s: %v, ended by %q, status %d: %.200s", script, err, out.Over, out.Status, out.Output)
		}
	}
	if after := children(t); after > before {
		t.Errorf("%d processes are left", after-before)
	}
}

// children counts the processes that this one, or one of its own, has started.
func children(t *testing.T) (n int) {
	t.Helper()
	all, err := os.ReadDir("/proc")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range all {
		text, err := os.ReadFile("/proc/" + e.Name() + "/cmdline")
		if err == nil && strings.Contains(string(text), "/home/you") {
			n++
		}
	}
	return n
}

func TestCanceled(t *testing.T) {
	s := found(t)
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	_, err := s.Run(ctx, Command{Script: "sleep 60", Folder: t.TempDir(), Mount: "/home/you"})
	if !errors.Is(err, sys.Canceled) {
		t.Errorf("got %v", err)
	}
}

func TestAbsentMeansRefused(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := Find(t.Context())
	if !errors.Is(err, sys.Unavailable) || sys.HintOf(err) == "" {
		t.Errorf("got %v", err)
	}
}
