// Package sandbox runs a command confined: it sees read-only system paths, one
// folder mounted at a path of the caller's choice, and a private /tmp; it has
// no network but a proxy of the caller's, if any, no other processes, and limits on memory, time, output and
// process count. It does not judge command lines. Where the machine offers no
// confinement, Run refuses: it never falls back to running unconfined.
//
// Confinement is by bubblewrap (user, mount, pid, net, ipc and uts namespaces).
// A watch from outside counts the processes and the memory of all that a command
// has started, and ends the whole of it at a limit (watch.go); resource limits of
// each process stand beside it, and a cgroup where the machine lends one (group.go).
package sandbox

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/sys"
)

// Command is what to run and what it may use.
type Command struct {
	Script string        // for bash -c
	Argv   []string      // a program and its arguments, instead of Script
	Folder string        // the real folder it works in
	Enter  []string      // a command line that runs another where Folder is; empty if that is here
	Mount  string        // where it sees that folder; an absolute path
	Limit  time.Duration // wall time; 0 means two minutes
	Output int           // bytes of output kept; 0 means 1 MiB
	Memory int64         // bytes of address space per process, and of memory in all; 0 means 4 GiB
	Space  int64         // bytes of address space per process, for runtimes that reserve a lot of it; 0 means as Memory
	Procs  int           // processes at once; 0 means 256
	// Network, if not nil, is what it can reach; this program must begin with Help.
	Network *Network
	Binds   []Bind            // what it sees beside its folder
	Env     map[string]string // beside PATH, HOME and the like, which may be set anew
}

// Bind is a file or a folder that a command sees.
type Bind struct {
	Path  string // absolute
	At    string // where it sees it; empty: at the same path
	Write bool
}

// Outcome is how it went. A non-zero Status is not an error of Run.
type Outcome struct {
	Status    int
	Output    []byte // standard output and error, in the order they came
	Truncated bool
	Over      Limit // what ended it, if it used too much
}

// Sandbox confines commands with the bubblewrap found at Path.
type Sandbox struct {
	Path   string
	groups groups
}

// String says which confinement is in force.
func (s *Sandbox) String() string {
	text := "bubblewrap; processes and memory are counted"
	if s.groups != "" {
		text += ", with a cgroup behind"
	}
	return text
}

