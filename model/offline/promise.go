package offline

import (
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
)

// promise is the contract of an app as contract.json spells it: what it has to do,
// in the owner's terms. It is settled from the spec before anything is built.
type promise struct {
	Version    int             `json:"version"`
	Request    string          `json:"request,omitempty"`
	Scenarios  []promiseScene  `json:"scenarios"`
	Invariants []promiseRule   `json:"invariants,omitempty"`
	Properties []promiseFigure `json:"properties,omitempty"`
}

type promiseScene struct {
	Name  string `json:"name"`
	Given *given `json:"given,omitempty"`
	Steps []deed `json:"steps"`
}

type given struct {
	Rows map[string][]map[string]any `json:"rows,omitempty"`
	Keys map[string]any              `json:"keys,omitempty"`
}

// deed is one step; its keys are those of the contract's format.
type deed map[string]any

type promiseRule struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
}

type promiseFigure struct {
	Name  string `json:"name"`
	Shown string `json:"shown"`
	SQL   string `json:"sql"`
}

func click(role, name string) deed { return deed{"click": role, "name": name} }
func see(text string) deed         { return deed{"see": text} }
func rowsAre(table string, where any, n int) deed {
	d := deed{"rows": table, "count": n}
	if where != nil {
		d["where"] = where
	}
	return d
}

func (d deed) in(role, name string) deed {
	part := map[string]any{"role": role}
	if name != "" {
		part["name"] = name
	}
	d["in"] = part
	return d
}

// promise settles the contract of a new app, in the owner's words.
func (l *lexicon) promise(s *Spec, words string) json.RawMessage {
	var p promise
	if s.Kind.records() {
		p = (&promiser{l: l, s: s}).records()
	} else {
		p = l.kindPromise(s)
	}
	if len(p.Scenarios) == 0 {
		p.Scenarios = []promiseScene{{Name: "it opens", Steps: []deed{see(s.Name)}}}
	}
	p.Version, p.Request = 1, cutRunes(strings.TrimSpace(words), 1000)
	return json.RawMessage(compactJSON(p))
}

// promiser works the contract of an app made of records out of its spec.
type promiser struct {
	l    *lexicon
	s    *Spec
	rows []map[string]any
}

func indexOf(fields []Field, name string) int {
	for i, f := range fields {
		if f.Name == name {
			return i
		}
	}
	return 0
}

func (p *promiser) field(name string) Field {
	for _, f := range p.s.Fields {
		if f.Name == name {
			return f
		}
	}
	return Field{Name: name, Label: sentence(name), Type: TypeText}
}

// records is the whole contract.
func (p *promiser) records() promise {
	out := promise{}
	for i := range 4 {
		row := map[string]any{}
		for _, f := range p.s.Fields {
			row[f.Name] = p.sampleOf(f, i).stored
		}
		p.rows = append(p.rows, row)
	}
	out.Scenarios = append(out.Scenarios, p.entry())
	shown := p.scene("what is there is shown in order, filtered, and added up", p.shown())
	out.Scenarios = append(out.Scenarios, shown, p.scene("an entry is changed and deleted, and a deletion taken back", p.edited()))
	for _, f := range p.s.Fields {
		if f.Required && f.Type != TypeCheck {
			out.Invariants = append(out.Invariants, promiseRule{
				Name: "every " + p.s.Noun + " has " + lowerIf(f.Label, !p.s.german()),
				SQL:  fmt.Sprintf(`SELECT id, %s FROM %s WHERE %s IS NULL OR %s = ''`, ident(f.Name), ident(p.s.Table), ident(f.Name), ident(f.Name)),
			})
		}
	}
	if len(p.s.Totals) == 1 {
		f := p.field(p.s.Totals[0])
		if f.Type == TypeMoney || f.Type == TypeNumber {
			out.Properties = append(out.Properties, promiseFigure{Name: "the total of " + lowerIf(f.Label, !p.s.german()) + " is the sum of all", Shown: "Total", SQL: fmt.Sprintf(`SELECT sum(%s) FROM %s`, ident(f.Name), ident(p.s.Table))})
		}
	}
	if price := p.s.worth(); price != "" {
		pieces := "1"
		if q := p.s.quantity(); q != "" {
			pieces = "coalesce(" + ident(q) + ", 1)"
		}
		out.Properties = append(out.Properties,
			promiseFigure{Name: "what all is worth is the sum", Shown: p.l.say(p.s.german(), "worth-label"), SQL: fmt.Sprintf(`SELECT sum(%s * coalesce(%s, 0)) FROM %s`, pieces, ident(price), ident(p.s.Table))},
			promiseFigure{Name: "the pieces are counted", Shown: p.l.say(p.s.german(), "count-label"), SQL: fmt.Sprintf(`SELECT sum(%s) FROM %s`, pieces, ident(p.s.Table))})
	}
	return out
}

func ident(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }

