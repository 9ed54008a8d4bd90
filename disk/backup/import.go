package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/klauspost/compress/zstd"

	"matrixos/sys"
)

// ImportOptions are what a caller may say about an import.
type ImportOptions struct {
	Links      bool   // allow links that lead out of the home
	Passphrase string // for the keys, if the file has any
}

// Import makes a home at the folder home, which must be empty or missing, of an
// export. It is there whole, opened once and proved equal to what was exported,
// or not at all. Errors name the file and the entry.
func Import(ctx context.Context, name, home string, o ImportOptions) (_ Summary, err error) {
	f, err := os.Open(name)
	if err != nil {
		return Summary{}, explain("import", name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	b, err := newBuilder(home, o.Links)
	if err != nil {
		return Summary{}, err
	}
	r := &archive{name: name, passphrase: o.Passphrase, take: b.add}
	s, err := r.read(ctx, f)
	if err == nil {
		err = b.finish()
	}
	if err == nil {
		err = b.settle(ctx, s.Landing, s.Commit)
	}
	if err != nil {
		return Summary{}, errors.Join(explain("import", name, err), b.discard())
	}
	return s, nil
}

// Verify reads a whole export and compares every hash, writing nothing.
func Verify(ctx context.Context, name string) (_ Summary, err error) {
	f, err := os.Open(name)
	if err != nil {
		return Summary{}, explain("verify", name, err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	r := &archive{name: name, take: func(m meta, r io.Reader) (string, error) {
		if m.Kind != file {
			return "", nil
		}
		sum := sha256.New()
		_, err := io.Copy(sum, r)
		return hex.EncodeToString(sum.Sum(nil)), err
	}}
	s, err := r.read(ctx, f)
	return s, explain("verify", name, err)
}

// archive reads an export, which it does not trust.
type archive struct {
	name       string
	passphrase string
	take       func(m meta, r io.Reader) (hash string, err error)

	packed  counter
	bytes   int64
	entries []meta
	s       Summary
}

const (
	mostDocument = 1 << 30 // bytes of a manifest, for millions of files
	mostEntries  = 20_000_000
	// A file that unpacks to more than this, at more than mostRatio times its
	// size, is made to fill a disk.
	bombBytes = 8 << 30
	mostRatio = 2000
)

// counter counts what is read from the file.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}

func (a *archive) bad(entry string, why error, hint string) error {
	return &sys.Error{Op: "read export", Path: a.name, Kind: sys.Invalid, Err: fmt.Errorf("%s: %w", entry, why), Hint: hint}
}

const damaged = "the file is damaged or incomplete: copy it again, or use another export; nothing was changed"

func (a *archive) read(ctx context.Context, f io.Reader) (Summary, error) {
	a.packed.r = f
	z, err := zstd.NewReader(&a.packed, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(128<<20))
	if err != nil {
		return Summary{}, a.bad("the whole", err, damaged)
	}
	defer z.Close()
	t := tar.NewReader(z)
	if err := a.header(t); err != nil {
		return Summary{}, err
	}
	last := headerName
	for {
		if err := ctx.Err(); err != nil {
			return Summary{}, err
		}
		h, err := t.Next()
		if err == io.EOF {
			return Summary{}, a.bad("after "+last, errors.New("it ends without its manifest"), damaged)
		}
		if err != nil {
			return Summary{}, a.bad("after "+last, err, damaged)
		}
		last = h.Name
		if h.Name == manifestName {
			return a.s, a.end(t, z)
		}
		if err := a.entry(t, h); err != nil {
			return Summary{}, err
		}
	}
}

func (a *archive) header(t *tar.Reader) error {
	h, err := t.Next()
	if err != nil {
		return a.bad("the beginning", err, "this is not a file that `matrixos export` has made")
	}
	if h.Name != headerName || h.Size > 1<<16 {
		return a.bad(fmt.Sprintf("%q", h.Name), errors.New("it does not begin like an export"), "this is not a file that `matrixos export` has made")
	}
	if err := json.NewDecoder(t).Decode(&a.s.Header); err != nil {
		return a.bad(headerName, err, damaged)
	}
	if a.s.Format > Format {
		return &sys.Error{Op: "read export", Path: a.name, Kind: sys.TooNew, Err: fmt.Errorf("%s: it has format %d, this program knows %d", headerName, a.s.Format, Format), Hint: "it was made by Matrix OS " + a.s.Version + ": install that version or a newer one"}
	}
	if a.s.Format < 1 || a.s.Landing < 1 {
		return a.bad(headerName, errors.New("it names no format or no landing"), damaged)
	}
	return nil
}

// entry takes one file, folder or link of the home.
func (a *archive) entry(t *tar.Reader, h *tar.Header) error {
	if h.Name == keysName {
		return a.keys(t, h)
	}
	name, ok := strings.CutPrefix(h.Name, homePrefix)
	if !ok {
		return a.bad(h.Name, errors.New("an export has no such entry"), damaged)
	}
	m := meta{Path: strings.TrimSuffix(name, "/"), Mode: fs.FileMode(h.Mode) & 0o777, ModTime: h.ModTime.UTC()}
	switch h.Typeflag {
	case tar.TypeReg:
		m.Kind, m.Size = file, h.Size
	case tar.TypeDir:
		m.Kind = folder
	case tar.TypeSymlink:
		m.Kind, m.Target, m.Mode = link, h.Linkname, 0
	default:
		return a.bad(h.Name, fmt.Errorf("entries of type %q do not belong in a home", h.Typeflag), "nothing was changed")
	}
	if a.bytes += h.Size; h.Size < 0 || a.bytes > bombBytes && a.bytes/mostRatio > a.packed.n {
		return a.bad(h.Name, errors.New("it unpacks to far more than it holds"), "this is not a file that `matrixos export` has made")
	}
	if len(a.entries) >= mostEntries {
		return a.bad(h.Name, errors.New("it has too many entries"), "nothing was changed")
	}
	hash, err := a.take(m, t)
	if err != nil {
		var ours *sys.Error
		if errors.As(err, &ours) {
			return &sys.Error{Op: "read export", Path: a.name, Kind: ours.Kind, Err: fmt.Errorf("%s: %w", h.Name, cause(ours)), Hint: ours.Hint}
		}
		return a.bad(h.Name, err, damaged)
	}
	m.SHA256 = hash
	a.entries = append(a.entries, m)
	if m.Kind == file {
		a.s.Files++
		a.s.Bytes += m.Size
	}
	return nil
}

func cause(e *sys.Error) error {
	if e.Err != nil {
		return e.Err
	}
	return e.Kind
}

// keys unlocks the keyring, if the caller has the passphrase.
func (a *archive) keys(t *tar.Reader, h *tar.Header) error {
	if h.Size > 1<<20 {
		return a.bad(h.Name, errors.New("it is too large for a keyring"), damaged)
	}
	b, err := io.ReadAll(t)
	if err != nil {
		return a.bad(h.Name, err, damaged)
	}
	a.s.Keys = true
	if a.passphrase == "" {
		return nil // the caller says that keys were left out
	}
	plain, err := unlockWith(a.passphrase, b)
	if err != nil {
		return err
	}
	m := meta{Path: keysFile, Kind: file, Mode: 0o600, Size: int64(len(plain)), ModTime: h.ModTime}
	_, err = a.take(m, bytes.NewReader(plain))
	return err
}

// end compares what was read with the manifest, which must be the last.
func (a *archive) end(t *tar.Reader, z io.Reader) error {
	var m manifest
	dec := json.NewDecoder(io.LimitReader(t, mostDocument))
	if err := dec.Decode(&m); err != nil {
		return a.bad(manifestName, err, damaged)
	}
	if m.Header != a.s.Header {
		return a.bad(manifestName, errors.New("it belongs to another export"), damaged)
	}
	if len(m.Entries) != len(a.entries) {
		return a.bad(manifestName, fmt.Errorf("it lists %d entries, the file has %d", len(m.Entries), len(a.entries)), damaged)
	}
	for i, want := range m.Entries {
		if got := a.entries[i]; !got.same(want) {
			return a.bad(homePrefix+want.Path, errors.New("it is not what was exported: its hash, size or kind differs"), damaged)
		}
		if want.Kind == link && leadsOut(want.Path, want.Target) {
			a.s.Outside = append(a.s.Outside, want.Path)
		}
	}
	if h, err := t.Next(); err == nil {
		return a.bad(h.Name, errors.New("it follows the manifest"), damaged)
	} else if err != io.EOF {
		return a.bad("the end", err, damaged)
	}
	rest, err := io.ReadAll(io.LimitReader(z, 1<<16))
	if err != nil || len(bytes.Trim(rest, "\x00")) > 0 {
		return a.bad("the end", errors.Join(errors.New("something follows the end"), err), damaged)
	}
	return nil
}

// same reports whether two descriptions are of one entry; times do not count.
func (m meta) same(o meta) bool {
	return m.Path == o.Path && m.Kind == o.Kind && m.Size == o.Size && m.SHA256 == o.SHA256 && m.Target == o.Target && (m.Kind == link || m.Mode == o.Mode)
}
