package rows

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// Conflict is a place that both sides have changed differently. Base, Ours (the
// live database) and Theirs (the changeset) are rendered for people.
type Conflict struct {
	Table              string
	Row                string // its key; empty if it is about the table
	Base, Ours, Theirs string
	Text               string // what is wrong, in a sentence
}

// String names the place.
func (c Conflict) String() string {
	if c.Row == "" {
		return fmt.Sprintf("table %s: %s", c.Table, c.Text)
	}
	return fmt.Sprintf("table %s, row %s: %s", c.Table, c.Row, c.Text)
}

// Mode says what happens where both sides have changed something.
type Mode struct {
	// KeepLive leaves the live value and goes on; else it is a Conflict.
	KeepLive bool
	// KeepUsed leaves a column or table that should go and is used by rows that
	// the changeset does not know.
	KeepUsed bool
	// TakeTheirs puts the changeset's rows over what the live ones have become. A
	// constraint, or a schema that has become another, is a Conflict all the same.
	TakeTheirs bool
}

// Result is what Apply found.
type Result struct {
	Conflicts []Conflict
	Kept      []string // what stays because of KeepUsed, in words
}

const mostConflicts = 50

// applying is one Apply at work.
type applying struct {
	ctx  context.Context
	q    querier // a transaction
	mode Mode
	Result
}

// Apply brings c into the database, which may have changed since c was made. It must
// run in a transaction; if the result has conflicts and they are not to be kept, the
// caller rolls it back.
func (c Changeset) Apply(ctx context.Context, q querier, m Mode) (Result, error) {
	a := &applying{ctx: ctx, q: q, mode: m}
	broken, err := a.dangling()
	if err != nil {
		return a.Result, err
	}
	triggers, err := a.takeTriggers(c.Steps)
	if err != nil {
		return a.Result, err
	}
	if err := a.steps(c.Steps, false); err != nil {
		return a.Result, err
	}
	for _, t := range c.Tables {
		if err := a.table(t); err != nil {
			return a.Result, err
		}
	}
	if err := a.steps(c.Steps, true); err != nil {
		return a.Result, err
	}
	if err := a.restoreTriggers(triggers); err != nil {
		return a.Result, err
	}
	now, err := a.dangling()
	if err != nil {
		return a.Result, err
	}
	for id, n := range now {
		if n > broken[id] {
			a.conflict(Conflict{Table: id.table, Row: id.row, Text: "it refers to a row of " + id.parent + " that is not there"})
		}
	}
	return a.Result, nil
}

func (a *applying) conflict(c Conflict) {
	if len(a.Conflicts) < mostConflicts {
		a.Conflicts = append(a.Conflicts, c)
	}
}

// reference is a foreign key that leads nowhere.
type reference struct{ table, row, parent string }

// dangling counts the foreign keys that lead nowhere, for each row, or, where rows
// have no number, for each table.
func (a *applying) dangling() (map[reference]int, error) {
	out := map[reference]int{}
	err := each(a.ctx, a.q, `PRAGMA foreign_key_check`, nil, func(row []any) error {
		r := reference{table: text(row[0]), parent: text(row[2])}
		if row[1] != nil {
			r.row = Show(row[1])
		}
		out[r]++
		return nil
	})
	if err != nil && strings.Contains(err.Error(), "foreign key mismatch") {
		return nil, nil //nolint:nilerr // the schema's own mistake, which is not ours to judge
	}
	return out, err
}

// takeTriggers drops all triggers and returns those that come back at the end.
func (a *applying) takeTriggers(steps []Step) (back []object, err error) {
	all, err := objects(a.ctx, a.q)
	if err != nil {
		return nil, err
	}
	for _, o := range all {
		if o.kind != "trigger" {
			continue
		}
		if _, err := a.q.ExecContext(a.ctx, "DROP TRIGGER "+quote(o.name)); err != nil {
			return nil, err
		}
		goes := func(s Step) bool { return s.Verb == Drop && s.Kind == "trigger" && same(s.Name, o.name) }
		if !slices.ContainsFunc(steps, goes) {
			back = append(back, o)
		}
	}
	return back, nil
}

func (a *applying) restoreTriggers(back []object) error {
	for _, o := range back {
		there, err := a.object("trigger", o.name)
		if err != nil {
			return err
		}
		if there.name != "" {
			continue // the changeset has brought it
		}
		if owner, err := a.object("", o.table); err != nil || owner.name == "" {
			if err != nil {
				return err
			}
			continue // its table is gone, and with it the trigger
		}
		if _, err := a.q.ExecContext(a.ctx, o.sql); err != nil {
			return fmt.Errorf("trigger %s: %w", o.name, err)
		}
	}
	return nil
}

// object finds an entry of the live schema; its name is empty if there is none.
func (a *applying) object(kind, name string) (object, error) {
	all, err := objects(a.ctx, a.q)
	if err != nil {
		return object{}, err
	}
	for _, o := range all {
		if same(o.name, name) && (o.kind == kind || kind == "" && o.kind != "index" && o.kind != "trigger") {
			return o, nil
		}
	}
	return object{}, nil
}

