package store

import (
	"bytes"
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"syscall"

	"github.com/google/uuid"
	"modernc.org/sqlite"

	"matrixos/sys"
)

// Row is one row as an app receives it.
type Row map[string]any

// maxBulk bounds what one call writes.
const maxBulk = 10000

// Tables are the tables of one app, as its manifest declares them.
type Tables struct {
	store *Store
	app   sys.Slug
	decl  map[string]Table
}

// Tables gives access to the rows of an app whose manifest declares decl.
func (s *Store) Tables(app sys.Slug, decl map[string]Table) *Tables {
	return &Tables{s, app, decl}
}

// Patch is what to change in one row.
type Patch struct {
	ID   string          `json:"id"`
	Data json.RawMessage `json:"data"`
	// Seen is what Merge takes the fields of the row to have been; may be nil.
	Seen json.RawMessage `json:"seen,omitempty"`
}

func (t *Tables) table(op, name string) (Table, error) {
	decl, ok := t.decl[name]
	if !ok {
		names := strings.Join(slices.Sorted(maps.Keys(t.decl)), ", ")
		if names == "" {
			names = "none; storage.tables in matrix.json declares them"
		}
		return Table{}, &sys.Error{Op: op, Path: name, Kind: sys.NotFound, Err: fmt.Errorf("this app has no such table; there are %s", names)}
	}
	return decl, nil
}

// run does fn with the app's database and dresses what SQLite says.
func (t *Tables) run(op, name string, fn func(*sql.DB) error) error {
	err := t.store.use(t.app, true, fn)
	var ours *sys.Error
	if err == nil || errors.As(err, &ours) {
		return err
	}
	if strings.Contains(err.Error(), "UNIQUE constraint failed") {
		return &sys.Error{Op: op, Path: name, Kind: sys.Exists, Err: err, Hint: "a row with this value exists already"}
	}
	kind, hint := storageKind(err)
	return &sys.Error{Op: op, Path: name, Kind: kind, Err: err, Hint: hint}
}

// The result codes of SQLite for a full disk and a failing one.
const (
	sqliteIOErr = 10
	sqliteFull  = 13
	sqliteShm   = 4874 // extended: no room for the shared memory
)

// storageKind tells a full or failing disk from faults of ours.
func storageKind(err error) (sys.Kind, string) {
	code := 0
	if se, ok := errors.AsType[*sqlite.Error](err); ok {
		code = se.Code()
	}
	switch {
	case code&0xff == sqliteFull, code == sqliteShm, errors.Is(err, syscall.ENOSPC), errors.Is(err, syscall.EDQUOT):
		return sys.NoSpace, "make room on this disk: `matrixos space` lists what takes it. Nothing was lost"
	case code&0xff == sqliteIOErr, errors.Is(err, syscall.EIO), errors.Is(err, syscall.EROFS):
		return sys.Unavailable, "the drive that holds this home fails: check it and its cable, and make a backup elsewhere"
	}
	return sys.Internal, ""
}

// Find returns the rows that q selects.
func (t *Tables) Find(ctx context.Context, name string, q Query) ([]Row, error) {
	decl, err := t.table("read table", name)
	if err != nil {
		return nil, err
	}
	where, args, err := condition(name, decl, q.Where)
	if err != nil {
		return nil, err
	}
	by, err := order(name, decl, q.OrderBy)
	if err != nil {
		return nil, err
	}
	limits, err := q.limits(name)
	if err != nil {
		return nil, err
	}
	out := []Row{}
	err = t.run("read table", name, func(db *sql.DB) error {
		columns := columnNames(decl)
		rows, err := db.QueryContext(ctx, selectFrom(name, columns)+where+by+limits, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			row, err := scan(rows, decl, columns)
			if err != nil {
				return err
			}
			out = append(out, row)
		}
		return rows.Err()
	})
	return out, err
}

func selectFrom(name string, columns []string) string {
	quoted := make([]string, len(columns))
	for i, c := range columns {
		quoted[i] = fmt.Sprintf("%q", c)
	}
	return fmt.Sprintf("SELECT %s FROM %q", strings.Join(quoted, ", "), name)
}

