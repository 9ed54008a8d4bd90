package workspace

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"unsafe"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
)

// beginSnapshot takes a snapshot of the current generation and brings it up to
// date.
func (s *Store) beginSnapshot(ctx context.Context, tree git.Hash) (*Folder, error) {
	st, err := s.stackOf(ctx, tree)
	if err != nil {
		return nil, err
	}
	f, err := s.newFolder(tree)
	f.stack, f.states = st, map[string]stat{}
	if err == nil {
		err = snapshot(st.gen.path, f.dir)
	}
	if err == nil {
		err = s.advance(ctx, f.dir, st.gen.tree, tree, f.states)
	}
	if err != nil {
		return nil, errors.Join(err, f.Drop())
	}
	return f, nil
}

// The ioctls of btrfs, from linux/btrfs.h: _IOW(0x94, nr, size of the argument).
const (
	btrfsSubvolCreate = 0x5000940e // BTRFS_IOC_SUBVOL_CREATE
	btrfsSnapCreate   = 0x50009417 // BTRFS_IOC_SNAP_CREATE_V2
	btrfsFirstInode   = 256        // BTRFS_FIRST_FREE_OBJECTID: of every subvolume's root
)

// btrfsArgs is struct btrfs_ioctl_vol_args.
type btrfsArgs struct {
	fd   int64
	name [4088]byte
}

// btrfsArgsV2 is struct btrfs_ioctl_vol_args_v2.
type btrfsArgsV2 struct {
	fd      int64
	transID uint64
	flags   uint64
	_       [4]uint64
	name    [4040]byte
}

func isSubvolume(path string) bool {
	var fs unix.Statfs_t
	var st unix.Stat_t
	return unix.Statfs(path, &fs) == nil && fs.Type == unix.BTRFS_SUPER_MAGIC && unix.Stat(path, &st) == nil && st.Ino == btrfsFirstInode
}

// newSubvolume makes an empty subvolume. It goes like any folder, once empty.
func newSubvolume(path string) error {
	var a btrfsArgs
	copy(a.name[:len(a.name)-1], filepath.Base(path))
	return btrfs("create subvolume", path, btrfsSubvolCreate, unsafe.Pointer(&a))
}

// snapshot makes a writable snapshot of a subvolume.
func snapshot(from, to string) error {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	a := btrfsArgsV2{fd: int64(src.Fd())}
	copy(a.name[:len(a.name)-1], filepath.Base(to))
	return errors.Join(btrfs("snapshot", to, btrfsSnapCreate, unsafe.Pointer(&a)), src.Close())
}

// btrfs calls an ioctl on the folder in which path is to be made.
func btrfs(op, path string, request uintptr, arg unsafe.Pointer) error {
	dir, err := os.Open(filepath.Dir(path))
	if err != nil {
		return err
	}
	_, _, errno := unix.Syscall(unix.SYS_IOCTL, dir.Fd(), request, uintptr(arg))
	if errno != 0 {
		err = &os.PathError{Op: op, Path: path, Err: errno}
	}
	return errors.Join(err, dir.Close())
}
