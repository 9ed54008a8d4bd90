// Package test drives the real binary from outside, as a person at a terminal
// and a person at a browser do. A World is one home with its own settings; its
// verbs start and stop the binary, run commands, and open the desktop in
// Chromium. It knows no package of ours but what the binary prints.
package test

import (
	"bufio"
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// World is one home and the binary that runs on it.
type World struct {
	t       testing.TB
	binary  string
	Home    string
	Env     []string      // beside PATH and HOME
	Args    []string      // of up, beside --home and --listen
	input   string        // of commands
	Limit   time.Duration // of one command; slow if 0
	untried bool          // the test is not about what a browser finds of apps: none is started
	space   string        // the network namespace in which it runs, if not that of the test

	server *exec.Cmd
	output *lockedBuffer
	Link   string // the one-time sign-in link that up printed
	Addr   string // such as http://127.0.0.1:41234
}

// binary builds the binary once per test run; MATRIXOS_BIN names one that is
// already built.
var binary = sync.OnceValues(func() (string, error) {
	if path := os.Getenv("MATRIXOS_BIN"); path != "" {
		return filepath.Abs(path)
	}
	dir, err := os.MkdirTemp("", "matrixos-world-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "matrixos")
	cmd := exec.Command("go", "build", "-tags=goolm", "-o", path, "matrixos/cmd/matrixos")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// NewWorld makes a world with an empty place for a home.
func NewWorld(t testing.TB) *World {
	t.Helper()
	bin, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	w := &World{t: t, binary: bin, Home: filepath.Join(t.TempDir(), "home")}
	t.Cleanup(func() { w.Stop() })
	return w
}

func (w *World) environment() []string {
	env := []string{"PATH=" + os.Getenv("PATH"), "HOME=" + filepath.Dir(w.Home), "TZ=UTC", "LANG=C.UTF-8", "NO_COLOR=1"}
	// The keys of a test stay out of the keyring of whoever runs it.
	env = append(env, "XDG_STATE_HOME="+filepath.Join(filepath.Dir(w.Home), "state"), "DBUS_SESSION_BUS_ADDRESS=unix:path="+filepath.Join(filepath.Dir(w.Home), "no-bus"))
	if w.untried {
		env = append(env, "MATRIXOS_CHROMIUM=none")
	}
	return append(env, w.Env...)
}

// command is the binary with arguments, in its network namespace.
func (w *World) command(ctx context.Context, args ...string) *exec.Cmd {
	args = append([]string{w.binary}, args...)
	if w.space != "" {
		args = append([]string{"ip", "netns", "exec", w.space}, args...)
	}
	cmd := exec.CommandContext(ctx, args[0], args[1:]...)
	cmd.Env = w.environment()
	return cmd
}

var linkForm = regexp.MustCompile(`(http://[^/\s]+)/signin\?code=\S+`)

// Up starts the daemon on a free port and waits for its sign-in link.
func (w *World) Up() {
	w.t.Helper()
	args := append([]string{"up", "--home", w.Home, "--listen", "127.0.0.1:0"}, w.Args...)
	server := w.command(context.Background(), args...)
	w.output = &lockedBuffer{}
	reader, writer := io.Pipe()
	server.Stdout = io.MultiWriter(w.output, writer)
	server.Stderr = server.Stdout
	if err := server.Start(); err != nil {
		w.t.Fatal(err)
	}
	w.server = server
	found := make(chan []string, 1)
	go func() {
		lines := bufio.NewScanner(reader)
		for lines.Scan() {
			if m := linkForm.FindStringSubmatch(lines.Text()); m != nil {
				select {
				case found <- m:
				default:
				}
			}
		}
	}()
	select {
	case m := <-found:
		w.Link, w.Addr = m[0], m[1]
	case <-time.After(patience):
		w.t.Fatalf("up printed no sign-in link:\n%s", w.output)
	}
}

// Stop ends the daemon as Ctrl-C does and waits for it.
func (w *World) Stop() { w.end(os.Interrupt) }

// Crash kills the daemon at once.
func (w *World) Crash() { w.end(syscall.SIGKILL) }

func (w *World) end(sig os.Signal) {
	if w.server == nil {
		return
	}
	if err := w.server.Process.Signal(sig); err != nil && !errors.Is(err, os.ErrProcessDone) {
		w.t.Error(err)
	}
	done := make(chan error, 1)
	go func() { done <- w.server.Wait() }()
	select {
	case <-done:
	case <-time.After(patience):
		w.t.Errorf("the daemon did not end:\n%s", w.output)
		_ = w.server.Process.Kill()
	}
	w.server = nil
}

// Output is what the daemon has printed.
func (w *World) Output() string { return w.output.String() }

// PID is the daemon's process id.
func (w *World) PID() int { return w.server.Process.Pid }

// Result is how a command went.
type Result struct {
	Status int
	Stdout string
	Stderr string
}

// JSON decodes standard output into v.
func (r Result) JSON(t testing.TB, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.Stdout), v); err != nil {
		t.Fatalf("not one JSON document: %v\n%s\n%s", err, r.Stdout, r.Stderr)
	}
}

// Run runs a command of the binary on the world's home.
func (w *World) Run(args ...string) Result {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), cmp.Or(w.Limit, slow))
	defer cancel()
	cmd := w.command(ctx, append(args, "--home", w.Home)...)
	cmd.Stdin = strings.NewReader(w.input)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		w.t.Fatalf("%v: %v", args, err)
	}
	return Result{cmd.ProcessState.ExitCode(), stdout.String(), stderr.String()}
}

