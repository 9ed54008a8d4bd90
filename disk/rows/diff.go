package rows

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"
)

// Diff returns how the database file from became the file to. An empty name is an
// empty database. Nobody may write to them meanwhile; scratch is the name of a file
// that does not exist, for its own use, and is gone afterwards.
func Diff(ctx context.Context, from, to, scratch string) (out Changeset, err error) {
	defer func() { err = errors.Join(err, Remove(scratch)) }()
	if from != "" {
		// With its log folded in, the file alone is the database.
		db, err := Open(ctx, from, ToRead, time.Second)
		if err != nil {
			return out, err
		}
		if err := db.Close(); err != nil {
			return out, err
		}
	}
	for _, cautious := range []bool{false, true} {
		if err := copyFile(from, scratch); err != nil {
			return out, err
		}
		var fits bool
		if out, fits, err = diff(ctx, scratch, to, cautious); err != nil || fits {
			return out, Explain("compare", to, err)
		}
		if err := Remove(scratch); err != nil {
			return out, err
		}
	}
	return out, Explain("compare", to, errors.New("the new schema cannot be made from the old one"))
}

// diff plans the steps, does them to scratch, and compares rows. Fits is false if
// the steps do not lead to the wanted schema; cautious ones always do.
func diff(ctx context.Context, scratch, to string, cautious bool) (out Changeset, fits bool, err error) {
	db, err := Open(ctx, to, ToRead, time.Second)
	if err != nil {
		return out, false, err
	}
	defer func() { err = errors.Join(err, db.Close()) }()
	base, err := Open(ctx, scratch, ToCreate, time.Second)
	if err != nil {
		return out, false, err
	}
	closed := false
	defer func() {
		if !closed {
			err = errors.Join(err, base.Close())
		}
	}()
	if _, err := base.ExecContext(ctx, `PRAGMA synchronous=OFF`); err != nil {
		return out, false, err
	}
	if out.Steps, err = plan(ctx, base, db); err != nil {
		return out, false, err
	}
	if cautious {
		if out.Steps, err = careful(ctx, out.Steps, base, db); err != nil {
			return out, false, err
		}
	}
	if ran, err := out.rehearse(ctx, base, db); err != nil || !ran {
		if ran || cautious {
			return out, false, err
		}
		return out, false, nil // the other way is tried
	}
	tables, fits, err := matching(ctx, base, db)
	if err != nil || !fits {
		return out, false, err
	}
	closed = true
	if err := base.Close(); err != nil {
		return out, false, err
	}
	if _, err := db.ExecContext(ctx, `ATTACH ? AS base`, scratch); err != nil {
		return out, false, err
	}
	for _, t := range tables {
		if err := t.compare(ctx, db); err != nil {
			return out, false, err
		}
		if len(t.Rows) > 0 {
			out.Tables = append(out.Tables, t)
		}
	}
	return out, true, nil
}

// rehearse makes the early steps on base. Where one does not run, ran is false and
// the error says why.
func (c *Changeset) rehearse(ctx context.Context, base, db *DB) (ran bool, err error) {
	for i := range c.Steps {
		s := &c.Steps[i]
		if s.late() {
			continue
		}
		if err := s.note(ctx, base, db); err != nil {
			return true, err
		}
		if err := s.run(ctx, base); err != nil {
			return false, err
		}
	}
	return true, nil
}

// note takes the digest of what a step removes, or of what it has added.
func (s *Step) note(ctx context.Context, before, after querier) (err error) {
	switch s.Verb {
	case CreateTable:
		s.Sum, err = sum(ctx, after, s.Table)
	case AddColumn:
		s.Sum, err = sumColumn(ctx, after, s.Table, s.Name)
	case DropColumn:
		s.Sum, err = sumColumn(ctx, before, s.Table, s.Name)
	case Drop, DropTable, RenameTable, RenameColumn, Rebuild, Create:
	}
	return err
}

// careful replaces the ALTER steps of each table by building it anew.
func careful(ctx context.Context, steps []Step, from, to querier) ([]Step, error) {
	before, err := objects(ctx, from)
	if err != nil {
		return nil, err
	}
	after, err := objects(ctx, to)
	if err != nil {
		return nil, err
	}
	sqlOf := func(list []object, name string) string {
		for _, o := range list {
			if o.kind == "table" && same(o.name, name) {
				return o.sql
			}
		}
		return ""
	}
	var out []Step
	done := map[string]bool{}
	for _, s := range steps {
		if s.Verb == RenameTable {
			digest, err := sum(ctx, from, s.Table)
			if err != nil {
				return nil, err
			}
			out = append(out, Step{Verb: DropTable, Table: s.Table, SQL: s.SQL, Sum: digest}, Step{Verb: CreateTable, Table: s.To, SQL: sqlOf(after, s.To)})
			continue
		}
		if s.Verb != AddColumn && s.Verb != DropColumn && s.Verb != RenameColumn {
			out = append(out, s)
			continue
		}
		if !done[s.Table] {
			done[s.Table] = true
			out = append(out, Step{Verb: Rebuild, Table: s.Table, SQL: sqlOf(after, s.Table), Was: sqlOf(before, s.Table)})
		}
	}
	return out, nil
}

