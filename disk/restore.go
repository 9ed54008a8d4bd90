package disk

import (
	"context"
	"errors"
	"fmt"

	"matrixos/sys"
)

// RestoreOptions are what a caller may say about a restore.
type RestoreOptions struct {
	Preview    bool            // only say what would happen
	Kind       sys.LandingKind // ByOwner if empty
	Provenance sys.Provenance
}

// Restored is what a restore did, or with Preview would do.
type Restored struct {
	Landing sys.LandingInfo
	Files   []FileDiff
	Skipped []sys.Path // files that are not versioned any more: left as they are
}

// Restore brings a file or folder back to what it was as of a landing, by a new
// landing: what is there now stays in the history, edits by hand included,
// and the restore can be undone. The path "" is the whole home. Files of a
// folder that did not exist then are removed. A database of an app is brought back
// by RestoreData. If something else changes these
// files in the same moment, the error is a *ConflictError and nothing happens.
func (d *Disk) Restore(ctx context.Context, path sys.Path, at sys.LandingID, o RestoreOptions) (Restored, error) {
	if IsDatabase(path) {
		return d.RestoreData(ctx, path, at, o)
	}
	r, err := d.restore(ctx, string(path), at, o)
	return r, explain("restore", string(path), err)
}

func (d *Disk) restore(ctx context.Context, path string, at sys.LandingID, o RestoreOptions) (Restored, error) {
	fail := func(kind sys.Kind, why, hint string) (Restored, error) {
		return Restored{}, &sys.Error{Op: "restore", Path: path, Kind: kind, Err: errors.New(why), Hint: hint}
	}
	if err := d.usable("restore"); err != nil {
		return Restored{}, err
	}
	if path != "" && d.ignore.Load().match(path, false) {
		return fail(sys.Invalid, "this file is not versioned", "take it out of "+ignoreFile+" first, or copy it from `matrixos view "+at.String()+"`")
	}
	then, err := d.treeOf(ctx, at)
	if err != nil {
		return Restored{}, err
	}
	if err := d.settle(ctx, []string{path}); err != nil {
		return Restored{}, err
	}
	objects, head := d.objects(), d.at()
	was, err := objects.lookup(then, path)
	if err != nil {
		return Restored{}, err
	}
	if was.IsZero() {
		return fail(sys.NotFound, fmt.Sprintf("there was no such file at %s", at), "`matrixos why "+path+"` says what became of it")
	}
	changes, _, err := objects.between(head.tree, then, path)
	if err != nil {
		return Restored{}, err
	}
	var out Restored
	kept := changes[:0]
	for _, c := range changes {
		if d.ignore.Load().match(c.path, false) {
			out.Skipped = append(out.Skipped, sys.Path(c.path))
			continue
		}
		kept = append(kept, c)
	}
	if len(kept) == 0 && len(out.Skipped) > 0 {
		return fail(sys.Invalid, fmt.Sprintf("what is different since %s is not versioned any more", at), "take the files out of "+ignoreFile+" first, or copy them from `matrixos view "+at.String()+"`")
	}
	if len(kept) == 0 {
		return fail(sys.Exists, fmt.Sprintf("it is as it was at %s already", at), "`matrixos log` lists other moments")
	}
	return d.landRestore(ctx, path, at, o, kept, objects, out)
}

func (d *Disk) landRestore(ctx context.Context, path string, at sys.LandingID, o RestoreOptions, changes []change, objects objects, out Restored) (Restored, error) {
	what := path
	if what == "" {
		what = "everything"
	}
	if o.Kind == "" {
		o.Kind = sys.ByOwner
	}
	o.Provenance.Restores = at
	a := &attempt{
		d: d, op: "restore", changes: changes, objects: objects,
		landing: Landing{Kind: o.Kind, Title: fmt.Sprintf("Restored %s as of %s", what, at), Provenance: o.Provenance},
	}
	var err error
	if o.Preview {
		out.Landing, out.Files, err = a.preview(ctx)
		return out, err
	}
	if out.Landing, err = a.run(ctx); err != nil {
		return Restored{}, err
	}
	_, out.Files, err = d.Show(ctx, out.Landing.ID)
	return out, err
}
