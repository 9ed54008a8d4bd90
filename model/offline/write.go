package offline

import (
	"embed"
	"encoding/json"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode"
)

//go:embed templates
var templateFiles embed.FS

// file is one file of an app, relative to its folder.
type file struct{ path, text string }

// files writes the whole of a new app, in an order in which each file finds
// what it refers to; index.html, which makes the app compile, is last.
func (l *lexicon) files(s *Spec) ([]file, error) {
	vars := map[string]string{
		"__TITLE__": s.Name, "__SLUG__": s.Slug, "__TABLE__": s.Table, "__COMPONENT__": component(s.Name, s.Kind), "__LANG__": orEmpty(s.Lang, "en"),
	}
	manifest, err := s.manifest()
	if err != nil {
		return nil, err
	}
	out := []file{{"matrix.json", manifest}}
	if s.Kind.records() {
		more, err := l.recordFiles(s, vars)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	} else {
		more, err := kindFiles(s, vars)
		if err != nil {
			return nil, err
		}
		out = append(out, more...)
	}
	shared, err := template("shared", vars)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(shared, func(a, b file) int { return strings.Compare(b.path, a.path) }) // src/ before index.html
	return append(out, shared...), nil
}

// template reads the files of templates/kind with vars filled in.
func template(kind string, vars map[string]string) ([]file, error) {
	pairs := make([]string, 0, 2*len(vars))
	for k, v := range vars {
		pairs = append(pairs, k, v)
	}
	fill := strings.NewReplacer(pairs...)
	var out []file
	root := path.Join("templates", kind)
	err := fs.WalkDir(templateFiles, root, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := templateFiles.ReadFile(p)
		if err != nil {
			return err
		}
		out = append(out, file{strings.TrimPrefix(p, root+"/"), fill.Replace(string(raw))})
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("read the built-in template %s: %w", kind, err)
	}
	return out, nil
}

// component is a name for the app's component, one that nothing else in the
// templates of its kind has.
func component(name string, kind Kind) string {
	var b strings.Builder
	for w := range strings.SplitSeq(identifier(name, " ", 60), " ") {
		b.WriteString(sentence(w))
	}
	c := b.String()
	if c == "" || c[0] >= '0' && c[0] <= '9' || c == "App" || slices.Contains(uiNames, c) || spoken(kind, c) {
		return "My" + c
	}
	return c
}

