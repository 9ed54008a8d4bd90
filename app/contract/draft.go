package contract

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Row is a row of an app's data, numbers as they are spelt.
type Row = map[string]any

// State is the data of an app at a moment.
type State struct {
	Rows map[string][]Row           `json:"rows"`
	Keys map[string]json.RawMessage `json:"keys"`
}

// The bounds of a draft: a scenario is a page that its owner reads.
const (
	givenRows  = 20 // newest rows of a table that a draft begins with, besides those that it touches
	givenBytes = 24 << 10
	rowChecks  = 8
	keyChecks  = 4
	seeChecks  = 6
	goneChecks = 3
	columnsIn  = 8 // of the condition of one check
)

// Recording is a use, and what is known of it beside what the window says.
type Recording struct {
	Use
	At            string // when it began, in local terms
	From, Until   time.Time
	Before, After State
}

// Draft is the scenario that a recording makes: what was done, and what is expected
// because the owner saw it.
type Draft struct {
	Scenario
	Acts int      // so many of the steps are what was done; the others look
	Left []string // what is not expected, and why
}

// Given is the data that the draft of a recording begins with: the rows that it touched
// and the newest of the others. It is kept in the contract, so columns whose names say
// that they hold secrets are left out.
func (r Recording) Given() Given {
	g := Given{Rows: map[string][]json.RawMessage{}, Keys: map[string]json.RawMessage{}}
	room := givenBytes
	for _, table := range slices.Sorted(maps.Keys(r.Before.Rows)) {
		for _, row := range r.kept(table) {
			plain := Row{}
			for c, v := range row {
				if v != nil && c != "updated_at" && !secretName.MatchString(c) {
					plain[c] = v
				}
			}
			raw, err := json.Marshal(plain)
			if room -= len(raw); err != nil || room < 0 {
				break
			}
			g.Rows[table] = append(g.Rows[table], raw)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(r.Before.Keys)) {
		v := r.Before.Keys[key]
		if secretName.MatchString(key) {
			continue
		}
		if room -= len(v); room < 0 {
			break
		}
		g.Keys[key] = v
	}
	return g
}

// kept are the rows of a table that the draft begins with, oldest first.
func (r Recording) kept(table string) []Row {
	after := byID(r.After.Rows[table])
	before := slices.Clone(r.Before.Rows[table])
	slices.SortStableFunc(before, func(a, b Row) int { return cmp.Compare(text(b["created_at"]), text(a["created_at"])) })
	var out []Row
	for i, row := range before {
		if now, still := after[text(row["id"])]; i < givenRows || !still || len(differing(row, now)) > 0 {
			out = append(out, row)
		}
	}
	slices.Reverse(out)
	return out
}

// Draft makes the scenario. again is what the same steps made of the same data in a
// trial: what is otherwise there depends on chance or on something else, and is not
// expected. It is nil if there was no trial; then only what a value looks like is known.
func (r Recording) Draft(again *State) Draft {
	w := &writer{rec: r, again: again}
	w.Scenario = Scenario{Name: name(r.Steps), At: r.At, Recorded: r.At[:min(len(r.At), len("2026-03-11"))], Given: r.Given(), Steps: slices.Clone(r.Steps)}
	w.Acts = len(r.Steps)
	if r.Secret {
		w.leave("what was typed into a field for secrets, and what may have come of it")
	}
	for _, table := range slices.Sorted(maps.Keys(r.After.Rows)) {
		w.table(table)
	}
	w.keys()
	w.lines()
	return w.Draft
}

// name says in short what was done.
func name(steps []Step) string {
	var said []string
	for _, s := range steps {
		word := ""
		switch {
		case s.Click != "":
			word = s.Name
		case s.Fill != "":
			word = s.With
		case s.Choose != "":
			word = s.Option
		}
		if word = strings.Join(strings.Fields(word), " "); word != "" && len(word) <= 40 && !slices.Contains(said, word) {
			said = append(said, word)
		}
	}
	if len(said) == 0 {
		return "What I showed"
	}
	if len(said) > 4 {
		said = append(said[:3:3], said[len(said)-1])
	}
	return clip(strings.Join(said, ", "))
}

type writer struct {
	Draft
	rec   Recording
	again *State
	rows  int
}

func (w *writer) leave(format string, args ...any) {
	if said := fmt.Sprintf(format, args...); !slices.Contains(w.Left, said) {
		w.Left = append(w.Left, said)
	}
}

func (w *writer) look(s Step) { w.Draft.Steps = append(w.Draft.Steps, s) }

// table expects the rows that came, changed and went.
func (w *writer) table(table string) {
	before, after := byID(w.rec.kept(table)), byID(w.rec.After.Rows[table])
	whole := byID(w.rec.Before.Rows[table])
	var end []Row // of the scenario
	var came []Row
	for _, row := range w.rec.After.Rows[table] {
		id := text(row["id"])
		if _, had := whole[id]; !had {
			came = append(came, row)
		} else if _, begins := before[id]; !begins {
			continue
		}
		end = append(end, row)
	}
	twins := w.twins(table, came, whole)
	for i, row := range came {
		if w.again != nil && twins[i] == nil {
			w.leave("an entry in %s that these steps do not make", table)
			continue
		}
		w.expect(table, row, twins[i], slices.Sorted(maps.Keys(row)), end)
	}
	var again map[string]Row
	if w.again != nil {
		again = byID(w.again.Rows[table])
	}
	for _, id := range slices.Sorted(maps.Keys(before)) {
		now, still := after[id]
		switch columns := differing(before[id], now); {
		case !still && w.again != nil && again[id] != nil:
			w.leave("an entry in %s that these steps do not remove", table)
		case !still:
			w.expect(table, before[id], nil, slices.Sorted(maps.Keys(before[id])), end)
		case len(columns) > 0:
			w.expect(table, now, again[id], columns, end)
		}
	}
}

// twins finds for each row that came the one of the trial that is most like it.
func (w *writer) twins(table string, came []Row, before map[string]Row) []Row {
	out := make([]Row, len(came))
	if w.again == nil {
		return out
	}
	var free []Row
	for _, row := range w.again.Rows[table] {
		if _, had := before[text(row["id"])]; !had {
			free = append(free, row)
		}
	}
	for i, row := range came {
		if len(free) == 0 {
			break
		}
		best := 0
		for j := range free {
			if len(differing(row, free[j])) < len(differing(row, free[best])) {
				best = j
			}
		}
		out[i] = free[best]
		free = slices.Delete(free, best, best+1)
	}
	return out
}

// expect adds the check that so many rows have the values of row in columns, as far as
// these are the same each time. twin is the row in the trial, or nil.
func (w *writer) expect(table string, row, twin Row, columns []string, end []Row) {
	if w.rows >= rowChecks {
		w.leave("further entries in %s", table)
		return
	}
	where := map[string]any{}
	for _, c := range columns {
		v := row[c]
		if own[c] || v == nil || len(where) >= columnsIn {
			continue
		}
		switch v.(type) {
		case string, bool, json.Number:
		default:
			continue // what has parts is compared by no condition
		}
		switch {
		case secretName.MatchString(c) || w.rec.Secret && !w.typed(v):
			w.leave("%s of an entry in %s: it may be secret", c, table)
		case w.passing(v), twin != nil && twin[c] != v:
			w.leave("%s of an entry in %s: it is another each time", c, table)
		case len(text(v)) <= maxLine && v != "":
			where[c] = v
		}
	}
	n := 0
	for _, r := range end {
		if fits(r, where) {
			n++
		}
	}
	step := Step{Rows: table, Count: &n}
	if len(where) > 0 {
		raw, err := json.Marshal(where)
		if err != nil {
			return
		}
		step.Where = raw
	}
	for _, have := range w.Draft.Steps[w.Acts:] {
		if have.Rows == table && string(have.Where) == string(step.Where) {
			return
		}
	}
	w.rows++
	w.look(step)
}

// keys expects what the app's keys hold now.
func (w *writer) keys() {
	n := 0
	for _, key := range slices.Sorted(maps.Keys(w.rec.After.Keys)) {
		v := w.rec.After.Keys[key]
		switch {
		case string(v) == string(w.rec.Before.Keys[key]) || n >= keyChecks:
		case secretName.MatchString(key) || w.rec.Secret:
			w.leave("what the app keeps as %s: it may be secret", key)
		case len(v) > 2000 || w.again != nil && string(w.again.Keys[key]) != string(v) || stamped.Match(v):
			w.leave("what the app keeps as %s: it is large, or another each time", key)
		default:
			n++
			w.look(Step{Key: key, Is: v})
		}
	}
}

// lines expects what was to be seen; what has to do with what was entered comes first.
func (w *writer) lines() {
	for _, kind := range []struct {
		all  []string
		most int
		step func(string) Step
	}{
		{w.rec.Seen, seeChecks, func(s string) Step { return Step{See: s} }},
		{w.rec.Gone, goneChecks, func(s string) Step { return Step{SeeNot: s} }},
	} {
		all := slices.Clone(kind.all)
		slices.SortStableFunc(all, func(a, b string) int { return cmp.Compare(w.far(a), w.far(b)) })
		n := 0
		for _, line := range all {
			switch {
			case n >= kind.most:
			case w.passing(line) || moment.MatchString(line):
				w.leave("“%s”: it depends on when one looks", line)
			case w.rec.Secret && !w.typed(line), bare.MatchString(line) && !w.typed(line): // a figure alone is found anywhere, and may be a mark of a chart
			default:
				n++
				w.look(kind.step(line))
			}
		}
	}
}

// far is 0 for a line that has in it what was entered, 1 for one with a figure, else 2.
func (w *writer) far(line string) int {
	for _, s := range w.rec.Steps {
		for _, said := range []string{s.With, s.Option} {
			if said != "" && strings.Contains(strings.ToLower(line), strings.ToLower(said)) {
				return 0
			}
		}
	}
	if strings.ContainsAny(line, "0123456789") {
		return 1
	}
	return 2
}

// typed reports whether a value is one that was entered.
func (w *writer) typed(v any) bool {
	return slices.ContainsFunc(w.rec.Steps, func(s Step) bool { return s.With == text(v) || s.Option == text(v) || s.Name == text(v) })
}

// own are the columns that the system fills.
var own = map[string]bool{"id": true, "created_at": true, "updated_at": true}

var (
	secretName = regexp.MustCompile(`(?i)passw|passphrase|secret|token|api_?key|cvc|cvv|(^|_)pin($|_)|iban|card_?number|credential`)
	random     = regexp.MustCompile(`^(?i:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|[0-9a-f]{24,}|[a-z0-9_-]*[0-9][a-z0-9_-]*)$`)
	stamped    = regexp.MustCompile(`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-|(^|\D)1[6-9]\d{11}(\D|$)`)
	bare       = regexp.MustCompile(`^[\d\s.,:%+-]*$`)
	moment     = regexp.MustCompile(`(?i)\bjust now\b|\b(seconds?|minutes?|hours?) ago\b|\d{1,2}:\d\d:\d\d`)
)

// passing reports whether a value is of the moment of the recording, or made by chance.
func (w *writer) passing(v any) bool {
	said := text(v)
	if w.typed(v) {
		return false
	}
	if random.MatchString(said) && (len(said) >= 20 && strings.ContainsAny(strings.ToLower(said), "abcdefghijklmnopqrstuvwxyz")) {
		return true
	}
	if n, ok := v.(json.Number); ok {
		if ms, err := n.Int64(); err == nil {
			return w.near(time.UnixMilli(ms)) || w.near(time.Unix(ms, 0))
		}
		return false
	}
	for _, form := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02 15:04:05", "2006-01-02 15:04"} {
		at, err := time.Parse(form, said)
		if err != nil {
			continue
		}
		if form == time.RFC3339Nano {
			return w.near(at)
		}
		local, err := time.Parse("2006-01-02T15:04:05", w.rec.At)
		return err == nil && w.near(at.Add(w.rec.From.Sub(local)))
	}
	return false
}

// near reports whether t lies in the recording, or a minute beside it.
func (w *writer) near(t time.Time) bool {
	return t.After(w.rec.From.Add(-time.Minute)) && t.Before(w.rec.Until.Add(time.Minute))
}

func byID(rows []Row) map[string]Row {
	out := map[string]Row{}
	for _, r := range rows {
		out[text(r["id"])] = r
	}
	return out
}

// differing are the columns in which two rows are not the same, those of the system aside.
func differing(a, b Row) (out []string) {
	for c, v := range a {
		if !own[c] && !same(v, b[c]) {
			out = append(out, c)
		}
	}
	slices.Sort(out)
	return out
}

func same(a, b any) bool {
	x, err := json.Marshal(a)
	if err != nil {
		return false
	}
	y, err := json.Marshal(b)
	return err == nil && string(x) == string(y)
}

func fits(r Row, where map[string]any) bool {
	for c, v := range where {
		if r[c] != v {
			return false
		}
	}
	return true
}

func text(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}
