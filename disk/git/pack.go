package git

import (
	"bufio"
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// pack is one pack file with its index in memory (32 bytes an object).
type pack struct {
	path    string // of the .pack
	fanout  [256]uint32
	names   []byte // sorted, 20 bytes each
	offsets []uint64
}

const mostDeltas = 4096 // git itself makes chains of 50

// parseIndex reads a version 2 pack index, as git has written since 2008.
func parseIndex(b []byte) (*pack, error) {
	bad := func(what string) (*pack, error) { return nil, fmt.Errorf("%w: pack index: %s", ErrCorrupt, what) }
	if len(b) < 8+1024+40 || !bytes.Equal(b[:8], []byte("\xfftOc\x00\x00\x00\x02")) {
		return bad("not version 2")
	}
	p := &pack{}
	before := uint32(0)
	for i := range p.fanout {
		p.fanout[i] = binary.BigEndian.Uint32(b[8+4*i:])
		if p.fanout[i] < before {
			return bad("counts go down")
		}
		before = p.fanout[i]
	}
	n := uint64(before)
	rest := b[8+1024:]
	if uint64(len(rest)) < n*28+40 {
		return bad("cut off")
	}
	p.names = rest[:n*20]
	small := rest[n*24 : n*28] // past the checksums
	large := rest[n*28 : len(rest)-40]
	p.offsets = make([]uint64, n)
	for i := range p.offsets {
		o := binary.BigEndian.Uint32(small[4*i:])
		if o&(1<<31) == 0 {
			p.offsets[i] = uint64(o)
			continue
		}
		at := uint64(o&^(1<<31)) * 8
		if at+8 > uint64(len(large)) {
			return bad("offset outside")
		}
		p.offsets[i] = binary.BigEndian.Uint64(large[at:])
	}
	return p, nil
}

func (p *pack) find(h Hash) (offset uint64, ok bool) {
	low := 0
	if h[0] > 0 {
		low = int(p.fanout[h[0]-1])
	}
	high := int(p.fanout[h[0]])
	i := low + sort.Search(high-low, func(k int) bool { return bytes.Compare(p.names[(low+k)*20:(low+k+1)*20], h[:]) >= 0 })
	if i < high && bytes.Equal(p.names[i*20:(i+1)*20], h[:]) {
		return p.offsets[i], true
	}
	return 0, false
}

// listPacks reads the indexes that are there now and can be read.
func (r *Repo) listPacks() ([]*pack, error) {
	dir := filepath.Join(r.dir, "objects", "pack")
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var packs []*pack
	for _, e := range entries {
		stem, ok := strings.CutSuffix(e.Name(), ".idx")
		if !ok {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // a repack took it away this instant
		}
		if err != nil {
			return nil, err
		}
		p, err := parseIndex(b)
		if err != nil {
			continue // damaged: CheckPack says so, and RebuildIndex mends it
		}
		p.path = filepath.Join(dir, stem+".pack")
		packs = append(packs, p)
	}
	return packs, nil
}

// locate finds h in the packs, looking for new packs first if asked to, and
// returns all that have it.
func (r *Repo) locate(h Hash, again bool) (found []place, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.listed || again {
		packs, err := r.listPacks()
		if err != nil {
			return nil, err
		}
		r.packs, r.listed = packs, true
	}
	for _, p := range r.packs {
		if offset, ok := p.find(h); ok {
			found = append(found, place{p, offset})
		}
	}
	return found, nil
}

// place is where a pack has an object.
type place struct {
	pack   *pack
	offset uint64
}

func (r *Repo) hasPacked(h Hash) bool {
	found, err := r.locate(h, false)
	return err == nil && len(found) > 0
}

// readPacked reads h from a pack, from another one if a copy is damaged. If it is
// not found, or its pack is gone, somebody may have repacked: the packs are
// listed again, once.
func (r *Repo) readPacked(h Hash) (Object, error) {
	var damaged error
	for _, again := range []bool{false, true} {
		found, err := r.locate(h, again)
		if err != nil {
			return Object{}, err
		}
		for _, at := range found {
			t, data, err := r.readAt(at.pack, at.offset, 0)
			if err == nil && Sum(t, data) != h {
				err = fmt.Errorf("%w: its content has another name", ErrCorrupt)
			}
			if err == nil {
				return Object{Type: t, Data: data, Hash: h}, nil
			}
			if !errors.Is(err, fs.ErrNotExist) {
				damaged = err
			}
		}
	}
	if damaged != nil {
		return Object{}, damaged
	}
	return Object{}, ErrNotFound
}

// readAt reads the pack entry at offset, resolving deltas.
func (r *Repo) readAt(p *pack, offset uint64, depth int) (Type, []byte, error) {
	if depth > mostDeltas {
		return "", nil, fmt.Errorf("%w: endless deltas", ErrCorrupt)
	}
	f, err := os.Open(p.path)
	if err != nil {
		return "", nil, err
	}
	kind, back, ref, body, err := packEntry(f, offset)
	err = errors.Join(err, f.Close())
	if err != nil {
		return "", nil, fmt.Errorf("%s: %w", filepath.Base(p.path), err)
	}
	switch kind {
	case 1, 2, 3, 4:
		return [...]Type{1: Commit, 2: Tree, 3: Blob, 4: Tag}[kind], body, nil
	}
	var t Type
	var from []byte
	if kind == 6 {
		t, from, err = r.readAt(p, offset-back, depth+1)
	} else {
		var o Object
		if o, err = r.Read(ref); err == nil {
			t, from = o.Type, o.Data
		}
	}
	if err != nil {
		return "", nil, err
	}
	out, err := applyDelta(from, body)
	return t, out, err
}

// packEntry reads one entry: its kind and body, and for a delta
// the distance back to its base (kind 6) or the base's name (kind 7).
func packEntry(f io.ReaderAt, offset uint64) (kind byte, back uint64, ref Hash, body []byte, err error) {
	bad := func(what string) error { return fmt.Errorf("%w: pack entry: %s", ErrCorrupt, what) }
	in := bufio.NewReader(io.NewSectionReader(f, int64(offset), 1<<62))
	c, err := in.ReadByte()
	if err != nil {
		return 0, 0, ref, nil, bad(err.Error())
	}
	kind = c >> 4 & 7
	size := uint64(c & 15)
	for shift := 4; c&0x80 != 0; shift += 7 {
		if c, err = in.ReadByte(); err != nil || shift > 56 {
			return 0, 0, ref, nil, bad("size")
		}
		size |= uint64(c&0x7f) << shift
	}
	switch kind {
	case 1, 2, 3, 4:
	case 6:
		for more := true; more; {
			if c, err = in.ReadByte(); err != nil || back >= 1<<55 {
				return 0, 0, ref, nil, bad("offset")
			}
			back = back<<7 | uint64(c&0x7f)
			if more = c&0x80 != 0; more {
				back++
			}
		}
		if back == 0 || back > offset {
			return 0, 0, ref, nil, bad("base outside")
		}
	case 7:
		if _, err = io.ReadFull(in, ref[:]); err != nil {
			return 0, 0, ref, nil, bad("base name")
		}
	default:
		return 0, 0, ref, nil, bad("kind")
	}
	zr, err := zlib.NewReader(in)
	if err != nil {
		return 0, 0, ref, nil, bad(err.Error())
	}
	var out bytes.Buffer
	out.Grow(int(min(size, 1<<20)))
	if n, err := io.Copy(&out, io.LimitReader(zr, int64(size)+1)); err != nil || uint64(n) != size {
		return 0, 0, ref, nil, bad("length")
	}
	return kind, back, ref, out.Bytes(), nil
}

// applyDelta builds an object from its base and git's copy and insert commands.
func applyDelta(base, delta []byte) ([]byte, error) { //nolint:gocognit // one case after another, best read in one piece
	bad := fmt.Errorf("%w: delta", ErrCorrupt)
	from, n := binary.Uvarint(delta)
	if n <= 0 || from != uint64(len(base)) {
		return nil, bad
	}
	delta = delta[n:]
	size, n := binary.Uvarint(delta)
	if n <= 0 {
		return nil, bad
	}
	delta = delta[n:]
	out := make([]byte, 0, min(size, 1<<20))
	for len(delta) > 0 {
		c := delta[0]
		delta = delta[1:]
		if c == 0 {
			return nil, bad
		}
		if c&0x80 == 0 {
			if int(c) > len(delta) {
				return nil, bad
			}
			out = append(out, delta[:c]...)
			delta = delta[c:]
		} else {
			var arg [7]byte
			for bit := range arg {
				if c&(1<<bit) != 0 {
					if len(delta) == 0 {
						return nil, bad
					}
					arg[bit], delta = delta[0], delta[1:]
				}
			}
			at := uint64(binary.LittleEndian.Uint32(arg[:4]))
			length := uint64(arg[4]) | uint64(arg[5])<<8 | uint64(arg[6])<<16
			if length == 0 {
				length = 0x10000
			}
			if at+length > uint64(len(base)) {
				return nil, bad
			}
			out = append(out, base[at:at+length]...)
		}
		if uint64(len(out)) > size {
			return nil, bad
		}
	}
	if uint64(len(out)) != size {
		return nil, bad
	}
	return out, nil
}
