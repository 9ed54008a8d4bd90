package offline

import (
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// source is an app as its files stand, and as the changes make them. Nothing of
// it is written unless every change of a request could be made.
type source struct {
	l        *lexicon
	de       bool
	name     string
	manifest *object
	fields   []*object // nil if the app is not made of fields
	app      string    // src/App.tsx
	hasApp   bool
}

// trouble is why a change cannot be made, in words for the owner.
type trouble struct{ text string }

func (t *trouble) Error() string { return t.text }

func (s *source) trouble(key string, pairs ...string) *trouble {
	return &trouble{s.l.say(s.de, key, append(pairs, "app", s.name)...)}
}

// open reads the three files. fieldsText and appText may be missing: a game
// has no fields.
func (l *lexicon) open(manifestText, fieldsText, appText string, de bool) (*source, *trouble) {
	s := &source{l: l, de: de, app: appText, hasApp: appText != ""}
	m, err := parseObject(manifestText)
	if err != nil {
		return nil, s.trouble("manifest-unreadable")
	}
	s.manifest = m
	if raw, ok := m.get("name"); ok && json.Unmarshal(raw, &s.name) != nil {
		return nil, s.trouble("manifest-unreadable")
	}
	if fieldsText == "" {
		return s, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal([]byte(fieldsText), &items); err != nil {
		return nil, s.trouble("fields-unreadable")
	}
	s.fields = []*object{}
	for _, it := range items {
		o, err := parseObject(string(it))
		if err != nil {
			return nil, s.trouble("fields-unreadable")
		}
		s.fields = append(s.fields, o)
	}
	return s, nil
}

// list is the fields as values. Members that we do not know are no harm: they
// stay in the objects.
func (s *source) list() []Field {
	out := make([]Field, len(s.fields))
	for i, o := range s.fields {
		var f Field
		if json.Unmarshal(o.raw(), &f) != nil {
			f = Field{} // a field written in a way of its own: found by no name
		}
		if f.Label == "" {
			f.Label = sentence(strings.ReplaceAll(f.Name, "_", " "))
		}
		if f.Type == "" {
			f.Type = TypeText
		}
		out[i] = f
	}
	return out
}

// field resolves the owner's words, or says what fields there are.
func (s *source) field(words string) (Field, *object, *trouble) {
	fields := s.list()
	f, ok := findField(fields, words)
	if !ok {
		var labels []string
		for _, f := range fields {
			labels = append(labels, f.Label)
		}
		return f, nil, s.trouble("no-such-field", "field", trimArticles(words), "fields", listWords(labels, s.de))
	}
	i := slices.IndexFunc(fields, func(g Field) bool { return g.Name == f.Name })
	return f, s.fields[i], nil
}

// columns of the main table in the manifest.
func (s *source) columns(table string) (tables, entry, columns *object, t *trouble) {
	fail := func() (*object, *object, *object, *trouble) {
		return nil, nil, nil, s.trouble("manifest-unreadable")
	}
	raw, ok := s.manifest.get("storage")
	if !ok {
		return fail()
	}
	storage, err := parseObject(string(raw))
	if err != nil {
		return fail()
	}
	raw, ok = storage.get("tables")
	if !ok {
		return fail()
	}
	if tables, err = parseObject(string(raw)); err != nil {
		return fail()
	}
	raw, ok = tables.get(table)
	if !ok {
		return fail()
	}
	if entry, err = parseObject(string(raw)); err != nil {
		return fail()
	}
	raw, ok = entry.get("columns")
	if !ok {
		return fail()
	}
	if columns, err = parseObject(string(raw)); err != nil {
		return fail()
	}
	return tables, entry, columns, nil
}

// addColumn adds a column to the table, or takes up one that is there with the
// same type: a field that was removed gets its data back.
func (s *source) addColumn(table string, f *Field) (returning bool, t *trouble) {
	tables, entry, columns, t := s.columns(table)
	if t != nil {
		return false, t
	}
	fields := s.list()
	shown := func(name string) bool {
		return slices.ContainsFunc(fields, func(g Field) bool { return g.Name == name })
	}
	f.Name = columnName(f.Label, func(name string) bool {
		raw, there := columns.get(name)
		return shown(name) || there && string(raw) != compactJSON(f.column())
	})
	_, returning = columns.get(f.Name)
	columns.set(f.Name, json.RawMessage(compactJSON(f.column())))
	entry.set("columns", columns.raw())
	tables.set(table, entry.raw())
	raw, _ := s.manifest.get("storage")
	storage, err := parseObject(string(raw))
	if err != nil {
		return false, s.trouble("manifest-unreadable")
	}
	storage.set("tables", tables.raw())
	s.manifest.set("storage", storage.raw())
	return returning, nil
}

// main is the list of rows in App.tsx.
func (s *source) main() (element, *trouble) {
	all := elements(s.app, "Tracker")
	for _, e := range all {
		if table, ok := e.text("table"); ok && table != "" {
			return e, nil
		}
	}
	return element{}, s.trouble("no-tracker")
}

// replace writes e back where it stood.
func (s *source) replace(e element) {
	s.app = s.app[:e.start] + e.print(indentAt(s.app, e.start)) + s.app[e.end:]
}

// update changes one attribute of the list of rows.
func (s *source) update(change func(e *element)) *trouble {
	e, t := s.main()
	if t != nil {
		return t
	}
	change(&e)
	s.replace(e)
	return nil
}

var uiImport = regexp.MustCompile(`import\s*\{([^}]*)\}\s*from\s*["']@matrixos/ui["'];?`)

// use makes sure that App.tsx imports components of @matrixos/ui.
func (s *source) use(names ...string) *trouble {
	m := uiImport.FindStringSubmatchIndex(s.app)
	if m == nil {
		return s.trouble("no-import")
	}
	var have []string
	for part := range strings.SplitSeq(s.app[m[2]:m[3]], ",") {
		if part = strings.TrimSpace(part); part != "" {
			have = append(have, part)
		}
	}
	added := false
	for _, n := range names {
		if !slices.Contains(have, n) {
			have, added = append(have, n), true
		}
	}
	if !added {
		return nil
	}
	slices.Sort(have)
	s.app = s.app[:m[0]] + `import { ` + strings.Join(have, ", ") + ` } from "@matrixos/ui";` + s.app[m[1]:]
	return nil
}

// strings reads an attribute that is an array of strings.
func (e *element) strings(name string) ([]string, bool) {
	v, ok := e.get(name)
	if !ok {
		return nil, true
	}
	v = strings.TrimSpace(v)
	if len(v) < 4 || v[0] != '{' {
		return nil, false
	}
	inner := strings.ReplaceAll(strings.TrimSpace(v[1:len(v)-1]), "'", `"`)
	inner = regexp.MustCompile(`,\s*\]$`).ReplaceAllString(inner, "]")
	var out []string
	if json.Unmarshal([]byte(inner), &out) != nil {
		return nil, false
	}
	return out, true
}

func (e *element) setStrings(name string, items []string) {
	if len(items) == 0 {
		e.drop(name)
		return
	}
	e.set(code(name, list(items)))
}

// files are what is to be written, given what was read.
func (s *source) files(oldManifest, oldFields, oldApp, folder string) []toolCall {
	var calls []toolCall
	if text := s.manifest.page(); !sameJSON(text, oldManifest) {
		calls = append(calls, tool("Write", "file_path", folder+"/matrix.json", "content", text))
	}
	if s.fields != nil {
		lines := make([]string, len(s.fields))
		for i, o := range s.fields {
			lines[i] = o.line()
		}
		if text := fieldsFile(lines); !sameJSON(text, oldFields) {
			calls = append(calls, tool("Write", "file_path", folder+"/src/fields.json", "content", text))
		}
	}
	if s.app != oldApp {
		from, to := span(oldApp, s.app)
		calls = append(calls, tool("Edit", "file_path", folder+"/src/App.tsx", "old_string", from, "new_string", to))
	}
	return calls
}

func sameJSON(a, b string) bool {
	x, errX := json.Marshal(json.RawMessage(a))
	y, errY := json.Marshal(json.RawMessage(b))
	return errX == nil && errY == nil && string(x) == string(y)
}

// span is the smallest run of whole lines that differs between before and
// after, widened until it occurs only once in before.
func span(before, after string) (from, to string) {
	a, b := strings.SplitAfter(before, "\n"), strings.SplitAfter(after, "\n")
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	for {
		from = strings.Join(a[head:len(a)-tail], "")
		if from != "" && strings.Index(before, from) == strings.LastIndex(before, from) || head == 0 && tail == 0 {
			return from, strings.Join(b[head:len(b)-tail], "")
		}
		if head > 0 {
			head--
		}
		if tail > 0 {
			tail--
		}
	}
}
