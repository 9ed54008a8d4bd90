package offline

import (
	"encoding/json"
	"slices"
	"strings"
)

// apply makes one change and says in a sentence what it did.
func (s *source) apply(c Change) (string, *trouble) {
	switch c.Op {
	case OpRenameApp:
		return s.renameApp(c.To)
	case OpIcon:
		return s.setIcon(c.To)
	}
	if s.fields == nil {
		return "", s.trouble("no-fields")
	}
	if !s.hasApp {
		return "", s.trouble("no-tracker")
	}
	switch c.Op {
	case OpAddField:
		return s.addField(c)
	case OpRemoveField:
		return s.removeField(c.Of)
	case OpRenameField:
		return s.renameField(c)
	case OpFieldType, OpRequired, OpDefault, OpAddOptions, OpSetOptions, OpDropOption, OpCurrency:
		return s.editField(c)
	case OpAddChart, OpEditChart, OpDropChart:
		return s.chart(c)
	case OpSort, OpGroup, OpUngroup, OpFilter, OpTotals, OpSearch:
		return s.list1(c)
	case OpView:
		return s.view(c.To)
	}
	return "", s.trouble("unknown-change", "what", string(c.Op))
}

func (s *source) done(key string, pairs ...string) (string, *trouble) {
	return s.l.say(s.de, key, append(pairs, "app", s.name)...), nil
}

func (s *source) renameApp(to string) (string, *trouble) {
	to = plainName(to)
	if to == "" {
		return "", s.trouble("no-name")
	}
	old := s.name
	s.manifest.set("name", json.RawMessage(compactJSON(to)))
	s.name = to
	if !s.hasApp {
		return s.done("renamed-app", "old", old)
	}
	if i := strings.Index(s.app, "<App "); i >= 0 {
		if j := strings.Index(s.app[i:], str("title", old).print()); j >= 0 && j < 200 {
			at := i + j
			s.app = s.app[:at] + str("title", to).print() + s.app[at+len(str("title", old).print()):]
			return s.done("renamed-app", "old", old)
		}
	}
	return s.done("renamed-app-only", "old", old)
}

func (s *source) setIcon(words string) (string, *trouble) {
	icon, ok := s.l.icon(words)
	if !ok {
		return "", s.trouble("no-icon", "icon", words)
	}
	s.manifest.set("icon", json.RawMessage(compactJSON(icon)))
	return s.done("icon-set", "icon", icon)
}

func (s *source) addField(c Change) (string, *trouble) {
	if c.Field == nil || plainName(c.Field.Label) == "" {
		return "", s.trouble("unknown-change", "what", string(c.Op))
	}
	f := *c.Field
	f.Label = plainName(f.Label)
	for _, have := range s.list() {
		if strings.EqualFold(have.Label, f.Label) {
			return s.done("field-there", "field", have.Label)
		}
	}
	e, t := s.main()
	if t != nil {
		return "", t
	}
	table, _ := e.text("table")
	returning, t := s.addColumn(table, &f)
	if t != nil {
		return "", t
	}
	o, err := parseObject(compactJSON(f))
	if err != nil {
		return "", s.trouble("fields-unreadable")
	}
	s.fields = append(s.fields, o)
	if returning {
		return s.done("field-back", "field", f.Label)
	}
	return s.done("field-added", "field", f.Label, "type", s.l.say(s.de, "type-"+string(f.Type)))
}

// removeField takes a field out of sight; its column and what is in it stay.
func (s *source) removeField(words string) (string, *trouble) {
	f, _, t := s.field(words)
	if t != nil {
		return "", t
	}
	if len(s.fields) == 1 {
		return "", s.trouble("last-field", "field", f.Label)
	}
	for _, tag := range []string{"Board", "Calendar"} {
		for _, e := range elements(s.app, tag) {
			for _, a := range []string{"column", "date"} {
				if v, _ := e.text(a); v == f.Name {
					return "", s.trouble("field-carries-view", "field", f.Label)
				}
			}
		}
	}
	for {
		i := slices.IndexFunc(elements(s.app, "Chart"), func(e element) bool { return e.mentions(f.Name) })
		if i < 0 {
			break
		}
		s.removeElement(elements(s.app, "Chart")[i])
	}
	s.disuse("Chart")
	if t := s.update(func(e *element) { e.forget(f.Name) }); t != nil {
		return "", t
	}
	s.fields = slices.DeleteFunc(s.fields, func(o *object) bool { raw, _ := o.get("name"); return string(raw) == compactJSON(f.Name) })
	return s.done("field-removed", "field", f.Label)
}