// matching lists the tables of the wanted database, if those of base have the same
// form.
func matching(ctx context.Context, base, want querier) (out []Table, fits bool, err error) {
	list, err := objects(ctx, want)
	if err != nil {
		return nil, false, err
	}
	for _, o := range list {
		if o.kind != "table" || o.virtual() {
			continue
		}
		a, err := columns(ctx, base, "main", o.name)
		if err != nil {
			return nil, false, err
		}
		b, err := columns(ctx, want, "main", o.name)
		if err != nil {
			return nil, false, err
		}
		if !slices.Equal(a, b) {
			return nil, false, nil
		}
		t := Table{Name: o.name, Columns: stored(b)}
		if len(t.Columns) == 0 {
			continue
		}
		if t.Key, err = usableKey(ctx, b, o.name, base, want); err != nil {
			return nil, false, err
		}
		out = append(out, t)
	}
	return out, true, nil
}

// usableKey returns the places of the primary key, if no row has a NULL in it.
func usableKey(ctx context.Context, all []column, table string, in ...querier) ([]int, error) {
	key := keyOf(all)
	if len(key) == 0 {
		return nil, nil
	}
	var places []int
	for _, k := range key {
		places = append(places, slices.Index(stored(all), k))
	}
	if slices.Contains(places, -1) {
		return nil, nil
	}
	for _, q := range in {
		var n int
		null := quoteAll("", key, " IS NULL OR ") + " IS NULL"
		if err := q.QueryRowContext(ctx, "SELECT EXISTS(SELECT 1 FROM "+quote(table)+" WHERE "+null+")").Scan(&n); err != nil {
			return nil, err
		}
		if n == 1 {
			return nil, nil
		}
	}
	return places, nil
}

// compare fills in the rows that differ between base and main.
func (t *Table) compare(ctx context.Context, q querier) error {
	if len(t.Key) == 0 {
		return t.compareBags(ctx, q)
	}
	width := len(t.Columns)
	var on, differs []string
	for _, k := range t.Key {
		c := quote(t.Columns[k])
		on = append(on, "p."+c+" = b."+c)
	}
	for _, name := range t.Columns {
		c := quote(name)
		differs = append(differs, "p."+c+" IS b."+c+" COLLATE BINARY AND typeof(p."+c+") = typeof(b."+c+")")
	}
	join := strings.Join(on, " AND ")
	first := quote(t.Columns[t.Key[0]])
	p, b := quoteAll("+p.", t.Columns, ", "), quoteAll("+b.", t.Columns, ", ")
	err := each(ctx, q, "SELECT b."+first+" IS NOT NULL, "+p+", "+b+" FROM main."+quote(t.Name)+" p LEFT JOIN base."+quote(t.Name)+" b ON "+join+
		" WHERE b."+first+" IS NULL OR NOT ("+strings.Join(differs, " AND ")+")", nil, func(row []any) error {
		r := Row{New: row[1 : 1+width]}
		if row[0] == int64(1) {
			r.Old = row[1+width:]
		}
		t.Rows = append(t.Rows, r)
		return nil
	})
	if err != nil {
		return err
	}
	return each(ctx, q, "SELECT "+b+" FROM base."+quote(t.Name)+" b LEFT JOIN main."+quote(t.Name)+" p ON "+join+" WHERE p."+first+" IS NULL", nil, func(row []any) error {
		t.Rows = append(t.Rows, Row{Old: row})
		return nil
	})
}

// compareBags compares tables whose rows are known by their content only.
func (t *Table) compareBags(ctx context.Context, q querier) error {
	count := map[string]int{}
	content := func(row []any) string {
		var b []byte
		for _, v := range row {
			b = appendValue(b, v)
		}
		return string(b)
	}
	read := func(schema string, fn func([]any) error) error {
		return each(ctx, q, "SELECT "+quoteAll("+", t.Columns, ", ")+" FROM "+schema+"."+quote(t.Name), nil, fn)
	}
	err := read("base", func(row []any) error {
		count[content(row)]++
		return nil
	})
	if err != nil {
		return err
	}
	err = read("main", func(row []any) error {
		if c := content(row); count[c] > 0 {
			count[c]--
		} else {
			t.Rows = append(t.Rows, Row{New: row})
		}
		return nil
	})
	if err != nil {
		return err
	}
	return read("base", func(row []any) error {
		if c := content(row); count[c] > 0 {
			count[c]--
			t.Rows = append(t.Rows, Row{Old: row})
		}
		return nil
	})
}

func copyFile(from, to string) error {
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	if from != "" {
		in, e := os.Open(from)
		if e != nil {
			return errors.Join(e, out.Close())
		}
		_, err = io.Copy(out, in)
		err = errors.Join(err, in.Close())
	}
	return errors.Join(err, out.Close())
}

// Remove removes a database and its logs.
func Remove(path string) error {
	var err error
	for _, suffix := range []string{"", "-wal", "-shm", "-journal"} {
		if e := os.Remove(path + suffix); e != nil && !errors.Is(e, fs.ErrNotExist) {
			err = errors.Join(err, e)
		}
	}
	return err
}
