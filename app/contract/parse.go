package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"matrixos/sys"
)

// The bounds of a contract. They keep a run short; a contract is a page, not a suite.
const (
	maxSize      = 256 << 10
	maxScenarios = 60
	maxSteps     = 200
	maxChecks    = 60
	maxWait      = 24 * time.Hour
)

// verb is a kind of step: the fields that it has besides its own.
type verb struct {
	name       string
	need, also []string
}

var verbs = []verb{
	{"fill", []string{"with"}, nil},
	{"choose", []string{"option"}, nil},
	{"click", []string{"name"}, []string{"nth", "in"}},
	{"press", nil, []string{"on", "times"}},
	{"drag", []string{"name"}, []string{"from", "by", "onto", "in"}},
	{"see", nil, []string{"in"}},
	{"see_not", nil, []string{"in"}},
	{"see_order", nil, []string{"in"}},
	{"find", []string{"name"}, []string{"count", "state", "in"}},
	{"value", []string{"is"}, nil},
	{"rows", []string{"count"}, []string{"where"}},
	{"key", []string{"is"}, nil},
	{"reload", nil, nil},
	{"go_to", nil, nil},
	{"wait", nil, nil},
}

// Roles are the kinds of parts that a step may name, as a screen reader calls them.
var Roles = []string{
	"alert", "article", "button", "cell", "checkbox", "columnheader", "combobox", "dialog", "figure", "grid", "gridcell", "group", "heading", "img", "link",
	"list", "listitem", "main", "menuitem", "navigation", "option", "progressbar", "radio", "radiogroup", "region", "row", "rowheader", "searchbox", "slider", "spinbutton", "status",
	"switch", "tab", "table", "tabpanel", "textbox", "timer",
}

// States are what a part that is found may have to be.
var States = []string{"enabled", "disabled", "pressed", "not pressed", "checked", "not checked", "selected", "not selected", "current"}

// Verbs lists the steps there are.
func Verbs() []string {
	var out []string
	for _, v := range verbs {
		out = append(out, v.name)
	}
	return out
}

// Parse reads the contract at file. A fault is a diagnostic that names the place,
// the value and what is allowed; with one, the contract is not to be used.
func Parse(raw []byte, file sys.Path) (Contract, []sys.Diagnostic) {
	p := &parser{file: file, raw: raw}
	if len(raw) > maxSize {
		p.fail("", "the contract has %d bytes; at most %d are allowed", len(raw), maxSize)
		return Contract{}, p.found
	}
	var tree map[string]any
	if !p.decode(&tree, false) {
		return Contract{}, p.found
	}
	p.at = Offsets(raw)
	p.shape(tree)
	if len(p.found) > 0 {
		return Contract{}, p.found
	}
	var c Contract
	if p.decode(&c, true) {
		p.judge(&c)
	}
	return c, p.found
}

type parser struct {
	file  sys.Path
	raw   []byte
	at    map[string]int // where the value at a place begins
	found []sys.Diagnostic
}

func (p *parser) decode(into any, strict bool) bool {
	d := json.NewDecoder(bytes.NewReader(p.raw))
	if strict {
		d.DisallowUnknownFields()
	}
	err := d.Decode(into)
	if err == nil {
		if _, more := d.Token(); errors.Is(more, io.EOF) {
			return true
		}
		err = errors.New("there is text after the closing brace")
	}
	offset := int(d.InputOffset())
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	text := "not JSON: " + err.Error()
	switch {
	case errors.As(err, &syntax):
		offset = int(syntax.Offset)
	case errors.As(err, &kind):
		offset = int(kind.Offset)
		text = fmt.Sprintf("%s is a %s; it has to be %s", orWord(kind.Field, "the contract"), kind.Value, typeWord(kind.Type.String()))
	}
	p.add(offset, text, "")
	return false
}

func orWord(s, or string) string {
	if s == "" {
		return or
	}
	return s
}

func typeWord(t string) string {
	switch {
	case strings.HasPrefix(t, "[]"):
		return "a list"
	case strings.HasPrefix(t, "map") || strings.HasPrefix(t, "contract."):
		return "an object"
	case t == "string":
		return "a text"
	case t == "bool":
		return "true or false"
	}
	return "a number"
}

// fail reports a fault at a place such as "scenarios[0].steps[2]".
func (p *parser) fail(place, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	if place != "" {
		text = place + ": " + text
	}
	p.add(p.at[place], text, "")
}

func (p *parser) add(offset int, text, hint string) {
	if len(p.found) >= 20 {
		return
	}
	offset = max(0, min(offset, len(p.raw)))
	start := bytes.LastIndexByte(p.raw[:offset], '\n') + 1
	line := p.raw[start:]
	if end := bytes.IndexByte(line, '\n'); end >= 0 {
		line = line[:end]
	}
	p.found = append(p.found, sys.Diagnostic{
		Severity: "error", File: p.file, Line: bytes.Count(p.raw[:offset], []byte{'\n'}) + 1, Column: offset - start + 1,
		Source: strings.ToValidUTF8(strings.TrimRight(string(line[:min(len(line), 200)]), "\r"), "?"), Text: text, Hint: hint,
	})
}

