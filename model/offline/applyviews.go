package offline

import (
	"slices"
	"strings"
)

// list1 changes how the list of rows is shown.
func (s *source) list1(c Change) (string, *trouble) {
	e, t := s.main()
	if t != nil {
		return "", t
	}
	text, t := s.showList(&e, c)
	if t != nil {
		return "", t
	}
	s.replace(e)
	return text, nil
}

func (s *source) showList(e *element, c Change) (string, *trouble) {
	switch c.Op {
	case OpSort:
		return s.sortBy(e, c.Of)
	case OpUngroup:
		e.drop("group")
		return s.done("ungrouped")
	case OpSearch:
		e.drop("search")
		if c.Off {
			return s.done("search-off")
		}
		e.set(attr{Name: "search"})
		return s.done("search-on")
	case OpGroup:
		return s.groupBy(e, c.Of)
	case OpFilter:
		return s.filterBy(e, c)
	}
	return s.total(e, c)
}

func (s *source) sortBy(e *element, words string) (string, *trouble) {
	name, desc := strings.CutPrefix(words, "-")
	f, ok := findField(s.list(), name)
	if !ok && slices.Contains([]string{"date", "created", "creation date", "added", "date added", "newest"}, fold(name)) {
		f, ok = Field{Name: "created_at", Label: s.l.say(s.de, "date-added")}, true
	}
	if !ok {
		_, _, t := s.field(name)
		return "", t
	}
	key := "sorted"
	sort := f.Name
	if desc || f.Type == TypeRating {
		sort, key = "-"+f.Name, "sorted-down"
	}
	e.set(str("sort", sort))
	return s.done(key, "field", lowerIf(f.Label, !s.de))
}

func (s *source) groupBy(e *element, words string) (string, *trouble) {
	fields := s.list()
	if ev := every(words); ev != "" && len(strings.Fields(trimArticles(words))) == 1 {
		by := "created_at"
		if i := slices.IndexFunc(fields, Field.dated); i >= 0 {
			by = fields[i].Name
		}
		e.set(groupAttr(by, ev))
		return s.done("grouped", "field", s.l.say(s.de, "one-"+ev))
	}
	f, _, t := s.field(words)
	if t != nil {
		return "", t
	}
	ev := ""
	if f.dated() {
		ev = "month"
	}
	e.set(groupAttr(f.Name, ev))
	return s.done("grouped", "field", lowerIf(f.Label, !s.de))
}

func (s *source) filterBy(e *element, c Change) (string, *trouble) {
	if c.Off {
		e.drop("filters")
		return s.done("filters-off")
	}
	now, ok := e.strings("filters")
	if !ok {
		return "", s.trouble("attribute-by-hand", "attribute", "filters")
	}
	var labels []string
	add := func(f Field) {
		labels = append(labels, lowerIf(f.Label, !s.de))
		if !slices.Contains(now, f.Name) {
			now = append(now, f.Name)
		}
	}
	if c.Of == "" {
		for _, f := range s.list() {
			if f.Type == TypeChoice || f.Type == TypeTags {
				add(f)
			}
		}
		if len(labels) == 0 {
			return "", s.trouble("nothing-to-filter")
		}
	} else {
		f, _, t := s.field(c.Of)
		if t != nil {
			return "", t
		}
		add(f)
	}
	e.setStrings("filters", now)
	return s.done("filtered", "field", listWords(labels, s.de))
}

func (s *source) total(e *element, c Change) (string, *trouble) {
	if c.Off {
		e.drop("totals")
		return s.done("totals-off")
	}
	now, ok := e.strings("totals")
	if !ok {
		return "", s.trouble("attribute-by-hand", "attribute", "totals")
	}
	spec := Spec{Fields: s.list(), Totals: now}
	if c.Of == "" {
		spec.sumAll()
	} else {
		f, _, t := s.field(c.Of)
		if t != nil {
			return "", t
		}
		if !f.numeric() {
			return "", s.trouble("not-a-number", "field", f.Label)
		}
		if !slices.Contains(spec.Totals, f.Name) {
			spec.Totals = append(spec.Totals, f.Name)
		}
	}
	if len(spec.Totals) == 0 {
		return "", s.trouble("nothing-to-sum")
	}
	e.setStrings("totals", spec.Totals)
	var labels []string
	for _, f := range spec.Fields {
		if slices.Contains(spec.Totals, f.Name) {
			labels = append(labels, lowerIf(f.Label, !s.de))
		}
	}
	return s.done("totals-on", "field", listWords(labels, s.de))
}

