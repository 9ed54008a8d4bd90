package rows

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// querier is a database or a transaction.
type querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// object is one entry of a schema.
type object struct {
	kind, name, table, sql string
	shadow                 bool // a table in which a virtual table keeps its data
}

// column is one column of a table. Two columns are equal if SQLite treats them
// alike.
type column struct {
	name, decl string
	notNull    bool
	value      string // the default, as SQL; "" if none
	key        int    // place in the primary key, from 1
	hidden     int    // 1: of a virtual table; 2, 3: computed
}

// ours are the names that the system keeps for itself.
const ours = "_disk_"

// objects lists a schema in the order in which it was made.
func objects(ctx context.Context, q querier) ([]object, error) {
	var out []object
	err := each(ctx, q, `SELECT type, name, tbl_name, sql, type = 'table' AND name IN (SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'shadow')
		FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite\_%' ESCAPE '\' ORDER BY rowid`, nil, func(row []any) error {
		o := object{text(row[0]), text(row[1]), text(row[2]), text(row[3]), row[4] == int64(1)}
		if !strings.HasPrefix(strings.ToLower(o.name), ours) && !strings.HasPrefix(strings.ToLower(o.table), ours) {
			out = append(out, o)
		}
		return nil
	})
	return out, err
}

func columns(ctx context.Context, q querier, schema, table string) ([]column, error) {
	var out []column
	err := each(ctx, q, `SELECT name, upper(type), "notnull", dflt_value, pk, hidden FROM pragma_table_xinfo(?, ?)`, []any{table, schema}, func(row []any) error {
		out = append(out, column{text(row[0]), text(row[1]), row[2] == int64(1), text(row[3]), int(row[4].(int64)), int(row[5].(int64))})
		return nil
	})
	return out, err
}

// stored are the names of the columns that have values of their own.
func stored(all []column) []string {
	var out []string
	for _, c := range all {
		if c.hidden == 0 {
			out = append(out, c.name)
		}
	}
	return out
}

// keyOf names the primary key of a table, in its order.
func keyOf(all []column) []string {
	var k []column
	for _, c := range all {
		if c.key > 0 {
			k = append(k, c)
		}
	}
	slices.SortFunc(k, func(a, b column) int { return a.key - b.key })
	return stored(k)
}

// virtual reports whether an entry is a table without rows of its own.
func (o object) virtual() bool {
	return strings.HasPrefix(strings.ToUpper(strings.Join(strings.Fields(o.sql), " ")), "CREATE VIRTUAL TABLE")
}

// each calls fn with every row of a query. The values are its own.
func each(ctx context.Context, q querier, query string, args []any, fn func([]any) error) (err error) {
	rows, err := q.QueryContext(ctx, query, args...)
	if err != nil {
		return fmt.Errorf("%s: %w", head(query), err)
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	for rows.Next() {
		row, into := make([]any, len(names)), make([]any, len(names))
		for i := range row {
			into[i] = &row[i]
		}
		if err := rows.Scan(into...); err != nil {
			return err
		}
		if err := fn(row); err != nil {
			return err
		}
	}
	return rows.Err()
}

func head(query string) string {
	if len(query) > 120 {
		return query[:120] + "…"
	}
	return query
}

func text(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []byte:
		return string(v)
	}
	return ""
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func quoteAll(prefix string, names []string, join string) string {
	out := make([]string, len(names))
	for i, n := range names {
		out[i] = prefix + quote(n)
	}
	return strings.Join(out, join)
}

func same(a, b string) bool { return strings.EqualFold(a, b) }

// plain is a statement without differences that mean nothing: space and case
// outside quotes.
func plain(sql string) string {
	var b strings.Builder
	for _, t := range tokens(sql) {
		if b.Len() > 0 {
			b.WriteByte(' ')
		}
		switch {
		case t[0] == '\'':
			b.WriteString(t)
		case strings.IndexByte("\"`[", t[0]) >= 0:
			b.WriteString(strings.ToLower(unquote(t)))
		default:
			b.WriteString(strings.ToLower(t))
		}
	}
	return b.String()
}

// tokens takes a statement apart; comments go.
func tokens(s string) []string {
	var out []string
	for s != "" {
		n := tokenLen(s)
		t := s[:n]
		if strings.TrimSpace(t) != "" && !strings.HasPrefix(t, "--") && !strings.HasPrefix(t, "/*") {
			out = append(out, t)
		}
		s = s[n:]
	}
	return out
}

func tokenLen(s string) int {
	until := func(end string, skip int) int {
		if i := strings.Index(s[skip:], end); i >= 0 {
			return skip + i + len(end)
		}
		return len(s)
	}
	switch c := s[0]; {
	case c == '\'' || c == '"' || c == '`':
		for i := 1; i < len(s); i++ {
			if s[i] == c {
				if i+1 < len(s) && s[i+1] == c {
					i++
					continue
				}
				return i + 1
			}
		}
		return len(s)
	case c == '[':
		return until("]", 1)
	case strings.HasPrefix(s, "--"):
		return until("\n", 2)
	case strings.HasPrefix(s, "/*"):
		return until("*/", 2)
	case !wordByte(c):
		return 1
	}
	n := 1
	for n < len(s) && wordByte(s[n]) {
		n++
	}
	return n
}

func wordByte(c byte) bool {
	return c == '_' || c == '$' || c == '.' || c >= 0x80 || c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z'
}

func unquote(t string) string {
	if len(t) < 2 {
		return t
	}
	switch q := t[0]; q {
	case '\'', '"', '`':
		return strings.ReplaceAll(t[1:len(t)-1], string(q)+string(q), string(q))
	case '[':
		return t[1 : len(t)-1]
	}
	return t
}

// definition is a CREATE TABLE taken apart: the definition of each column after its
// name, the constraints of the table, and what follows the bracket.
type definition struct {
	names       []string
	columns     map[string]string // by lower-case name
	constraints []string
	end         string
}

// define takes a CREATE TABLE apart; ok is false if it is of another form.
func define(sql string) (d definition, ok bool) {
	d.columns = map[string]string{}
	list := tokens(sql)
	open := slices.Index(list, "(")
	if open < 0 || open > 0 && same(list[open-1], "AS") {
		return d, false
	}
	depth, start := 0, open+1
	part := func(end int) {
		p := list[start:end]
		start = end + 1
		if len(p) == 0 {
			return
		}
		rest := strings.Join(p[1:], " ")
		switch strings.ToUpper(p[0]) {
		case "CONSTRAINT", "PRIMARY", "UNIQUE", "CHECK", "FOREIGN":
			d.constraints = append(d.constraints, strings.Join(p, " "))
		default:
			name := unquote(p[0])
			d.names = append(d.names, name)
			d.columns[strings.ToLower(name)] = rest
		}
	}
	for i := open; i < len(list); i++ {
		switch list[i] {
		case "(":
			depth++
		case ")":
			if depth--; depth == 0 {
				part(i)
				d.end = strings.Join(list[i+1:], " ")
				return d, true
			}
		case ",":
			if depth == 1 {
				part(i)
			}
		}
	}
	return d, false
}
