package git

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"context"
	"crypto/sha1"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"os"
	"path/filepath"
	"slices"
)

const (
	mostDepth = 10      // deltas between an object and its full content
	mostDelta = 4 << 20 // the largest object that is written as a delta
)

// PackItem is one object to be packed. Those of one Group (a path, say) that
// follow each other are taken to be versions of one thing: the newest first.
type PackItem struct {
	Hash  Hash
	Group string
}

// packWriter writes one pack file and remembers what its index needs.
type packWriter struct {
	w       *bufio.Writer
	sum     hash.Hash
	at      uint64
	entries []packed
	zip     *zlib.Writer
}

type packed struct {
	hash   Hash
	offset uint64
	crc    uint32
}

// WritePack writes objects of the repository, each once, into a pack of their
// own, reads it back to the last byte, and puts it in place durably. Until it
// returns without an error nothing may be removed that the pack holds. Files
// in the making are in a folder on the same file system. It returns the
// pack's name without extension; the same items again make the same pack.
func (r *Repo) WritePack(ctx context.Context, items []PackItem, temp string) (name string, err error) {
	path := filepath.Join(temp, "repack.pack")
	index := filepath.Join(temp, "repack.idx")
	defer func() {
		for _, p := range []string{path, index} {
			if e := os.Remove(p); e != nil && !errors.Is(e, os.ErrNotExist) {
				err = errors.Join(err, e)
			}
		}
	}()
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0o444)
	if err != nil {
		return "", err
	}
	w := &packWriter{sum: sha1.New()}
	w.w = bufio.NewWriterSize(io.MultiWriter(f, w.sum), 1<<16)
	w.zip = zlib.NewWriter(io.Discard)
	err = w.all(ctx, r, items)
	var sum []byte
	if err == nil {
		sum = w.sum.Sum(nil)
		_, err = f.Write(sum)
	}
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return "", err
	}
	if err := writeDurably(index, w.index(sum)); err != nil {
		return "", err
	}
	if n, err := verifyPack(ctx, r, path, index); err != nil || n != len(items) {
		return "", fmt.Errorf("a new pack reads back wrong (%d of %d objects): %w", n, len(items), err)
	}
	name = "pack-" + hex.EncodeToString(sum)
	to := filepath.Join(r.dir, "objects", "pack")
	if err := os.Rename(path, filepath.Join(to, name+".pack")); err != nil {
		return "", err
	}
	if err := os.Rename(index, filepath.Join(to, name+".idx")); err != nil { // git looks for this one
		return "", err
	}
	return name, syncDir(to)
}

func (w *packWriter) write(b []byte) {
	_, _ = w.w.Write(b) // a bufio.Writer keeps its error until Flush
	w.at += uint64(len(b))
}

func (w *packWriter) all(ctx context.Context, r *Repo, items []PackItem) error {
	w.write(binary.BigEndian.AppendUint32([]byte("PACK\x00\x00\x00\x02"), uint32(len(items))))
	var before Object // the last of the group
	var group string
	var offset uint64
	depth := 0
	for _, item := range items {
		if err := ctx.Err(); err != nil {
			return err
		}
		o, err := r.Read(item.Hash)
		if err != nil {
			return err
		}
		var delta []byte
		if item.Group == group && o.Type == before.Type && depth < mostDepth && worthDelta(before, o) {
			delta = makeDelta(before.Data, o.Data, len(o.Data)/2)
		}
		if delta != nil {
			err = w.entry(o.Hash, 6, offset, delta)
			depth++
		} else {
			err = w.entry(o.Hash, map[Type]byte{Commit: 1, Tree: 2, Blob: 3, Tag: 4}[o.Type], 0, o.Data)
			depth = 0
		}
		if err != nil {
			return err
		}
		before, group, offset = o, item.Group, w.entries[len(w.entries)-1].offset
	}
	return w.w.Flush()
}

func worthDelta(base, o Object) bool {
	return len(o.Data) > 4*deltaBlock && len(base.Data) > 4*deltaBlock && len(o.Data) <= mostDelta && len(base.Data) <= mostDelta
}

