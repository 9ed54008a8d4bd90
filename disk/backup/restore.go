package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"matrixos/sys"
)

// Restored says what a restore has brought back.
type Restored struct {
	Snapshot Snapshot `json:"snapshot"`
	Files    int      `json:"files"`
	Bytes    int64    `json:"bytes"`
	Lost     []string `json:"lost"` // files that the store no longer has whole
}

// RestoreOptions are what a caller may say about a restore.
type RestoreOptions struct {
	// Partial brings back what can be brought back when objects are missing or
	// damaged, and lists the rest; otherwise nothing is restored then.
	Partial bool
}

// Restore makes a home at the folder home, which must be empty or missing, of a
// snapshot. Every file is compared with its hash, and the whole is opened as a
// home, before it is put in place.
func (r *Repo) Restore(ctx context.Context, s Snapshot, home string, o RestoreOptions) (_ Restored, err error) {
	out := Restored{Snapshot: s, Lost: []string{}}
	v, err := r.inventory(ctx, s)
	if err != nil {
		return out, err
	}
	b, err := newBuilder(home, true)
	if err != nil {
		return out, err
	}
	err = r.unpack(ctx, v, b, o.Partial, &out)
	if err == nil {
		err = b.finish()
	}
	if err == nil && len(out.Lost) == 0 {
		err = b.settle(ctx, s.Landing, s.Commit)
	} else if err == nil {
		err = b.move()
	}
	if err != nil {
		return out, errors.Join(explain("restore", s.ID, err), b.discard())
	}
	if len(out.Lost) > 0 {
		return out, &sys.Error{Op: "restore", Path: s.ID, Kind: sys.NotVerified, Err: fmt.Errorf("%d files could not be restored, the first is %s", len(out.Lost), out.Lost[0]), Hint: "the rest is in " + home + "; look for the lost files in another snapshot"}
	}
	return out, nil
}

// unpack writes all entries into b.
func (r *Repo) unpack(ctx context.Context, v *inventory, b *builder, partial bool, out *Restored) error {
	f := &fetch{r: r, v: v, packs: map[int][]byte{}}
	for _, e := range v.Entries {
		if err := ctx.Err(); err != nil {
			return err
		}
		content := &content{ctx: ctx, f: f, left: e.Chunks}
		hash, err := b.add(e.meta, content)
		if err == nil && e.Kind == file && hash != e.SHA256 {
			err = &sys.Error{Op: "restore", Path: e.Path, Kind: sys.NotVerified, Err: errors.New("its hash is not the one that was backed up")}
		}
		if err != nil && partial && sys.KindOf(err) == sys.NotVerified {
			out.Lost = append(out.Lost, e.Path)
			if err = b.root.Remove(e.Path); errors.Is(err, os.ErrNotExist) {
				err = nil
			}
			if err != nil {
				return err
			}
			continue
		}
		if err != nil {
			if sys.KindOf(err) == sys.NotVerified {
				return &sys.Error{Op: "restore", Path: e.Path, Kind: sys.NotVerified, Err: err, Hint: "restore the rest with --partial, or try another snapshot"}
			}
			return err
		}
		if e.Kind == file {
			out.Files++
			out.Bytes += e.Size
		}
	}
	return nil
}

// fetch reads chunks, keeping a few packs in memory.
type fetch struct {
	r     *Repo
	v     *inventory
	packs map[int][]byte
	order []int
}

const mostPacks = 8

func (f *fetch) pack(ctx context.Context, n int) ([]byte, error) {
	if b, ok := f.packs[n]; ok {
		return b, nil
	}
	b, err := f.r.readPack(ctx, f.v.Packs[n])
	if err != nil {
		return nil, err
	}
	if len(f.order) >= mostPacks {
		delete(f.packs, f.order[0])
		f.order = f.order[1:]
	}
	f.packs[n] = b
	f.order = append(f.order, n)
	return b, nil
}

// readPack reads and decrypts a pack. One that is missing or damaged is
// reported with kind NotVerified.
func (r *Repo) readPack(ctx context.Context, p packRef) ([]byte, error) {
	bad := func(why string) error {
		return &sys.Error{Op: "read pack", Path: p.Name, Kind: sys.NotVerified, Err: errors.New(why), Hint: "`matrixos backup verify` lists what is affected"}
	}
	b, err := r.store.Get(ctx, p.Name)
	if errors.Is(err, sys.NotFound) {
		return nil, bad("the object is missing")
	}
	if err != nil {
		return nil, err
	}
	if packPrefix+sum(b) != p.Name {
		return nil, bad("the object is damaged")
	}
	if b, err = unseal(b, r.identity); err != nil {
		return nil, bad("the object cannot be decrypted")
	}
	return b, nil
}

// chunk returns the content of a chunk, compared with its name.
func (f *fetch) chunk(ctx context.Context, n int) ([]byte, error) {
	c := f.v.Chunks[n]
	p, err := f.pack(ctx, c.Pack)
	if err != nil {
		return nil, err
	}
	bad := func(why string) error {
		return &sys.Error{Op: "read chunk", Path: f.v.Packs[c.Pack].Name, Kind: sys.NotVerified, Err: errors.New(why)}
	}
	if c.At+c.Stored > int64(len(p)) {
		return nil, bad("the pack is too short")
	}
	b := p[c.At : c.At+c.Stored]
	if c.Stored != c.Size {
		if b, err = f.r.unzip.DecodeAll(b, make([]byte, 0, c.Size)); err != nil {
			return nil, bad("a chunk cannot be unpacked")
		}
	}
	if f.r.secrets.id(b) != c.ID {
		return nil, bad("a chunk is not what its name says")
	}
	return b, nil
}

// content is a file, chunk after chunk.
type content struct {
	ctx  context.Context // of the one call that this is
	f    *fetch
	left []int
	buf  []byte
}

func (c *content) Read(p []byte) (int, error) {
	for len(c.buf) == 0 {
		if len(c.left) == 0 {
			return 0, io.EOF
		}
		b, err := c.f.chunk(c.ctx, c.left[0])
		if err != nil {
			return 0, err
		}
		c.buf, c.left = b, c.left[1:]
	}
	n := copy(p, c.buf)
	c.buf = c.buf[n:]
	return n, nil
}

// Drilled is the result of a restore drill.
type Drilled struct {
	Snapshot Snapshot      `json:"snapshot"`
	Files    int           `json:"files"`
	Bytes    int64         `json:"bytes"`
	Took     time.Duration `json:"took"`
}

// Drill restores the newest snapshot into the folder scratch, which is the
// drill's own, compares every hash, opens it as a home, and removes it again.
func (r *Repo) Drill(ctx context.Context, scratch string) (out Drilled, err error) {
	began := r.now()
	s, err := r.Find(ctx, "")
	if err != nil {
		return out, err
	}
	out.Snapshot = s
	if err := removeAll(scratch); err != nil { // of one that was killed
		return out, explain("drill", scratch, err)
	}
	if err := os.MkdirAll(scratch, 0o700); err != nil {
		return out, explain("drill", scratch, err)
	}
	defer func() { err = errors.Join(err, removeAll(scratch)) }()
	got, err := r.Restore(ctx, s, filepath.Join(scratch, "home"), RestoreOptions{})
	out.Files, out.Bytes, out.Took = got.Files, got.Bytes, r.now().Sub(began)
	return out, err
}