// steps does the steps before or after the rows.
func (a *applying) steps(steps []Step, late bool) error {
	for _, s := range steps {
		if s.late() != late {
			continue
		}
		skip, err := a.judge(s)
		if err != nil {
			return err
		}
		if skip {
			continue
		}
		err = s.run(a.ctx, a.q)
		switch {
		case err == nil:
		case a.mode.KeepUsed && (s.Verb == DropColumn || s.Verb == DropTable):
			a.Kept = append(a.Kept, s.String()+": not done, "+err.Error())
		case codeOf(err) == codeConstraint || codeOf(err) == codeError:
			a.conflict(Conflict{Table: s.Table, Theirs: s.String(), Text: err.Error()})
		default:
			return err
		}
	}
	return nil
}

// judge compares a step with what is there: it may be done already, or in conflict.
func (a *applying) judge(s Step) (skip bool, err error) {
	clash := func(format string, args ...any) (bool, error) {
		if !a.mode.KeepLive {
			a.conflict(Conflict{Table: s.Table, Theirs: s.String(), Text: fmt.Sprintf(format, args...)})
		}
		return true, nil
	}
	table, err := a.object("table", s.Table)
	if err != nil {
		return false, err
	}
	there := table.name != ""
	switch s.Verb {
	case Create:
		o, err := a.object(s.Kind, s.Name)
		if err != nil || o.name == "" {
			return false, err
		}
		if plain(o.sql) == plain(s.SQL) {
			return true, nil
		}
		return clash("there is another %s %s by now", s.Kind, s.Name)
	case CreateTable:
		if there && plain(table.sql) != plain(s.SQL) {
			return clash("there is another table of this name by now")
		}
		return there, nil
	case DropTable:
		if !there || table.virtual() {
			return !there, nil
		}
		return a.used(s, "+rows", func() (uint64, error) { return sum(a.ctx, a.q, s.Table) })
	case RenameTable:
		to, err := a.object("table", s.To)
		if err != nil || there && to.name == "" {
			return false, err
		}
		if !there && to.name != "" {
			return true, nil
		}
		return clash("it cannot be renamed to %s any more", s.To)
	case Rebuild:
		switch {
		case there && plain(table.sql) == plain(s.SQL):
			return true, nil
		case !there || plain(table.sql) != plain(s.Was):
			return clash("its columns have been changed differently by now")
		}
		return false, nil
	case AddColumn, DropColumn, RenameColumn:
		if !there {
			return clash("the table is gone")
		}
		return a.judgeColumn(s, table, clash)
	case Drop:
	}
	return false, nil
}

func (a *applying) judgeColumn(s Step, table object, clash func(string, ...any) (bool, error)) (bool, error) {
	d, ok := define(table.sql)
	def, there := d.columns[strings.ToLower(s.Name)]
	_, target := d.columns[strings.ToLower(s.To)]
	switch {
	case !ok:
		return clash("the form of the table cannot be read")
	case s.Verb == AddColumn && there && plain(def) != plain(s.SQL):
		return clash("there is another column %s by now", s.Name)
	case s.Verb == AddColumn:
		return there, nil
	case s.Verb == RenameColumn && !there && target:
		return true, nil
	case s.Verb == RenameColumn && (!there || target):
		return clash("column %s cannot be renamed to %s any more", s.Name, s.To)
	case s.Verb == RenameColumn:
		return false, nil
	case !there:
		return true, nil
	}
	return a.used(s, s.Name, func() (uint64, error) { return sumColumn(a.ctx, a.q, s.Table, s.Name) })
}

// used reports that a step which takes something away must not be done, because
// there is something in it that the changeset does not know.
func (a *applying) used(s Step, what string, digest func() (uint64, error)) (skip bool, err error) {
	now, err := digest()
	if err != nil || now == s.Sum {
		return false, err
	}
	switch {
	case a.mode.KeepUsed && s.Verb == DropColumn:
		a.Kept = append(a.Kept, fmt.Sprintf("column %s of table %s stays: later rows have values in it", what, s.Table))
	case a.mode.KeepUsed:
		a.Kept = append(a.Kept, fmt.Sprintf("table %s stays: its rows have changed since", s.Table))
	case !a.mode.KeepLive:
		a.conflict(Conflict{Table: s.Table, Theirs: s.String(), Text: "what is to be removed has been changed since"})
	}
	return true, nil
}

// sumColumn is a digest of the values of a column that are not its default.
func sumColumn(ctx context.Context, q querier, table, name string) (uint64, error) {
	all, err := columns(ctx, q, "main", table)
	if err != nil {
		return 0, err
	}
	usual := "NULL"
	for _, c := range all {
		if same(c.name, name) && c.value != "" {
			usual = c.value
		}
	}
	col := quote(name)
	return digest(ctx, q, "SELECT +"+col+" FROM "+quote(table)+" WHERE "+col+" IS NOT ("+usual+")")
}
