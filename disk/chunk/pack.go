package chunk

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"os"
)

// A pack is: the magic, the stored bytes of its chunks, a table with one entry for
// each (hash, offset, stored, size), and a tail that says where the table begins,
// how many entries it has, and its checksum.
const (
	packMagic  = "MXPACK1\n"
	packSuffix = ".pack"
	unfinished = ".new"
	entrySize  = len(Hash{}) + 8 + 4 + 4
	tailSize   = 8 + 4 + 4
)

// pack is an open pack file.
type pack struct {
	path   string
	file   *os.File
	size   int64
	chunks map[Hash]place
}

func openPack(path string) (_ *pack, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close())
		}
	}()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	p := &pack{path: path, file: f, size: st.Size()}
	p.chunks, err = readTable(f, st.Size())
	for h, at := range p.chunks {
		at.pack = p
		p.chunks[h] = at
	}
	return p, err
}

// readTable reads the table of a pack, which it does not trust.
func readTable(f io.ReaderAt, size int64) (map[Hash]place, error) {
	damaged := func(what string) error { return fmt.Errorf("%w: a pack %s", ErrDamaged, what) }
	read := func(offset, n int64) ([]byte, error) {
		b := make([]byte, n)
		_, err := f.ReadAt(b, offset)
		if errors.Is(err, io.EOF) {
			err = damaged("is cut off")
		}
		return b, err
	}
	if size < int64(len(packMagic)+tailSize) {
		return nil, damaged("is cut off")
	}
	head, err := read(0, int64(len(packMagic)))
	if err != nil {
		return nil, err
	}
	if string(head) != packMagic {
		return nil, damaged("does not begin like one")
	}
	tail, err := read(size-tailSize, tailSize)
	if err != nil {
		return nil, err
	}
	start, count := binary.BigEndian.Uint64(tail), int64(binary.BigEndian.Uint32(tail[8:]))
	if start > uint64(size) || int64(start)+count*int64(entrySize)+tailSize != size {
		return nil, damaged("has no table")
	}
	table, err := read(int64(start), count*int64(entrySize))
	if err != nil {
		return nil, err
	}
	if crc32.ChecksumIEEE(table) != binary.BigEndian.Uint32(tail[12:]) {
		return nil, damaged("has a table with a wrong checksum")
	}
	chunks := make(map[Hash]place, count)
	for ; len(table) > 0; table = table[entrySize:] {
		e := table[len(Hash{}):]
		at := place{offset: int64(binary.BigEndian.Uint64(e)), stored: binary.BigEndian.Uint32(e[8:]), size: binary.BigEndian.Uint32(e[12:])}
		if at.offset < int64(len(packMagic)) || at.offset > int64(start) || int64(at.stored) > int64(start)-at.offset || at.size > Size || at.stored > at.size {
			return nil, damaged("has a table that points outside")
		}
		chunks[Hash(table)] = at
	}
	return chunks, nil
}

// appendTable ends a pack whose chunks take start bytes with the magic.
func appendTable(b []byte, start int64, order []Hash, chunks map[Hash]place) []byte {
	first := len(b)
	for _, h := range order {
		at := chunks[h]
		b = append(b, h[:]...)
		b = binary.BigEndian.AppendUint64(b, uint64(at.offset))
		b = binary.BigEndian.AppendUint32(b, at.stored)
		b = binary.BigEndian.AppendUint32(b, at.size)
	}
	sum := crc32.ChecksumIEEE(b[first:])
	b = binary.BigEndian.AppendUint64(b, uint64(start))
	b = binary.BigEndian.AppendUint32(b, uint32(len(order)))
	return binary.BigEndian.AppendUint32(b, sum)
}
