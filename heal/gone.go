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

// needsContract judges an app that had a contract: without one it is not well.
type needsContract struct{ Judge }

// Whole implements Judge.
func (j needsContract) Whole(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	r, err := j.Judge.Whole(ctx, tree, folder)
	return lacking(r, err, tree, folder)
}

// First implements Judge.
func (j needsContract) First(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	r, err := j.Judge.First(ctx, tree, folder)
	return lacking(r, err, tree, folder)
}

// Part implements Judge.
func (j needsContract) Part(ctx context.Context, tree fs.FS, folder sys.Path, check string) (*sys.ContractReport, error) {
	r, err := j.Judge.Part(ctx, tree, folder, check)
	return lacking(r, err, tree, folder)
}

// lacking adds to a report that the contract is gone, if it is.
func lacking(r *sys.ContractReport, err error, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	if err != nil {
		return nil, err
	}
	name := folder + "/" + contractName
	if _, err := fs.Stat(tree, string(name)); !errors.Is(err, fs.ErrNotExist) {
		return r, err
	}
	out := *r // whoever made it may remember it
	out.Faults = append(slices.Clone(r.Faults), sys.Diagnostic{Severity: "error", File: name, Line: 1, Text: goneWords})
	out.Settle()
	return &out, nil
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
	c.judge = needsContract{c.judge}
	return nil
}

// where tells where an app broke: the landing that deleted its contract needs no search.
func (h *Healer) where(ctx context.Context, c *run, target failure) (found, bool, error) {
	if c.lostIt(target) {
		return *c.lost, true, nil
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
