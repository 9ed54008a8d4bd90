package heal

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"

	"matrixos/disk"
	"matrixos/sys"
)

// goneWords is what a report says of an app whose contract was deleted.
const goneWords = "the app had a contract, and it is gone"

// lacking tells that the contract of an app is gone, if it is.
func lacking(tree fs.FS, folder sys.Path, _ *sys.ContractReport) ([]sys.Diagnostic, error) {
	name := folder + "/" + contractName
	if _, err := fs.Stat(tree, string(name)); !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	return []sys.Diagnostic{{Severity: "error", File: name, Line: 1, Text: goneWords}}, nil
}

// promised holds an app to having a contract if it lost the one it had, while the app
// itself stayed. An undo that took the contract away is the owner's decision, and no loss.
func (h *Healer) promised(ctx context.Context, c *run, view *disk.View) error {
	name := c.folder + "/" + contractName
	if _, err := fs.Stat(view, string(name)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	list, err := h.o.Disk.Log(ctx, disk.Query{Path: name, Limit: 1})
	if err != nil || len(list) == 0 || list[0].Kind == sys.ByUndo {
		return err
	}
	then, err := h.o.Disk.View(list[0].ID)
	if err != nil {
		return err
	}
	if _, err := fs.Stat(then, string(c.folder)); errors.Is(err, fs.ErrNotExist) {
		return nil // all of the app was removed: this one is another
	} else if err != nil {
		return err
	}
	past, err := h.history(ctx, c.roots)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(past, func(l sys.LandingInfo) bool { return l.ID == list[0].ID })
	if i < 1 {
		return nil // further back than anything is searched
	}
	c.lost = &found{past[i], past[i-1].ID, i == len(past)-1}
	c.judge = stricter{c.judge, lacking}
	return nil
}

// where tells where an app broke: the landing that deleted its contract, or that brought
// damage, needs no search.
func (h *Healer) where(ctx context.Context, c *run, target failure) (found, bool, error) {
	if c.lostIt(target) {
		return *c.lost, true, nil
	}
	if m, ok := c.marked(target); ok {
		return m.at, true, nil
	}
	return h.search(ctx, c, target)
}

// lostIt reports whether what fails is that the contract is gone.
func (c *run) lostIt(target failure) bool {
	return c.lost != nil && target.name == "" && target.words == goneWords
}

// goneWhy tells the owner what the loss of a contract means.
func goneWhy(name string, l sys.LandingInfo) string {
	who := ""
	if l.Kind == sys.ByOwner {
		who = "your own change "
	}
	return fmt.Sprintf("The contract of %s was deleted with %s (%s%s). Without it nothing says what the app has to do, and nobody notices when it does something else.", name, l.ID, who, l.Title)
}