// Find looks for bubblewrap and proves that it works here by running true in
// it. The error is *sys.Error of kind Unavailable and says how to get it.
func Find(ctx context.Context) (*Sandbox, error) {
	unavailable := func(err error) error {
		return &sys.Error{
			Op: "confine commands", Kind: sys.Unavailable, Err: err,
			Hint: "install bubblewrap (Debian: apt-get install bubblewrap) and allow user namespaces; until then commands are refused",
		}
	}
	path, err := exec.LookPath("bwrap")
	if err != nil {
		return nil, unavailable(err)
	}
	s := &Sandbox{Path: path, groups: findGroups("/proc/self")}
	dir, err := os.MkdirTemp("", "matrixos-probe-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	out, err := s.Run(ctx, Command{Script: "true", Folder: dir, Mount: "/home/probe", Limit: 10 * time.Second})
	if err == nil && out.Status != 0 {
		err = fmt.Errorf("bwrap: %s", bytes.TrimSpace(out.Output))
	}
	if err != nil {
		return nil, unavailable(err)
	}
	return s, nil
}

// Run runs c and waits for it. When ctx ends or the limit passes, everything
// that c started is killed before Run returns.
func (s *Sandbox) Run(ctx context.Context, c Command) (Outcome, error) {
	c = c.withDefaults()
	bounded, stop := context.WithTimeoutCause(ctx, c.Limit, exceeded(ByTime))
	defer stop()
	bounded, end := context.WithCancelCause(bounded)
	defer end(nil)

	out := &tail{limit: c.Output, most: max(floodFactor*int64(c.Output), floodLeast), flood: func() { end(exceeded(ByOutput)) }}
	err := s.run(bounded, c, out, &watch{procs: c.Procs, memory: c.Memory, end: end, pidfd: -1})

	res := Outcome{Output: out.bytes(), Truncated: out.dropped()}
	var exit *exec.ExitError
	var over exceeded
	var refused *sys.Error
	switch cause := context.Cause(bounded); {
	case ctx.Err() != nil:
		return res, &sys.Error{Op: "run", Kind: sys.Canceled, Err: ctx.Err()}
	case errors.As(cause, &over):
		res.Over, res.Status = Limit(over), 124
		return res, nil
	case errors.As(cause, &refused):
		return res, refused
	case err == nil:
		return res, nil
	case errors.As(err, &exit):
		res.Status = exit.ExitCode()
		if res.Status < 0 {
			res.Status = 128 + int(exit.Sys().(syscall.WaitStatus).Signal())
		}
		return res, nil
	}
	return res, &sys.Error{Op: "run in the sandbox", Kind: sys.Unavailable, Err: err}
}

// A command that writes this much more than is kept of it writes without end.
const (
	floodFactor = 16
	floodLeast  = 16 << 20
)

func (c Command) withDefaults() Command {
	if c.Limit <= 0 {
		c.Limit = 2 * time.Minute
	}
	if c.Output <= 0 {
		c.Output = 1 << 20
	}
	if c.Memory <= 0 {
		c.Memory = 4 << 30
	}
	if c.Procs <= 0 {
		c.Procs = 256
	}
	return c
}

// run starts the command and waits until nothing of it is left.
func (s *Sandbox) run(ctx context.Context, c Command, out io.Writer, w *watch) (err error) {
	info, theirs, err := os.Pipe()
	if err != nil {
		return err
	}
	defer info.Close()
	defer theirs.Close()
	given := []*os.File{theirs}
	var g *gate
	if c.Network != nil {
		if g, err = newGate(); err != nil {
			return err
		}
		defer g.close()
		given = append(slices.Clone(g.theirs), theirs)
	}
	line := slices.Concat(c.Enter, []string{s.Path, "--info-fd", strconv.Itoa(2 + len(given))}, s.args(c))
	cmd := exec.CommandContext(ctx, line[0], line[1:]...)
	cmd.Env = []string{}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.ExtraFiles = given
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	group := s.groups.make(c)
	defer func() { err = errors.Join(err, group.remove()) }()
	group.into(cmd.SysProcAttr)
	// bwrap's init dies with it (--die-with-parent), and with init every process
	// of the namespace.
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 2 * time.Second
	if err := cmd.Start(); err != nil {
		return err
	}
	_ = theirs.Close()
	if g != nil {
		g.serve(c.Network)
	}
	_ = unix.Setpriority(unix.PRIO_PGRP, cmd.Process.Pid, niceness) // a courtesy to whoever works beside it
	looking, done := context.WithCancel(ctx)
	defer done()
	var watching sync.WaitGroup
	watching.Go(func() { w.run(looking, info) })
	err = cmd.Wait()
	done()
	watching.Wait()
	return errors.Join(err, w.gone())
}

// wall is how far beyond a limit of the watch the limits of the kernel's own stand:
// it is to see, and say, what went too far before they only get in the way.
const wall = 2

// hostname is what a confined machine is called.
const hostname = "matrixos"

// niceness lets the owner's own programs, and this one, go first.
const niceness = 5

func (s *Sandbox) args(c Command) []string {
	args := []string{
		"--unshare-all", "--unshare-user", "--uid", "1000", "--gid", "1000", "--cap-drop", "ALL", "--die-with-parent", "--new-session", "--clearenv",
		"--hostname", hostname,
		"--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp",
	}
	for _, p := range []string{"/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64"} {
		args = append(args, "--ro-bind-try", p, p)
	}
	for _, p := range []string{"/etc/alternatives", "/etc/ld.so.cache", "/etc/passwd", "/etc/group", "/etc/ssl/certs", "/etc/localtime"} {
		args = append(args, "--ro-bind-try", p, p)
	}
	// Files of the kernel that the account outside may write to, such as the name of
	// the program that gets every core dump: for root, bubblewrap leaves them open.
	for _, p := range []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/mtrr", "/proc/pressure"} {
		args = append(args, "--ro-bind-try", p, p)
	}
	env := map[string]string{"PATH": "/usr/local/bin:/usr/bin:/bin", "HOME": c.Mount, "LANG": "C.UTF-8", "TERM": "dumb", "TMPDIR": "/tmp"}
	maps.Copy(env, c.Env)
	for k, v := range env {
		args = append(args, "--setenv", k, v)
	}
	limits := "ulimit -v " + strconv.FormatInt(max(c.Space, c.Memory)/1024, 10) + " -u " + strconv.Itoa(wall*c.Procs) + " -f 2097152 -c 0 2>/dev/null; "
	for _, b := range c.Binds {
		how := "--ro-bind"
		if b.Write {
			how = "--bind"
		}
		args = append(args, how, b.Path, cmp.Or(b.At, b.Path))
	}
	args = append(args, "--bind", c.Folder, c.Mount, "--chdir", c.Mount)
	if c.Network != nil {
		options, program := c.Network.args()
		args = slices.Concat(args, options, program)
	}
	if len(c.Argv) > 0 {
		return append(append(args, "/bin/bash", "-c", limits+`exec "$@"`, "bash"), c.Argv...)
	}
	return append(args,
		"/bin/bash", "-c", limits+`exec /bin/bash -c "$1"`, "bash", c.Script)
}

// tail keeps the first and the last half of what is written to it, so that a
// flood of output costs bounded memory and both ends stay readable.
type tail struct {
	limit int
	most  int64 // bytes, after which flood is called
	flood func()

	mu         sync.Mutex
	head, rest []byte
	lost       int
	all        int64
}

func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := len(p)
	if t.all += int64(n); t.all > t.most {
		t.flood()
	}
	if room := t.limit/2 - len(t.head); room > 0 {
		k := min(room, len(p))
		t.head = append(t.head, p[:k]...)
		p = p[k:]
	}
	t.rest = append(t.rest, p...)
	if over := len(t.rest) - t.limit/2; over > t.limit/2 {
		t.lost += over
		t.rest = append(t.rest[:0], t.rest[over:]...)
	}
	return n, nil
}

func (t *tail) dropped() bool { return t.lost > 0 || len(t.head)+len(t.rest) > t.limit }

func (t *tail) bytes() []byte {
	rest, lost := t.rest, t.lost
	if over := len(rest) - t.limit/2; over > 0 {
		rest, lost = rest[over:], lost+over
	}
	if lost == 0 {
		return append(t.head, rest...)
	}
	return fmt.Appendf(t.head, "\n… %d bytes left out …\n%s", lost, rest)
}
