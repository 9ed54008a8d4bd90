package rows

import (
	"slices"
	"strings"
)

// Inverse returns the changeset that takes c back, to be applied with KeepUsed; ok is
// false if c has removed something of which it does not know the content.
func (c Changeset) Inverse() (out Changeset, ok bool) {
	var last []Step
	for _, s := range slices.Backward(c.Steps) {
		switch s.Verb {
		case Drop:
			last = append(last, Step{Verb: Create, Kind: s.Kind, Table: s.Table, Name: s.Name, SQL: s.SQL})
		case Create:
			out.Steps = append(out.Steps, Step{Verb: Drop, Kind: s.Kind, Table: s.Table, Name: s.Name, SQL: s.SQL})
		case CreateTable:
			out.Steps = append(out.Steps, Step{Verb: DropTable, Table: s.Table, SQL: s.SQL, Sum: s.Sum})
		case RenameTable:
			out.Steps = append(out.Steps, Step{Verb: RenameTable, Table: s.To, To: s.Table, SQL: s.SQL})
		case AddColumn:
			out.Steps = append(out.Steps, Step{Verb: DropColumn, Table: s.Table, Name: s.Name, SQL: s.SQL, Sum: s.Sum})
		case RenameColumn:
			out.Steps = append(out.Steps, Step{Verb: RenameColumn, Table: s.Table, Name: s.To, To: s.Name})
		case DropTable, DropColumn, Rebuild:
			return Changeset{}, false
		}
	}
	out.Steps = append(out.Steps, last...)
	for _, t := range c.Tables {
		if back, any := t.inverse(out.Steps); any {
			out.Tables = append(out.Tables, back)
		}
	}
	return out, true
}

// inverse turns the rows round and puts them in terms of the schema after the steps;
// any is false if nothing of them is left there.
func (t Table) inverse(steps []Step) (out Table, any bool) {
	out = Table{Name: t.Name, Columns: slices.Clone(t.Columns), Key: slices.Clone(t.Key)}
	var gone []int
	for _, s := range steps {
		if !same(s.Table, out.Name) {
			continue
		}
		switch s.Verb {
		case DropTable:
			return out, false
		case RenameTable:
			out.Name = s.To
		case RenameColumn:
			for i, name := range out.Columns {
				if same(name, s.Name) {
					out.Columns[i] = s.To
				}
			}
		case DropColumn:
			for i, name := range t.Columns {
				if same(name, s.Name) {
					gone = append(gone, i)
				}
			}
		case AddColumn, CreateTable, Rebuild, Create, Drop:
		}
	}
	slices.Sort(gone)
	for _, r := range t.Rows {
		back := Row{Old: without(r.New, gone), New: without(r.Old, gone)}
		if back.Old == nil || back.New == nil || !equalRow(back.Old, back.New) {
			out.Rows = append(out.Rows, back)
		}
	}
	out.Columns = without(out.Columns, gone)
	for i, k := range out.Key {
		out.Key[i] = k - len(slices.DeleteFunc(slices.Clone(gone), func(g int) bool { return g > k }))
	}
	return out, len(out.Rows) > 0
}

func without[T any](list []T, gone []int) []T {
	if list == nil || len(gone) == 0 {
		return list
	}
	var out []T
	for i, v := range list {
		if !slices.Contains(gone, i) {
			out = append(out, v)
		}
	}
	return out
}

// Names lists the tables that a changeset touches.
func (c Changeset) Names() []string {
	var out []string
	for _, s := range c.Steps {
		for _, name := range []string{s.Table, s.To} {
			if name != "" && s.Verb != RenameColumn || name == s.Table {
				out = append(out, name)
			}
		}
	}
	for _, t := range c.Tables {
		out = append(out, t.Name)
	}
	slices.SortFunc(out, func(a, b string) int { return strings.Compare(a, b) })
	return slices.Compact(out)
}
