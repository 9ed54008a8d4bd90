package store

import (
	"bytes"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"sync"

	"modernc.org/sqlite"
)

// Limit bounds what one Find returns.
const Limit = 10000

const maxConditions = 100

// Query selects rows of a table. Where and OrderBy are JSON objects as apps write
// them: {"amount": {"$gt": 10}} and {"date": "desc"}.
type Query struct {
	Where   json.RawMessage `json:"where"`
	OrderBy json.RawMessage `json:"orderBy"`
	Limit   *int            `json:"limit"`
	Offset  int             `json:"offset"`
}

// member is one entry of a JSON object; order is kept because orderBy means it.
type member struct {
	name  string
	value json.RawMessage
}

// members reads a JSON object; null and nothing are an empty one.
func members(raw json.RawMessage) ([]member, error) {
	raw = bytes.TrimSpace(raw)
	if len(raw) == 0 || string(raw) == "null" {
		return nil, nil
	}
	if raw[0] != '{' {
		return nil, fmt.Errorf("%s is not an object", clip(raw))
	}
	d := json.NewDecoder(bytes.NewReader(raw))
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	var out []member
	for d.More() {
		key, err := d.Token()
		if err != nil {
			return nil, err
		}
		var m member
		m.name, _ = key.(string) // keys of a JSON object are strings
		if err := d.Decode(&m.value); err != nil {
			return nil, err
		}
		out = append(out, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return nil, errors.New("there is text after the object")
	}
	return out, nil
}

var compare = map[string]string{"$eq": "=", "$ne": "<>", "$lt": "<", "$lte": "<=", "$gt": ">", "$gte": ">="}

const operators = "$eq, $ne, $lt, $lte, $gt, $gte, $in, $like, $ilike"

// condition builds a WHERE clause and its arguments.
func condition(name string, t Table, where json.RawMessage) (string, []any, error) {
	list, err := members(where)
	if err != nil {
		return "", nil, invalid("filter table", name, "where: %w", err)
	}
	var clauses []string
	var args []any
	for _, m := range list {
		typ, ok := typeOf(t, m.name)
		if !ok {
			return "", nil, unknownColumn("filter table", name, m.name, t)
		}
		c, a, err := test(m.name, typ, m.value)
		if err != nil {
			return "", nil, invalid("filter table", name, "column %s: %w", m.name, err)
		}
		clauses, args = append(clauses, c...), append(args, a...)
	}
	if len(clauses) > maxConditions {
		return "", nil, invalid("filter table", name, "where has %d conditions; at most %d are allowed", len(clauses), maxConditions)
	}
	if len(clauses) == 0 {
		return "", nil, nil
	}
	return " WHERE " + strings.Join(clauses, " AND "), args, nil
}

func unknownColumn(op, table, column string, t Table) error {
	return invalid(op, table, "there is no column %q; there are %s", column, strings.Join(columnNames(t), ", "))
}

// test builds the clauses of one column: a value to equal, or operators.
func test(column string, typ Type, raw json.RawMessage) (clauses []string, args []any, err error) {
	ops, isOps := operatorsOf(raw)
	if !isOps {
		ops = []member{{"$eq", raw}}
	}
	for _, op := range ops {
		c, a, err := clause(fmt.Sprintf("%q", column), typ, op.name, op.value)
		if err != nil {
			return nil, nil, err
		}
		clauses, args = append(clauses, c), append(args, a...)
	}
	return clauses, args, nil
}

// operatorsOf reports whether raw is an object whose names begin with "$"; any
// other object is a value for a jsonb column to equal.
func operatorsOf(raw json.RawMessage) ([]member, bool) {
	if raw = bytes.TrimSpace(raw); len(raw) == 0 || raw[0] != '{' {
		return nil, false
	}
	ops, err := members(raw)
	if err != nil || len(ops) == 0 {
		return nil, false
	}
	return ops, strings.HasPrefix(ops[0].name, "$")
}

func clause(column string, typ Type, op string, raw json.RawMessage) (string, []any, error) {
	switch op {
	case "$in":
		return within(column, typ, raw)
	case "$like", "$ilike":
		var pattern string
		if json.Unmarshal(raw, &pattern) != nil {
			return "", nil, fmt.Errorf("%s: %s is not text", op, clip(raw))
		}
		fold := 0
		if op == "$ilike" {
			fold = 1
		}
		return fmt.Sprintf("matrix_like(?, %s, %d)", column, fold), []any{pattern}, nil
	}
	sign, ok := compare[op]
	if !ok {
		return "", nil, fmt.Errorf("unknown operator %q; there are %s", op, operators)
	}
	v, err := encode(typ, raw)
	switch {
	case err != nil:
		return "", nil, err
	case v != nil && op == "$ne": // a row without a value is also different
		return fmt.Sprintf("(%s <> ? OR %s IS NULL)", column, column), []any{v}, nil
	case v != nil:
		return column + " " + sign + " ?", []any{v}, nil
	case op == "$eq":
		return column + " IS NULL", nil, nil
	case op == "$ne":
		return column + " IS NOT NULL", nil, nil
	}
	return "", nil, fmt.Errorf("%s cannot compare with null", op)
}

func within(column string, typ Type, raw json.RawMessage) (string, []any, error) {
	var list []json.RawMessage
	if err := json.Unmarshal(raw, &list); err != nil {
		return "", nil, fmt.Errorf("$in: %s is not a list", clip(raw))
	}
	if len(list) > 1000 {
		return "", nil, fmt.Errorf("$in has %d values; at most 1000 are allowed", len(list))
	}
	null := false
	var args []any
	for _, item := range list {
		v, err := encode(typ, item)
		if err != nil {
			return "", nil, err
		}
		if v == nil {
			null = true
			continue
		}
		args = append(args, v)
	}
	c := "0"
	if len(args) > 0 {
		c = column + " IN (?" + strings.Repeat(", ?", len(args)-1) + ")"
	}
	if null {
		c = "(" + c + " OR " + column + " IS NULL)"
	}
	return c, args, nil
}

// order builds an ORDER BY clause; ties and the lack of one go by age.
func order(name string, t Table, orderBy json.RawMessage) (string, error) {
	list, err := members(orderBy)
	if err != nil {
		return "", invalid("order table", name, "orderBy: %w", err)
	}
	var by []string
	for _, m := range list {
		typ, ok := typeOf(t, m.name)
		if !ok {
			return "", unknownColumn("order table", name, m.name, t)
		}
		var dir string
		if json.Unmarshal(m.value, &dir) != nil || !strings.EqualFold(dir, "asc") && !strings.EqualFold(dir, "desc") {
			return "", invalid("order table", name, `column %s: %s is neither "asc" nor "desc"`, m.name, clip(m.value))
		}
		collate := ""
		if typ == Text {
			collate = " COLLATE NOCASE"
		}
		by = append(by, fmt.Sprintf("%q%s %s", m.name, collate, strings.ToUpper(dir)))
	}
	return " ORDER BY " + strings.Join(append(by, `"created_at"`, "rowid"), ", "), nil
}

func (q Query) limits(name string) (string, error) {
	limit := Limit
	if q.Limit != nil {
		limit = *q.Limit
	}
	if limit < 1 || limit > Limit {
		return "", invalid("read table", name, "limit is %d; it may be 1 to %d", limit, Limit)
	}
	if q.Offset < 0 {
		return "", invalid("read table", name, "offset is %d; it may not be negative", q.Offset)
	}
	return fmt.Sprintf(" LIMIT %d OFFSET %d", limit, q.Offset), nil
}

// likeFunction gives SQLite a LIKE that folds case in all scripts or in none; its
// own folds ASCII only. The driver keeps functions per process.
var likeFunction = sync.OnceValue(func() error {
	return sqlite.RegisterDeterministicScalarFunction("matrix_like", 3, func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
		pattern, ok1 := args[0].(string)
		text, ok2 := args[1].(string)
		if !ok1 || !ok2 {
			return int64(0), nil
		}
		if args[2] == int64(1) {
			pattern, text = strings.ToLower(pattern), strings.ToLower(text)
		}
		if like([]rune(pattern), []rune(text)) {
			return int64(1), nil
		}
		return int64(0), nil
	})
})

// like matches SQL's LIKE: % is any run, _ is one rune, \ takes the next as it is.
// It backtracks only to the last %, so it takes at most len(pattern)·len(text).
func like(pattern, text []rune) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		if p < len(pattern) && pattern[p] == '%' {
			star, mark = p, t
			p++
			continue
		}
		if width, ok := matchOne(pattern, p, text[t]); ok {
			p += width
			t++
			continue
		}
		if star < 0 {
			return false
		}
		mark++
		p, t = star+1, mark
	}
	for p < len(pattern) && pattern[p] == '%' {
		p++
	}
	return p == len(pattern)
}

func matchOne(pattern []rune, p int, r rune) (width int, ok bool) {
	switch {
	case p >= len(pattern):
		return 0, false
	case pattern[p] == '_':
		return 1, true
	case pattern[p] == '\\' && p+1 < len(pattern):
		return 2, pattern[p+1] == r
	}
	return 1, pattern[p] == r
}
