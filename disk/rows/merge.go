package rows

import (
	"fmt"
	"slices"
	"strings"
)

// table applies the rows of one table: plainly, and, where a unique value moves from
// one row to another, in two passes.
func (a *applying) table(t Table) error {
	missing, err := a.missing(t)
	if err != nil {
		return err
	}
	if missing != "" {
		if !a.mode.KeepLive && !a.mode.KeepUsed {
			a.conflict(Conflict{Table: t.Name, Text: missing})
		}
		return nil
	}
	if _, err := a.q.ExecContext(a.ctx, `SAVEPOINT rows`); err != nil {
		return err
	}
	before := len(a.Conflicts)
	blocked, err := a.pass(t, false)
	if err != nil {
		return err
	}
	if blocked {
		a.Conflicts = a.Conflicts[:before]
		if _, err := a.q.ExecContext(a.ctx, `ROLLBACK TO rows`); err != nil {
			return err
		}
		if _, err := a.pass(t, true); err != nil {
			return err
		}
	}
	_, err = a.q.ExecContext(a.ctx, `RELEASE rows`)
	return err
}

// missing says what the live table lacks to take the rows.
func (a *applying) missing(t Table) (string, error) {
	all, err := columns(a.ctx, a.q, "main", t.Name)
	if err != nil {
		return "", err
	}
	if len(all) == 0 {
		return "the table is gone", nil
	}
	for _, name := range t.Columns {
		if !slices.ContainsFunc(stored(all), func(n string) bool { return same(n, name) }) {
			return "the column " + name + " is gone", nil
		}
	}
	return "", nil
}

// pass applies the rows: removals first, additions last. With apart, a changed row
// is taken out and put back at the end. Blocked says that a constraint was in the
// way.
func (a *applying) pass(t Table, apart bool) (blocked bool, err error) {
	p := &pass{applying: a, t: t, apart: apart}
	if apart {
		all, err := columns(a.ctx, a.q, "main", t.Name)
		if err != nil {
			return false, err
		}
		p.whole = stored(all)
	}
	for _, kind := range []func(Row) bool{
		func(r Row) bool { return r.New == nil },
		func(r Row) bool { return r.Old != nil && r.New != nil },
		func(r Row) bool { return r.Old == nil },
	} {
		for _, r := range t.Rows {
			if !kind(r) {
				continue
			}
			if err := a.ctx.Err(); err != nil {
				return false, err
			}
			if err := p.row(r); err != nil {
				return false, err
			}
		}
	}
	return p.blocked, p.putBack()
}

type pass struct {
	*applying
	t       Table
	apart   bool
	blocked bool
	whole   []string // with apart: all columns of the live table
	out     []taken  // with apart: rows to be put back
}

type taken struct {
	r      Row
	values []any
}

func (p *pass) row(r Row) error {
	if len(p.t.Key) == 0 {
		return p.bagRow(r)
	}
	known := r.Old
	if known == nil {
		known = r.New
	}
	where, args := p.whereKey(known)
	live, err := p.live(where, args)
	if err != nil {
		return err
	}
	switch {
	case r.Old == nil && live == nil:
		return p.insert(r)
	case r.Old == nil && equalRow(live, r.New):
		return nil
	case r.Old == nil && p.mode.TakeTheirs:
		return p.change(r, p.t.Columns, slices.Clone(r.New), where, args)
	case r.Old == nil:
		p.clash(r, live, "both sides have added it, differently")
		return nil
	case r.New == nil && live == nil:
		return nil // both have removed it
	case r.New == nil:
		if !equalRow(live, r.Old) && !p.mode.TakeTheirs {
			p.clash(r, live, "it is to be removed and has been changed since")
			return nil
		}
		return p.exec(r, "DELETE FROM "+quote(p.t.Name)+" WHERE "+where, args)
	case live == nil && p.mode.TakeTheirs:
		return p.insert(r)
	case live == nil:
		p.clash(r, nil, "it has been removed since")
		return nil
	}
	return p.update(r, live, where, args)
}

// update sets what only the changeset has changed.
func (p *pass) update(r Row, live []any, where string, args []any) error {
	var set []string
	var values []any
	for i, name := range p.t.Columns {
		switch {
		case equal(r.Old[i], r.New[i]) || equal(live[i], r.New[i]):
		case !equal(live[i], r.Old[i]) && !p.mode.TakeTheirs:
			p.clash(r, live, "both sides have changed "+name)
			if !p.mode.KeepLive {
				return nil
			}
		default:
			set, values = append(set, name), append(values, r.New[i])
		}
	}
	if len(set) == 0 {
		return nil
	}
	return p.change(r, set, values, where, args)
}

