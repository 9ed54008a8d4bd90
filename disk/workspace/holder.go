package workspace

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
)

// patience is how long the holder may take for one mount.
const patience = 30 * time.Second

// holder is this program's end of the process that owns the mounts. If it has
// died, the next mount starts another: folders from before lose their mount, but
// not their changes.
type holder struct {
	program string
	dir     string
	user    bool
	nsenter string

	mu   sync.Mutex
	pid  int // 0 if there is none
	conn net.Conn
	in   *json.Decoder
	done chan struct{} // closed when it has ended
}

// start makes a new process in its own namespaces. The caller holds h.mu.
func (h *holder) start() error {
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return err
	}
	ours, theirs := os.NewFile(uintptr(pair[0]), "holder"), os.NewFile(uintptr(pair[1]), "holder")
	defer theirs.Close()
	defer ours.Close() // FileConn makes its own
	conn, err := net.FileConn(ours)
	if err != nil {
		return err
	}
	cmd := &exec.Cmd{Path: h.program, Args: []string{HolderName, h.dir}, Env: []string{}, Dir: "/", ExtraFiles: []*os.File{theirs}}
	// A group of its own: Ctrl-C is for this program, which ends the holder last.
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS, Setpgid: true}
	if h.user {
		cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Geteuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getegid(), Size: 1}}
	}
	if err := cmd.Start(); err != nil {
		return errors.Join(err, conn.Close())
	}
	h.pid, h.conn, h.in, h.done = cmd.Process.Pid, conn, json.NewDecoder(conn), make(chan struct{})
	done := h.done
	go func() {
		defer close(done)
		_ = cmd.Wait() // however it ended: the next request finds out
	}()
	return nil
}

// ask sends one request, to a new process if there is none.
func (h *holder) ask(q request) (pid int, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.pid == 0 {
		if len(q.Lower) == 0 {
			return 0, nil // its mounts have gone with it
		}
		if err := h.start(); err != nil {
			return 0, fmt.Errorf("start the holder of mounts: %w", err)
		}
	}
	var a reply
	err = h.conn.SetDeadline(time.Now().Add(patience))
	if err == nil {
		err = json.NewEncoder(h.conn).Encode(q)
	}
	if err == nil {
		err = h.in.Decode(&a)
	}
	if err != nil {
		return 0, errors.Join(fmt.Errorf("the holder of mounts does not answer: %w", err), h.closeLocked())
	}
	if a.Error != "" {
		return 0, errors.New(a.Error)
	}
	return h.pid, nil
}

// mount makes ws/id/home an overlay over layers, the uppermost first, and returns
// where this program and commands find it. One more try if the holder has died.
func (h *holder) mount(id string, lower []string) (dir string, place Place, err error) {
	q := request{ID: id, Lower: lower, User: h.user}
	pid, err := h.ask(q)
	if err != nil && !h.alive() {
		pid, err = h.ask(q)
	}
	if err != nil {
		return "", Place{}, fmt.Errorf("mount overlay: %w", err)
	}
	place.Dir = filepath.Join(h.dir, "ws", id, "home")
	place.Enter = []string{h.nsenter, "-t", strconv.Itoa(pid), "-m"}
	if h.user {
		place.Enter = append(place.Enter, "-U", "--preserve-credentials")
	}
	place.Enter = append(place.Enter, "--")
	return "/proc/" + strconv.Itoa(pid) + "/root" + place.Dir, place, nil
}

func (h *holder) unmount(id string) error {
	_, err := h.ask(request{ID: id})
	if err != nil && !h.alive() {
		return nil
	}
	return err
}

func (h *holder) alive() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.pid != 0
}

func (h *holder) close() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.closeLocked()
}

// closeLocked ends the process, and with it its mounts.
func (h *holder) closeLocked() error {
	if h.pid == 0 {
		return nil
	}
	err := h.conn.Close()
	select {
	case <-h.done:
	case <-time.After(patience):
		err = errors.Join(err, unix.Kill(h.pid, unix.SIGKILL))
	}
	h.pid = 0
	return err
}

// beginOverlay mounts a folder over the current stack.
func (s *Store) beginOverlay(ctx context.Context, tree git.Hash) (*Folder, error) {
	st, err := s.stackOf(ctx, tree)
	if err != nil {
		return nil, err
	}
	f, err := s.newFolder(tree)
	f.stack = st
	if err == nil {
		var lower []string
		for _, p := range st.parts() {
			lower = append([]string{p.path[len(s.o.Dir)+1:]}, lower...)
		}
		err = f.mount(lower)
	}
	if err != nil {
		return nil, errors.Join(err, f.Drop())
	}
	return f, nil
}

func (f *Folder) mount(lower []string) error {
	for _, sub := range []string{"upper", "work", "home"} {
		if err := os.Mkdir(filepath.Join(f.top, sub), 0o755); err != nil {
			return err
		}
	}
	dir, place, err := f.s.holder.mount(f.id, lower)
	if err == nil {
		f.dir, f.place = dir, place
	}
	return err
}