func (e *element) mentions(column string) bool {
	for _, a := range []string{"x", "y", "series"} {
		if v, _ := e.text(a); v == column {
			return true
		}
	}
	return false
}

// forget drops a column from the attributes of a list of rows.
func (e *element) forget(column string) {
	for _, name := range []string{"title", "done", "sort", "group", "image"} {
		if v, ok := e.text(name); ok && strings.TrimPrefix(v, "-") == column {
			e.drop(name)
		}
	}
	if v, ok := e.get("group"); ok && strings.Contains(v, quoteJS(column)) {
		e.drop("group")
	}
	for _, name := range []string{"filters", "totals"} {
		if items, ok := e.strings(name); ok {
			e.setStrings(name, slices.DeleteFunc(items, func(s string) bool { return s == column }))
		}
	}
}

// removeElement takes an element out with its line.
func (s *source) removeElement(e element) {
	from := strings.LastIndexByte(s.app[:e.start], '\n') + 1
	to := e.end
	if strings.TrimSpace(s.app[from:e.start]) == "" && to < len(s.app) && s.app[to] == '\n' {
		to++
	} else {
		from = e.start
	}
	s.app = s.app[:from] + s.app[to:]
}

func (s *source) renameField(c Change) (string, *trouble) {
	f, o, t := s.field(c.Of)
	if t != nil {
		return "", t
	}
	to := plainName(c.To)
	if to == "" {
		return "", s.trouble("no-name")
	}
	before := s.list()
	for _, g := range before {
		if g.Name != f.Name && strings.EqualFold(g.Label, to) {
			return "", s.trouble("label-taken", "field", g.Label)
		}
	}
	o.set("label", json.RawMessage(compactJSON(to)))
	s.retitle(before, f.Name)
	return s.done("field-renamed", "field", f.Label, "to", to)
}

// retitle renews the titles of charts that we wrote ourselves.
func (s *source) retitle(before []Field, column string) {
	noun := s.noun()
	for i := range elements(s.app, "Chart") {
		e := elements(s.app, "Chart")[i]
		c := chartOf(e)
		if title, ok := e.text("title"); ok && e.mentions(column) && title == s.l.chartTitle(before, c, noun, s.de) {
			e.set(str("title", s.l.chartTitle(s.list(), c, noun, s.de)))
			s.replace(e)
		}
	}
}

func (s *source) noun() string {
	if e, t := s.main(); t == nil {
		if n, ok := e.text("noun"); ok && n != "" {
			return n
		}
	}
	return "entry"
}

func chartOf(e element) Chart {
	get := func(name string) string { v, _ := e.text(name); return v }
	return Chart{Kind: get("kind"), X: get("x"), Every: get("every"), Y: get("y"), Agg: get("agg"), Series: get("series")}
}

// editField changes what a field is, not what it is called.
func (s *source) editField(c Change) (string, *trouble) {
	if c.Op == OpCurrency {
		return s.setCurrency(c.To)
	}
	f, o, t := s.field(c.Of)
	if t != nil {
		return "", t
	}
	switch c.Op {
	case OpFieldType:
		return s.setType(f, o, c.Field)
	case OpRequired:
		o.drop("required")
		if !c.Off {
			o.set("required", json.RawMessage("true"))
			return s.done("now-required", "field", f.Label)
		}
		return s.done("now-optional", "field", f.Label)
	case OpDefault:
		if !setDefault(&f, c.To) {
			return "", s.trouble("bad-default", "field", f.Label, "value", c.To)
		}
		o.set("default", json.RawMessage(compactJSON(f.Default)))
		if f.Type == TypeChoice {
			o.set("options", json.RawMessage(compactJSON(f.Options)))
		}
		return s.done("default-set", "field", f.Label, "value", c.To)
	}
	return s.setOptions(f, o, c)
}

