package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// Table is one table of an app's manifest.
type Table struct {
	Columns map[string]Type `json:"columns"`
	Indexes []Index         `json:"indexes,omitempty"`
}

// Type is the type of a column, as manifests write it.
type Type string

// The column types.
const (
	Text      Type = "text"
	Integer   Type = "integer"
	Float     Type = "float"
	Boolean   Type = "boolean"
	Timestamp Type = "timestamptz"
	UUID      Type = "uuid"
	JSON      Type = "jsonb"
)

// declared is how SQLite's schema names each type. The name decides the affinity
// and lets a later manifest be compared with what is there.
var declared = map[Type]string{
	Text: "TEXT", Integer: "INTEGER", Float: "REAL", Boolean: "BOOLEAN",
	Timestamp: "TIMESTAMPTZ TEXT", UUID: "UUID TEXT", JSON: "JSON TEXT",
}

var types = []Type{Text, Integer, Float, Boolean, Timestamp, UUID, JSON}

// system are the columns that every table has, set by the system.
var system = map[string]Type{"id": UUID, "created_at": Timestamp, "updated_at": Timestamp}

// Index is a list of columns. Manifests write it as a name, a list of names, or
// an object with columns and unique.
type Index struct {
	Columns []string
	Unique  bool
}

// UnmarshalJSON accepts the three forms.
func (x *Index) UnmarshalJSON(raw []byte) error {
	var name string
	if json.Unmarshal(raw, &name) == nil {
		*x = Index{Columns: strings.FieldsFunc(name, func(r rune) bool { return r == ',' || r == ' ' })}
		return nil
	}
	var names []string
	if json.Unmarshal(raw, &names) == nil {
		*x = Index{Columns: names}
		return nil
	}
	var object struct {
		Columns []string `json:"columns"`
		Unique  bool     `json:"unique"`
	}
	if err := json.Unmarshal(raw, &object); err != nil {
		return errors.New("an index is a column, a list of columns, or an object with columns and unique")
	}
	*x = Index{Columns: object.Columns, Unique: object.Unique}
	return nil
}

// MarshalJSON writes the shortest form.
func (x Index) MarshalJSON() ([]byte, error) {
	switch {
	case x.Unique:
		return json.Marshal(map[string]any{"columns": x.Columns, "unique": true})
	case len(x.Columns) == 1:
		return json.Marshal(x.Columns[0])
	}
	return json.Marshal(x.Columns)
}

// Problem is something wrong in a declaration; Place is where it stands in the
// manifest.
type Problem struct{ Place, Text string }

var nameForm = regexp.MustCompile(`^[a-z_][a-z0-9_]{0,62}$`)

const (
	maxTables  = 64
	maxColumns = 128
)

// CheckTables judges the tables of a manifest by themselves.
func CheckTables(tables map[string]Table) []Problem {
	var found []Problem
	add := func(place, format string, args ...any) {
		found = append(found, Problem{place, fmt.Sprintf(format, args...)})
	}
	if len(tables) > maxTables {
		add("storage.tables", "storage.tables has %d tables; it may have at most %d", len(tables), maxTables)
	}
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		t := tables[name]
		if !nameForm.MatchString(name) || strings.HasPrefix(name, "sqlite_") || name[0] == '_' {
			add("storage.tables."+name, "storage.tables.%s: a table's name has 1 to 63 of a-z, 0-9 and _, begins with a letter, and not with sqlite_; rename it", name)
		}
		if len(t.Columns) > maxColumns {
			add("storage.tables."+name, "storage.tables.%s has %d columns; it may have at most %d", name, len(t.Columns), maxColumns)
		}
		for _, column := range slices.Sorted(maps.Keys(t.Columns)) {
			typ := t.Columns[column]
			switch {
			case !nameForm.MatchString(column):
				add("storage.tables."+name+".columns."+column, "storage.tables.%s.columns.%s: a column's name has 1 to 63 of a-z, 0-9 and _, and begins with no digit; rename it", name, column)
			case declared[typ] == "":
				add("storage.tables."+name+".columns."+column, "storage.tables.%s.columns.%s is %q; it may be %s", name, column, typ, join(types))
			}
		}
		for _, x := range t.Indexes {
			if len(x.Columns) == 0 {
				add("storage.tables."+name+".indexes", "storage.tables.%s.indexes: an index names no column", name)
			}
			for _, column := range x.Columns {
				if t.Columns[column] == "" && system[column] == "" {
					add("storage.tables."+name+".indexes", "storage.tables.%s.indexes names %q, which is not a column; there are %s", name, column, strings.Join(columnNames(t), ", "))
				}
			}
		}
	}
	return found
}

