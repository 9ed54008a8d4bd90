package disk

import (
	"context"
	"errors"
	"path/filepath"
	"strings"

	"matrixos/disk/git"
	"matrixos/disk/rows"
	"matrixos/sys"
)

// rowsFolder is where the commit of refused work has its changes of databases, each
// under the path of its database. No home has files there.
const rowsFolder = sys.Store + "/rows/"

// withRows adds changes of rows to those of files, as blobs.
func withRows(o objects, changes []change, data []rowChange) []change {
	out := append([]change(nil), changes...)
	for _, c := range data {
		blob := o.add(git.NewObject(git.Blob, c.set.Encode()))
		out = append(out, change{path: rowsFolder + c.path, new: git.Node{Mode: git.File, Hash: blob}})
	}
	return out
}

// apart divides what refused work changes into files and rows.
func (r refusal) apart() (files []change, data []rowChange, err error) {
	var all []change
	if err := r.objects.diff(r.base, r.work, "", &all); err != nil {
		return nil, nil, err
	}
	for _, c := range all {
		path, ok := strings.CutPrefix(c.path, rowsFolder)
		if !ok {
			files = append(files, c)
			continue
		}
		b, err := r.objects.content(c.new.Hash)
		if err != nil {
			return nil, nil, err
		}
		set, err := rows.Decode(b)
		if err != nil {
			return nil, nil, rows.Explain("read refused rows", path, err)
		}
		data = append(data, rowChange{path: path, set: set})
	}
	return files, data, nil
}

// rowsFile shows what refused work wants of a database beside what is there now. If
// nothing is in its way any more, theirs is all that it wants.
func (d *Disk) rowsFile(ctx context.Context, r refusal, path string) (f ConflictFile, err error) {
	_, data, err := r.apart()
	if err != nil {
		return f, err
	}
	for _, c := range data {
		if c.path != path {
			continue
		}
		found, err := d.tryRows(ctx, c)
		if err == nil && len(found) == 0 {
			return ConflictFile{Path: sys.Path(path), Base: []byte{}, Ours: []byte{}, Theirs: []byte(c.set.Text(mostRowsShown))}, nil
		}
		return rowConflict(path, found), err
	}
	return f, &sys.Error{Op: "find conflict", Path: path, Kind: sys.NotFound, Err: errors.New("its rows are not kept")}
}

// tryRows applies changes to a copy of the database as it is now, and tells what is
// in the way.
func (d *Disk) tryRows(ctx context.Context, c rowChange) (found []rows.Conflict, err error) {
	dir, drop, err := d.scratch()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	file := filepath.Join(dir, "now")
	if _, err := d.privateCopy(ctx, c.path, file); err != nil {
		return nil, err
	}
	db, err := rows.Open(ctx, file, rows.ToCreate, waitForWriter)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, tx.Rollback()) }()
	result, err := c.set.Apply(ctx, tx, c.mode)
	return result.Conflicts, err
}

// choose sets what happens where a database has other values by now.
func (c *rowChange) choose(choice sys.ConflictChoice) {
	switch choice {
	case sys.ChooseTheirs:
		c.mode = rows.Mode{TakeTheirs: true}
	case sys.ChooseOurs:
		c.mode = rows.Mode{KeepLive: true, KeepUsed: true}
	case sys.ChooseBoth, sys.ChooseFile: // refused by answer
	}
}
