package backup

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"matrixos/disk"
	"matrixos/sys"
)

const (
	packSize = 8 << 20 // bytes of chunks in a pack, about
	// A pack of which the last snapshot used less than one part in so many is
	// not built upon: its chunks are written anew, and it can go in time.
	sparse = 4
)

// Run makes a snapshot of the home d, which may be in use. What the last snapshot
// has is not uploaded again. Until it returns nil there is no new snapshot; what
// an interrupted run has left is removed by the next Prune.
func (r *Repo) Run(ctx context.Context, d *disk.Disk, version string) (s Snapshot, err error) {
	err = r.exclusive(ctx, func(ctx context.Context) error {
		s, err = r.run(ctx, d, version)
		return err
	})
	return s, explain("back up", d.Root(), err)
}

func (r *Repo) run(ctx context.Context, d *disk.Disk, version string) (_ Snapshot, err error) {
	u := &upload{r: r, known: map[chunkID]int{}, packs: map[string]int{}}
	if err := u.learn(ctx); err != nil {
		return Snapshot{}, err
	}
	g, err := gather(ctx, d, r.beside, true)
	if err != nil {
		return Snapshot{}, err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	s := Snapshot{
		Format: repoFormat, Time: r.now().UTC(), Landing: g.landing.ID, Commit: g.landing.Commit,
		Home: d.Root(), Version: version,
	}
	s.ID = s.Time.Format("20060102-150405-") + strings.ToLower(rand.Text()[:6])
	for _, it := range g.items {
		if err := u.item(ctx, it); err != nil {
			return Snapshot{}, explain("back up", it.Path, err)
		}
		if it.Kind == file {
			s.Files++
		}
	}
	if err := u.flush(ctx); err != nil {
		return Snapshot{}, err
	}
	for _, e := range u.v.Entries {
		s.Bytes += e.Size
	}
	b, err := json.Marshal(u.inventory())
	if err != nil {
		return Snapshot{}, err
	}
	if b, err = seal(r.zip.EncodeAll(b, nil), r.recipient); err != nil {
		return Snapshot{}, err
	}
	if s.Manifest, err = r.put(ctx, manifestPrefix, b); err != nil {
		return Snapshot{}, err
	}
	s.Added = u.added + int64(len(b))
	if b, err = json.Marshal(s); err != nil {
		return Snapshot{}, err
	}
	if b, err = seal(b, r.recipient); err != nil {
		return Snapshot{}, err
	}
	return s, r.store.Put(ctx, "snapshots/"+s.ID, b) // now it exists
}

// upload collects chunks into packs.
type upload struct {
	r     *Repo
	v     inventory
	known map[chunkID]int // index into v.Chunks
	packs map[string]int  // index into v.Packs
	buf   []byte          // the pack being filled
	open  []int           // chunks in it
	added int64
}

// learn takes over what the last snapshot has and the store still holds.
func (u *upload) learn(ctx context.Context) error {
	last, err := u.r.Find(ctx, "")
	if errors.Is(err, sys.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	v, err := u.r.inventory(ctx, last)
	if sys.KindOf(err) == sys.NotVerified {
		return nil // damaged: this run writes everything anew
	}
	if err != nil {
		return err
	}
	there, err := u.r.store.List(ctx, packPrefix)
	if err != nil {
		return err
	}
	size := map[string]int64{}
	for _, o := range there {
		size[o.Name] = o.Size
	}
	used := make([]int64, len(v.Packs))
	for _, c := range v.Chunks {
		used[c.Pack] += c.Stored
	}
	for _, c := range v.Chunks {
		p := v.Packs[c.Pack]
		if size[p.Name] != p.Size || used[c.Pack]*sparse < p.Stored {
			continue
		}
		at, ok := u.packs[p.Name]
		if !ok {
			at = len(u.v.Packs)
			u.packs[p.Name] = at
			u.v.Packs = append(u.v.Packs, p)
		}
		c.Pack = at
		u.known[c.ID] = len(u.v.Chunks)
		u.v.Chunks = append(u.v.Chunks, c)
	}
	return nil
}

func (u *upload) item(ctx context.Context, it item) (err error) {
	e := entry{meta: it.meta}
	if it.Kind == file {
		rc, size, err := it.open()
		if err != nil {
			return err
		}
		hash := sha256.New()
		err = u.r.secrets.split(io.TeeReader(rc, hash), func(b []byte) error {
			n, err := u.chunk(ctx, b)
			e.Chunks = append(e.Chunks, n)
			e.Size += int64(len(b))
			return err
		})
		if err = errors.Join(err, rc.Close()); err != nil {
			return err
		}
		if e.Size != size {
			return errShrunk
		}
		e.SHA256 = hex.EncodeToString(hash.Sum(nil))
	}
	u.v.Entries = append(u.v.Entries, e)
	return ctx.Err()
}

// chunk makes sure that a chunk is stored and returns its number.
func (u *upload) chunk(ctx context.Context, b []byte) (int, error) {
	id := u.r.secrets.id(b)
	if n, ok := u.known[id]; ok {
		return n, nil
	}
	at := len(u.buf)
	u.buf = u.r.zip.EncodeAll(b, u.buf)
	if len(u.buf)-at >= len(b) { // it does not compress
		u.buf = append(u.buf[:at], b...)
	}
	n := len(u.v.Chunks)
	u.v.Chunks = append(u.v.Chunks, chunkRef{ID: id, Pack: -1, At: int64(at), Stored: int64(len(u.buf) - at), Size: int64(len(b))})
	u.known[id] = n
	u.open = append(u.open, n)
	if len(u.buf) < packSize {
		return n, nil
	}
	return n, u.flush(ctx)
}

// flush writes the pack that is being filled.
func (u *upload) flush(ctx context.Context) error {
	if len(u.open) == 0 {
		return nil
	}
	b, err := seal(u.buf, u.r.recipient)
	if err != nil {
		return err
	}
	name, err := u.r.put(ctx, packPrefix, b)
	if err != nil {
		return err
	}
	for _, n := range u.open {
		u.v.Chunks[n].Pack = len(u.v.Packs)
	}
	u.v.Packs = append(u.v.Packs, packRef{Name: name, Size: int64(len(b)), Stored: int64(len(u.buf))})
	u.added += int64(len(b))
	u.buf, u.open = u.buf[:0], u.open[:0]
	return nil
}

// inventory leaves out chunks and packs of the last snapshot that this one does
// not use.
func (u *upload) inventory() *inventory {
	out := &inventory{Entries: u.v.Entries}
	chunk, pack := map[int]int{}, map[int]int{}
	for i := range out.Entries {
		for k, n := range out.Entries[i].Chunks {
			to, ok := chunk[n]
			if !ok {
				c := u.v.Chunks[n]
				p, ok := pack[c.Pack]
				if !ok {
					p = len(out.Packs)
					pack[c.Pack] = p
					out.Packs = append(out.Packs, u.v.Packs[c.Pack])
				}
				c.Pack, to = p, len(out.Chunks)
				chunk[n] = to
				out.Chunks = append(out.Chunks, c)
			}
			out.Entries[i].Chunks[k] = to
		}
	}
	return out
}
