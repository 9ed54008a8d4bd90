package rows

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strings"
)

// plan compares two schemas and returns the steps from one to the other.
func plan(ctx context.Context, from, to querier) ([]Step, error) {
	before, err := objects(ctx, from)
	if err != nil {
		return nil, err
	}
	after, err := objects(ctx, to)
	if err != nil {
		return nil, err
	}
	shadow := func(o object) bool { return o.shadow } // made and removed with its virtual table
	before, after = slices.DeleteFunc(before, shadow), slices.DeleteFunc(after, shadow)
	find := func(list []object, kind, name string) *object {
		for i, o := range list {
			if o.kind == kind && same(o.name, name) {
				return &list[i]
			}
		}
		return nil
	}
	var drops, tables, creates []Step
	for _, o := range before {
		now := find(after, o.kind, o.name)
		if o.kind != "table" && (now == nil || plain(now.sql) != plain(o.sql)) {
			drops = append(drops, Step{Verb: Drop, Kind: o.kind, Table: o.table, Name: o.name, SQL: o.sql})
		}
	}
	var gone, fresh []object
	for _, o := range before {
		if o.kind == "table" && find(after, o.kind, o.name) == nil {
			gone = append(gone, o)
		}
	}
	for _, o := range after {
		was := find(before, o.kind, o.name)
		switch {
		case o.kind != "table":
			if was == nil || plain(was.sql) != plain(o.sql) {
				creates = append(creates, Step{Verb: Create, Kind: o.kind, Table: o.table, Name: o.name, SQL: o.sql})
			}
		case was == nil:
			fresh = append(fresh, o)
		case plain(was.sql) != plain(o.sql):
			tables = append(tables, alter(*was, o)...)
		}
	}
	moved, err := moves(ctx, from, &gone, &fresh)
	if err != nil {
		return nil, err
	}
	return slices.Concat(drops, moved, tables, creates), nil
}

// moves are tables that went and tables that came: renamed ones, if only the name
// differs and nothing else could be meant.
func moves(ctx context.Context, from querier, gone, fresh *[]object) (out []Step, err error) {
	body := func(o object) string {
		_, rest, _ := strings.Cut(plain(o.sql), " (")
		return rest
	}
	for _, g := range *gone {
		var like []object
		for _, f := range *fresh {
			if !g.virtual() && body(f) == body(g) {
				like = append(like, f)
			}
		}
		if len(like) == 1 {
			out = append(out, Step{Verb: RenameTable, Table: g.name, To: like[0].name, SQL: g.sql})
			*fresh = slices.DeleteFunc(*fresh, func(o object) bool { return o.name == like[0].name })
			continue
		}
		s := Step{Verb: DropTable, Table: g.name, SQL: g.sql}
		if !g.virtual() {
			if s.Sum, err = sum(ctx, from, g.name); err != nil {
				return nil, err
			}
		}
		out = append(out, s)
	}
	for _, f := range *fresh {
		out = append(out, Step{Verb: CreateTable, Table: f.name, SQL: f.sql})
	}
	return out, nil
}

// alter returns the ALTER steps between two forms of a table, or its rebuilding.
func alter(was, now object) []Step {
	rebuild := []Step{{Verb: Rebuild, Table: now.name, SQL: now.sql, Was: was.sql}}
	a, ok1 := define(was.sql)
	b, ok2 := define(now.sql)
	if !ok1 || !ok2 || now.virtual() || was.virtual() || !same(a.end, b.end) || !slices.EqualFunc(a.constraints, b.constraints, func(x, y string) bool { return plain(x) == plain(y) }) {
		return rebuild
	}
	var steps []Step
	var kept []string
	for i, name := range a.names {
		def := a.columns[strings.ToLower(name)]
		other, still := b.columns[strings.ToLower(name)]
		switch {
		case still && plain(other) == plain(def):
			kept = append(kept, name)
		case still:
			return rebuild
		case len(a.names) == len(b.names) && a.columns[strings.ToLower(b.names[i])] == "" && !slices.ContainsFunc(a.names, func(n string) bool { return same(n, b.names[i]) }) && plain(b.columns[strings.ToLower(b.names[i])]) == plain(def):
			steps = append(steps, Step{Verb: RenameColumn, Table: now.name, Name: name, To: b.names[i]})
			kept = append(kept, b.names[i])
		default:
			steps = append(steps, Step{Verb: DropColumn, Table: now.name, Name: name, SQL: def})
		}
	}
	for i, name := range b.names {
		if slices.ContainsFunc(kept, func(k string) bool { return same(k, name) }) {
			if i >= len(kept) || !same(kept[i], name) {
				return rebuild // another order
			}
			continue
		}
		steps = append(steps, Step{Verb: AddColumn, Table: now.name, Name: name, SQL: b.columns[strings.ToLower(name)]})
	}
	if len(steps) == 0 {
		return rebuild
	}
	return steps
}