// spoken reports whether the source of a kind's App.tsx uses name as a word.
func spoken(kind Kind, name string) bool {
	source, err := templateFiles.ReadFile(path.Join("templates", string(kind), "src", "App.tsx"))
	if err != nil {
		return false // records have no template of their own; uiNames covers them
	}
	return slices.Contains(strings.FieldsFunc(string(source), func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' }), name)
}

// uiNames are the components that a generated file may import, which an app's
// own component must not be called.
var uiNames = []string{
	"App", "Badge", "Board", "Button", "Calendar", "Chart", "Checkbox", "Columns", "Confirm", "Dialog", "Empty", "Field", "FieldInput", "Form", "Grid", "Icon", "IconButton", "Input", "Item", "Key", "List", "Main",
	"Progress", "Rating", "Section", "Segmented", "Select", "Slider", "Spacer", "Stack", "Stat", "Stats", "Tabs", "TextArea", "Totals", "Tracker", "String", "Number", "Date", "Array", "Object", "Map", "Set", "Math", "Promise", "JSON",
}

type manifest struct {
	Name           string   `json:"name"`
	Slug           string   `json:"slug"`
	Version        string   `json:"version"`
	Description    string   `json:"description,omitempty"`
	Icon           string   `json:"icon,omitempty"`
	Category       string   `json:"category,omitempty"`
	Runtime        string   `json:"runtime"`
	RuntimeVersion string   `json:"runtimeVersion"`
	Scope          string   `json:"scope"`
	Permissions    []string `json:"permissions"`
}

// manifest writes matrix.json.
func (s *Spec) manifest() (string, error) {
	raw, err := json.Marshal(manifest{
		Name: s.Name, Slug: s.Slug, Version: "1.0.0", Description: s.Description, Icon: s.Icon, Category: s.Category,
		Runtime: "vite", RuntimeVersion: "^1.0.0", Scope: "personal", Permissions: []string{},
	})
	if err != nil {
		return "", err
	}
	o, err := parseObject(string(raw))
	if err != nil {
		return "", err
	}
	if s.Kind.records() {
		columns := &object{}
		for _, f := range s.Fields {
			columns.set(f.Name, json.RawMessage(compactJSON(f.column())))
		}
		tables := &object{}
		table := &object{}
		table.set("columns", columns.raw())
		table.set("indexes", json.RawMessage("[]"))
		tables.set(s.Table, table.raw())
		storage := &object{}
		storage.set("tables", tables.raw())
		o.set("storage", storage.raw())
	}
	return o.page(), nil
}

// recordFiles writes an app made of one table.
func (l *lexicon) recordFiles(s *Spec, vars map[string]string) ([]file, error) {
	var lines []string
	for _, f := range s.Fields {
		lines = append(lines, fieldLine(f))
	}
	out := []file{{"src/fields.json", fieldsFile(lines)}}
	imports := []string{"App", "Stack"}
	use := func(names ...string) {
		for _, n := range names {
			if !slices.Contains(imports, n) {
				imports = append(imports, n)
			}
		}
	}
	var body []string
	indent := "        "
	if price := s.worth(); price != "" {
		totals, err := template("worth", s.worthVars(l, price))
		if err != nil {
			return nil, err
		}
		out = append(out, totals...)
		body = append(body, indent+"<Totals fields={fields} />")
	}
	for _, c := range s.Charts {
		use("Chart")
		e := s.chartElement(l, c)
		body = append(body, indent+e.print(indent))
	}
	main, names := s.mainElements(l, indent)
	use(names...)
	body = append(body, main)
	slices.Sort(imports)
	vars["__IMPORTS__"] = strings.Join(imports, ", ")
	vars["__BODY__"] = strings.Join(body, "\n")
	app, err := template("records", vars)
	if err != nil {
		return nil, err
	}
	if s.worth() != "" {
		for i := range app {
			app[i].text = strings.Replace(app[i].text, "import list from", "import Totals from \"./Totals\";\nimport list from", 1)
		}
	}
	return append(out, app...), nil
}

// worth is the price column of a catalogue, or "".
func (s *Spec) worth() string {
	if s.Kind != KindCatalogue {
		return ""
	}
	for _, f := range s.Fields {
		if f.Type == TypeMoney && (s.has("quantity") || s.quantity() != "") {
			return f.Name
		}
	}
	return ""
}

// quantity is the column that says how many of a thing there are, or "".
func (s *Spec) quantity() string {
	for _, f := range s.Fields {
		if f.Type == TypeNumber {
			switch f.Name {
			case "quantity", "qty", "count", "stock", "pieces", "anzahl", "menge", "bestand", "stueck", "bottles":
				return f.Name
			}
		}
	}
	return ""
}

func (s *Spec) worthVars(l *lexicon, price string) map[string]string {
	v := map[string]string{"__TABLE__": s.Table, "__PRICE__": price, "__PIECES__": "1"}
	if q := s.quantity(); q != "" {
		v["__PIECES__"] = `row["` + q + `"] ?? 1`
	}
	v["__COUNT_LABEL__"] = l.say(s.german(), "count-label")
	v["__WORTH_LABEL__"] = l.say(s.german(), "worth-label")
	return v
}

// chartElement writes a chart.
func (s *Spec) chartElement(l *lexicon, c Chart) element {
	e := element{Tag: "Chart"}
	e.set(str("table", s.Table))
	e.set(code("fields", "fields"))
	c.write(&e)
	e.set(str("title", l.chartTitle(s.Fields, c, s.Noun, s.german())))
	return e
}

// write sets the attributes that say what c shows.
func (c Chart) write(e *element) {
	for _, a := range []attr{{"kind", c.Kind}, {"x", c.X}, {"every", c.Every}, {"y", c.Y}, {"agg", c.Agg}, {"series", c.Series}} {
		if a.Value == "" {
			e.drop(a.Name)
			continue
		}
		e.set(str(a.Name, a.Value))
	}
}

// chartTitle says in words what a chart shows: "Amount per month".
func (l *lexicon) chartTitle(fields []Field, c Chart, noun string, de bool) string {
	label := func(column string) string {
		for _, f := range fields {
			if f.Name == column {
				return f.Label
			}
		}
		return sentence(strings.ReplaceAll(column, "_", " "))
	}
	what := sentence(plural(noun))
	if de {
		what = "Anzahl"
	}
	if c.Y != "" {
		what = label(c.Y)
		switch c.Agg {
		case "avg":
			what = l.say(de, "average", "what", lowerIf(what, !de))
		case "max":
			what = l.say(de, "highest", "what", lowerIf(what, !de))
		case "min":
			what = l.say(de, "lowest", "what", lowerIf(what, !de))
		}
	}
	per := ""
	if c.Every != "" {
		per = l.say(de, "per-"+c.Every)
	} else if c.X != "" {
		per = l.say(de, "by", "what", lowerIf(label(c.X), !de))
	}
	if c.Series != "" {
		per += " " + l.say(de, "by", "what", lowerIf(label(c.Series), !de))
	}
	return strings.TrimSpace(what + " " + per)
}

// trackerElement writes the list of rows.
func (s *Spec) trackerElement() element {
	e := element{Tag: "Tracker"}
	e.set(str("table", s.Table))
	e.set(str("noun", s.Noun))
	e.set(code("fields", "fields"))
	if s.Title != "" {
		e.set(str("title", s.Title))
	}
	if s.Sort != "" {
		e.set(str("sort", s.Sort))
	}
	if s.Group != "" {
		e.set(groupAttr(s.Group, s.GroupEvery))
	}
	if len(s.Filters) > 0 {
		e.set(code("filters", list(s.Filters)))
	}
	if len(s.Totals) > 0 {
		e.set(code("totals", list(s.Totals)))
	}
	if s.Search {
		e.set(attr{Name: "search"})
	}
	if s.View == "list" || s.View == "cards" {
		e.set(str("view", s.View))
	}
	if s.Done != "" {
		e.set(str("done", s.Done))
	}
	return e
}

func groupAttr(column, every string) attr {
	if every == "" {
		return str("group", column)
	}
	return code("group", `{ by: `+quoteJS(column)+`, every: `+quoteJS(every)+` }`)
}

// mainElements writes the list, with a board or a calendar before it in tabs
// where asked.
func (s *Spec) mainElements(l *lexicon, indent string) (string, []string) {
	tracker := s.trackerElement()
	var first element
	var label string
	switch s.View {
	case "board":
		first, label = s.boardElement(), l.say(s.german(), "board-tab")
	case "calendar":
		first, label = s.calendarElement(), l.say(s.german(), "calendar-tab")
	default:
		return indent + tracker.print(indent), []string{"Tracker"}
	}
	in := indent + "  "
	text := indent + "<Tabs labels={" + list([]string{label, l.say(s.german(), "list-tab")}) + "}>\n" +
		in + first.print(in) + "\n" + in + tracker.print(in) + "\n" + indent + "</Tabs>"
	return text, []string{"Tabs", first.Tag, "Tracker"}
}

func (s *Spec) boardElement() element {
	e := element{Tag: "Board"}
	e.set(str("table", s.Table))
	e.set(str("noun", s.Noun))
	e.set(code("fields", "fields"))
	column := boardColumn(s.Fields)
	for _, f := range s.Fields {
		if f.Name == column {
			e.set(str("column", column))
			e.set(code("columns", list(f.Options)))
		}
	}
	e.set(str("title", s.Title))
	return e
}

// boardColumn is the choice whose options are the columns of a board.
func boardColumn(fields []Field) string {
	best := ""
	for _, f := range fields {
		if f.Type != TypeChoice {
			continue
		}
		if strings.Contains(f.Name, "status") || strings.Contains(f.Name, "stage") || strings.Contains(f.Name, "phase") {
			return f.Name
		}
		if best == "" {
			best = f.Name
		}
	}
	return best
}

func (s *Spec) calendarElement() element {
	e := element{Tag: "Calendar"}
	e.set(str("table", s.Table))
	e.set(str("noun", s.Noun))
	e.set(code("fields", "fields"))
	times := 0
	for _, f := range s.Fields {
		switch {
		case f.Type == TypeDate:
			if _, ok := e.get("date"); !ok {
				e.set(str("date", f.Name))
			} else if _, ok := e.get("end"); !ok && (strings.Contains(f.Name, "end") || strings.Contains(f.Name, "until")) {
				e.set(str("end", f.Name))
			}
		case f.Type == TypeTime && times == 0:
			times++
			e.set(str("time", f.Name))
		}
	}
	e.set(str("title", s.Title))
	return e
}
