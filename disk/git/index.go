package git

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// IndexEntry is one file of the index, with the state in which the work tree's
// file certainly has this content. A zero state makes git look for itself.
type IndexEntry struct {
	Path string
	Node
	Changed, Modified  time.Time
	Dev, Ino, UID, GID uint32
	Size               uint32
}

// EncodeIndex returns an index file, version 2.
func EncodeIndex(entries []IndexEntry) []byte {
	entries = slices.Clone(entries)
	slices.SortFunc(entries, func(a, b IndexEntry) int { return strings.Compare(a.Path, b.Path) })
	var b bytes.Buffer
	u32 := func(values ...uint32) {
		for _, v := range values {
			b.Write(binary.BigEndian.AppendUint32(nil, v))
		}
	}
	when := func(t time.Time) {
		if t.IsZero() {
			u32(0, 0)
			return
		}
		u32(uint32(t.Unix()), uint32(t.Nanosecond()))
	}
	b.WriteString("DIRC")
	u32(2, uint32(len(entries)))
	for _, e := range entries {
		start := b.Len()
		when(e.Changed)
		when(e.Modified)
		u32(e.Dev, e.Ino, uint32(e.Mode), e.UID, e.GID, e.Size)
		b.Write(e.Hash[:])
		b.Write(binary.BigEndian.AppendUint16(nil, uint16(min(len(e.Path), 0xfff))))
		b.WriteString(e.Path)
		b.Write(make([]byte, 8-(b.Len()-start)%8))
	}
	sum := sha1.Sum(b.Bytes())
	return append(b.Bytes(), sum[:]...)
}

// WriteIndex replaces the index under git's own lock; if a git command holds
// it, the error is fs.ErrExist. The lock is a second name of a file of ours, so
// that FreeIndex knows one that we have left behind.
func (r *Repo) WriteIndex(data []byte) error {
	path, ours := filepath.Join(r.dir, "index"), filepath.Join(r.dir, ourIndex)
	if err := os.Remove(ours); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := os.WriteFile(ours, data, 0o644); err != nil {
		return errors.Join(err, os.Remove(ours))
	}
	if err := os.Link(ours, path+".lock"); err != nil {
		return errors.Join(err, os.Remove(ours))
	}
	if err := os.Rename(path+".lock", path); err != nil {
		return errors.Join(err, os.Remove(path+".lock"), os.Remove(ours))
	}
	return os.Remove(ours)
}

const ourIndex = "index.matrixos"

// FreeIndex removes the lock on the index that a death in WriteIndex has left.
// One that a git command holds stays.
func (r *Repo) FreeIndex() error {
	ours, lock := filepath.Join(r.dir, ourIndex), filepath.Join(r.dir, "index.lock")
	a, err := os.Lstat(ours)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if b, err := os.Lstat(lock); err == nil && os.SameFile(a, b) {
		if err := os.Remove(lock); err != nil {
			return err
		}
	}
	return os.Remove(ours)
}
