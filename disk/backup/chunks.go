package backup

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"io"
)

// Chunks of a file end where its content says so, so that a change moves few of
// them. The sizes are a compromise between what a small change costs and how
// long the list of chunks is.
const (
	smallestChunk = 16 << 10
	largestChunk  = 256 << 10
	cutMask       = 1<<16 - 1 // a cut every 64 KB, on average, beyond the smallest
)

// secrets are derived from the key of a backup: what chunks are called, and
// where they are cut. Neither tells a store what a file holds.
type secrets struct {
	name []byte
	gear [256]uint64
}

func deriveSecrets(key string) (*secrets, error) {
	s := &secrets{}
	var err error
	if s.name, err = hkdf.Key(sha256.New, []byte(key), nil, "matrixos backup: names of chunks", 32); err != nil {
		return nil, err
	}
	table, err := hkdf.Key(sha256.New, []byte(key), nil, "matrixos backup: where chunks end", 256*8)
	if err != nil {
		return nil, err
	}
	for i := range s.gear {
		s.gear[i] = binary.LittleEndian.Uint64(table[8*i:])
	}
	return s, nil
}

// chunkID names a chunk by content and key.
type chunkID [sha256.Size]byte

func (s *secrets) id(b []byte) (id chunkID) {
	m := hmac.New(sha256.New, s.name)
	m.Write(b)
	m.Sum(id[:0])
	return id
}

// cut returns how long the first chunk of b is; b holds at least largestChunk
// bytes, unless the content ends with it.
func (s *secrets) cut(b []byte) int {
	n := min(len(b), largestChunk)
	var h uint64
	for i := smallestChunk; i < n; i++ {
		h = h<<1 + s.gear[b[i]]
		if h>>40&cutMask == 0 {
			return i + 1
		}
	}
	return n
}

// split calls fn for each chunk of r; the bytes are valid during the call.
func (s *secrets) split(r io.Reader, fn func([]byte) error) error {
	buf := make([]byte, 4*largestChunk)
	have := 0
	for ended := false; ; {
		for !ended && have < len(buf) {
			n, err := r.Read(buf[have:])
			have += n
			if err == io.EOF {
				ended = true
			} else if err != nil {
				return err
			}
		}
		at := 0
		for have-at >= largestChunk || ended && at < have {
			n := s.cut(buf[at:have])
			if err := fn(buf[at : at+n]); err != nil {
				return err
			}
			at += n
		}
		if ended {
			return nil
		}
		have = copy(buf, buf[at:have])
	}
}
