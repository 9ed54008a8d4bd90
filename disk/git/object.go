package git

import (
	"bytes"
	"compress/zlib"
	"crypto/sha1"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"sync"
)

// Hash names an object by its content. The zero Hash means "no object".
type Hash [20]byte

// String returns 40 hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// IsZero reports whether h names nothing.
func (h Hash) IsZero() bool { return h == Hash{} }

// ParseHash reads 40 hex digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*len(h) {
		return Hash{}, fmt.Errorf("git: %q is not an object name", s)
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fmt.Errorf("git: %q is not an object name", s)
	}
	return h, nil
}

// Type is what an object holds.
type Type string

// The object types that the disk uses; annotated tags are only passed through.
const (
	Blob   Type = "blob"
	Tree   Type = "tree"
	Commit Type = "commit"
	Tag    Type = "tag"
)

// Object is one object in memory. Data is shared and must not be changed.
type Object struct {
	Type Type
	Data []byte
	Hash Hash
}

// NewObject makes an object of data, which it keeps.
func NewObject(t Type, data []byte) Object {
	return Object{Type: t, Data: data, Hash: Sum(t, data)}
}

// Sum returns the name that data has as an object of type t.
func Sum(t Type, data []byte) (h Hash) {
	s := sha1.New() // git's format asks for it; it is a name here, not a defence
	s.Write(header(t, len(data)))
	s.Write(data)
	s.Sum(h[:0])
	return h
}

func header(t Type, size int) []byte {
	return append(strconv.AppendInt(append([]byte(t), ' '), int64(size), 10), 0)
}

// ErrNotFound says that a repository does not have an object or a ref.
var ErrNotFound = errors.New("not in the repository")

// ErrCorrupt says that stored bytes are not what their name or format promises.
var ErrCorrupt = errors.New("damaged object")

var deflaters = sync.Pool{New: func() any {
	w, err := zlib.NewWriterLevel(io.Discard, zlib.BestSpeed)
	if err != nil {
		panic("git: " + err.Error()) // BestSpeed is a valid level
	}
	return w
}}

// EncodeLoose returns the bytes of o as a loose object file.
func EncodeLoose(o Object) ([]byte, error) {
	var buf bytes.Buffer
	w, _ := deflaters.Get().(*zlib.Writer)
	defer deflaters.Put(w)
	w.Reset(&buf)
	if _, err := w.Write(header(o.Type, len(o.Data))); err != nil {
		return nil, err
	}
	if _, err := w.Write(o.Data); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return buf.Bytes(), nil
}

// DecodeLoose reads the bytes of a loose object file and checks its length, not
// its name.
func DecodeLoose(raw []byte) (Object, error) {
	zr, err := zlib.NewReader(bytes.NewReader(raw))
	if err != nil {
		return Object{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
	}
	head := make([]byte, 0, 32)
	for one := []byte{0}; ; {
		if _, err := io.ReadFull(zr, one); err != nil {
			return Object{}, fmt.Errorf("%w: %w", ErrCorrupt, err)
		}
		if one[0] == 0 {
			break
		}
		if head = append(head, one[0]); len(head) == cap(head) {
			return Object{}, fmt.Errorf("%w: no header", ErrCorrupt)
		}
	}
	kind, digits, _ := strings.Cut(string(head), " ")
	size, err := strconv.ParseInt(digits, 10, 62)
	if err != nil || size < 0 {
		return Object{}, fmt.Errorf("%w: header %q", ErrCorrupt, head)
	}
	var data bytes.Buffer
	data.Grow(int(min(size, 1<<20)))
	if n, err := io.Copy(&data, io.LimitReader(zr, size+1)); err != nil || n != size {
		return Object{}, fmt.Errorf("%w: %d bytes where %d were promised: %w", ErrCorrupt, n, size, err)
	}
	return Object{Type: Type(kind), Data: data.Bytes()}, nil
}
