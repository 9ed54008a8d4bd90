package disk

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

const gitConfig = `[core]
	repositoryformatversion = 0
	filemode = true
	bare = false
	logallrefupdates = false
[gc]
	auto = 0
[maintenance]
	auto = false
`

const ballastSize = 2 << 20

// store returns a path in the store.
func (d *Disk) store(elem ...string) string {
	return filepath.Join(append([]string{d.dir}, elem...)...)
}

// openStore makes the folders, takes the lock and opens repository and journal.
func (d *Disk) openStore(ctx context.Context) error {
	if st, err := os.Stat(d.root); err == nil && !st.IsDir() {
		return &sys.Error{Op: "open home", Path: d.root, Kind: sys.Invalid, Err: errors.New("it is not a folder"), Hint: "name a folder with --home; it is created if it does not exist"}
	}
	for _, sub := range []string{"run", "stage", "displaced", "quarantine"} {
		if err := os.MkdirAll(d.store(sub), 0o700); err != nil {
			return err
		}
	}
	if err := d.takeLock(); err != nil {
		return err
	}
	var err error
	if d.rootFD, err = os.Open(d.root); err != nil {
		return err
	}
	if d.stageFD, err = os.Open(d.store("stage")); err != nil {
		return err
	}
	if err := d.openApplied(); err != nil {
		return err
	}
	d.repo = git.Open(d.store("repo.git"))
	if err := d.repo.Init(gitConfig); err != nil {
		return err
	}
	if err := d.pointers(); err != nil {
		return err
	}
	if d.j, err = journal.Open(ctx, d.store("kernel.db")); err != nil {
		return err
	}
	if err := d.j.Migrate(ctx, "disk", migrations...); err != nil {
		return err
	}
	if err := d.j.Migrate(ctx, "disk upkeep", upkeepMigrations...); err != nil {
		return err
	}
	if err := d.openData(ctx); err != nil {
		return err
	}
	return d.ballast()
}

// pointers writes the .git file that lets plain git find the history, unless the
// owner has a repository of their own there, and one in the store that keeps
// git commands in a workspace from finding the home's.
func (d *Disk) pointers() error {
	for _, p := range [][2]string{
		{filepath.Join(d.root, ".git"), "gitdir: " + sys.Store + "/repo.git\n"},
		{d.store(".git"), "gitdir: none\n"},
	} {
		// An empty one is what a power cut has left of ours.
		if st, err := os.Lstat(p[0]); err == nil && (!st.Mode().IsRegular() || st.Size() > 0) {
			continue
		}
		if err := os.WriteFile(p[0], []byte(p[1]), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// takeLock makes this process the home's only writer.
func (d *Disk) takeLock() error {
	f, err := os.OpenFile(d.store("lock"), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	// A process that died as it started a program may be survived by its copy for
	// some milliseconds, which holds the lock as well.
	for end := time.Now().Add(5 * time.Second); errors.Is(err, unix.EWOULDBLOCK) && holderDied(f) && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
		err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	}
	if errors.Is(err, unix.EWOULDBLOCK) {
		who, readErr := io.ReadAll(io.LimitReader(f, 32))
		pid := strings.TrimSpace(string(who))
		if readErr != nil || pid == "" {
			pid = "unknown"
		}
		return errors.Join(&sys.Error{
			Op: "open home", Path: d.root, Kind: sys.Held, Err: fmt.Errorf("process %s has it open", pid),
			Hint: "use that one, stop it (kill " + pid + "), or choose another folder with --home",
		}, f.Close())
	}
	if err != nil {
		return errors.Join(err, f.Close())
	}
	d.lock = f
	if err := f.Truncate(0); err != nil {
		return err
	}
	_, err = f.WriteAt(fmt.Appendf(nil, "%d\n", os.Getpid()), 0)
	return err
}

// holderDied reports whether the process that a lock file names is gone.
func holderDied(lock *os.File) bool {
	who := make([]byte, 32)
	n, err := lock.ReadAt(who, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(who[:n])))
	return err == nil && pid > 0 && errors.Is(unix.Kill(pid, 0), unix.ESRCH)
}

// release closes what is open; the lock goes last.
func (d *Disk) release() error {
	var err error
	if d.j != nil {
		err = d.j.Close()
	}
	if d.data.chunks != nil {
		err = errors.Join(err, d.data.chunks.Close())
	}
	for _, f := range []*os.File{d.appliedFD, d.stageFD, d.rootFD, d.lock} {
		if f != nil {
			err = errors.Join(err, f.Close())
		}
	}
	return err
}

// ballast keeps some space that is given up when the disk is full, so that what
// was decided can always be finished. Where there is no room for it, it waits.
func (d *Disk) ballast() error {
	p := d.store("ballast")
	if st, err := os.Stat(p); err == nil && st.Size() == ballastSize {
		return nil
	}
	f, err := os.OpenFile(p, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	err = unix.Fallocate(int(f.Fd()), 0, 0, ballastSize)
	if errors.Is(err, unix.EOPNOTSUPP) {
		_, err = f.WriteAt(make([]byte, ballastSize), 0)
	}
	err = errors.Join(err, f.Close())
	if isFull(err) {
		d.log.Warn("the disk is full: no reserve could be set aside", "home", d.root)
		return os.Remove(p)
	}
	return err
}

// dropBallast makes room; it reports whether there was any to make.
func (d *Disk) dropBallast() bool { return os.Remove(d.store("ballast")) == nil }

// bootID changes when the machine starts anew; only then can a write that this
// program saw succeed be missing.
func bootID() string {
	b, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return "" // unknown counts as a new boot, every time
	}
	return strings.TrimSpace(string(b))
}

func isFull(err error) bool {
	return errors.Is(err, unix.ENOSPC) || errors.Is(err, unix.EDQUOT) || sys.KindOf(err) == sys.NoSpace
}

// explain gives err an operation, a kind and a way out, unless it has them.
func explain(op, path string, err error) error {
	var done *sys.Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	e := &sys.Error{Op: op, Path: path, Kind: sys.KindOf(err), Err: err}
	switch {
	case isFull(err):
		e.Kind, e.Hint = sys.NoSpace, "make room on this disk and try again; nothing was lost"
	case isDevice(err) && !errors.Is(err, unix.EROFS):
		e.Kind, e.Hint = sys.Unavailable, "the drive that holds this folder fails: check it and its cable, and make a backup elsewhere"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, unix.EROFS):
		e.Kind, e.Hint = sys.Unavailable, "check that you own this folder and may write in it"
	case errors.Is(err, unix.ENOTDIR):
		e.Kind, e.Hint = sys.Invalid, "a file stands where a folder is needed"
	case errors.Is(err, git.ErrCorrupt):
		e.Hint = "the history is damaged at this object; `git fsck` in the home lists what is affected, a backup restores it"
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind = sys.Canceled
	}
	return e
}