func (s *source) setOptions(f Field, o *object, c Change) (string, *trouble) {
	if f.Type != TypeChoice && f.Type != TypeTags && f.column() != "text" {
		return "", s.trouble("not-a-choice", "field", f.Label)
	}
	now := f.Options
	key := "options-added"
	switch c.Op {
	case OpAddOptions:
		for _, v := range c.Values {
			if !slices.ContainsFunc(now, func(have string) bool { return strings.EqualFold(have, v) }) {
				now = insertOption(now, v)
			}
		}
	case OpSetOptions:
		now, key = c.Values, "options-set"
	case OpDropOption:
		key = "option-dropped"
		now = slices.DeleteFunc(slices.Clone(now), func(v string) bool { return strings.EqualFold(v, c.To) })
		if len(now) == len(f.Options) {
			return "", s.trouble("no-such-option", "field", f.Label, "value", c.To, "options", listWords(f.Options, s.de))
		}
		if len(now) == 0 {
			return "", s.trouble("last-option", "field", f.Label)
		}
	}
	if f.Type != TypeTags {
		o.set("type", json.RawMessage(compactJSON(TypeChoice)))
	}
	o.set("options", json.RawMessage(compactJSON(now)))
	if t := s.boardColumns(f.Name, now); t != nil {
		return "", t
	}
	return s.done(key, "field", f.Label, "value", c.To, "options", listWords(orNone(c.Values), s.de))
}

// insertOption adds before a closing "Other".
func insertOption(options []string, v string) []string {
	if n := len(options); n > 0 && (options[n-1] == "Other" || options[n-1] == "Sonstiges") {
		return append(slices.Clone(options[:n-1]), v, options[n-1])
	}
	return append(slices.Clone(options), v)
}

// boardColumns keeps a board in step with its choice.
func (s *source) boardColumns(column string, options []string) *trouble {
	for i := range elements(s.app, "Board") {
		e := elements(s.app, "Board")[i]
		if v, _ := e.text("column"); v != column {
			continue
		}
		if _, ok := e.strings("columns"); !ok {
			return s.trouble("board-by-hand")
		}
		e.setStrings("columns", options)
		s.replace(e)
	}
	return nil
}

func (s *source) setType(f Field, o *object, to *Field) (string, *trouble) {
	if to == nil || to.column() != f.column() {
		return "", s.trouble("other-storage", "field", f.Label)
	}
	if to.Type == TypeChoice && len(to.Options) == 0 {
		s.l.settle(to, s.de)
		if len(f.Options) > 0 {
			to.Type, to.Options = TypeChoice, f.Options
		} else if o := s.l.optionsFor(f.Label); o != nil {
			to.Type, to.Options = TypeChoice, o
		}
		if to.Type != TypeChoice {
			return "", s.trouble("choice-of-what", "field", f.Label)
		}
	}
	for _, key := range []string{"options", "unit", "currency", "min", "max", "step", "default"} {
		o.drop(key)
	}
	next, err := parseObject(compactJSON(to))
	if err != nil {
		return "", s.trouble("fields-unreadable")
	}
	for _, m := range next.members {
		if m.key != "name" && m.key != "label" {
			o.set(m.key, m.value)
		}
	}
	return s.done("type-set", "field", f.Label, "type", s.l.say(s.de, "type-"+string(to.Type)))
}

func (s *source) setCurrency(code string) (string, *trouble) {
	n := 0
	for i, f := range s.list() {
		if f.Type == TypeMoney {
			s.fields[i].set("currency", json.RawMessage(compactJSON(code)))
			n++
		}
	}
	if n == 0 {
		return "", s.trouble("no-money")
	}
	return s.done("currency-set", "currency", code)
}
