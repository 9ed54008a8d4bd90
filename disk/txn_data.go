package disk

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"matrixos/disk/rows"
	"matrixos/sys"
)

// mostProvided is the size of all databases together up to which a command gets
// copies of all of them; beyond it, those of the apps that the transaction works on.
const mostProvided = 32 << 20

// private is a transaction's own copy of a database.
type private struct {
	base string   // what it started from, outside the workspace; "" if from nothing
	stat dataStat // as it was handed out
}

// privates are the databases of a transaction, guarded by Txn.mu.
type privates struct {
	dir   string // where the bases are
	given map[string]private
}

// Data gives the transaction its own consistent copy of an app's database, at the
// same path in its folder, and returns that file's full name. The copy is of now,
// not of the transaction's base; a second call returns the same. What is changed in
// it, rows and schema, lands with the files. A database that does not exist yet is
// made in the workspace by whoever opens the name.
func (t *Txn) Data(ctx context.Context, p sys.Path) (string, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	full, err := t.dataLocked(ctx, string(p))
	return full, explain("copy the data", string(p), err)
}

func (t *Txn) dataLocked(ctx context.Context, path string) (string, error) {
	if t.ended {
		return "", &sys.Error{Op: "use transaction", Path: t.label, Kind: sys.Invalid, Err: errors.New("it has ended"), Hint: "begin a new one"}
	}
	clean, err := cleanPath("copy the data", sys.Path(path))
	if err != nil {
		return "", err
	}
	if _, ok := isDatabase(clean); !ok {
		return "", &sys.Error{Op: "copy the data", Path: path, Kind: sys.Invalid, Err: errors.New("it is no database of an app"), Hint: "these are data/SLUG/NAME" + dataSuffix}
	}
	full := t.dataFile(clean)
	if _, done := t.data.given[clean]; done || fileThere(full) {
		return full, nil
	}
	if t.data.given == nil {
		t.data.given = map[string]private{}
		if t.data.dir, _, err = t.d.scratch(); err != nil {
			return "", err
		}
	}
	base := filepath.Join(t.data.dir, "b"+strings.ReplaceAll(clean, "/", "%"))
	there, err := t.d.privateCopy(ctx, clean, base)
	if err != nil {
		return "", errors.Join(err, rows.Remove(base))
	}
	shown := filepath.Join(t.Dir(), clean)
	if err := os.MkdirAll(filepath.Dir(shown), 0o755); err != nil {
		return "", err
	}
	if err := os.Chmod(filepath.Dir(shown), 0o755); err != nil { // so that an overlay's upper has it
		return "", err
	}
	if !there {
		return full, nil
	}
	if err := copyPlain(base, shown); err != nil {
		return "", err
	}
	past := time.Now().Add(-time.Hour) // so that every write to come shows
	if err := os.Chtimes(shown, past, past); err != nil {
		return "", err
	}
	st, err := stateAt(full)
	t.data.given[clean] = private{base, st}
	return full, err
}

// dataFile is where this program opens a database of the transaction.
func (t *Txn) dataFile(path string) string { return filepath.Join(t.folder.Beside(), path) }

// ProvideData gives the transaction copies of what a command may want to read or
// change: all databases if they are small together, else those of the apps that the
// transaction has changed so far. Of any other one Data gives a copy. A database that
// cannot be copied is left out.
func (t *Txn) ProvideData(ctx context.Context) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	paths, err := t.d.databases()
	if err != nil {
		return explain("copy the data", t.label, err)
	}
	var total int64
	for _, p := range paths {
		st, _, err := t.d.dataState(p)
		if err != nil {
			return explain("copy the data", t.label, err)
		}
		total += st.file.size + st.log.size
	}
	if total > mostProvided {
		changes, err := t.scanLocked(ctx, t.d.objects())
		if err != nil {
			return explain("copy the data", t.label, err)
		}
		mine := appsTouched(changes, nil)
		paths = slices.DeleteFunc(paths, func(p string) bool {
			slug, _ := isDatabase(p)
			return !slices.Contains(mine, slug)
		})
	}
	for _, p := range paths {
		if _, err := t.dataLocked(ctx, p); err != nil {
			if !rows.Damaged(err) && !errors.Is(err, sys.Unavailable) && !errors.Is(err, sys.Held) {
				return explain("copy the data", p, err)
			}
			t.d.log.WarnContext(ctx, "a command works without the data of an app", "file", p, "error", err)
		}
	}
	return nil
}

// carryRows repeats in t what another transaction has done to databases, except to
// those named, so that work can go on from the newest state after a conflict.
func (t *Txn) carryRows(ctx context.Context, list []rowChange, except map[sys.Path]bool) error {
	for _, c := range list {
		if except[sys.Path(c.path)] {
			continue
		}
		full, err := t.Data(ctx, sys.Path(c.path))
		if err != nil {
			return err
		}
		if err := applyTo(ctx, full, c.set, rows.Mode{}); err != nil {
			return err
		}
	}
	return nil
}

// applyTo brings changes into a file that only its transaction uses.
func applyTo(ctx context.Context, full string, set rows.Changeset, m rows.Mode) error {
	db, err := rows.Open(ctx, full, rows.ToCreate, waitForWriter)
	if err != nil {
		return err
	}
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return errors.Join(err, db.Close())
	}
	found, err := set.Apply(ctx, tx, m)
	if err == nil && len(found.Conflicts) > 0 {
		err = &sys.Error{Op: "carry rows over", Path: full, Kind: sys.Conflict, Err: errors.New(found.Conflicts[0].String())}
	}
	if err != nil {
		return errors.Join(err, tx.Rollback(), db.Close())
	}
	return errors.Join(tx.Commit(), db.Close())
}

// rowsLocked compares the transaction's databases with what they started from. A
// file that the process has deleted changes nothing: data goes by DROP or DELETE.
func (t *Txn) rowsLocked(ctx context.Context) (out []rowChange, err error) {
	found, err := workspaceDatabases(t.folder.Beside())
	if err != nil || len(found) == 0 {
		return nil, err
	}
	dir, drop, err := t.d.scratch()
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, drop()) }()
	for _, path := range found {
		full := t.dataFile(path)
		st, err := stateAt(full)
		if err != nil {
			return nil, err
		}
		given := t.data.given[path]
		if given.base != "" && given.stat == st {
			continue
		}
		set, err := rows.Diff(ctx, given.base, full, filepath.Join(dir, "scratch"))
		if err != nil {
			return nil, err
		}
		if !set.Empty() {
			out = append(out, rowChange{path: path, set: set})
		}
	}
	return out, nil
}

func workspaceDatabases(dir string) (out []string, err error) {
	err = filepath.WalkDir(filepath.Join(dir, dataFolder), func(full string, e fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		path := strings.TrimPrefix(full, dir+"/")
		if _, ok := isDatabase(path); ok && e.Type().IsRegular() {
			out = append(out, path)
		}
		return nil
	})
	return out, err
}

// dropData removes what the transaction kept outside its folder.
func (t *Txn) dropData() error {
	if t.data.dir == "" {
		return nil
	}
	return os.RemoveAll(t.data.dir)
}

func stateAt(full string) (s dataStat, err error) {
	root, err := os.Open(filepath.Dir(full))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	base := filepath.Base(full)
	if s.file, _, err = look(root, base); err != nil {
		return s, err
	}
	s.log, _, err = look(root, base+"-wal")
	return s, err
}

func copyPlain(from, to string) error {
	b, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, b, 0o644)
}
