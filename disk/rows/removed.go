package rows

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
)

// Gone is what a changeset takes from one table of the state before it.
type Gone struct {
	Table   string // its name before
	Rows    int    // how many go; of a table without a key, more than come
	Emptied int    // how many stay and say next to nothing any more
	Dropped bool   // the table went, with all rows that it had; Rows does not say how many
	Sum     string // names exactly the rows that go, and those that are emptied
}

// Removed lists the tables of which a changeset removes or empties rows.
func (c Changeset) Removed() (out []Gone) {
	before := map[string]string{}
	for _, s := range c.Steps {
		switch {
		case s.Verb == DropTable:
			out = append(out, Gone{Table: s.Table, Dropped: true, Sum: fmt.Sprintf("%016x", s.Sum)})
		case s.Verb == RenameTable:
			before[strings.ToLower(s.To)] = s.Table
		}
	}
	for _, t := range c.Tables {
		added, _, removed := t.Counts()
		if len(t.Key) == 0 { // what was changed there is a row less and a row more
			removed -= added - t.blankAdded()
		}
		emptied := t.emptied()
		if removed = max(removed, 0); removed == 0 && len(emptied) == 0 {
			continue
		}
		name := t.Name
		if was, ok := before[strings.ToLower(name)]; ok {
			name = was
		}
		out = append(out, Gone{Table: name, Rows: removed, Emptied: len(emptied), Sum: t.removedSum(emptied)})
	}
	return out
}

// blankAdded is how many rows come that say nothing.
func (t Table) blankAdded() (n int) {
	for _, r := range t.Rows {
		if r.Old == nil && !slices.ContainsFunc(r.New, func(v any) bool { return !blank(v) && !zero(v) }) {
			n++
		}
	}
	return n
}

// removedSum names the rows that go, and those that are emptied, whatever else happens to
// the table.
func (t Table) removedSum(emptied []int) string {
	h := sha256.New()
	for i, r := range t.Rows {
		if _, blanked := slices.BinarySearch(emptied, i); r.New != nil && !blanked {
			continue
		}
		for _, v := range r.Old {
			fmt.Fprintf(h, "%T %q,", v, fmt.Sprint(v))
		}
		fmt.Fprintln(h)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}

// Counts says how many rows each table of a database has, but for tables of the system's.
func Counts(ctx context.Context, q querier) (map[string]int, error) {
	list, err := objects(ctx, q)
	if err != nil {
		return nil, err
	}
	out := map[string]int{}
	for _, o := range list {
		if o.kind != "table" || o.shadow || o.virtual() {
			continue
		}
		n := 0
		if err := q.QueryRowContext(ctx, `SELECT count(*) FROM `+quote(o.name)).Scan(&n); err != nil {
			return nil, err
		}
		out[o.name] = n
	}
	return out, nil
}