// late reports whether a step comes after the rows.
func (s Step) late() bool { return s.Verb == Create }

// run does one step without looking at what is there.
func (s Step) run(ctx context.Context, q querier) error {
	exec := func(format string, args ...any) error {
		stmt := fmt.Sprintf(format, args...)
		if _, err := q.ExecContext(ctx, stmt); err != nil {
			return fmt.Errorf("%s: %w", head(stmt), err)
		}
		return nil
	}
	switch s.Verb {
	case Drop:
		return exec("DROP %s IF EXISTS %s", strings.ToUpper(s.Kind), quote(s.Name))
	case CreateTable, Create:
		return exec("%s", s.SQL)
	case DropTable:
		return exec("DROP TABLE %s", quote(s.Table))
	case RenameTable:
		return exec("ALTER TABLE %s RENAME TO %s", quote(s.Table), quote(s.To))
	case AddColumn:
		return exec("ALTER TABLE %s ADD COLUMN %s %s", quote(s.Table), quote(s.Name), s.SQL)
	case DropColumn:
		return exec("ALTER TABLE %s DROP COLUMN %s", quote(s.Table), quote(s.Name))
	case RenameColumn:
		return exec("ALTER TABLE %s RENAME COLUMN %s TO %s", quote(s.Table), quote(s.Name), quote(s.To))
	case Rebuild:
		return rebuild(ctx, q, s)
	}
	return fmt.Errorf("%w: step %d", errForm, s.Verb)
}

// rebuild makes a table anew and moves the rows over; columns that both forms have
// keep their values. Indexes and triggers that were there stay.
func rebuild(ctx context.Context, q querier, s Step) (err error) {
	old := ours + "old_" + s.Table
	exec := func(stmt string) {
		if err == nil {
			if _, err = q.ExecContext(ctx, stmt); err != nil {
				err = fmt.Errorf("%s: %w", head(stmt), err)
			}
		}
	}
	all, err := objects(ctx, q)
	if err != nil {
		return err
	}
	had, err := columns(ctx, q, "main", s.Table)
	if err != nil {
		return err
	}
	exec(`PRAGMA legacy_alter_table=1`) // references to the table keep its name
	defer func() {
		_, e := q.ExecContext(ctx, `PRAGMA legacy_alter_table=0`)
		err = errors.Join(err, e)
	}()
	for _, o := range all {
		if same(o.table, s.Table) && (o.kind == "index" || o.kind == "trigger") {
			exec("DROP " + strings.ToUpper(o.kind) + " " + quote(o.name))
		}
	}
	exec("ALTER TABLE " + quote(s.Table) + " RENAME TO " + quote(old))
	exec(s.SQL)
	if err != nil {
		return err
	}
	has, err := columns(ctx, q, "main", s.Table)
	if err != nil {
		return err
	}
	var both []string
	for _, name := range stored(has) {
		if slices.ContainsFunc(stored(had), func(n string) bool { return same(n, name) }) {
			both = append(both, name)
		}
	}
	if len(both) > 0 {
		list := quoteAll("", both, ", ")
		exec("INSERT INTO " + quote(s.Table) + " (" + list + ") SELECT " + list + " FROM " + quote(old))
	}
	exec("DROP TABLE " + quote(old))
	for _, o := range all {
		if same(o.table, s.Table) && (o.kind == "index" || o.kind == "trigger") {
			exec(o.sql)
		}
	}
	return err
}

// sum is a digest of all rows of a table, in whatever order they are.
func sum(ctx context.Context, q querier, table string) (uint64, error) {
	all, err := columns(ctx, q, "main", table)
	if err != nil || len(stored(all)) == 0 {
		return 0, err
	}
	return digest(ctx, q, "SELECT "+quoteAll("+", stored(all), ", ")+" FROM "+quote(table))
}

// digest does not depend on the order of the rows; that of no rows is 0.
func digest(ctx context.Context, q querier, query string) (total uint64, err error) {
	var b []byte
	err = each(ctx, q, query, nil, func(row []any) error {
		b = b[:0]
		for _, v := range row {
			b = appendValue(b, v)
		}
		h := fnv.New64a()
		h.Write(b)
		total += h.Sum64() | 1
		return nil
	})
	return total, err
}
