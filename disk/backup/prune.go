package backup

import (
	"context"
	"errors"
	"fmt"
	"time"

	"matrixos/sys"
)

// Keep says which snapshots to keep: the newest Last, and the newest of each of
// the last so many days, weeks and months that have one. The newest of all is
// always kept; a zero Keep keeps everything.
type Keep struct {
	Last    int `json:"last,omitempty"`
	Daily   int `json:"daily,omitempty"`
	Weekly  int `json:"weekly,omitempty"`
	Monthly int `json:"monthly,omitempty"`
}

// kept returns the IDs to keep of snapshots that are sorted, oldest first.
func (k Keep) kept(all []Snapshot) map[string]bool {
	keep := map[string]bool{}
	if len(all) > 0 {
		keep[all[len(all)-1].ID] = true
	}
	for _, rule := range []struct {
		n    int
		slot func(t time.Time) string
	}{
		{k.Last, func(t time.Time) string { return t.Format(time.RFC3339Nano) }},
		{k.Daily, func(t time.Time) string { return t.Format(time.DateOnly) }},
		{k.Weekly, func(t time.Time) string { y, w := t.ISOWeek(); return fmt.Sprint(y, "-", w) }},
		{k.Monthly, func(t time.Time) string { return t.Format("2006-01") }},
	} {
		slots := map[string]bool{}
		for i := len(all) - 1; i >= 0 && len(slots) < rule.n; i-- {
			s := rule.slot(all[i].Time.Local())
			if !slots[s] {
				slots[s], keep[all[i].ID] = true, true
			}
		}
	}
	if k == (Keep{}) {
		for _, s := range all {
			keep[s.ID] = true
		}
	}
	return keep
}

// Pruned says what a prune has removed.
type Pruned struct {
	Snapshots int   `json:"snapshots"`
	Objects   int   `json:"objects"`
	Bytes     int64 `json:"bytes"`
}

// Prune removes the snapshots that k does not keep, and objects that none of
// those left needs: also what interrupted runs have left. If one that stays
// cannot be read, no object is removed.
func (r *Repo) Prune(ctx context.Context, k Keep) (out Pruned, err error) {
	err = r.exclusive(ctx, func(ctx context.Context) error {
		all, damage, err := r.list(ctx)
		if err = errors.Join(err, damage); err != nil {
			return err // what a damaged one needs is not known
		}
		keep := k.kept(all)
		needed := map[string]bool{}
		for _, s := range all {
			if !keep[s.ID] {
				continue
			}
			v, err := r.inventory(ctx, s)
			if err != nil {
				return err
			}
			needed[s.Manifest] = true
			for _, p := range v.Packs {
				needed[p.Name] = true
			}
		}
		for _, s := range all {
			if keep[s.ID] {
				continue
			}
			if err := r.store.Delete(ctx, "snapshots/"+s.ID); err != nil {
				return err
			}
			out.Snapshots++
		}
		return r.sweep(ctx, needed, &out)
	})
	return out, explain("prune", "backup", err)
}

func (r *Repo) sweep(ctx context.Context, needed map[string]bool, out *Pruned) error {
	for _, prefix := range []string{manifestPrefix, packPrefix} {
		list, err := r.store.List(ctx, prefix)
		if err != nil {
			return err
		}
		for _, o := range list {
			if needed[o.Name] {
				continue
			}
			if err := r.store.Delete(ctx, o.Name); err != nil {
				return err
			}
			out.Objects++
			out.Bytes += o.Size
		}
	}
	return nil
}

// Damage is an object that is missing or not what its name says.
type Damage struct {
	Object    string   `json:"object"`
	Why       string   `json:"why"`
	Snapshots []string `json:"snapshots"`
	Files     []string `json:"files"` // affected in the newest of these snapshots; at most 100
}

const mostNamed = 100

// Verify reads every object that a snapshot needs and compares it with its name,
// or, if quick, only looks whether it is there with the right size.
func (r *Repo) Verify(ctx context.Context, quick bool) (out []Damage, err error) {
	out = []Damage{}
	err = r.exclusive(ctx, func(ctx context.Context) error {
		c := &check{r: r, quick: quick, seen: map[string]string{}, at: map[string]int{}}
		there, err := r.store.List(ctx, packPrefix)
		if err != nil {
			return err
		}
		c.size = map[string]int64{}
		for _, o := range there {
			c.size[o.Name] = o.Size
		}
		names, err := r.store.List(ctx, "snapshots/")
		if err != nil {
			return err
		}
		for i := len(names) - 1; i >= 0; i-- {
			if err := c.snapshot(ctx, names[i].Name); err != nil {
				return err
			}
		}
		out = append(out, c.found...)
		return nil
	})
	return out, explain("verify", "backup", err)
}

type check struct {
	r     *Repo
	quick bool
	size  map[string]int64
	seen  map[string]string // pack → what is wrong with it
	found []Damage
	at    map[string]int // object → index in found
}

func (c *check) note(object, why, snapshot string, files []string) {
	i, ok := c.at[object]
	if !ok {
		i = len(c.found)
		c.at[object] = i
		c.found = append(c.found, Damage{Object: object, Why: why, Snapshots: []string{}, Files: append([]string{}, files...)})
	}
	c.found[i].Snapshots = append(c.found[i].Snapshots, snapshot)
}

func (c *check) snapshot(ctx context.Context, name string) error {
	s, err := c.r.snapshot(ctx, name)
	if sys.KindOf(err) == sys.NotVerified {
		c.note(name, "the snapshot cannot be read", name, nil)
		return nil
	}
	if err != nil {
		return err
	}
	v, err := c.r.inventory(ctx, s)
	if sys.KindOf(err) == sys.NotVerified {
		c.note(s.Manifest, "the manifest is missing or damaged", s.ID, nil)
		return nil
	}
	if err != nil {
		return err
	}
	for n, p := range v.Packs {
		why, done := c.seen[p.Name]
		if !done {
			if why, err = c.pack(ctx, p); err != nil {
				return err
			}
			c.seen[p.Name] = why
		}
		if why != "" {
			c.note(p.Name, why, s.ID, v.filesIn(n))
		}
	}
	return nil
}

// pack says what is wrong with a pack, "" if nothing is.
func (c *check) pack(ctx context.Context, p packRef) (string, error) {
	size, there := c.size[p.Name]
	switch {
	case !there:
		return "it is missing", nil
	case size != p.Size:
		return fmt.Sprintf("it has %d bytes, not %d", size, p.Size), nil
	case c.quick:
		return "", nil
	}
	_, err := c.r.readPack(ctx, p)
	var e *sys.Error
	if errors.As(err, &e) && e.Kind == sys.NotVerified {
		return e.Err.Error(), nil
	}
	return "", err
}

// filesIn lists files that need a pack.
func (v *inventory) filesIn(pack int) (out []string) {
	for _, e := range v.Entries {
		for _, c := range e.Chunks {
			if v.Chunks[c].Pack == pack {
				out = append(out, e.Path)
				break
			}
		}
		if len(out) == mostNamed {
			break
		}
	}
	return out
}