// change sets columns of a live row.
func (p *pass) change(r Row, set []string, values []any, where string, args []any) error {
	if p.apart {
		return p.takeOut(r, set, values, where, args)
	}
	return p.exec(r, "UPDATE "+quote(p.t.Name)+" SET "+quoteAll("", set, " = ?, ")+" = ? WHERE "+where, append(values, args...))
}

// takeOut removes a row that is put back, changed, when all others have made room.
func (p *pass) takeOut(r Row, set []string, values []any, where string, args []any) error {
	var row []any
	err := each(p.ctx, p.q, "SELECT "+quoteAll("+", p.whole, ", ")+" FROM "+quote(p.t.Name)+" WHERE "+where, args, func(v []any) error {
		row = v
		return nil
	})
	if err != nil {
		return err
	}
	for i, name := range set {
		row[slices.IndexFunc(p.whole, func(n string) bool { return same(n, name) })] = values[i]
	}
	p.out = append(p.out, taken{r, row})
	_, err = p.q.ExecContext(p.ctx, "DELETE FROM "+quote(p.t.Name)+" WHERE "+where, args...)
	return err
}

func (p *pass) putBack() error {
	for _, o := range p.out {
		if err := p.exec(o.r, p.insertInto(p.whole), o.values); err != nil {
			return err
		}
	}
	return nil
}

func (p *pass) insert(r Row) error { return p.exec(r, p.insertInto(p.t.Columns), r.New) }

func (p *pass) insertInto(names []string) string {
	return "INSERT INTO " + quote(p.t.Name) + " (" + quoteAll("", names, ", ") + ") VALUES (?" + strings.Repeat(", ?", len(names)-1) + ")"
}

// bagRow adds or removes one row that has no key.
func (p *pass) bagRow(r Row) error {
	if r.New != nil {
		return p.insert(r)
	}
	var tests []string
	var args []any
	for i, name := range p.t.Columns {
		tests = append(tests, quote(name)+" IS ? COLLATE BINARY AND typeof("+quote(name)+") = ?")
		args = append(args, bind(r.Old[i]), typeOf(r.Old[i]))
	}
	res, err := p.q.ExecContext(p.ctx, "DELETE FROM "+quote(p.t.Name)+" WHERE rowid = (SELECT rowid FROM "+quote(p.t.Name)+" WHERE "+strings.Join(tests, " AND ")+" LIMIT 1)", args...)
	if err != nil {
		return err
	}
	n, err := res.RowsAffected()
	if err == nil && n == 0 && !p.mode.TakeTheirs {
		p.clash(r, nil, "it has been changed or removed since")
	}
	return err
}

// whereKey selects the row that has the key of values.
func (p *pass) whereKey(values []any) (string, []any) {
	var tests []string
	var args []any
	for _, k := range p.t.Key {
		tests = append(tests, quote(p.t.Columns[k])+" = ?")
		args = append(args, bind(values[k]))
	}
	return strings.Join(tests, " AND "), args
}

// live reads the row as it is now; nil if there is none.
func (p *pass) live(where string, args []any) (out []any, err error) {
	err = each(p.ctx, p.q, "SELECT "+quoteAll("+", p.t.Columns, ", ")+" FROM "+quote(p.t.Name)+" WHERE "+where, args, func(row []any) error {
		out = row
		return nil
	})
	return out, err
}

// exec runs a statement; a constraint in the way is a conflict of row r.
func (p *pass) exec(r Row, stmt string, args []any) error {
	for i := range args {
		args[i] = bind(args[i])
	}
	_, err := p.q.ExecContext(p.ctx, stmt, args...)
	if codeOf(err) == codeConstraint {
		p.blocked = true
		p.clash(r, nil, err.Error())
		return nil
	}
	return err
}

func (p *pass) clash(r Row, live []any, why string) {
	if p.mode.KeepLive {
		return
	}
	c := Conflict{Table: p.t.Name, Text: why, Base: p.t.show(r.Old), Ours: p.t.show(live), Theirs: p.t.show(r.New)}
	known := r.Old
	if known == nil {
		known = r.New
	}
	var key []string
	for _, k := range p.t.Key {
		key = append(key, Show(known[k]))
	}
	if c.Row = strings.Join(key, ", "); c.Row == "" {
		c.Row = p.t.show(known)
	}
	p.conflict(c)
}

// bind makes an argument of a value: the driver takes an empty blob for NULL.
func bind(v any) any {
	if b, ok := v.([]byte); ok && b == nil {
		return []byte{}
	}
	return v
}

func typeOf(v any) string {
	switch v.(type) {
	case nil:
		return "null"
	case int64:
		return "integer"
	case float64:
		return "real"
	case []byte:
		return "blob"
	case string:
		return "text"
	}
	return fmt.Sprintf("%T", v)
}
