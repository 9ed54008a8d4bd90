package git

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
)

// RebuildIndex makes a pack's index anew from the pack itself, which must be
// whole. Files in the making are in a folder on the same file system.
func (r *Repo) RebuildIndex(ctx context.Context, name, temp string) error {
	base := filepath.Join(r.dir, "objects", "pack", name)
	raw, err := os.ReadFile(base + ".pack")
	if err != nil {
		return err
	}
	if len(raw) < 32 || string(raw[:8]) != "PACK\x00\x00\x00\x02" {
		return fmt.Errorf("%s: %w: it does not begin like a pack", name, ErrCorrupt)
	}
	sum := raw[len(raw)-20:]
	if err := sumPack(base+".pack", sum); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	count := binary.BigEndian.Uint32(raw[8:12])
	p := &pack{path: base + ".pack"}
	var entries []packed
	for at := uint64(12); len(entries) < int(count); {
		if err := ctx.Err(); err != nil {
			return err
		}
		end, err := entryEnd(raw[:len(raw)-20], at)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		t, data, err := r.readAt(p, at, 0)
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		entries = append(entries, packed{Sum(t, data), at, crc32.ChecksumIEEE(raw[at:end])})
		at = end
	}
	path := filepath.Join(temp, "rebuilt.idx")
	if err := writeDurably(path, encodePackIndex(entries, sum)); err != nil {
		return err
	}
	if err := os.Rename(path, base+".idx"); err != nil {
		return err
	}
	r.Relist()
	return syncDir(filepath.Dir(base))
}

// entryEnd returns where the pack entry at an offset ends.
func entryEnd(raw []byte, at uint64) (uint64, error) {
	bad := fmt.Errorf("%w: pack entry at %d", ErrCorrupt, at)
	next := func() (byte, error) {
		if at >= uint64(len(raw)) {
			return 0, bad
		}
		at++
		return raw[at-1], nil
	}
	c, err := next()
	kind := c >> 4 & 7
	for err == nil && c&0x80 != 0 {
		c, err = next()
	}
	if kind == 6 && err == nil {
		for c = 0x80; err == nil && c&0x80 != 0; {
			c, err = next()
		}
	}
	if kind == 7 {
		at += 20
	}
	if err != nil || at > uint64(len(raw)) {
		return 0, bad
	}
	in := bytes.NewReader(raw[at:]) // a ByteReader: zlib takes no more than it needs
	zr, err := zlib.NewReader(in)
	if err == nil {
		_, err = io.Copy(io.Discard, zr)
	}
	if err != nil {
		return 0, errors.Join(bad, err)
	}
	return uint64(len(raw) - in.Len()), nil
}
