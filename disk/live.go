package disk

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
	"matrixos/sys"
)

// largest is the size up to which a file is versioned.
const largest = 64 << 20

// racy is how long after its last change a file's times say nothing: another
// write in the same tick of the clock would not show.
const racy = 25 * time.Millisecond

// stat identifies a state of a file without reading it.
type stat struct {
	ino          uint64
	size         int64
	mtime, ctime int64
	mode         uint32
}

func statOf(st *unix.Stat_t) stat {
	return stat{st.Ino, st.Size, st.Mtim.Nano(), st.Ctim.Nano(), st.Mode}
}

// known is a file's content as of some state.
type known struct {
	stat
	node git.Node
	seen int64 // when it was looked at
}

// holds reports whether a file in state s certainly still has the content.
func (k known) holds(s stat) bool {
	return k.stat == s && k.seen-max(s.mtime, s.ctime) > int64(racy)
}

// folder is an open directory under some root, reached without following links.
type folder struct{ fd int }

func (f folder) close() {
	if err := unix.Close(f.fd); err != nil {
		panic("disk: " + err.Error()) // only a wrong descriptor fails
	}
}

// openFolder opens dir ("" is the root itself) below root, never leaving it and
// following no links. With create it makes what is missing.
func openFolder(root *os.File, dir string, create bool) (folder, error) {
	if dir == "" || dir == "." {
		dir = "."
	}
	how := unix.OpenHow{Flags: unix.O_PATH | unix.O_DIRECTORY | unix.O_CLOEXEC, Resolve: unix.RESOLVE_BENEATH | unix.RESOLVE_NO_SYMLINKS}
	for {
		fd, err := unix.Openat2(int(root.Fd()), dir, &how)
		switch {
		case err == nil:
			return folder{fd}, nil
		case errors.Is(err, unix.EINTR), errors.Is(err, unix.EAGAIN):
			continue
		case errors.Is(err, unix.ENOENT) && create && dir != ".":
			up, err := openFolder(root, path.Dir(dir), true)
			if err != nil {
				return folder{}, err
			}
			err = unix.Mkdirat(up.fd, path.Base(dir), 0o755)
			up.close()
			if err != nil && !errors.Is(err, unix.EEXIST) {
				return folder{}, fmt.Errorf("make folder %s: %w", dir, err)
			}
		default:
			return folder{}, fmt.Errorf("open folder %s: %w", dir, err)
		}
	}
}

// absent reports whether err says that a path has no file: nothing there, or a
// file or a link where a folder would have to be.
func absent(err error) bool {
	return errors.Is(err, unix.ENOENT) || errors.Is(err, unix.ENOTDIR) || errors.Is(err, unix.ELOOP)
}

func split(p string) (dir, base string) {
	dir, base = path.Split(p)
	return strings.TrimSuffix(dir, "/"), base
}

// look returns the state of what is at p below root; ok is false if nothing is.
func look(root *os.File, p string) (s stat, ok bool, err error) {
	dir, base := split(p)
	f, err := openFolder(root, dir, false)
	if absent(err) {
		return stat{}, false, nil
	}
	if err != nil {
		return stat{}, false, err
	}
	defer f.close()
	return f.look(base)
}

func (f folder) look(base string) (stat, bool, error) {
	var st unix.Stat_t
	err := unix.Fstatat(f.fd, base, &st, unix.AT_SYMLINK_NOFOLLOW)
	if absent(err) {
		return stat{}, false, nil
	}
	return statOf(&st), err == nil, err
}

func (s stat) kind() uint32 { return s.mode & unix.S_IFMT }

func (s stat) isDir() bool { return s.kind() == unix.S_IFDIR }

// versionable reports whether s is something that git can hold.
func (s stat) versionable() bool {
	return s.kind() == unix.S_IFREG && s.size <= largest || s.kind() == unix.S_IFLNK
}

// gitMode is the mode under which s is versioned.
func (s stat) gitMode() git.Mode {
	switch {
	case s.kind() == unix.S_IFLNK:
		return git.Symlink
	case s.mode&0o100 != 0:
		return git.Executable
	}
	return git.File
}

// sample is a file as it was read: its state, its content, and whether some
// program has it open for writing.
type sample struct {
	stat
	obj     git.Object
	writing bool
}

func (s sample) node() git.Node { return git.Node{Mode: s.gitMode(), Hash: s.obj.Hash} }

// read returns what is at p below root, consistently: if it changes while being
// read, it is read again. ok is false if there is nothing that can be versioned.
func read(root *os.File, p string) (s sample, ok bool, err error) {
	dir, base := split(p)
	f, err := openFolder(root, dir, false)
	if absent(err) {
		return sample{}, false, nil
	}
	if err != nil {
		return sample{}, false, err
	}
	defer f.close()
	for try := 0; ; try++ {
		before, ok, err := f.look(base)
		if err != nil || !ok || !before.versionable() {
			return sample{}, false, err
		}
		s, err := f.readOnce(base, before)
		if absent(err) {
			continue // it changed its kind or went this instant: look again
		}
		if err != nil {
			return sample{}, false, fmt.Errorf("read %s: %w", p, err)
		}
		after, ok, err := f.look(base)
		if err != nil {
			return sample{}, false, err
		}
		if ok && after == before || try == 20 { // somebody writes without a pause: take what there is
			return s, true, nil
		}
	}
}

func (f folder) readOnce(base string, st stat) (sample, error) {
	s := sample{stat: st}
	if st.kind() == unix.S_IFLNK {
		buf := make([]byte, unix.PathMax)
		n, err := unix.Readlinkat(f.fd, base, buf)
		if errors.Is(err, unix.EINVAL) {
			err = unix.ENOENT
		}
		if err != nil {
			return s, err
		}
		s.obj = git.NewObject(git.Blob, buf[:n])
		return s, nil
	}
	fd, err := unix.Openat(f.fd, base, unix.O_RDONLY|unix.O_NOFOLLOW|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
	if err != nil {
		return s, err
	}
	file := os.NewFile(uintptr(fd), base)
	defer func() { err = errors.Join(err, file.Close()) }()
	s.writing = hasWriter(fd)
	data := make([]byte, 0, st.size+1)
	for len(data) <= largest {
		n, err := file.Read(data[len(data):cap(data)])
		data = data[:len(data)+n]
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return s, err
		}
		if len(data) == cap(data) {
			data = append(data, 0)[:len(data)]
		}
	}
	s.obj = git.NewObject(git.Blob, data)
	return s, err
}

// hasWriter reports whether some process has the file open for writing: then
// the kernel refuses a read lease on it. Where leases cannot be had, it is false.
func hasWriter(fd int) bool {
	_, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_RDLCK)
	if err != nil {
		return errors.Is(err, unix.EAGAIN)
	}
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETLEASE, unix.F_UNLCK); err != nil {
		return false
	}
	return false
}

// syncAll makes everything on the home's file system durable. The kind names
// what for.
func (d *Disk) syncAll(kind string) error {
	if err := d.fault("sync"); err != nil || d.unsynced == kind {
		return err
	}
	return unix.Syncfs(int(d.rootFD.Fd()))
}

// cleanPath checks a path from outside the package.
func cleanPath(op string, p sys.Path) (string, error) {
	clean, err := sys.ParsePath(string(p))
	if err != nil {
		return "", err
	}
	if reserved(string(clean)) {
		return "", &sys.Error{Op: op, Path: string(p), Kind: sys.Invalid, Hint: "git repositories inside a home are not versioned"}
	}
	return string(clean), nil
}
