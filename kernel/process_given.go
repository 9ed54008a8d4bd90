package kernel

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"

	"matrixos/sys"
)

// given is files that a call has put into a transaction, with their SHA-256 sums.
type given map[sys.Path]string

// Lay puts whole files into the process's transaction that the call vouches for,
// such as a verified app. They land though the process may not write there, as long
// as they are as they were laid: what the process changes of them is its own change,
// and is judged as one. The caller says what it shows, and asks for what has to be
// asked.
func (c *Call) Lay(ctx context.Context, files map[sys.Path][]byte) (err error) {
	t, err := c.p.begun(ctx)
	if err != nil {
		return err
	}
	root, err := os.OpenRoot(t.Dir())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	err = c.p.commit(ctx, func() error { // before the files: they must not be taken for the process's own
		next := maps.Clone(c.p.memo.Given)
		if next == nil {
			next = given{}
		}
		for f, text := range files {
			next[f] = hash(text)
		}
		c.p.memo.Given = next
		return nil
	})
	if err != nil {
		return err
	}
	for _, f := range slices.Sorted(maps.Keys(files)) {
		if err := root.MkdirAll(path.Dir(string(f)), 0o755); err != nil {
			return err
		}
		if err := root.WriteFile(string(f), files[f], 0o644); err != nil {
			return err
		}
	}
	return nil
}

func (p *process) laid() given {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.memo.Given
}

// without leaves out of changes what is as it was laid.
func (g given) without(root *os.Root, changes []sys.Change) (out []sys.Change, _ error) {
	for _, c := range changes {
		sum, ok := g[c.Path]
		if ok && c.Op != sys.Deleted {
			same, err := holds(root, c.Path, sum)
			if err != nil {
				return nil, err
			}
			if same {
				continue
			}
		}
		out = append(out, c)
	}
	return out, nil
}

// holds reports whether a plain file has a sum; a link to one with it does not.
func holds(root *os.Root, p sys.Path, sum string) (bool, error) {
	info, err := root.Lstat(string(p))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	text, err := root.ReadFile(string(p))
	return err == nil && hash(text) == sum, err
}

func hash(text []byte) string {
	s := sha256.Sum256(text)
	return hex.EncodeToString(s[:])
}
