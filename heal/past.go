package heal

import (
	"context"
	"errors"
	"io/fs"

	"matrixos/sys"
)

// Past is how an app is tried as it was, for who searches its past without mending
// anything: by the contract of today, with the verdicts that a repair would stand on.
// The first tree is tried whole, and the first check that fails there is what the others
// are held to. The error of kind sys.NotVerified says what fails, that of
// sys.Unavailable that a tree could not be tried.
func (h *Healer) Past(ctx context.Context, folder sys.Path) (func(ctx context.Context, tree fs.FS) error, error) {
	c, _, err := h.begin(ctx, folder)
	if err != nil {
		return nil, err
	}
	var target *failure
	return func(ctx context.Context, tree fs.FS) error {
		now := c.judged(tree)
		if target == nil {
			r, err := h.whole(ctx, c, now, false)
			if err != nil || r.Green {
				return err
			}
			target = &failures(r)[0]
			return c.broken(sys.NotVerified, r.Text())
		}
		v, err := h.part(ctx, c, now, *target)
		switch {
		case err != nil:
			return err
		case v == fails:
			return c.broken(sys.NotVerified, target.said())
		case v == unclear:
			return c.broken(sys.Unavailable, "the app does not run")
		}
		return nil
	}, nil
}

func (c *run) broken(kind sys.Kind, why string) error {
	return &sys.Error{Op: "check", Path: string(c.folder), Kind: kind, Err: errors.New(why)}
}

// said is what fails, in words.
func (f failure) said() string {
	if f.words != "" {
		return f.words
	}
	return "“" + f.name + "” does not hold"
}
