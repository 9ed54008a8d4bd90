package backup

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"matrixos/sys"
)

// Store keeps objects by name: slash-separated, of letters, digits, "." and "-".
// It is not trusted with their content. All methods may be called concurrently.
type Store interface {
	// Put writes an object, which is not empty, whole: it is there with exactly these bytes, durably,
	// or the error is not nil and readers do not see a part of it.
	Put(ctx context.Context, name string, b []byte) error
	// Get reads one; NotFound if there is none.
	Get(ctx context.Context, name string) ([]byte, error)
	// List names the objects whose names begin with prefix, sorted, with sizes.
	List(ctx context.Context, prefix string) ([]Object, error)
	// Delete removes one; one that is not there is fine.
	Delete(ctx context.Context, name string) error
}

// Object is one object of a listing.
type Object struct {
	Name string
	Size int64
}

// Place says where backups go.
type Place struct {
	Dest     string `json:"dest"`               // a folder, or s3://bucket/prefix
	Endpoint string `json:"endpoint,omitempty"` // of an S3-compatible store; empty means Amazon's
	Region   string `json:"region,omitempty"`
	// Credentials of the store; they live in the keyring.
	AccessKey string `json:"-"`
	SecretKey string `json:"-"`
}

// OpenStore opens the place, with retries around what may fail in passing.
func OpenStore(p Place) (Store, error) {
	if strings.HasPrefix(p.Dest, "s3://") {
		s, err := newBucket(p)
		if err != nil {
			return nil, err
		}
		return &patient{s, []time.Duration{time.Second, 4 * time.Second, 15 * time.Second}}, nil
	}
	if u, err := url.Parse(p.Dest); err == nil && len(u.Scheme) > 1 {
		return nil, &sys.Error{Op: "open backup", Path: p.Dest, Kind: sys.Invalid, Err: errors.New("there is no such kind of place"), Hint: "name a folder, or s3://bucket/prefix"}
	}
	if !filepath.IsAbs(p.Dest) {
		return nil, &sys.Error{Op: "open backup", Path: p.Dest, Kind: sys.Invalid, Err: errors.New("the folder needs a whole path"), Hint: "write it from / on"}
	}
	return shelf{p.Dest}, nil
}

// shelf is a store in a folder, such as of a mounted disk.
type shelf struct{ dir string }

var _ Store = shelf{}

func (s shelf) fail(op, name string, err error) error {
	if errors.Is(err, fs.ErrNotExist) {
		if _, e := os.Stat(s.dir); e != nil {
			return &sys.Error{Op: op, Path: s.dir, Kind: sys.Unavailable, Err: errors.New("the backup folder is not there"), Hint: "is the disk mounted? connect it and try again"}
		}
	}
	return explain(op, filepath.Join(s.dir, name), err)
}

func (s shelf) Put(ctx context.Context, name string, b []byte) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return s.fail("write backup", name, s.put(name, b))
}

func (s shelf) put(name string, b []byte) (err error) {
	// The folder itself is made by Init alone: writing into the mount point of a
	// disk that is not there would be no backup.
	if _, err := os.Stat(s.dir); err != nil {
		return err
	}
	to := filepath.Join(s.dir, filepath.FromSlash(name))
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(to), ".part-")
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = os.Rename(f.Name(), to)
	}
	if err != nil {
		return errors.Join(err, os.Remove(f.Name()))
	}
	d, err := os.Open(filepath.Dir(to))
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

func (s shelf) Get(ctx context.Context, name string) ([]byte, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	b, err := os.ReadFile(filepath.Join(s.dir, filepath.FromSlash(name)))
	return b, s.fail("read backup", name, err)
}

func (s shelf) List(ctx context.Context, prefix string) ([]Object, error) {
	var out []Object
	err := filepath.WalkDir(s.dir, func(p string, e fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if err := ctx.Err(); err != nil {
			return err
		}
		rel, err := filepath.Rel(s.dir, p)
		name := filepath.ToSlash(rel)
		if err != nil || name == "." {
			return err
		}
		if e.IsDir() {
			if !strings.HasPrefix(name+"/", prefix) && !strings.HasPrefix(prefix, name+"/") {
				return fs.SkipDir
			}
			return nil
		}
		if !e.Type().IsRegular() || !strings.HasPrefix(name, prefix) || strings.HasPrefix(e.Name(), ".part-") {
			return nil
		}
		info, err := e.Info()
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err == nil {
			out = append(out, Object{name, info.Size()})
		}
		return err
	})
	slices.SortFunc(out, func(a, b Object) int { return strings.Compare(a.Name, b.Name) })
	return out, s.fail("list backup", prefix, err)
}

func (s shelf) Delete(_ context.Context, name string) error {
	err := os.Remove(filepath.Join(s.dir, filepath.FromSlash(name)))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return s.fail("delete from backup", name, err)
}

// patient tries again what failed because the store did not answer.
type patient struct {
	Store
	waits []time.Duration
}

func (p *patient) again(ctx context.Context, fn func() error) error {
	err := fn()
	for _, wait := range p.waits {
		if err == nil || sys.KindOf(err) != sys.Unavailable {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(wait):
		}
		err = fn()
	}
	return err
}

func (p *patient) Put(ctx context.Context, name string, b []byte) error {
	return p.again(ctx, func() error { return p.Store.Put(ctx, name, b) })
}

func (p *patient) Get(ctx context.Context, name string) (b []byte, err error) {
	err = p.again(ctx, func() error { b, err = p.Store.Get(ctx, name); return err })
	return b, err
}

func (p *patient) List(ctx context.Context, prefix string) (out []Object, err error) {
	err = p.again(ctx, func() error { out, err = p.Store.List(ctx, prefix); return err })
	return out, err
}

func (p *patient) Delete(ctx context.Context, name string) error {
	return p.again(ctx, func() error { return p.Store.Delete(ctx, name) })
}