func (p *promiser) scene(name string, steps []deed) promiseScene {
	return promiseScene{Name: name, Given: &given{Rows: map[string][]map[string]any{p.s.Table: p.rows}}, Steps: steps}
}

// toList goes to the list, which may be behind another tab.
func (p *promiser) toList() []deed {
	if p.s.View == "board" || p.s.View == "calendar" {
		return []deed{click("tab", p.l.say(p.s.german(), "list-tab"))}
	}
	return nil
}

// entry enters one record by hand.
func (p *promiser) entry() promiseScene {
	add := click("button", "Add "+p.s.Noun)
	steps := append(p.toList(), add)
	missing := ""
	for _, f := range p.s.Fields {
		if d, ok := p.default_(f); ok {
			steps = append(steps, d)
		} else if f.Required && missing == "" && f.Type != TypeCheck && f.Default == nil && f.Type != TypeChoice {
			missing = f.Label
		}
	}
	if missing != "" {
		steps = append(steps, click("button", "Save"), see(missing+" is missing."), rowsAre(p.s.Table, nil, 0))
	}
	where := map[string]any{}
	var look []deed
	for _, f := range p.s.Fields {
		v := p.sampleOf(f, 0)
		steps = append(steps, p.enter(f, v)...)
		switch f.Type {
		case TypeTags, TypeCheck:
		default:
			where[f.Name] = v.stored
		}
		if v.shown != "" && f.Name != p.s.Done {
			look = append(look, see(v.shown))
		}
	}
	steps = append(steps, click("button", "Save"), rowsAre(p.s.Table, where, 1), rowsAre(p.s.Table, nil, 1), deed{"reload": true})
	steps = append(append(steps, p.toList()...), look...)
	return promiseScene{Name: "what is entered is shown, and stays", Steps: steps}
}

// default_ is what a new form holds in a field.
func (p *promiser) default_(f Field) (deed, bool) {
	want := f.Default
	switch {
	case want == nil || f.Type == TypeCheck || f.Type == TypeTags || f.Type == TypeRating || f.Type == TypeDuration || f.Type == TypeDateTime:
		return nil, false
	case want == "today" && f.Type == TypeDate:
		want = "2026-03-11"
	case want == "now" && f.Type == TypeTime:
		want = "09:30"
	case want == "today" || want == "now":
		return nil, false
	}
	return deed{"value": f.Label, "is": want}, true
}

func (p *promiser) enter(f Field, v sample) []deed {
	switch f.Type {
	case TypeCheck:
		return nil
	case TypeRating:
		most := 5
		if f.Max != nil {
			most = int(*f.Max)
		}
		return []deed{click("button", fmt.Sprintf("%s of %d", v.typed, most)).in("group", f.Label)}
	case TypeChoice:
		return []deed{{"choose": f.Label, "option": v.typed}}
	}
	if len(f.Options) > 0 && f.Type != TypeTags && f.Type != TypeText {
		return []deed{{"choose": f.Label, "option": v.typed}}
	}
	return []deed{{"fill": f.Label, "with": v.typed}}
}

// title is what the i-th record is called.
func (p *promiser) title(i int) string { return p.sampleOf(p.field(p.s.Title), i).shown }

// place is the part of the window with the records.
func (p *promiser) place(d deed) deed {
	switch p.s.View {
	case "list":
		return d.in("list", "")
	case "cards":
		return d
	}
	return d.in("table", "Actions")
}

func (p *promiser) distinctTitles() bool {
	seen := map[string]bool{}
	for i := range p.rows {
		if t := p.title(i); t == "" || seen[t] {
			return false
		} else {
			seen[t] = true
		}
	}
	return true
}

// shown looks at given records: their order, a filter, the search, totals, charts.
func (p *promiser) shown() []deed {
	var steps []deed
	steps = append(steps, p.charts()...)
	steps = append(steps, p.toList()...)
	if !p.distinctTitles() {
		return append(steps, see(p.sampleOf(p.s.Fields[0], 0).shownOr(p.s.Noun)))
	}
	if d := p.order(); d != nil {
		steps = append(steps, d)
	}
	if len(p.s.Totals) > 0 && p.s.View != "list" && p.s.View != "cards" {
		for _, t := range p.s.Totals {
			if sum, ok := p.sum(t, func(int) bool { return true }); ok {
				steps = append(steps, see(sum).in("row", "Total"))
			}
		}
	}
	for _, name := range p.s.Filters {
		steps = append(steps, p.filter(name)...)
	}
	if p.s.Search {
		steps = append(steps, deed{"fill": "Search", "with": p.title(1)}, p.place(see(p.title(1))), p.place(deed{"see_not": p.title(0)}), deed{"fill": "Search", "with": ""})
	}
	return steps
}

func (s sample) shownOr(or string) string {
	if s.shown != "" {
		return s.shown
	}
	return or
}

func toFloat(v any) float64 {
	switch n := v.(type) {
	case float64:
		return n
	case int:
		return float64(n)
	}
	return 0
}

