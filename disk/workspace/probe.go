package workspace

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/disk/git"
)

// probe tries the backends on the store's own file system, best first, and keeps
// the first that works.
func (s *Store) probe(ctx context.Context) {
	for _, b := range []struct {
		kind Kind
		try  func(ctx context.Context, dir string) (detail string, err error)
	}{
		{Overlay, s.tryOverlay},
		{Snapshot, trySnapshot},
		{Reflink, tryReflink},
		{Copy, tryCopy},
	} {
		if s.o.Only != "" && s.o.Only != b.kind {
			continue
		}
		detail, err := s.try(ctx, b.try)
		if err == nil {
			s.failed = nil
			s.backend.Kind, s.backend.Detail = b.kind, detail+" on "+fileSystem(s.o.Dir)
			return
		}
		s.backend.Why = append(s.backend.Why, string(b.kind)+": "+err.Error())
		s.failed = unavailable(b.kind, err.Error())
	}
	if len(s.backend.Why) == 0 {
		s.failed = unavailable(s.o.Only, "there is no such backend")
	}
}

func (s *Store) try(ctx context.Context, fn func(context.Context, string) (string, error)) (string, error) {
	f, err := s.newFolder(git.Hash{})
	if err != nil {
		return "", err
	}
	s.atime = s.atime || seesReads(f.top)
	detail, err := fn(ctx, f.top)
	return detail, errors.Join(err, remove(f.top))
}

// tryOverlay mounts, changes every kind of thing, and looks for it in the upper
// folder: without a user namespace if that is allowed, else with one.
func (s *Store) tryOverlay(ctx context.Context, dir string) (string, error) {
	if s.o.Holder == "" {
		return "", errors.New("this program has no holder of mounts")
	}
	nsenter, err := exec.LookPath("nsenter")
	if err != nil {
		return "", errors.New("nsenter is missing (Debian: util-linux)")
	}
	var errs []error
	for _, user := range []bool{false, true} {
		if !user && (s.o.User || os.Geteuid() != 0) {
			continue
		}
		h := &holder{program: s.o.Holder, dir: s.o.Dir, user: user, nsenter: nsenter}
		if err := h.try(ctx, dir); err != nil {
			errs = append(errs, err, h.close(), remove(filepath.Join(dir, "upper")))
			continue
		}
		s.holder = h
		if user {
			return "in a user namespace", nil
		}
		return "in a mount namespace", nil
	}
	return "", errors.Join(errs...)
}

func (h *holder) try(ctx context.Context, dir string) (err error) {
	for _, sub := range []string{"lower/a", "upper", "work", "home"} {
		if err := os.MkdirAll(filepath.Join(dir, sub), 0o755); err != nil {
			return err
		}
	}
	for _, file := range []string{"lower/a/edit", "lower/a/drop"} {
		if err := os.WriteFile(filepath.Join(dir, file), []byte("old"), 0o644); err != nil {
			return err
		}
	}
	id := filepath.Base(dir)
	at, place, err := h.mount(id, []string{filepath.Join("ws", id, "lower")})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, h.unmount(id)) }()
	if err := errors.Join(os.WriteFile(filepath.Join(at, "a/edit"), []byte("new"), 0o644), os.Remove(filepath.Join(at, "a/drop"))); err != nil {
		return err
	}
	var st unix.Stat_t
	text, err := os.ReadFile(filepath.Join(dir, "upper/a/edit"))
	if err != nil || string(text) != "new" || unix.Lstat(filepath.Join(dir, "upper/a/drop"), &st) != nil || !whiteout(filepath.Join(dir, "upper/a/drop"), &st) {
		return errors.Join(errors.New("changes do not show in the upper folder"), err)
	}
	// What a layer is made of must be allowed outside of the mount as well.
	if err := unix.Mknod(filepath.Join(dir, "lower/gone"), unix.S_IFCHR, 0); err != nil {
		return fmt.Errorf("make a whiteout: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	out, err := exec.CommandContext(ctx, place.Enter[0], append(place.Enter[1:], "cat", filepath.Join(place.Dir, "a/edit"))...).CombinedOutput()
	if err != nil || string(out) != "new" {
		return errors.Join(fmt.Errorf("a command does not get at the mount: %s", bytes.TrimSpace(out)), err)
	}
	return nil
}

func trySnapshot(_ context.Context, dir string) (string, error) {
	from, to := filepath.Join(dir, "from"), filepath.Join(dir, "to")
	if err := newSubvolume(from); err != nil {
		return "", errors.New("the file system is not btrfs")
	}
	if err := os.WriteFile(filepath.Join(from, "f"), []byte("old"), 0o644); err != nil {
		return "", err
	}
	if err := snapshot(from, to); err != nil {
		return "", err
	}
	if _, err := os.ReadFile(filepath.Join(to, "f")); err != nil {
		return "", err
	}
	return "of subvolumes", errors.Join(remove(from), remove(to))
}

func tryReflink(_ context.Context, dir string) (string, error) {
	from := filepath.Join(dir, "from")
	if err := os.WriteFile(from, bytes.Repeat([]byte("old"), 5000), 0o644); err != nil {
		return "", err
	}
	if err := clone(from, filepath.Join(dir, "to"), 0o644); err != nil {
		return "", errors.New("the file system does not share blocks")
	}
	return "of files", nil
}

func tryCopy(context.Context, string) (string, error) { return "of files", nil }

// seesReads reports whether the file system notes that a file was read.
func seesReads(dir string) bool {
	path := filepath.Join(dir, "read")
	old := time.Now().Add(-time.Hour)
	if os.WriteFile(path, []byte("x"), 0o600) != nil || os.Chtimes(path, old, old) != nil {
		return false
	}
	if _, err := os.ReadFile(path); err != nil {
		return false
	}
	st, atime, err := statOf(path)
	return err == nil && atime != st.mtime
}

// fileSystem names the file system of a folder, for people.
func fileSystem(dir string) string {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "an unknown file system"
	}
	switch st.Type {
	case unix.EXT4_SUPER_MAGIC:
		return "ext4"
	case unix.XFS_SUPER_MAGIC:
		return "xfs"
	case unix.BTRFS_SUPER_MAGIC:
		return "btrfs"
	case unix.TMPFS_MAGIC:
		return "tmpfs"
	case unix.OVERLAYFS_SUPER_MAGIC:
		return "overlayfs"
	case 0x2fc12fc1:
		return "zfs"
	}
	return fmt.Sprintf("file system %#x", st.Type)
}
