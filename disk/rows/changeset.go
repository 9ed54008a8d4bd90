package rows

import (
	"bytes"
	"fmt"
	"math"
	"strings"
)

// Changeset is how one state of a database became another.
type Changeset struct {
	Steps  []Step
	Tables []Table
}

// Empty reports whether nothing changes.
func (c Changeset) Empty() bool { return len(c.Steps) == 0 && len(c.Tables) == 0 }

// Verb is what a Step does.
type Verb byte

// The steps, in the order in which they are done: Drop before tables change,
// Create after the rows.
const (
	Drop         Verb = iota + 1 // an index, trigger or view
	CreateTable                  // with SQL
	DropTable                    // SQL is how it was made; Sum is of its rows
	RenameTable                  // to To
	AddColumn                    // Name, with SQL as its definition
	DropColumn                   // Name; SQL is its definition
	RenameColumn                 // Name to To
	Rebuild                      // from the statement Was to SQL
	Create                       // an index, trigger or view, with SQL
)

// Step is one change of the schema.
type Step struct {
	Verb  Verb
	Kind  string // of the object: table, index, trigger, view
	Table string
	Name  string // of the object or column
	To    string
	SQL   string
	Was   string
	Sum   uint64 // see sum
}

// Table is what happened to the rows of one table, in terms of the schema after
// the steps.
type Table struct {
	Name    string
	Columns []string
	Key     []int // the columns of the primary key; none: a bag of rows
	Rows    []Row
}

// Row is one row before and after: Old is nil for one that was added, New for one
// that was removed. Both have a value for each column of the table.
type Row struct{ Old, New []any }

// Counts says how many rows a changeset adds, changes and removes.
func (t Table) Counts() (added, changed, removed int) {
	for _, r := range t.Rows {
		switch {
		case r.Old == nil:
			added++
		case r.New == nil:
			removed++
		default:
			changed++
		}
	}
	return added, changed, removed
}

// equal compares two values as they are stored: the same type and the same bytes.
func equal(a, b any) bool {
	switch a := a.(type) {
	case []byte:
		b, ok := b.([]byte)
		return ok && bytes.Equal(a, b)
	case float64:
		b, ok := b.(float64)
		return ok && (a == b || math.Float64bits(a) == math.Float64bits(b))
	default:
		if _, blob := b.([]byte); blob {
			return false
		}
		return a == b
	}
}

func equalRow(a, b []any) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// Show renders a value for people.
func Show(v any) string {
	switch v := v.(type) {
	case nil:
		return "NULL"
	case string:
		if r := []rune(v); len(r) > 80 {
			v = string(r[:80]) + "…"
		}
		return fmt.Sprintf("%q", v)
	case []byte:
		return fmt.Sprintf("%d bytes", len(v))
	case float64:
		return fmt.Sprintf("%g", v)
	}
	return fmt.Sprint(v)
}

func (t Table) show(values []any) string {
	if values == nil {
		return ""
	}
	var parts []string
	for i, c := range t.Columns {
		if values[i] != nil {
			parts = append(parts, c+"="+Show(values[i]))
		}
	}
	return strings.Join(parts, " ")
}

// showChange renders only what a change touches, after the key.
func (t Table) showChange(r Row, values []any) string {
	if r.Old == nil || r.New == nil {
		return t.show(values)
	}
	var parts []string
	for i, c := range t.Columns {
		isKey := false
		for _, k := range t.Key {
			isKey = isKey || k == i
		}
		if isKey || !equal(r.Old[i], r.New[i]) {
			parts = append(parts, c+"="+Show(values[i]))
		}
	}
	return strings.Join(parts, " ")
}

// Text renders a changeset as a patch for people, with at most so many rows.
func (c Changeset) Text(most int) string {
	var b strings.Builder
	for _, s := range c.Steps {
		fmt.Fprintf(&b, "@@ %s @@\n", s)
	}
	for _, t := range c.Tables {
		added, changed, removed := t.Counts()
		fmt.Fprintf(&b, "@@ table %s: %d added, %d changed, %d removed @@\n", t.Name, added, changed, removed)
		for _, r := range t.Rows {
			if most--; most < 0 {
				b.WriteString(" …\n")
				return b.String()
			}
			if r.Old != nil {
				b.WriteString("-" + t.showChange(r, r.Old) + "\n")
			}
			if r.New != nil {
				b.WriteString("+" + t.showChange(r, r.New) + "\n")
			}
		}
	}
	return b.String()
}

// String says what a step does.
func (s Step) String() string {
	switch s.Verb {
	case CreateTable:
		return "new table " + s.Table
	case DropTable:
		return "table " + s.Table + " removed"
	case RenameTable:
		return "table " + s.Table + " renamed to " + s.To
	case AddColumn:
		return "new column " + s.Table + "." + s.Name
	case DropColumn:
		return "column " + s.Table + "." + s.Name + " removed"
	case RenameColumn:
		return "column " + s.Table + "." + s.Name + " renamed to " + s.To
	case Rebuild:
		return "table " + s.Table + " has a new form"
	case Create:
		return "new " + s.Kind + " " + s.Name
	case Drop:
		return s.Kind + " " + s.Name + " removed"
	}
	return "unknown step"
}