// sum is the total of a column over some records, as it is shown.
func (p *promiser) sum(column string, of func(i int) bool) (string, bool) {
	f := p.field(column)
	var sum float64
	for i, row := range p.rows {
		if of(i) {
			sum += toFloat(row[column])
		}
	}
	if sum >= 1000 || f.Type != TypeMoney && f.Type != TypeNumber || f.Type == TypeMoney && p.sampleOf(f, 0).shown == "" {
		return "", false
	}
	if f.Type == TypeMoney {
		return strconv.FormatFloat(sum, 'f', 2, 64), true
	}
	return strconv.FormatFloat(sum, 'f', -1, 64), true
}

func (p *promiser) filter(name string) []deed {
	f := p.field(name)
	if f.Type != TypeChoice || len(f.Options) < 2 || p.s.Title == name {
		return nil
	}
	label := "Filter by " + strings.ToLower(f.Label)
	wanted := fmt.Sprint(p.rows[0][name])
	steps := []deed{{"choose": label, "option": wanted}, p.place(see(p.title(0)))}
	for i := range p.rows {
		if fmt.Sprint(p.rows[i][name]) != wanted {
			steps = append(steps, p.place(deed{"see_not": p.title(i)}))
			break
		}
	}
	for _, t := range p.s.Totals {
		sum, ok := p.sum(t, func(i int) bool { return fmt.Sprint(p.rows[i][name]) == wanted })
		if ok && p.s.View != "list" && p.s.View != "cards" {
			steps = append(steps, see(sum).in("row", "Total"))
		}
	}
	return append(steps, deed{"choose": label, "option": f.Label + ": all"})
}

// charts looks at the figures of each chart: all records are of one month.
func (p *promiser) charts() []deed {
	var steps []deed
	for _, c := range p.s.Charts {
		title := p.l.chartTitle(p.s.Fields, c, p.s.Noun, p.s.german())
		steps = append(steps, see(title))
		if c.Series != "" {
			continue
		}
		inGroup := func(int) bool { return true }
		switch x := p.field(c.X); {
		case x.dated() && (c.Every == "month" || c.Every == "year"):
		case x.Type == TypeChoice:
			inGroup = func(i int) bool { return fmt.Sprint(p.rows[i][c.X]) == fmt.Sprint(p.rows[0][c.X]) }
		default:
			continue
		}
		n := 0
		for i := range p.rows {
			if inGroup(i) {
				n++
			}
		}
		var figure string
		switch {
		case c.Y == "" || c.Agg == "count":
			figure = itoa(n)
		case c.Agg == "" || c.Agg == "sum":
			sum, ok := p.sum(c.Y, inGroup)
			if !ok {
				continue
			}
			figure = sum
		default:
			continue
		}
		steps = append(steps, see(figure).in("table", title))
	}
	return steps
}

// edited changes, ticks off and deletes.
func (p *promiser) edited() []deed {
	steps := p.toList()
	if !p.distinctTitles() {
		return steps
	}
	t := p.s.Table
	if f, ok := p.editable(); ok {
		old, next := p.sampleOf(f, 0), p.sampleOf(f, 0)
		switch f.Type {
		case TypeText, TypeNote:
			next = sample{"Willow", "Willow", "Willow"}
		default:
			n := toFloat(old.stored) + 1
			next = sample{strconv.FormatFloat(n, 'f', -1, 64), n, ""}
		}
		steps = append(steps, click("button", p.title(0)), deed{"value": f.Label, "is": old.stored}, deed{"fill": f.Label, "with": next.typed}, click("button", "Save"),
			rowsAre(t, map[string]any{f.Name: next.stored}, 1), rowsAre(t, map[string]any{f.Name: old.stored}, 0), rowsAre(t, nil, 4))
		if next.shown != "" {
			steps = append(steps, see(next.shown))
		}
	}
	if p.s.Done != "" {
		steps = append(steps, click("checkbox", "Done: "+p.title(2)), rowsAre(t, map[string]any{p.s.Done: true}, 1), p.place(deed{"see_order": []string{p.title(1), p.title(2)}}))
	}
	return append(steps, click("button", "Delete "+p.title(1)), rowsAre(t, nil, 3), p.place(deed{"see_not": p.title(1)}),
		click("button", "Undo"), rowsAre(t, nil, 4), p.place(see(p.title(1))), deed{"reload": true}, rowsAre(t, nil, 4))
}

// editable is a field whose new value is easily told, not the one that names the
// record.
func (p *promiser) editable() (Field, bool) {
	for _, f := range p.s.Fields {
		if f.Name == p.s.Title || f.Name == p.s.Group || len(f.Options) > 0 {
			continue
		}
		switch {
		case f.Type == TypeText || f.Type == TypeNote:
			return f, true
		case f.Type == TypeMoney || f.Type == TypeNumber:
			if n := toFloat(p.sampleOf(f, 0).stored) + 1; f.Max == nil || n <= *f.Max {
				return f, true
			}
		}
	}
	return Field{}, false
}
