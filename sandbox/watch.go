package sandbox

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/sys"
)

// Limit names what ended a command that went too far.
type Limit string

// The limits that end a command.
const (
	ByTime      Limit = "time"
	ByProcesses Limit = "processes"
	ByMemory    Limit = "memory"
	ByOutput    Limit = "output"
)

// exceeded is the cause with which a command's context ends.
type exceeded Limit

func (e exceeded) Error() string { return "more " + string(e) + " than it may use" }

// lookEvery is the time between two looks at what a command uses.
const lookEvery = 20 * time.Millisecond

// deniedMost is how many looks in a row may be denied before it is clear that the
// machine does not allow them.
const deniedMost = 50

// watch looks at all that runs in a command's pid namespace, and ends it at a
// limit. The limits of the kernel's own are for each process, and do not count the
// processes of root at all; a watch from outside counts everybody's, needs no
// privilege, and cannot be stopped from inside.
type watch struct {
	procs  int
	memory int64
	end    context.CancelCauseFunc
	every  time.Duration // 0 means lookEvery

	pidfd int // of the first process of the namespace; -1 before it is known
}

// run watches from when the command line's child is known, which info says, until
// ctx ends.
func (w *watch) run(ctx context.Context, info io.Reader) {
	var child struct {
		PID int `json:"child-pid"`
	}
	if json.NewDecoder(info).Decode(&child) != nil || child.PID <= 0 {
		return // it never came up, which is told elsewhere
	}
	fd, err := unix.PidfdOpen(child.PID, 0)
	if err != nil {
		return // it is gone
	}
	w.pidfd = fd
	root := filepath.Join("/proc", strconv.Itoa(child.PID), "root")
	tick := time.NewTicker(cmp.Or(w.every, lookEvery))
	defer tick.Stop()
	inside, denied := false, 0
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if !inside {
			switch err := entered(child.PID, root); {
			case errors.Is(err, fs.ErrPermission) && denied < deniedMost:
				denied++ // as it also is while the process ends
				continue
			case errors.Is(err, fs.ErrPermission):
				w.end(&sys.Error{Op: "watch the command", Kind: sys.Unavailable, Err: err, Hint: "without it nothing counts its processes; run Matrix OS as an account that may look into /proc"})
				return
			case err != nil:
				continue // it is not set up yet, or gone
			}
			inside = true
		}
		if over := w.look(root); over != "" {
			w.end(exceeded(over))
			return
		}
	}
}

// entered returns nil if the /proc below root is the one of the namespace of pid;
// before it is mounted, it would be the machine's.
func entered(pid int, root string) error {
	outside, err := os.Stat(filepath.Join("/proc", strconv.Itoa(pid), "ns/pid"))
	if err != nil {
		return err
	}
	inside, err := os.Stat(filepath.Join(root, "proc/1/ns/pid"))
	if err != nil {
		return err
	}
	if !os.SameFile(outside, inside) {
		return errors.New("not yet")
	}
	return nil
}

// look compares what is used now with the limits.
func (w *watch) look(root string) Limit {
	names, err := readNames(filepath.Join(root, "proc"))
	if err != nil {
		return "" // it has ended
	}
	procs := slices.DeleteFunc(names, func(n string) bool { return n[0] < '0' || n[0] > '9' })
	if len(procs) > w.procs { // at once: what multiplies is thousands a moment later
		return ByProcesses
	}
	memory := onMemory(filepath.Join(root, "tmp")) + onMemory(filepath.Join(root, "dev"))
	for _, n := range procs {
		memory += private(filepath.Join(root, "proc", n, "statm"))
	}
	if memory > w.memory {
		return ByMemory
	}
	return ""
}

func readNames(dir string) ([]string, error) {
	d, err := os.Open(dir)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	return d.Readdirnames(-1)
}

// private is the memory that a process has for itself, in bytes.
func private(statm string) int64 {
	text, err := os.ReadFile(statm)
	if err != nil {
		return 0 // it has ended
	}
	f := strings.Fields(string(text))
	if len(f) < 3 {
		return 0
	}
	resident, e1 := strconv.ParseInt(f[1], 10, 64)
	shared, e2 := strconv.ParseInt(f[2], 10, 64)
	if e1 != nil || e2 != nil {
		return 0
	}
	return max(0, resident-shared) * int64(os.Getpagesize())
}

// onMemory is what the files of a file system in memory take.
func onMemory(dir string) int64 {
	var st unix.Statfs_t
	if unix.Statfs(dir, &st) != nil || st.Type != unix.TMPFS_MAGIC {
		return 0
	}
	return int64(st.Blocks-st.Bfree) * st.Bsize
}

// gone waits until nothing of the namespace is left: its first process ends only
// when all others have.
func (w *watch) gone() error {
	if w.pidfd < 0 {
		return nil
	}
	defer unix.Close(w.pidfd)
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); {
		_ = unix.PidfdSendSignal(w.pidfd, syscall.SIGKILL, nil, 0) // fails if it has ended
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(w.pidfd), Events: unix.POLLIN}}, 1000)
		if err != nil && !errors.Is(err, unix.EINTR) {
			return err
		}
		if n > 0 {
			return nil
		}
	}
	return fmt.Errorf("what it started does not end")
}
