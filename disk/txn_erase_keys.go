package disk

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"matrixos/disk/git"
	"matrixos/sys"
)

// perEntry is how much text counts as one entry.
const perEntry = 20

// keysErased says what the transaction takes from the values of apps' keys, key by key, and
// after those of an app all of them together.
func (t *Txn) keysErased(ctx context.Context, o objects, changes []change) (out []Erased, err error) {
	gone := map[string][]Erased{} // by folder
	for _, c := range changes {
		folder, key, ok := appKey(c.path)
		if !ok || c.old.IsZero() {
			continue
		}
		had, err := o.entries(c.old)
		if err != nil {
			return nil, err
		}
		left, err := o.entries(c.new)
		if err != nil {
			return nil, err
		}
		if left < had {
			sum := hex.EncodeToString(c.old.Hash[:8]) + hex.EncodeToString(c.new.Hash[:8])
			gone[folder] = append(gone[folder], Erased{Path: sys.Path(folder), Removed: had - left, Of: had, Sum: sum, Key: key})
		}
	}
	for folder, list := range gone {
		all := Erased{Path: sys.Path(folder)}
		for _, e := range list {
			all.Removed += e.Removed
		}
		at, err := o.lookup(t.base.tree, folder)
		if err != nil {
			return nil, err
		}
		if at.IsFolder() {
			err = o.walk(at.Hash, folder+"/", func(p string, n git.Node) error {
				if _, _, ok := appKey(p); !ok {
					return ctx.Err()
				}
				had, err := o.entries(n)
				all.Of += had
				return err
			})
		}
		if err != nil {
			return nil, err
		}
		out = append(append(out, list...), all)
	}
	slices.SortStableFunc(out, func(a, b Erased) int { return strings.Compare(string(a.Path), string(b.Path)) })
	return out, nil
}

// appKey tells files that hold a value of an app's: data/SLUG/KEY.json.
func appKey(p string) (folder, key string, ok bool) {
	parts := strings.Split(p, "/")
	if len(parts) != 3 || parts[0] != dataFolder {
		return "", "", false
	}
	key, ok = strings.CutSuffix(parts[2], ".json")
	return parts[0] + "/" + parts[1], key, ok
}

// entries counts what a value has: the elements of lists, the fields of objects, and text by
// its length; 0 if there is none.
func (o objects) entries(n git.Node) (int, error) {
	if n.IsZero() || n.IsFolder() {
		return 0, nil
	}
	raw, err := o.content(n.Hash)
	if err != nil {
		return 0, err
	}
	var v any
	if json.Unmarshal(raw, &v) != nil {
		v = string(raw) // an app has not written it
	}
	return entriesOf(v), nil
}

func entriesOf(v any) (n int) {
	switch v := v.(type) {
	case nil:
		return 0
	case []any:
		for _, e := range v {
			if e != nil && e != "" {
				n++
			}
		}
		return n
	case map[string]any:
		for _, field := range v {
			n += entriesOf(field)
		}
		return n
	case string:
		if v = strings.TrimSpace(v); v == "" {
			return 0
		}
		return 1 + utf8.RuneCountInString(v)/perEntry
	}
	return 1
}
