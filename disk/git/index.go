package git

import (
	"bytes"
	"crypto/sha1"
	"encoding/binary"
	"errors"
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
// it, the error is fs.ErrExist.
func (r *Repo) WriteIndex(data []byte) error {
	path := filepath.Join(r.dir, "index")
	f, err := os.OpenFile(path+".lock", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(path+".lock", path)
	}
	if err != nil {
		return errors.Join(err, os.Remove(path+".lock"))
	}
	return nil
}