// chart adds, changes or removes a chart.
func (s *source) chart(c Change) (string, *trouble) {
	charts := elements(s.app, "Chart")
	if c.Op == OpDropChart {
		return s.dropChart(charts, c.Of)
	}
	if c.Chart == nil {
		return "", s.trouble("unknown-change", "what", string(c.Op))
	}
	asked := *c.Chart
	if c.Op == OpEditChart && len(charts) > 0 {
		e := charts[len(charts)-1]
		asked = mergeChart(chartOf(e), asked)
		resolved, t := s.resolve(asked)
		if t != nil {
			return "", t
		}
		resolved.write(&e)
		title := s.l.chartTitle(s.list(), resolved, s.noun(), s.de)
		e.set(str("title", title))
		s.replace(e)
		return s.done("chart-changed", "chart", lowerIf(title, !s.de))
	}
	resolved, t := s.resolve(asked)
	if t != nil {
		return "", t
	}
	main, t := s.main()
	if t != nil {
		return "", t
	}
	table, _ := main.text("table")
	spec := Spec{Table: table, Noun: s.noun(), Fields: s.list()}
	e := spec.chartElement(s.l, resolved)
	if s.de {
		e.set(str("title", s.l.chartTitle(s.list(), resolved, s.noun(), true)))
	}
	for _, have := range charts {
		if chartOf(have) == resolved {
			return s.done("chart-there", "chart", s.l.chartTitle(s.list(), resolved, s.noun(), s.de))
		}
	}
	if t := s.insertChart(e, main); t != nil {
		return "", t
	}
	title, _ := e.text("title")
	return s.done("chart-added", "chart", lowerIf(title, !s.de))
}

// insertChart puts e on a line of its own, after the last chart or above the
// list of rows (or the tabs around it).
func (s *source) insertChart(e, main element) *trouble {
	if t := s.use("Chart"); t != nil {
		return t
	}
	at := -1
	if charts := elements(s.app, "Chart"); len(charts) > 0 {
		last := charts[len(charts)-1]
		at = last.end
		indent := indentAt(s.app, last.start)
		s.app = s.app[:at] + "\n" + indent + e.print(indent) + s.app[at:]
		return nil
	}
	main, t := s.main() // moved by the import
	if t != nil {
		return t
	}
	at = main.start
	if tabs := strings.LastIndex(s.app[:at], "<Tabs"); tabs >= 0 && !strings.Contains(s.app[tabs:at], "</Tabs>") {
		at = tabs
	}
	indent := indentAt(s.app, at)
	if !strings.Contains(s.app, "<Stack") && !strings.Contains(s.app, "<Section") && strings.TrimSpace(s.app[strings.LastIndexByte(s.app[:at], '\n')+1:at]) != "" {
		return s.trouble("no-room")
	}
	s.app = s.app[:at] + e.print(indent) + "\n" + indent + s.app[at:]
	return nil
}

// mergeChart is now with what was asked for instead.
func mergeChart(now, asked Chart) Chart {
	pick := func(a, b string) string { return orEmpty(a, b) }
	out := Chart{Kind: pick(asked.Kind, now.Kind), X: pick(asked.X, now.X), Every: pick(asked.Every, now.Every), Y: pick(asked.Y, now.Y), Agg: pick(asked.Agg, now.Agg), Series: pick(asked.Series, now.Series)}
	if asked.X != "" && asked.Every == "" {
		out.Every = ""
	}
	if asked.Y != "" && asked.Agg == "" {
		out.Agg = ""
	}
	if asked.Series != "" && out.X == asked.Series {
		out.X = ""
	}
	return out
}

// resolve finds the fields of a chart; one without a date to go by uses the
// time at which rows were added.
func (s *source) resolve(asked Chart) (Chart, *trouble) {
	fields := s.list()
	resolved, missing := resolveChart(fields, asked)
	if len(missing) > 0 && asked.X != "created_at" {
		_, _, t := s.field(missing[0])
		return resolved, t
	}
	if asked.Y != "" && asked.Agg != "count" {
		f, _, t := s.field(asked.Y)
		if t == nil && !f.numeric() {
			t = s.trouble("not-a-number", "field", f.Label)
		}
		if t != nil && fold(asked.Y) != fold(s.name) && !hasWord(fold(s.name), fold(asked.Y)) && fold(asked.Y) != fold(plural(s.noun())) {
			return resolved, t
		}
	}
	if resolved.X == "" {
		resolved.X = "created_at"
		if resolved.Every == "" {
			resolved.Every = "month"
		}
	}
	return resolved, nil
}