// entry writes one object; base is where the object is that a delta (kind 6) goes by.
func (w *packWriter) entry(h Hash, kind byte, base uint64, data []byte) error {
	if kind == 0 {
		return fmt.Errorf("git object %s: %w: no known type", h, ErrCorrupt)
	}
	var b bytes.Buffer
	size := uint64(len(data))
	c := kind<<4 | byte(size&15)
	for size >>= 4; size > 0; size >>= 7 {
		b.WriteByte(c | 0x80)
		c = byte(size & 0x7f)
	}
	b.WriteByte(c)
	if kind == 6 {
		back := w.at - base
		digits := []byte{byte(back & 0x7f)}
		for back >>= 7; back > 0; back >>= 7 {
			back--
			digits = append(digits, 0x80|byte(back&0x7f))
		}
		slices.Reverse(digits)
		b.Write(digits)
	}
	w.zip.Reset(&b)
	if _, err := w.zip.Write(data); err != nil {
		return err
	}
	if err := w.zip.Close(); err != nil {
		return err
	}
	w.entries = append(w.entries, packed{h, w.at, crc32.ChecksumIEEE(b.Bytes())})
	w.write(b.Bytes())
	return nil
}

// index returns the pack's index file, version 2.
func (w *packWriter) index(sum []byte) []byte { return encodePackIndex(w.entries, sum) }

func encodePackIndex(entries []packed, sum []byte) []byte {
	slices.SortFunc(entries, func(a, b packed) int { return bytes.Compare(a.hash[:], b.hash[:]) })
	out := []byte("\xfftOc\x00\x00\x00\x02")
	for first, k := 0, 0; first < 256; first++ {
		for k < len(entries) && int(entries[k].hash[0]) <= first {
			k++
		}
		out = binary.BigEndian.AppendUint32(out, uint32(k))
	}
	for _, e := range entries {
		out = append(out, e.hash[:]...)
	}
	for _, e := range entries {
		out = binary.BigEndian.AppendUint32(out, e.crc)
	}
	var large []byte
	for _, e := range entries {
		if e.offset < 1<<31 {
			out = binary.BigEndian.AppendUint32(out, uint32(e.offset))
			continue
		}
		out = binary.BigEndian.AppendUint32(out, 1<<31|uint32(len(large)/8))
		large = binary.BigEndian.AppendUint64(large, e.offset)
	}
	out = append(append(out, large...), sum...)
	all := sha1.Sum(out)
	return append(out, all[:]...)
}

// verifyPack reads every object of a pack through its index, and checks both
// files against their own sums. It returns how many objects there are.
func verifyPack(ctx context.Context, r *Repo, path, index string) (int, error) {
	b, err := os.ReadFile(index)
	if err != nil {
		return 0, err
	}
	p, err := parseIndex(b)
	if err != nil {
		return 0, err
	}
	p.path = path
	if all := sha1.Sum(b[:len(b)-20]); !bytes.Equal(all[:], b[len(b)-20:]) {
		return 0, fmt.Errorf("%w: the sum of a pack index is wrong", ErrCorrupt)
	}
	if err := sumPack(path, b[len(b)-40:len(b)-20]); err != nil {
		return 0, err
	}
	for i, offset := range p.offsets {
		if err := ctx.Err(); err != nil {
			return 0, err
		}
		t, data, err := r.readAt(p, offset, 0)
		if err != nil {
			return 0, err
		}
		if h := Hash(p.names[i*20 : i*20+20]); Sum(t, data) != h {
			return 0, fmt.Errorf("git object %s: %w: its content has another name", h, ErrCorrupt)
		}
	}
	return len(p.offsets), nil
}

// sumPack checks a pack file against the sum at its end, which its index
// repeats.
func sumPack(path string, want []byte) (err error) {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	st, err := f.Stat()
	if err != nil {
		return err
	}
	s := sha1.New()
	if _, err := io.Copy(s, io.LimitReader(f, st.Size()-20)); err != nil {
		return err
	}
	end := make([]byte, 20)
	if _, err := f.ReadAt(end, max(st.Size()-20, 0)); err != nil {
		return err
	}
	if !bytes.Equal(s.Sum(nil), end) || !bytes.Equal(end, want) {
		return fmt.Errorf("%w: the sum of a pack is wrong", ErrCorrupt)
	}
	return err
}

func writeDurably(path string, b []byte) error {
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o444)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func syncDir(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