func scan(rows *sql.Rows, decl Table, columns []string) (Row, error) {
	values := make([]any, len(columns))
	into := make([]any, len(columns))
	for i := range values {
		into[i] = &values[i]
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	row := make(Row, len(columns))
	for i, c := range columns {
		typ, _ := typeOf(decl, c) // columns are decl's own
		row[c] = decode(typ, values[i])
	}
	return row, nil
}

// FindOne returns the row with the id, or nil.
func (t *Tables) FindOne(ctx context.Context, name, id string) (Row, error) {
	where, err := json.Marshal(map[string]string{"id": id})
	if err != nil {
		return nil, err
	}
	one := 1
	rows, err := t.Find(ctx, name, Query{Where: where, Limit: &one})
	if err != nil || len(rows) == 0 {
		return nil, err
	}
	return rows[0], nil
}

// Count says how many rows where selects.
func (t *Tables) Count(ctx context.Context, name string, where json.RawMessage) (int, error) {
	decl, err := t.table("count table", name)
	if err != nil {
		return 0, err
	}
	clause, args, err := condition(name, decl, where)
	if err != nil {
		return 0, err
	}
	var n int
	err = t.run("count table", name, func(db *sql.DB) error {
		return db.QueryRowContext(ctx, fmt.Sprintf("SELECT count(*) FROM %q", name)+clause, args...).Scan(&n)
	})
	return n, err
}

// Insert adds rows, all or none, and returns their ids. An id that a row brings
// along is kept, so that a deleted row can come back as itself.
func (t *Tables) Insert(ctx context.Context, name string, rows []json.RawMessage) ([]string, error) {
	const op = "insert into table"
	decl, err := t.table(op, name)
	if err != nil {
		return nil, err
	}
	if len(rows) > maxBulk {
		return nil, invalid(op, name, "%d rows at once; at most %d are allowed", len(rows), maxBulk)
	}
	now := stamp(t.store.now())
	ids := make([]string, len(rows))
	sets := make([]assignment, len(rows))
	for i, raw := range rows {
		set, id, err := assign(op, name, decl, raw)
		if err != nil {
			return nil, err
		}
		if id == "" {
			id = uuid.NewString()
		}
		ids[i] = id
		sets[i] = assignment{append(set.columns, "id", "created_at", "updated_at"), append(set.values, id, now, now)}
	}
	err = t.run(op, name, func(db *sql.DB) error {
		return inTx(ctx, db, func(tx *sql.Tx) error {
			if err := t.store.quota.fits(ctx, tx, t.app, t.decl, len(sets)); err != nil {
				return err
			}
			for _, set := range sets {
				q := fmt.Sprintf(`INSERT INTO %q ("%s") VALUES (?%s)`, name, strings.Join(set.columns, `", "`), strings.Repeat(", ?", len(set.columns)-1))
				if _, err := tx.ExecContext(ctx, q, set.values...); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return ids, err
}

// Restore brings rows back as they were, with their ids and times: one that is there
// is replaced, one that is not is added. It is all or none.
func (t *Tables) Restore(ctx context.Context, name string, rows []Row) error {
	const op = "restore rows of table"
	decl, err := t.table(op, name)
	if err != nil {
		return err
	}
	return t.run(op, name, func(db *sql.DB) error {
		return inTx(ctx, db, func(tx *sql.Tx) error {
			if err := t.store.quota.fits(ctx, tx, t.app, t.decl, len(rows)); err != nil {
				return err
			}
			for _, row := range rows {
				if err := restoreRow(ctx, tx, name, decl, row); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

func restoreRow(ctx context.Context, tx *sql.Tx, name string, decl Table, row Row) error {
	var columns []string
	var values []any
	for _, c := range columnNames(decl) {
		v, ok := row[c]
		if !ok {
			continue
		}
		raw, err := json.Marshal(v)
		if err != nil {
			return err
		}
		typ, _ := typeOf(decl, c) // columns are decl's own
		value, err := encode(typ, raw)
		if err != nil {
			return invalid("restore rows of table", name, "column %s: %w", c, err)
		}
		if _, its := system[c]; its && value == nil {
			return invalid("restore rows of table", name, "a row has no %s", c)
		}
		columns, values = append(columns, c), append(values, value)
	}
	for c := range system {
		if !slices.Contains(columns, c) {
			return invalid("restore rows of table", name, "a row has no %s", c)
		}
	}
	q := fmt.Sprintf(`INSERT OR REPLACE INTO %q ("%s") VALUES (?%s)`, name, strings.Join(columns, `", "`), strings.Repeat(", ?", len(columns)-1))
	_, err := tx.ExecContext(ctx, q, values...)
	return err
}

// Update changes rows, all or none; a missing one is an error of kind NotFound.
func (t *Tables) Update(ctx context.Context, name string, patches []Patch) error {
	const op = "update table"
	decl, err := t.table(op, name)
	if err != nil {
		return err
	}
	if len(patches) > maxBulk {
		return invalid(op, name, "%d rows at once; at most %d are allowed", len(patches), maxBulk)
	}
	now := stamp(t.store.now())
	return t.run(op, name, func(db *sql.DB) error {
		return inTx(ctx, db, func(tx *sql.Tx) error {
			for _, p := range patches {
				set, _, err := assign(op, name, decl, p.Data)
				if err != nil {
					return err
				}
				columns := append(set.columns, "updated_at")
				q := fmt.Sprintf(`UPDATE %q SET "%s" = ? WHERE "id" = ?`, name, strings.Join(columns, `" = ?, "`))
				res, err := tx.ExecContext(ctx, q, append(set.values, now, strings.ToLower(p.ID))...)
				if err := found(op, name, p.ID, res, err); err != nil {
					return err
				}
			}
			return nil
		})
	})
}

// Delete removes a row; a missing one is an error of kind NotFound.
func (t *Tables) Delete(ctx context.Context, name, id string) error {
	const op = "delete from table"
	if _, err := t.table(op, name); err != nil {
		return err
	}
	return t.run(op, name, func(db *sql.DB) error {
		res, err := db.ExecContext(ctx, fmt.Sprintf(`DELETE FROM %q WHERE "id" = ?`, name), strings.ToLower(id))
		return found(op, name, id, res, err)
	})
}

func found(op, name, id string, res sql.Result, err error) error {
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err != nil || n > 0 {
		return err
	}
	return &sys.Error{Op: op, Path: name, Kind: sys.NotFound, Err: fmt.Errorf("there is no row with the id %q", id)}
}

type assignment struct {
	columns []string
	values  []any
}

// assign checks the data of one row. The system's own columns are left out, so
// that an app may hand back a row that it was given.
func assign(op, name string, decl Table, data json.RawMessage) (assignment, string, error) {
	list, err := members(data)
	if err != nil {
		return assignment{}, "", invalid(op, name, "data: %w", err)
	}
	if len(bytes.TrimSpace(data)) == 0 || string(bytes.TrimSpace(data)) == "null" {
		return assignment{}, "", invalid(op, name, "data is missing")
	}
	var set assignment
	id := ""
	for _, m := range list {
		if typ, ok := system[m.name]; ok {
			if m.name == "id" {
				v, err := encode(typ, m.value)
				if err != nil {
					return assignment{}, "", invalid(op, name, "column id: %w", err)
				}
				id, _ = v.(string) // null means: make one
			}
			continue
		}
		typ, ok := decl.Columns[m.name]
		if !ok {
			return assignment{}, "", unknownColumn(op, name, m.name, decl)
		}
		v, err := encode(typ, m.value)
		if err != nil {
			return assignment{}, "", invalid(op, name, "column %s: %w", m.name, err)
		}
		if i := slices.Index(set.columns, m.name); i >= 0 { // as in JavaScript, the last one counts
			set.values[i] = v
			continue
		}
		set.columns, set.values = append(set.columns, m.name), append(set.values, v)
	}
	return set, id, nil
}

func inTx(ctx context.Context, db *sql.DB, fn func(*sql.Tx) error) error {
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	if err := fn(tx); err != nil {
		return errors.Join(err, tx.Rollback())
	}
	return tx.Commit()
}