// disuse drops a component from the imports once it is nowhere in the file.
func (s *source) disuse(name string) {
	m := uiImport.FindStringSubmatchIndex(s.app)
	if m == nil || strings.Contains(s.app, "<"+name) {
		return
	}
	var have []string
	for part := range strings.SplitSeq(s.app[m[2]:m[3]], ",") {
		if part = strings.TrimSpace(part); part != "" && part != name {
			have = append(have, part)
		}
	}
	if len(have) > 0 {
		s.app = s.app[:m[0]] + `import { ` + strings.Join(have, ", ") + ` } from "@matrixos/ui";` + s.app[m[1]:]
	}
}

func (s *source) dropChart(charts []element, words string) (string, *trouble) {
	if len(charts) == 0 {
		return s.done("no-chart")
	}
	if strings.Contains(fold(words), "charts") || strings.HasPrefix(fold(words), "all ") {
		for range charts {
			s.removeElement(elements(s.app, "Chart")[0])
		}
		s.disuse("Chart")
		return s.done("charts-removed")
	}
	pick := len(charts) - 1
	for i, e := range charts {
		c := chartOf(e)
		title, _ := e.text("title")
		if ev := every(words); ev != "" && ev == c.Every || c.Kind != "" && hasWord(fold(words), c.Kind) || title != "" && strings.Contains(fold(words), fold(title)) {
			pick = i
			break
		}
	}
	title, _ := charts[pick].text("title")
	s.removeElement(charts[pick])
	s.disuse("Chart")
	return s.done("chart-removed", "chart", lowerIf(title, !s.de))
}

// view shows rows another way.
func (s *source) view(to string) (string, *trouble) {
	if to != "board" && to != "calendar" {
		t := s.update(func(e *element) {
			e.drop("view")
			if to != "table" {
				e.set(str("view", to))
			}
		})
		if t != nil {
			return "", t
		}
		return s.done("view-set", "view", s.l.say(s.de, "view-"+to))
	}
	tag := map[string]string{"board": "Board", "calendar": "Calendar"}[to]
	if strings.Contains(s.app, "<"+tag) {
		return s.done("view-there", "view", s.l.say(s.de, "view-"+to))
	}
	note := ""
	if to == "board" && boardColumn(s.list()) == "" {
		f := Field{Label: "Status", Type: TypeChoice, Options: slices.Clone(s.l.Options["status"]), Default: "Open"}
		if s.de {
			s.l.translateOptions(&f)
			f.Default = f.Options[0]
		}
		added, t := s.addField(Change{Op: OpAddField, Field: &f})
		if t != nil {
			return "", t
		}
		note = " " + added
	}
	if to == "calendar" && !slices.ContainsFunc(s.list(), func(f Field) bool { return f.Type == TypeDate }) {
		return "", s.trouble("no-date")
	}
	if t := s.addPane(to, tag); t != nil {
		return "", t
	}
	text, _ := s.done("view-set", "view", s.l.say(s.de, "view-"+to))
	return text + note, nil
}

// addPane puts a board or a calendar before the list of rows, in tabs.
func (s *source) addPane(to, tag string) *trouble {
	if t := s.use("Tabs", tag); t != nil {
		return t
	}
	main, t := s.main()
	if t != nil {
		return t
	}
	table, _ := main.text("table")
	spec := Spec{Table: table, Noun: s.noun(), Fields: s.list()}
	if spec.Title, _ = main.text("title"); spec.Title == "" {
		spec.Title = spec.titleColumn(nil)
	}
	e := spec.boardElement()
	if to == "calendar" {
		e = spec.calendarElement()
	}
	label := s.l.say(s.de, to+"-tab")
	if strings.Contains(s.app, "<Tabs") {
		return s.addTab(label, e)
	}
	indent := indentAt(s.app, main.start)
	in := indent + "  "
	text := "<Tabs labels={" + list([]string{label, s.l.say(s.de, "list-tab")}) + "}>\n" + in + e.print(in) + "\n" + in + main.print(in) + "\n" + indent + "</Tabs>"
	s.app = s.app[:main.start] + text + s.app[main.end:]
	return nil
}

// addTab makes e the first pane of the tabs that are there.
func (s *source) addTab(label string, e element) *trouble {
	const open = "<Tabs labels={"
	i := strings.Index(s.app, open)
	if i < 0 {
		return s.trouble("tabs-by-hand")
	}
	end, ok := closing(s.app, i+len(open)-1)
	if !ok || end >= len(s.app) || s.app[end] != '>' {
		return s.trouble("tabs-by-hand")
	}
	tabs := element{Attrs: []attr{{"labels", s.app[i+len(open)-1 : end]}}}
	labels, ok := tabs.strings("labels")
	if !ok {
		return s.trouble("tabs-by-hand")
	}
	in := indentAt(s.app, i) + "  "
	s.app = s.app[:i] + open + list(append([]string{label}, labels...)) + "}>\n" + in + e.print(in) + s.app[end+1:]
	return nil
}
