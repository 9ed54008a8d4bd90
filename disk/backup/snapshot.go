package backup

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"matrixos/sys"
)

// Snapshot is one backup of a home.
type Snapshot struct {
	ID      string        `json:"id"`
	Time    time.Time     `json:"time"`
	Landing sys.LandingID `json:"landing"`
	Commit  string        `json:"commit"`
	Home    string        `json:"home"` // the folder that it is of
	Version string        `json:"version"`
	Files   int           `json:"files"`
	Bytes   int64         `json:"bytes"` // of the files
	Added   int64         `json:"added"` // bytes that this run uploaded

	Format   int    `json:"format"`
	Manifest string `json:"manifest"` // the object that lists all
}

// inventory is what a snapshot consists of: its manifest.
type inventory struct {
	Packs   []packRef  `json:"packs"`
	Chunks  []chunkRef `json:"chunks"`
	Entries []entry    `json:"entries"`
}

// packRef is an object of chunks.
type packRef struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`   // of the object
	Stored int64  `json:"stored"` // bytes of all chunks in it
}

// chunkRef says where a chunk lies.
type chunkRef struct {
	ID     chunkID `json:"id"`
	Pack   int     `json:"p"`
	At     int64   `json:"a"`
	Stored int64   `json:"s"` // bytes in the pack
	Size   int64   `json:"n"` // bytes of content; compressed if they differ
}

type entry struct {
	meta
	Chunks []int `json:"chunks,omitempty"`
}

// MarshalText writes hex digits.
func (id chunkID) MarshalText() ([]byte, error) { return hex.AppendEncode(nil, id[:]), nil }

// UnmarshalText reads them.
func (id *chunkID) UnmarshalText(b []byte) error {
	if len(b) != 2*len(id) {
		return errors.New("not the name of a chunk")
	}
	_, err := hex.Decode(id[:], b)
	return err
}

// sound reports whether the numbers of an inventory fit together.
func (v *inventory) sound() error {
	for i, c := range v.Chunks {
		if c.Pack < 0 || c.Pack >= len(v.Packs) || c.At < 0 || c.Stored < 1 || c.Size < 1 || c.Size > largestChunk || c.Stored > c.Size || c.At > 1<<40 {
			return fmt.Errorf("chunk %d is impossible", i)
		}
	}
	for _, e := range v.Entries {
		for _, c := range e.Chunks {
			if c < 0 || c >= len(v.Chunks) {
				return fmt.Errorf("%s names a chunk that is not listed", e.Path)
			}
		}
	}
	return nil
}

// List returns the complete snapshots, oldest first. One that is damaged is left
// out; Verify names it.
func (r *Repo) List(ctx context.Context) ([]Snapshot, error) {
	out, _, err := r.list(ctx)
	return out, err
}

// list also returns the first damage.
func (r *Repo) list(ctx context.Context) (out []Snapshot, damage, err error) {
	names, err := r.store.List(ctx, "snapshots/")
	if err != nil {
		return nil, nil, err
	}
	out = []Snapshot{}
	for _, o := range names {
		s, err := r.snapshot(ctx, o.Name)
		switch {
		case err == nil:
			out = append(out, s)
		case sys.KindOf(err) != sys.NotVerified:
			return nil, nil, err
		case damage == nil:
			damage = err
		}
	}
	slices.SortFunc(out, func(a, b Snapshot) int { return a.Time.Compare(b.Time) })
	return out, damage, nil
}

func (r *Repo) snapshot(ctx context.Context, name string) (s Snapshot, err error) {
	b, err := r.store.Get(ctx, name)
	if err != nil {
		return s, err
	}
	bad := func(err error) (Snapshot, error) {
		return Snapshot{}, &sys.Error{Op: "read snapshot", Path: name, Kind: sys.NotVerified, Err: err, Hint: "the object is damaged: delete it from the store to go on with the other snapshots"}
	}
	if b, err = unseal(b, r.identity); err != nil {
		return bad(err)
	}
	if err := json.Unmarshal(b, &s); err != nil {
		return bad(err)
	}
	if s.Format > repoFormat {
		return s, &sys.Error{Op: "read snapshot", Path: name, Kind: sys.TooNew, Err: fmt.Errorf("it has format %d, this program knows %d", s.Format, repoFormat), Hint: "it was made by Matrix OS " + s.Version + ": install that version or a newer one"}
	}
	if "snapshots/"+s.ID != name {
		return bad(errors.New("it carries another name"))
	}
	return s, nil
}

// Find returns the newest snapshot that at names: the beginning of an ID, or a
// date or time, which means the newest until then; "" is the newest.
func (r *Repo) Find(ctx context.Context, at string) (Snapshot, error) {
	all, err := r.List(ctx)
	if err != nil {
		return Snapshot{}, err
	}
	until, isTime := parseTime(at)
	for _, s := range slices.Backward(all) {
		if at == "" || isTime && !s.Time.After(until) || !isTime && strings.HasPrefix(s.ID, at) {
			return s, nil
		}
	}
	return Snapshot{}, &sys.Error{Op: "find snapshot", Path: at, Kind: sys.NotFound, Err: fmt.Errorf("none of the %d snapshots", len(all)), Hint: "`matrixos backup list` shows what there is"}
}

// parseTime reads a date, which means the end of that day, or a time.
func parseTime(s string) (time.Time, bool) {
	if t, err := time.ParseInLocation(time.DateOnly, s, time.Local); err == nil {
		return t.AddDate(0, 0, 1).Add(-time.Nanosecond), true
	}
	for _, form := range []string{time.RFC3339, "2006-01-02 15:04", "2006-01-02T15:04", time.DateTime} {
		if t, err := time.ParseInLocation(form, s, time.Local); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// inventory reads what a snapshot consists of.
func (r *Repo) inventory(ctx context.Context, s Snapshot) (*inventory, error) {
	b, err := r.store.Get(ctx, s.Manifest)
	bad := func(err error) (*inventory, error) {
		return nil, &sys.Error{Op: "read manifest", Path: s.Manifest, Kind: sys.NotVerified, Err: fmt.Errorf("snapshot %s: %w", s.ID, err), Hint: "this snapshot cannot be restored; try another one (`matrixos backup list`)"}
	}
	if errors.Is(err, sys.NotFound) {
		return bad(errors.New("the object is missing"))
	}
	if err != nil {
		return nil, err
	}
	if manifestPrefix+sum(b) != s.Manifest {
		return bad(errors.New("the object is damaged"))
	}
	if b, err = unseal(b, r.identity); err != nil {
		return bad(err)
	}
	if b, err = r.unzip.DecodeAll(b, nil); err != nil {
		return bad(err)
	}
	v := &inventory{}
	if err := json.Unmarshal(b, v); err != nil {
		return bad(err)
	}
	if err := v.sound(); err != nil {
		return bad(err)
	}
	return v, nil
}
