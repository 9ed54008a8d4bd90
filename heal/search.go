package heal

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"matrixos/disk"
	"matrixos/sys"
)

// mostPast bounds how many landings of an app are looked at.
const mostPast = 2000

// history lists the landings that touched an app or what it shares, oldest first.
func (h *Healer) history(ctx context.Context, roots []string) (out []sys.LandingInfo, err error) {
	seen := map[sys.LandingID]bool{}
	for _, root := range roots {
		list, err := h.o.Disk.Log(ctx, disk.Query{Path: sys.Path(root), Limit: mostPast})
		if err != nil {
			return nil, err
		}
		for _, l := range list {
			if !seen[l.ID] {
				seen[l.ID] = true
				out = append(out, l)
			}
		}
	}
	slices.SortFunc(out, func(a, b sys.LandingInfo) int { return int(a.ID - b.ID) })
	return out, nil
}

// found is where an app broke.
type found struct {
	culprit sys.LandingInfo
	good    sys.LandingID // the landing before it, as of which the check held
	newest  bool          // nothing has touched the app since
}

// search finds the landing on which a check began to fail, of those that touched the
// app, the newest of which fails. It goes back in doubling steps to one where it holds,
// then halves: 2⌈log₂k⌉ tries for a fault k landings back. Landings on which the app did
// not run say nothing. ok is false if it never held.
func (h *Healer) search(ctx context.Context, c *run, f failure) (_ found, ok bool, err error) {
	list, err := h.history(ctx, c.roots)
	if err != nil || len(list) == 0 {
		return found{}, false, err
	}
	newest := len(list) - 1
	bad, good := newest, -1
	for i, step := newest-1, 1; good < 0; {
		if i < 0 {
			return found{}, false, nil
		}
		next := max(i-2*step, min(i-1, 0))
		if err := h.ahead(ctx, c, f, list[i].ID, list[max(next, 0)].ID); err != nil {
			return found{}, false, err
		}
		v, err := h.held(ctx, c, list[i].ID, f)
		if err != nil {
			return found{}, false, err
		}
		switch v {
		case holds:
			good = i
		case fails:
			bad, step, i = i, 2*step, next
		case unclear:
			i--
		}
	}
	if good, bad, err = h.halve(ctx, c, list, good, bad, f); err != nil {
		return found{}, false, err
	}
	return found{list[bad], list[good].ID, bad == newest}, true, nil
}

// mostNear bounds how many landings are tried one by one.
const mostNear = 40

// nearer looks, one landing after the other, for a place where a check held after the
// culprit that search found: it was mended in between, and broke again.
func (h *Healer) nearer(ctx context.Context, c *run, f failure, at found) (found, bool, error) {
	list, err := h.history(ctx, c.roots)
	if err != nil {
		return found{}, false, err
	}
	bad := len(list) - 1
	for i := bad - 1; i >= 0 && len(list)-i < mostNear && list[i].ID > at.culprit.ID; i-- {
		v, err := h.held(ctx, c, list[i].ID, f)
		if err != nil {
			return found{}, false, err
		}
		switch v {
		case holds:
			return found{list[bad], list[i].ID, bad == len(list)-1}, true, nil
		case fails:
			bad = i
		case unclear:
		}
	}
	return found{}, false, nil
}

// halve narrows the place between a landing where the check holds and one where it
// fails.
func (h *Healer) halve(ctx context.Context, c *run, list []sys.LandingInfo, good, bad int, f failure) (int, int, error) {
	for bad-good > 1 {
		mid, v := good+(bad-good)/2, unclear
		for off := 0; off < bad-good && v == unclear; off++ {
			for _, i := range []int{mid - off, mid + off} {
				if i <= good || i >= bad || v != unclear {
					continue
				}
				var err error
				if v, err = h.held(ctx, c, list[i].ID, f); err != nil {
					return good, bad, err
				}
				if v == holds {
					good = i
				} else if v == fails {
					bad = i
				}
			}
		}
		if v == unclear {
			break
		}
	}
	return good, bad, nil
}

// ahead tries two landings side by side, of which the second is wanted if the check fails
// on the first.
func (h *Healer) ahead(ctx context.Context, c *run, f failure, ids ...sys.LandingID) error {
	var trees []fs.FS
	for _, id := range ids {
		view, err := h.o.Disk.View(id)
		if err != nil {
			return err
		}
		if _, err := fs.Stat(view, string(c.folder)); err == nil {
			trees = append(trees, c.judged(view))
		}
	}
	return h.both(ctx, c, f, trees...)
}

// held tells whether a check held as of a landing, by the contract of today.
func (h *Healer) held(ctx context.Context, c *run, at sys.LandingID, f failure) (verdict, error) {
	view, err := h.o.Disk.View(at)
	if err != nil {
		return fails, err
	}
	if _, err := fs.Stat(view, string(c.folder)); errors.Is(err, fs.ErrNotExist) {
		return fails, nil // there was no such app: nothing to go back to
	}
	return h.glance(ctx, c, c.judged(view), f)
}

// judged is a tree of the past with the contract of today.
func (c *run) judged(tree fs.FS) fs.FS {
	if c.contract == nil {
		return tree
	}
	return patched{tree, map[string][]byte{string(c.folder) + "/" + contractName: c.contract}}
}
