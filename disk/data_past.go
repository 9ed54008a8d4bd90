package disk

import (
	"context"

	"matrixos/sys"
)

// CopiesAt returns the kept copies that show the databases of an app as they were
// while landing at was the newest: of each the first that was taken after it. A
// database of which it has none was not touched by a landing since, or has no copies.
func (d *Disk) CopiesAt(ctx context.Context, app sys.Slug, at sys.LandingID) ([]Copy, error) {
	all, err := d.Copies(ctx, app)
	if err != nil {
		return nil, err
	}
	first := map[sys.Path]Copy{}
	for _, c := range all { // newest first
		if c.Landing > at {
			first[c.Path] = c
		}
	}
	var out []Copy
	for _, c := range all {
		if first[c.Path] == c {
			out = append(out, c)
		}
	}
	return out, nil
}