// shape finds fields that are not known and steps that are none, by name and place.
func (p *parser) shape(tree map[string]any) {
	p.known("", tree, Parts...)
	p.each("", tree, "answers", func(at string, m map[string]any) { p.known(at, m, "question", "answer") })
	p.each("", tree, "invariants", func(at string, m map[string]any) { p.known(at, m, "name", "sql") })
	p.each("", tree, "properties", func(at string, m map[string]any) { p.known(at, m, "name", "shown", "sql", "tolerance") })
	p.each("", tree, "scenarios", func(at string, m map[string]any) {
		p.known(at, m, "name", "at", "given", "steps", "recorded")
		if given, ok := m["given"].(map[string]any); ok {
			p.known(at+".given", given, "rows", "keys", "net", "rooms")
			p.each(at+".given", given, "rooms", p.room)
			p.each(at+".given", given, "net", func(at string, m map[string]any) { p.known(at, m, "url", "json", "fail") })
		}
		p.each(at, m, "steps", p.step)
	})
}

func (p *parser) known(at string, m map[string]any, names ...string) {
	for _, k := range sortedKeys(m) {
		if !slices.Contains(names, k) {
			p.fail(at, "%q is no field here; there are %s", clip(k), strings.Join(names, ", "))
		}
	}
}

func (p *parser) each(at string, m map[string]any, field string, fn func(at string, m map[string]any)) {
	list, _ := m[field].([]any) // another type is told by the strict decoding
	for i, v := range list {
		place := fmt.Sprintf("%s[%d]", join(at, field), i)
		if o, ok := v.(map[string]any); ok {
			fn(place, o)
		} else {
			p.fail(place, "it has to be an object")
		}
	}
}

func (p *parser) step(at string, m map[string]any) {
	var used []verb
	for _, v := range verbs {
		if _, ok := m[v.name]; ok {
			used = append(used, v)
		}
	}
	switch {
	case len(used) == 0:
		p.fail(at, "%s is no step; a step has one of %s", clip(strings.Join(sortedKeys(m), ", ")), strings.Join(Verbs(), ", "))
	case len(used) > 1:
		p.fail(at, "%s and %s are two steps; write one after the other", used[0].name, used[1].name)
	default:
		v := used[0]
		p.known(at, m, slices.Concat([]string{v.name}, v.need, v.also)...)
		for _, n := range v.need {
			if _, ok := m[n]; !ok {
				p.fail(at, "%s needs %s", v.name, n)
			}
		}
		for _, part := range []string{"in", "onto"} {
			if in, ok := m[part].(map[string]any); ok {
				p.known(at+"."+part, in, "role", "name")
			}
		}
	}
}

func (p *parser) judge(c *Contract) {
	if c.Version != 1 {
		p.fail("version", "version is %d; it has to be 1", c.Version)
	}
	p.bound("scenarios", len(c.Scenarios), maxScenarios)
	p.bound("invariants", len(c.Invariants), maxChecks)
	p.bound("properties", len(c.Properties), maxChecks)
	names := map[string]bool{}
	for i, s := range c.Scenarios {
		at := fmt.Sprintf("scenarios[%d]", i)
		p.named(at, s.Name, names)
		p.clock(at+".at", s.At)
		p.clock(at+".recorded", s.Recorded)
		p.bound(at+".steps", len(s.Steps), maxSteps)
		for j, r := range s.Given.Net {
			if !strings.HasPrefix(r.URL, "https://") || (r.JSON == nil) == (r.Fail == "") {
				p.fail(fmt.Sprintf("%s.given.net[%d]", at, j), "an answer has a url that begins with https://, and either json or fail")
			}
		}
		for j, step := range s.Steps {
			p.judgeStep(fmt.Sprintf("%s.steps[%d]", at, j), step)
		}
	}
	for i, v := range c.Invariants {
		at := fmt.Sprintf("invariants[%d]", i)
		p.named(at, v.Name, names)
		p.query(at+".sql", v.SQL)
	}
	for i, v := range c.Properties {
		at := fmt.Sprintf("properties[%d]", i)
		p.named(at, v.Name, names)
		p.query(at+".sql", v.SQL)
		if v.Shown == "" {
			p.fail(at, "shown is empty; name the text beside the figure, such as \"Total\"")
		}
		if v.Tolerance < 0 {
			p.fail(at+".tolerance", "tolerance is %v; it may not be below 0", v.Tolerance)
		}
	}
	if len(p.found) == 0 && len(c.Invariants)+len(c.Properties) == 0 && !slices.ContainsFunc(c.Scenarios, Scenario.looks) {
		p.fail("", "the contract promises nothing; write at least one scenario with a step that looks at something, such as see or rows")
	}
}

