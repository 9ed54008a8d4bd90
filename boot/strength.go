package boot

import (
	"context"
	"io/fs"

	"matrixos/app/strength"
	"matrixos/sys"
)

// strength measures how many small wrong changes of an app its contract finds.
func (c *contracts) strength(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.StrengthReport, error) {
	if c.browser == nil {
		return nil, &sys.Error{Op: "measure the contract of", Path: string(folder), Kind: sys.Unavailable, Err: c.why, Hint: sys.HintOf(c.why)}
	}
	return strength.Bench{Runtime: c.runtime, Browser: c.browser}.Measure(ctx, tree, folder)
}
