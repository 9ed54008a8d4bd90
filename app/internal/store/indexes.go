package store

import (
	"context"
	"database/sql"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// names are what Matrix OS calls an index of a table: the name that it gives, and the
// one that it gave once, which did not tell a unique index from a plain one.
func (x Index) names(table string) (name, old string) {
	prefix := "idx_"
	if x.Unique {
		prefix = "uidx_"
	}
	// A dot is in no name of a table or column: no two indexes are called alike.
	return prefix + table + "." + strings.Join(x.Columns, "."), "idx_" + table + "_" + strings.Join(x.Columns, "_")
}

func (x Index) is(other Index) bool {
	return x.Unique == other.Unique && slices.Equal(x.Columns, other.Columns)
}

// reindex compares the indexes of a table with those that the database has. Those that
// are Matrix OS's own and not in the manifest any more go: no data are in them, and a
// unique one would go on refusing rows. A unique one that rows stand against is a
// Problem. have are the columns that the table has by now.
func reindex(ctx context.Context, db querier, table string, t Table, have map[string]string) (steps []step, found []Problem, err error) {
	there, err := ownIndexes(ctx, db, table)
	if err != nil {
		return nil, nil, err
	}
	for _, n := range there {
		if !slices.ContainsFunc(t.Indexes, n.is) {
			steps = append(steps, step{sql: fmt.Sprintf(`DROP INDEX %q`, n.name)})
		}
	}
	var seen []Index
	for _, x := range t.Indexes {
		if slices.ContainsFunc(seen, x.is) || slices.ContainsFunc(there, func(n named) bool { return n.is(x) }) {
			continue
		}
		seen = append(seen, x)
		if x.Unique {
			p, err := twice(ctx, db, table, t, x, have)
			if err != nil {
				return nil, nil, err
			}
			found = append(found, p...)
		}
		unique := ""
		if x.Unique {
			unique = "UNIQUE "
		}
		name, _ := x.names(table)
		stmt := fmt.Sprintf(`CREATE %sINDEX %q ON %q ("%s")`, unique, name, table, strings.Join(x.Columns, `", "`))
		steps = append(steps, step{stmt, Addition{Table: table, Index: name, SQL: stmt}})
	}
	return steps, found, nil
}

// named is an index as a database has it.
type named struct {
	name string
	Index
}

// ownIndexes lists the indexes of a table that Matrix OS has made. Those of the owner's
// own making have other names.
func ownIndexes(ctx context.Context, db querier, table string) (own []named, err error) {
	rows, err := db.QueryContext(ctx, `SELECT l.name, l."unique", i.name FROM pragma_index_list(?) AS l, pragma_index_info(l.name) AS i
		WHERE l.origin = 'c' AND NOT l.partial ORDER BY l.name, i.seqno`, table)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var n named
		var column sql.NullString // an expression has none
		if err := rows.Scan(&n.name, &n.Unique, &column); err != nil {
			return nil, err
		}
		if last := len(own) - 1; last < 0 || own[last].name != n.name {
			own = append(own, n)
		}
		last := &own[len(own)-1]
		last.Columns = append(last.Columns, column.String)
	}
	return slices.DeleteFunc(own, func(n named) bool {
		name, old := n.names(table)
		return slices.Contains(n.Columns, "") || n.name != name && n.name != old
	}), rows.Err()
}

// twice finds the rows that stand against a unique index: the most frequent values of
// its columns, if they are there more than once.
func twice(ctx context.Context, db querier, table string, t Table, x Index, have map[string]string) ([]Problem, error) {
	var where []string
	for _, column := range x.Columns {
		if have[column] == "" {
			return nil, nil // a new column is empty, and empty values may be there often
		}
		where = append(where, fmt.Sprintf(`%q IS NOT NULL`, column))
	}
	columns := `"` + strings.Join(x.Columns, `", "`) + `"`
	rows, err := db.QueryContext(ctx, fmt.Sprintf(`SELECT count(*) AS "how many", %s FROM %q WHERE %s GROUP BY %[1]s HAVING count(*) > 1 ORDER BY 1 DESC, %[1]s LIMIT 1`, columns, table, strings.Join(where, " AND ")))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	if !rows.Next() {
		return nil, rows.Err()
	}
	var n int
	values, into := make([]any, len(x.Columns)), []any{&n}
	for i := range values {
		into = append(into, &values[i])
	}
	if err := rows.Scan(into...); err != nil {
		return nil, err
	}
	var said []string
	for i, column := range x.Columns {
		typ, _ := typeOf(t, column) // CheckTables has found it
		said = append(said, column+" "+shown(decode(typ, values[i])))
	}
	return []Problem{{"storage.tables." + table + ".indexes", fmt.Sprintf("storage.tables.%s.indexes: a unique index of %s does not fit the rows there are: %d rows of table %s have %s; first change or delete all of them but one, and land the index after that, or leave out its unique",
		table, strings.Join(x.Columns, ", "), n, table, strings.Join(said, " and "))}}, rows.Err()
}

// shown writes a value as an app would.
func shown(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		raw = fmt.Append(nil, v)
	}
	return clip(raw)
}
