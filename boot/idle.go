package boot

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

const (
	idleLook  = 20 * time.Second
	idleShare = 50              // a process that used less than one in so many parts of the time is idle
	idleAgain = 5 * time.Minute // of rest, in which little things add up
)

// giveBackWhenIdle returns memory to the system when this process has come to rest, and
// now and then while it rests: what its heap holds free, and the pages of the program that
// only its start or its last work has touched. These come back when they are needed, from
// the system's own copy of the file. It ends with ctx.
func giveBackWhenIdle(ctx context.Context) {
	tick := time.NewTicker(idleLook)
	defer tick.Stop()
	var given time.Time // in this rest
	for last := cpuTime(); ; {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now := cpuTime()
		switch idle := (now-last)*idleShare < idleLook; {
		case !idle:
			given = time.Time{}
		case time.Since(given) > idleAgain:
			debug.FreeOSMemory()
			if err := unmapProgram(); err != nil {
				slog.DebugContext(ctx, "pages of the program stay", "error", err)
			}
			given, now = time.Now(), cpuTime()
		}
		last = now
	}
}

// cpuTime is what this process has used of processors so far.
func cpuTime() time.Duration {
	var u unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &u); err != nil {
		return 0 // it cannot fail for oneself
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// unmapProgram lets go of the pages of the program's file that nobody can have written to.
func unmapProgram() (err error) {
	name, err := os.Executable()
	if err != nil {
		return err
	}
	f, err := os.Open("/proc/self/smaps")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	all, err := readOnlyParts(f, name)
	if err != nil {
		return err
	}
	for _, p := range all {
		if _, _, e := unix.Syscall(unix.SYS_MADVISE, p.from, p.to-p.from, unix.MADV_DONTNEED); e != 0 {
			return fmt.Errorf("unmap %x: %w", p.from, e)
		}
	}
	return nil
}

// part is a range of addresses.
type part struct{ from, to uintptr }

// readOnlyParts are the mappings of a file, in the form of /proc/PID/smaps, that cannot be
// written to and of which no page was: what a process has of them is what the file has.
func readOnlyParts(smaps io.Reader, file string) (out []part, err error) {
	var at part
	of := false
	s := bufio.NewScanner(smaps)
	for s.Scan() {
		f := strings.Fields(s.Text())
		switch {
		case len(f) >= 5 && strings.Contains(f[0], "-") && !strings.HasSuffix(f[0], ":"):
			of = len(f) == 6 && f[5] == file && f[1][0] == 'r' && f[1][1] == '-'
			from, to, _ := strings.Cut(f[0], "-")
			a, e1 := strconv.ParseUint(from, 16, 64)
			b, e2 := strconv.ParseUint(to, 16, 64)
			if err := errors.Join(e1, e2); err != nil {
				return nil, err
			}
			at = part{uintptr(a), uintptr(b)}
		case of && len(f) >= 2 && f[0] == "Anonymous:" && f[1] == "0":
			out = append(out, at)
		}
	}
	return out, s.Err()
}