// Do is Run for a command that has to succeed.
func (w *World) Do(args ...string) Result {
	w.t.Helper()
	r := w.Run(args...)
	if r.Status != 0 {
		w.t.Fatalf("%s: status %d\n%s%s", strings.Join(args, " "), r.Status, r.Stdout, r.Stderr)
	}
	return r
}

// Read returns a file of the home.
func (w *World) Read(path string) string {
	w.t.Helper()
	text, err := os.ReadFile(filepath.Join(w.Home, path))
	if err != nil {
		w.t.Fatal(err)
	}
	return string(text)
}

// Installed is what the binary says of an app.
type Installed struct {
	Slug        string
	OK          bool
	Diagnostics []struct {
		File string
		Line int
	}
}

// App asks the binary about one of the apps, and whether it is there.
func (w *World) App(slug string) (Installed, bool) {
	w.t.Helper()
	var all []Installed
	w.Do("apps", "--json").JSON(w.t, &all)
	i := slices.IndexFunc(all, func(a Installed) bool { return a.Slug == slug })
	if i < 0 {
		return Installed{}, false
	}
	return all[i], true
}

// Rows asks the sqlite3 command for rows of an app's database.
func (w *World) Rows(app, query string) string {
	w.t.Helper()
	file := filepath.Join(w.Home, "data", app, app+".sqlite")
	out, err := exec.Command("sqlite3", "-readonly", file, query).CombinedOutput()
	if err != nil {
		w.t.Fatalf("sqlite3 %s: %v\n%s", query, err, out)
	}
	return strings.TrimSpace(string(out))
}

// Eventually waits for ok, up to within.
func Eventually(t testing.TB, within time.Duration, what string, ok func() bool) {
	t.Helper()
	for began := time.Now(); !ok(); time.Sleep(pause(began)) {
		if time.Since(began) > within {
			t.Fatalf("not within %s: %s", within, what)
		}
	}
}

// pause is how long to wait before the next look at what has been waited for since
// began: looking costs a command or a page's layout, and keeps busy what is waited for.
func pause(began time.Time) time.Duration {
	return min(max(20*time.Millisecond, time.Since(began)/10), 500*time.Millisecond)
}

// lockedBuffer is a bytes.Buffer for several goroutines.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// sqlite runs a statement on a database file with the sqlite3 command.
func sqlite(t testing.TB, file, statement string) string {
	t.Helper()
	out, err := exec.Command("sqlite3", file, statement).CombinedOutput()
	if err != nil {
		t.Fatalf("sqlite3: %v\n%s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// mountSmall mounts an empty file system of the given size at dir.
func mountSmall(t testing.TB, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size="+size, "tmpfs", dir).CombinedOutput(); err != nil {
		t.Skipf("cannot mount here: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount: %v %s", err, out)
		}
	})
}

// fill writes file until no space is left.
func fill(t testing.TB, file string) {
	t.Helper()
	f, err := os.Create(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for block := make([]byte, 64<<10); len(block) > 0; block = block[:len(block)/2] {
		for {
			if _, err := f.Write(block); err != nil {
				break
			}
		}
	}
}
