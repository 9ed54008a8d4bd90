package backup

import (
	"archive/tar"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"matrixos/disk"
	"matrixos/sys"
)

// Format is the version of the export format. A file of a higher one is refused.
//
// An export is a tar archive compressed with Zstandard, so that `tar --zstd -xf`
// opens it without us. Its first entry, matrixos-export.json, is a Header; the
// home's files follow below home/, databases as consistent copies and links as
// links; keys.age, if there, is the keyring, encrypted by a passphrase with age.
// The last entry, manifest.json, lists every file with its SHA-256.
const Format = 1

const (
	headerName   = "matrixos-export.json"
	manifestName = "manifest.json"
	keysName     = "keys.age"
	homePrefix   = "home/"
)

// Header is what an export says about itself.
type Header struct {
	Format  int           `json:"format"`
	Landing sys.LandingID `json:"landing"`
	Commit  string        `json:"commit"`
	Time    time.Time     `json:"time"` // when it was made
	Version string        `json:"version"`
}

// Summary says what a copy holds.
type Summary struct {
	Header
	Files   int      `json:"files"`
	Bytes   int64    `json:"bytes"` // before compression
	Keys    bool     `json:"keys"`
	Outside []string `json:"outside,omitempty"` // links that lead out of the home
}

// manifest ends an export.
type manifest struct {
	Header
	Entries []meta `json:"entries"`
}

// ExportOptions are what a caller may say about an export.
type ExportOptions struct {
	Version string
	// Keys is the keyring's file, to be carried along, encrypted with
	// Passphrase; nil leaves keys behind.
	Keys       []byte
	Beside     Beside // its keys do not count here
	Passphrase string
}

// Export writes the whole home of d, as of its newest landing, to w. The home
// may be in use. On error what was written is useless, and shows it: it has no
// manifest.
func Export(ctx context.Context, d *disk.Disk, w io.Writer, o ExportOptions) (_ Summary, err error) {
	if len(o.Keys) > 0 && o.Passphrase == "" {
		return Summary{}, &sys.Error{Op: "export", Path: d.Root(), Kind: sys.Invalid, Err: errors.New("keys are only exported under a passphrase"), Hint: "name a file with the passphrase: --passphrase-file FILE"}
	}
	g, err := gather(ctx, d, o.Beside, false)
	if err != nil {
		return Summary{}, explain("export", d.Root(), err)
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	z, err := zstd.NewWriter(w, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return Summary{}, err
	}
	e := &exporter{tar: tar.NewWriter(z)}
	e.m.Header = Header{Format: Format, Landing: g.landing.ID, Commit: g.landing.Commit, Time: time.Now().UTC().Truncate(time.Second), Version: o.Version}
	err = e.write(ctx, g, o)
	if err == nil {
		err = e.tar.Close()
	}
	if err != nil {
		return Summary{}, explain("export", d.Root(), err)
	}
	return e.summary, explain("export", d.Root(), z.Close())
}

type exporter struct {
	tar     *tar.Writer
	m       manifest
	summary Summary
}

func (e *exporter) write(ctx context.Context, g *gathered, o ExportOptions) error {
	e.summary.Header = e.m.Header
	if err := e.document(headerName, e.m.Header); err != nil {
		return err
	}
	for _, it := range g.items {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := e.item(it); err != nil {
			return fmt.Errorf("%s: %w", it.Path, err)
		}
	}
	if len(o.Keys) > 0 {
		b, err := lockWith(o.Passphrase, o.Keys)
		if err != nil {
			return err
		}
		if err := e.bytes(keysName, b); err != nil {
			return err
		}
		e.summary.Keys = true
	}
	return e.document(manifestName, e.m)
}

func (e *exporter) item(it item) error {
	m := it.meta
	h := &tar.Header{Name: homePrefix + m.Path, Mode: int64(m.Mode), ModTime: m.ModTime, Format: tar.FormatPAX}
	switch m.Kind {
	case folder:
		h.Typeflag, h.Name = tar.TypeDir, h.Name+"/"
	case link:
		h.Typeflag, h.Linkname, h.Mode = tar.TypeSymlink, m.Target, 0o777
		if leadsOut(m.Path, m.Target) {
			e.summary.Outside = append(e.summary.Outside, m.Path)
		}
	case file:
		return e.file(h, it)
	}
	e.m.Entries = append(e.m.Entries, m)
	return e.tar.WriteHeader(h)
}

func (e *exporter) file(h *tar.Header, it item) (err error) {
	r, size, err := it.open()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, r.Close()) }()
	h.Typeflag, h.Size = tar.TypeReg, size
	if err := e.tar.WriteHeader(h); err != nil {
		return err
	}
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(e.tar, sum), r)
	if err != nil {
		return err
	}
	if n != size {
		return errShrunk
	}
	m := it.meta
	m.Size, m.SHA256 = size, hex.EncodeToString(sum.Sum(nil))
	e.m.Entries = append(e.m.Entries, m)
	e.summary.Files++
	e.summary.Bytes += size
	return nil
}

// errShrunk says that a file became shorter while it was copied.
var errShrunk = &sys.Error{Op: "copy", Kind: sys.Held, Err: errors.New("the file was cut short while it was copied"), Hint: "try again"}

func (e *exporter) document(name string, v any) error {
	b, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		return err
	}
	return e.bytes(name, append(b, '\n'))
}

func (e *exporter) bytes(name string, b []byte) error {
	err := e.tar.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o644, Size: int64(len(b)), ModTime: e.m.Time, Format: tar.FormatPAX})
	if err != nil {
		return err
	}
	_, err = e.tar.Write(b)
	return err
}

// leadsOut reports whether a link at name points out of the home.
func leadsOut(name, target string) bool {
	if path.IsAbs(target) {
		return true
	}
	to := path.Join(path.Dir(name), target)
	return to == ".." || len(to) > 2 && to[:3] == "../"
}

// explain gives err an operation and a way out, unless it has them.
func explain(op, name string, err error) error {
	var done *sys.Error
	if err == nil || errors.As(err, &done) {
		return err
	}
	e := &sys.Error{Op: op, Path: name, Kind: sys.KindOf(err), Err: err}
	switch {
	case isFull(err):
		e.Kind, e.Hint = sys.NoSpace, "make room, or choose another place"
	case errors.Is(err, fs.ErrPermission):
		e.Kind, e.Hint = sys.Unavailable, "check that you may read and write there"
	case errors.Is(err, fs.ErrNotExist):
		e.Kind = sys.NotFound
	case errors.Is(err, context.DeadlineExceeded):
		e.Kind = sys.Canceled
	}
	return e
}

// lockWith encrypts b under a passphrase.
func lockWith(passphrase string, b []byte) ([]byte, error) {
	r, err := age.NewScryptRecipient(passphrase)
	if err != nil {
		return nil, err
	}
	return seal(b, r)
}

// unlockWith is the reverse of lockWith.
func unlockWith(passphrase string, b []byte) ([]byte, error) {
	id, err := age.NewScryptIdentity(passphrase)
	if err != nil {
		return nil, err
	}
	out, err := unseal(b, id)
	if err != nil {
		return nil, &sys.Error{Op: "unlock", Kind: sys.Unauthorized, Err: errors.New("the passphrase does not fit"), Hint: "check the passphrase"}
	}
	return out, nil
}
