package disk

import (
	"path"
	"slices"

	"matrixos/disk/git"
	"matrixos/disk/merge"
)

const (
	likeness     = 0.5     // lines that two files share, of the longer one, to count as one file renamed
	mostCompared = 10_000  // pairs of files that are compared by content
	largeText    = 1 << 20 // texts above this are compared as a whole only
)

// renames finds, among the changes of one landing, files that were moved: by added
// path, the deleted file that it was. Files of equal content are paired first,
// then those that have most lines in common. Each deleted file is used once.
func (o objects) renames(changes []change) (map[string]change, error) {
	var added, deleted []change
	for _, c := range changes {
		switch {
		case c.old.IsZero():
			added = append(added, c)
		case c.new.IsZero():
			deleted = append(deleted, c)
		}
	}
	out := map[string]change{}
	if len(added) == 0 || len(deleted) == 0 {
		return out, nil
	}
	used := map[string]bool{}
	pair := func(a, d change) { out[a.path], used[d.path] = d, true }
	same := map[git.Node][]change{}
	for _, d := range deleted {
		same[d.old] = append(same[d.old], d)
	}
	for _, a := range added {
		if found := same[a.new]; len(found) > 0 {
			i := max(slices.IndexFunc(found, func(d change) bool { return path.Base(d.path) == path.Base(a.path) }), 0)
			pair(a, found[i])
			same[a.new] = slices.Delete(slices.Clone(found), i, i+1)
		}
	}
	if len(added)*len(deleted) > mostCompared {
		return out, nil
	}
	alike, err := o.alike(added, deleted, out, used)
	if err != nil {
		return nil, err
	}
	for _, p := range alike {
		if _, done := out[p.added.path]; !done && !used[p.deleted.path] {
			pair(p.added, p.deleted)
		}
	}
	return out, nil
}

type pairing struct {
	added, deleted change
	share          float64
}

// alike lists the pairs of texts that share enough, the most alike first.
func (o objects) alike(added, deleted []change, done map[string]change, used map[string]bool) ([]pairing, error) {
	m := merge.NewMatcher()
	bags := map[git.Hash]map[int]int{}
	bag := func(n git.Node) (map[int]int, error) {
		if b, ok := bags[n.Hash]; ok {
			return b, nil
		}
		text, err := o.content(n.Hash)
		if err != nil {
			return nil, err
		}
		var b map[int]int
		if n.Mode != git.Symlink && len(text) <= largeText && !merge.Binary(text) {
			b = map[int]int{}
			for _, line := range m.Numbers(text) {
				b[line]++
			}
		}
		bags[n.Hash] = b
		return b, nil
	}
	var out []pairing
	for _, a := range added {
		if _, ok := done[a.path]; ok {
			continue
		}
		for _, d := range deleted {
			if used[d.path] {
				continue
			}
			x, err := bag(a.new)
			if err != nil {
				return nil, err
			}
			y, err := bag(d.old)
			if err != nil {
				return nil, err
			}
			if s := share(x, y); s >= likeness {
				out = append(out, pairing{a, d, s})
			}
		}
	}
	slices.SortStableFunc(out, func(p, q pairing) int {
		switch {
		case p.share > q.share:
			return -1
		case p.share < q.share:
			return 1
		}
		return 0
	})
	return out, nil
}

// share is the part of the longer text's lines that the other has as well.
func share(x, y map[int]int) float64 {
	both, nx, ny := 0, 0, 0
	for line, n := range x {
		nx += n
		both += min(n, y[line])
	}
	for _, n := range y {
		ny += n
	}
	if nx == 0 || ny == 0 {
		return 0
	}
	return float64(both) / float64(max(nx, ny))
}