func (p *parser) bound(at string, n, most int) {
	if n > most {
		p.fail(at, "there are %d; at most %d are allowed", n, most)
	}
}

func (p *parser) named(at, name string, seen map[string]bool) {
	switch {
	case strings.TrimSpace(name) == "":
		p.fail(at, "name is missing; say in words what holds")
	case len(name) > 200:
		p.fail(at, "name has %d bytes; at most 200 are allowed", len(name))
	case seen[name]:
		p.fail(at, "the name %q is there already", clip(name))
	}
	seen[name] = true
}

// The forms of dates and times, in local terms: a zone would tie a contract to a place.
var clocks = []string{"2006-01-02T15:04", "2006-01-02T15:04:05", "2006-01-02"}

func (p *parser) clock(at, text string) {
	if text != "" && !slices.ContainsFunc(clocks, func(form string) bool { _, err := time.Parse(form, text); return err == nil }) {
		p.fail(at, "%q is no date or time; write 2026-03-11 or 2026-03-11T09:30", clip(text))
	}
}

// query wants one statement that only reads.
func (p *parser) query(at, text string) {
	if err := ReadOnly(text); err != nil {
		p.fail(at, "%v", err)
	}
}

// ReadOnly reports what keeps a query from being one statement that only reads.
func ReadOnly(query string) error {
	q := strings.TrimSpace(query)
	first, _, _ := strings.Cut(strings.ToLower(strings.ReplaceAll(strings.ReplaceAll(q, "\n", " "), "(", " ")), " ")
	switch {
	case first != "select" && first != "with":
		return fmt.Errorf("%q does not begin with SELECT; a check only reads", clip(q))
	case strings.Contains(strings.TrimRight(q, "; \n\t"), ";"):
		return errors.New("it has a semicolon within; write one statement")
	case strings.ContainsRune(q, 0):
		return errors.New("it has a zero byte")
	}
	return nil
}

func (p *parser) judgeStep(at string, s Step) {
	role := func(r string) {
		if !slices.Contains(Roles, r) {
			p.fail(at, "the role is %q; there are %s", clip(r), strings.Join(Roles, ", "))
		}
	}
	for _, r := range []string{s.Click, s.Drag, s.Find} {
		if r != "" {
			role(r)
		}
	}
	for _, part := range []*Part{s.In, s.Onto} {
		if part != nil {
			role(part.Role)
		}
	}
	if s.Drag != "" && s.By == nil && s.Onto == nil {
		p.fail(at, "drag needs by, such as [40, 0], or onto, the part to let go over")
	}
	if s.State != "" && !slices.Contains(States, s.State) {
		p.fail(at, "the state is %q; there are %s", clip(s.State), strings.Join(States, ", "))
	}
	if s.Nth < 0 || s.Times < 0 || s.Times > 1000 || s.Count != nil && *s.Count < 0 {
		p.fail(at, "a number is out of range; nth and count are 0 or more, times is at most 1000")
	}
	p.clock(at, s.GoTo)
	if s.Wait != "" {
		if d, err := time.ParseDuration(s.Wait); err != nil || d <= 0 || d > maxWait {
			p.fail(at, "wait is %q; write a time such as 500ms, 25m or 2h, at most 24h", clip(s.Wait))
		}
	}
	if s.Where != nil && !bytes.HasPrefix(bytes.TrimSpace(s.Where), []byte("{")) {
		p.fail(at, "where has to be an object such as {\"category\": \"Food\"}")
	}
	if s.Verb() == "" {
		p.fail(at, "the step is empty")
	}
}

// Verb is the kind of a step, as the file spells it; "" for an empty one.
func (s Step) Verb() string {
	for _, v := range []struct {
		name string
		set  bool
	}{
		{"fill", s.Fill != ""},
		{"choose", s.Choose != ""},
		{"click", s.Click != ""},
		{"press", s.Press != ""},
		{"drag", s.Drag != ""},
		{"see", s.See != ""},
		{"see_not", s.SeeNot != ""},
		{"see_order", len(s.Order) > 0},
		{"find", s.Find != ""},
		{"value", s.Value != ""},
		{"rows", s.Rows != ""},
		{"key", s.Key != ""},
		{"reload", s.Reload},
		{"go_to", s.GoTo != ""},
		{"wait", s.Wait != ""},
	} {
		if v.set {
			return v.name
		}
	}
	return ""
}

func sortedKeys(m map[string]any) []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func join(at, field string) string {
	if at == "" {
		return field
	}
	return at + "." + field
}

func clip(s string) string {
	s = strings.ToValidUTF8(s, "?")
	if len(s) > 80 {
		return strings.ToValidUTF8(s[:80], "") + "…"
	}
	return s
}
