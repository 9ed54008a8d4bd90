package disk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"

	"matrixos/disk/git"
)

// redo is what recovery needs to finish a landing: the objects that may not be
// in the repository yet, and what happens to each live file.
type redo struct {
	commit  git.Hash
	live    bool // the live files have it already: an edit by hand
	changes []change
	objects []git.Object
	outside []git.Hash // objects too large to repeat here: durable in the quarantine
	rows    []string   // databases with changes in disk_rows, which the same transaction wrote
}

const (
	redoMagic = "MXR2"
	redoOlder = "MXR1"  // without rows
	inlineMax = 1 << 20 // the largest object that a redo record carries itself
)

// encode returns the record; a checksum ends it.
func (r redo) encode() []byte {
	b := append([]byte(redoMagic), r.commit[:]...)
	text := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	node := func(n git.Node) {
		b = binary.AppendUvarint(b, uint64(n.Mode))
		b = append(b, n.Hash[:]...)
	}
	flag := byte(0)
	if r.live {
		flag = 1
	}
	b = append(b, flag)
	b = binary.AppendUvarint(b, uint64(len(r.changes)))
	for _, c := range r.changes {
		text(c.path)
		node(c.old)
		node(c.new)
	}
	b = binary.AppendUvarint(b, uint64(len(r.objects)))
	for _, o := range r.objects {
		text(string(o.Type))
		text(string(o.Data))
	}
	b = binary.AppendUvarint(b, uint64(len(r.outside)))
	for _, h := range r.outside {
		b = append(b, h[:]...)
	}
	b = binary.AppendUvarint(b, uint64(len(r.rows)))
	for _, path := range r.rows {
		text(path)
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

var errRedo = errors.New("the redo record is damaged")

// redoReader takes a record apart; after a failure everything is zero.
type redoReader struct {
	b   []byte
	bad bool
}

func (r *redoReader) bytes(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad = true
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *redoReader) number() uint64 {
	n, size := binary.Uvarint(r.b)
	if r.bad || size <= 0 {
		r.bad = true
		return 0
	}
	r.b = r.b[size:]
	return n
}

// count is a number of items of at least the given size each.
func (r *redoReader) count(size uint64) uint64 {
	n := r.number()
	if n > uint64(len(r.b))/size {
		r.bad = true
		return 0
	}
	return n
}

func (r *redoReader) hash() (h git.Hash) {
	copy(h[:], r.bytes(uint64(len(h))))
	return h
}

func (r *redoReader) node() git.Node {
	mode := r.number()
	if mode > 0o777777 {
		r.bad = true
	}
	return git.Node{Mode: git.Mode(mode), Hash: r.hash()}
}

// decodeRedo reads a record, which it does not trust.
func decodeRedo(b []byte) (redo, error) {
	var out redo
	if len(b) < len(redoMagic)+4 || string(b[:len(redoMagic)]) != redoMagic && string(b[:len(redoOlder)]) != redoOlder {
		return out, fmt.Errorf("%w: it does not begin like one", errRedo)
	}
	body := b[:len(b)-4]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(b[len(body):]) {
		return out, fmt.Errorf("%w: its checksum is wrong", errRedo)
	}
	r := &redoReader{b: body[len(redoMagic):]}
	out.commit = r.hash()
	if f := r.bytes(1); len(f) == 1 {
		out.live = f[0] == 1
	}
	for range r.count(43) {
		c := change{path: string(r.bytes(r.number())), old: r.node(), new: r.node()}
		if c.path == "" || reserved(c.path) {
			r.bad = true
		}
		out.changes = append(out.changes, c)
	}
	for range r.count(2) {
		t := git.Type(r.bytes(r.number()))
		out.objects = append(out.objects, git.NewObject(t, r.bytes(r.number())))
	}
	for range r.count(20) {
		out.outside = append(out.outside, r.hash())
	}
	if string(b[:len(redoMagic)]) == redoMagic {
		for range r.count(1) {
			path := string(r.bytes(r.number()))
			if _, ok := isDatabase(path); !ok {
				r.bad = true
			}
			out.rows = append(out.rows, path)
		}
	}
	if r.bad || len(r.b) != 0 {
		return redo{}, fmt.Errorf("%w: it is cut off or too long", errRedo)
	}
	return out, nil
}
