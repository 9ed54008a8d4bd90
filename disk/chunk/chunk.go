package chunk

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"github.com/klauspost/compress/zstd"
)

const (
	// Size is how many bytes a leaf has; the last one of a content may have fewer.
	Size = 4 << 10
	fan  = 32 // children of a node
)

// ErrDamaged says that stored bytes are not what was stored, or are missing.
var ErrDamaged = errors.New("a stored copy is damaged")

// Hash names a chunk by its content.
type Hash [sha256.Size]byte

// String returns 64 hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// ParseHash reads what String returns.
func ParseHash(s string) (Hash, error) {
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(Hash{}) {
		return Hash{}, fmt.Errorf("%q is no hash of a chunk", s)
	}
	return Hash(b), nil
}

// Root names a content. The zero Root names none; an empty content has a hash.
type Root struct {
	Hash Hash
	Size int64
}

// IsZero reports whether r names nothing.
func (r Root) IsZero() bool { return r == Root{} }

// height is how many levels of nodes stand above the leaves.
func (r Root) height() int {
	h := 0
	for n := leaves(r.Size); n > 1; n = (n + fan - 1) / fan {
		h++
	}
	return h
}

func leaves(size int64) int64 { return max(1, (size+Size-1)/Size) }

// hashOf separates leaves from nodes, and nodes by level, so that none can be
// passed off as another.
func hashOf(level int, data []byte) Hash {
	h := sha256.New()
	h.Write([]byte{byte(level)})
	h.Write(data)
	return Hash(h.Sum(nil))
}

// place is where a chunk is.
type place struct {
	pack         *pack
	offset       int64
	stored, size uint32
}

// Store is an open folder of packs. It is safe for concurrent use by one process.
type Store struct {
	dir    string
	encode *zstd.Encoder
	decode *zstd.Decoder

	mu       sync.Mutex
	turn     *sync.Cond // one of the next two has changed
	writers  int        // open ones; a sweep waits for none
	sweeping bool       // writers wait for its end

	where map[Hash]place
	packs map[string]*pack
}

// Open opens the store in dir, which is made if need be. What a crash has left
// unfinished is removed. A pack that cannot be read is an error of the contents
// that need it, not of Open.
func Open(dir string) (*Store, error) {
	s := &Store{dir: dir, where: map[Hash]place{}, packs: map[string]*pack{}}
	s.turn = sync.NewCond(&s.mu)
	var err error
	if s.encode, err = zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderCRC(false)); err != nil {
		return nil, err
	}
	if s.decode, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(1<<20)); err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	for _, e := range entries {
		path := filepath.Join(dir, e.Name())
		switch {
		case strings.HasSuffix(e.Name(), unfinished):
			if err := os.Remove(path); err != nil {
				return nil, err
			}
		case strings.HasSuffix(e.Name(), packSuffix):
			p, err := openPack(path)
			if errors.Is(err, ErrDamaged) {
				continue // what needs it says so when it is read
			}
			if err != nil {
				return nil, errors.Join(err, s.Close())
			}
			s.addLocked(p)
		}
	}
	return s, nil
}

// Close lets the files go.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	for _, p := range s.packs {
		err = errors.Join(err, p.file.Close())
	}
	clear(s.packs)
	clear(s.where)
	s.decode.Close()
	return errors.Join(err, s.encode.Close())
}

func (s *Store) addLocked(p *pack) {
	s.packs[p.path] = p
	for h, at := range p.chunks {
		if _, there := s.where[h]; !there {
			s.where[h] = at
		}
	}
}

func (s *Store) find(h Hash) (place, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	at, ok := s.where[h]
	return at, ok
}

// Bytes returns how much room the store takes.
func (s *Store) Bytes() int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	var n int64
	for _, p := range s.packs {
		n += p.size
	}
	return n
}

// chunk reads one chunk and verifies it.
func (s *Store) chunk(h Hash, level int) ([]byte, error) {
	s.mu.Lock()
	at, ok := s.where[h]
	if !ok {
		s.mu.Unlock()
		return nil, fmt.Errorf("%w: chunk %s is missing", ErrDamaged, h)
	}
	raw := make([]byte, at.stored)
	_, err := at.pack.file.ReadAt(raw, at.offset)
	s.mu.Unlock()
	if err != nil {
		return nil, fmt.Errorf("%w: chunk %s: %w", ErrDamaged, h, err)
	}
	if at.stored != at.size {
		if raw, err = s.decode.DecodeAll(raw, make([]byte, 0, at.size)); err != nil {
			return nil, fmt.Errorf("%w: chunk %s: %w", ErrDamaged, h, err)
		}
	}
	if hashOf(level, raw) != h {
		return nil, fmt.Errorf("%w: chunk %s has other bytes", ErrDamaged, h)
	}
	return raw, nil
}

// WriteTo writes a content to w, verified chunk by chunk: on error w may have a
// part of it, and no wrong byte.
func (s *Store) WriteTo(ctx context.Context, r Root, w io.Writer) error {
	var n int64
	err := s.walk(r, func(h Hash, level int) ([]byte, error) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		data, err := s.chunk(h, level)
		if err != nil || level > 0 {
			return data, err
		}
		n += int64(len(data))
		_, err = w.Write(data)
		return nil, err
	})
	if err == nil && n != r.Size {
		err = fmt.Errorf("%w: %d bytes instead of %d", ErrDamaged, n, r.Size)
	}
	return err
}

// walk visits the chunks of a content in order; visit returns those of nodes.
func (s *Store) walk(r Root, visit func(Hash, int) ([]byte, error)) error {
	var down func(h Hash, level int) error
	down = func(h Hash, level int) error {
		data, err := visit(h, level)
		if err != nil || level == 0 {
			return err
		}
		if len(data) == 0 || len(data)%len(h) != 0 {
			return fmt.Errorf("%w: %s is no node", ErrDamaged, h)
		}
		for ; len(data) > 0; data = data[len(h):] {
			if err := down(Hash(data[:len(h)]), level-1); err != nil {
				return err
			}
		}
		return nil
	}
	return down(r.Hash, r.height())
}

// Verify reads a whole content and reports the first thing that is wrong with it.
func (s *Store) Verify(ctx context.Context, r Root) error { return s.WriteTo(ctx, r, io.Discard) }