func join(types []Type) string {
	var s []string
	for _, t := range types {
		s = append(s, string(t))
	}
	return strings.Join(s, ", ")
}

func columnNames(t Table) []string {
	names := slices.Sorted(maps.Keys(t.Columns))
	return slices.Compact(append(names, slices.Sorted(maps.Keys(system))...))
}

// typeOf finds a column of t, the system's included.
func typeOf(t Table, column string) (Type, bool) {
	if typ, ok := system[column]; ok {
		return typ, true
	}
	typ, ok := t.Columns[column]
	return typ, ok
}

// Addition is one thing that Migrate has added to a database: a table, a column with
// its definition, or an index.
type Addition struct {
	Table, Column, Index string
	SQL                  string // the statement, or the definition of a column
}

// querier is a database, or a transaction in one.
type querier interface {
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
}

// step is a statement of a migration, and what it adds, if it adds something.
type step struct {
	sql string
	Addition
}

// plan compares tables with what the database has. It returns the statements that
// bring the database up, and what cannot be done without losing data.
func plan(ctx context.Context, db querier, tables map[string]Table) (steps []step, found []Problem, err error) {
	for _, name := range slices.Sorted(maps.Keys(tables)) {
		t := tables[name]
		have, err := existing(ctx, db, name)
		if err != nil {
			return nil, nil, err
		}
		if len(have) == 0 {
			stmt := create(name, t)
			steps = append(steps, step{stmt, Addition{Table: name, SQL: stmt}})
		} else {
			s, p := widen(name, t, have)
			steps, found = append(steps, s...), append(found, p...)
		}
		s, p, err := reindex(ctx, db, name, t, have)
		if err != nil {
			return nil, nil, err
		}
		steps, found = append(steps, s...), append(found, p...)
	}
	return steps, found, nil
}

func existing(ctx context.Context, db querier, table string) (map[string]string, error) {
	rows, err := db.QueryContext(ctx, `SELECT name, type FROM pragma_table_info(?)`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	have := map[string]string{}
	for rows.Next() {
		var name, typ string
		if err := rows.Scan(&name, &typ); err != nil {
			return nil, err
		}
		have[name] = typ
	}
	return have, rows.Err()
}

func create(name string, t Table) string {
	var b strings.Builder
	fmt.Fprintf(&b, `CREATE TABLE %q (%q %s PRIMARY KEY NOT NULL, %q %s NOT NULL, %q %s NOT NULL`,
		name, "id", declared[UUID], "created_at", declared[Timestamp], "updated_at", declared[Timestamp])
	for _, column := range slices.Sorted(maps.Keys(t.Columns)) {
		if system[column] == "" {
			fmt.Fprintf(&b, `, %q %s`, column, declared[t.Columns[column]])
		}
	}
	b.WriteString(")")
	return b.String()
}

func widen(name string, t Table, have map[string]string) (steps []step, found []Problem) {
	for column := range system {
		if have[column] == "" {
			found = append(found, Problem{"storage.tables." + name, fmt.Sprintf("table %s exists without the column %s; it was not made by Matrix OS", name, column)})
		}
	}
	for _, column := range slices.Sorted(maps.Keys(t.Columns)) {
		want := declared[t.Columns[column]]
		switch is, ok := have[column]; {
		case system[column] != "":
		case !ok:
			steps = append(steps, step{fmt.Sprintf(`ALTER TABLE %q ADD COLUMN %q %s`, name, column, want), Addition{Table: name, Column: column, SQL: want}})
		case !strings.EqualFold(is, want):
			found = append(found, Problem{"storage.tables." + name + ".columns." + column, fmt.Sprintf("storage.tables.%s.columns.%s changes from %s to %s; add a column with a new name instead, the data in the old one is kept", name, column, typeNamed(is), t.Columns[column])})
		}
	}
	return steps, found
}

func typeNamed(decl string) string {
	for t, d := range declared {
		if strings.EqualFold(d, decl) {
			return string(t)
		}
	}
	return decl
}
