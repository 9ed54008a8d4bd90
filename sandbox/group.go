package sandbox

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"time"
)

// groups is a folder of cgroup v2 in which this program may make a group for each
// command: the nearest one above it that hands on the controllers of processes and
// memory. Empty means that there is none, and the watch stands alone. Groups are
// the wall behind the watch: what grows too fast for it, or hides memory from it,
// ends there.
type groups string

// findGroups looks where the process of a folder in /proc is.
func findGroups(self string) groups {
	mount, err := mountOf(filepath.Join(self, "mountinfo"))
	if err != nil {
		return ""
	}
	text, err := os.ReadFile(filepath.Join(self, "cgroup"))
	if err != nil {
		return ""
	}
	for line := range strings.Lines(string(text)) {
		at, ok := strings.CutPrefix(strings.TrimSpace(line), "0::/")
		if !ok {
			continue
		}
		for dir := filepath.Join(mount, at); ; dir = filepath.Dir(dir) {
			if g := groups(dir); g.lends() {
				return g
			}
			if dir == mount || len(dir) < len(mount) {
				return ""
			}
		}
	}
	return ""
}

// mountOf is where cgroup v2 is mounted.
func mountOf(mountinfo string) (string, error) {
	f, err := os.Open(mountinfo)
	if err != nil {
		return "", err
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		before, after, ok := strings.Cut(lines.Text(), " - ")
		if fields := strings.Fields(before); ok && strings.HasPrefix(after, "cgroup2 ") && len(fields) > 4 {
			return fields[4], nil
		}
	}
	return "", errors.Join(lines.Err(), fs.ErrNotExist)
}

// lends reports whether a group can be made there that has the controllers.
func (g groups) lends() bool {
	text, err := os.ReadFile(filepath.Join(string(g), "cgroup.subtree_control"))
	if have := strings.Fields(string(text)); err != nil || !slices.Contains(have, "pids") || !slices.Contains(have, "memory") {
		return false
	}
	probe, err := g.folder()
	return err == nil && os.Remove(probe) == nil
}

var made atomic.Int64 // so that names differ

func (g groups) folder() (string, error) {
	name := filepath.Join(string(g), fmt.Sprintf("matrixos-%d-%d", os.Getpid(), made.Add(1)))
	return name, os.Mkdir(name, 0o755)
}

// group is the group of one command; nil is none.
type group struct {
	path string
	dir  *os.File
}

// make makes a group with the limits of a command. Where that fails the command
// does without.
func (g groups) make(c Command) *group {
	if g == "" {
		return nil
	}
	path, err := g.folder()
	if err != nil {
		return nil
	}
	err = errors.Join(
		set(path, "pids.max", int64(wall*c.Procs)), set(path, "memory.max", wall*c.Memory),
		set(path, "memory.oom.group", 1), set(path, "cpu.weight", 50),
	)
	dir, e := os.Open(path)
	if err = errors.Join(err, e); err != nil {
		_ = os.Remove(path)
		return nil
	}
	return &group{path, dir}
}

// set writes a limit, if the group has it.
func set(path, file string, value int64) error {
	err := os.WriteFile(filepath.Join(path, file), []byte(strconv.FormatInt(value, 10)), 0)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return nil // its controller is not handed on
	}
	return err
}

// into makes a command start in the group.
func (g *group) into(a *syscall.SysProcAttr) {
	if g != nil {
		a.UseCgroupFD, a.CgroupFD = true, int(g.dir.Fd())
	}
}

// remove takes the group away, once its processes have ended.
func (g *group) remove() error {
	if g == nil {
		return nil
	}
	_ = g.dir.Close()
	var err error
	for range 100 { // an ended process may be in it for a moment
		if err = os.Remove(g.path); !errors.Is(err, syscall.EBUSY) {
			return err
		}
		time.Sleep(10 * time.Millisecond)
	}
	return err
}
