package offline

import (
	"slices"
	"strings"
)

// findField resolves the owner's words for a field: its column, its label, a
// part of its label, or what it is ("date" for the only date).
func findField(fields []Field, words string) (Field, bool) {
	p := fold(trimArticles(fieldTail.ReplaceAllString(strings.TrimSpace(words), "")))
	p = strings.TrimSuffix(strings.TrimSuffix(p, " field"), " column")
	if p == "" {
		return Field{}, false
	}
	s := singular(p)
	tests := []func(Field) bool{
		func(f Field) bool { l := fold(f.Label); return l == p || l == s || singular(l) == s },
		func(f Field) bool { n := fold(f.Name); return n == p || n == s || f.Name == identifier(p, "_", 40) },
		func(f Field) bool { return hasWord(fold(f.Label), p) || hasWord(fold(f.Label), s) },
		func(f Field) bool { return hasWord(p, fold(f.Label)) || hasWord(s, singular(fold(f.Label))) },
		func(f Field) bool { return strings.HasPrefix(fold(f.Label), p) && len(p) > 2 },
		func(f Field) bool { return sameThing(f, s) },
		func(f Field) bool { return near(fold(f.Label), p) || near(fold(f.Label), s) },
	}
	for _, test := range tests {
		if i := slices.IndexFunc(fields, test); i >= 0 {
			return fields[i], true
		}
	}
	return Field{}, false
}

// sameThing reports whether words name the type of f rather than f.
func sameThing(f Field, words string) bool {
	switch words {
	case "date", "day", "time", "datum", "tag", "when", "newest", "oldest", "deadline", "due date", "due", "fälligkeit", "frist":
		return f.dated()
	case "amount", "price", "cost", "money", "value", "sum", "spending", "betrag", "preis", "kosten":
		return f.Type == TypeMoney
	case "category", "kind", "type", "status", "kategorie", "art":
		return f.Type == TypeChoice
	case "rating", "star", "bewertung":
		return f.Type == TypeRating
	case "name", "title", "titel":
		return f.Type == TypeText
	}
	return false
}

// applyViews adds what the owner asked to see; fields that a view needs and
// that are missing are added.
func (s *Spec) applyViews(l *lexicon, v Views) {
	if v.View != "" {
		s.View = v.View
		switch v.View {
		case "board":
			s.need(l, TypeChoice, "Status: choice To do/Doing/Done =To do")
		case "calendar":
			s.need(l, TypeDate, "Date: date =today")
		}
	}
	if v.Group != "" {
		s.applyGroup(l, v.Group)
	}
	if v.Sort != "" {
		name, desc := strings.CutPrefix(v.Sort, "-")
		if f, ok := findField(s.Fields, name); ok {
			s.Sort = f.Name
			if desc || (f.Type == TypeRating || f.Type == TypePercent) && !desc {
				s.Sort = "-" + f.Name
			}
		} else if name == "date" {
			s.Sort = map[bool]string{true: "-created_at", false: "created_at"}[desc]
		}
	}
	for _, w := range v.Filters {
		s.addFilter(w)
	}
	for _, w := range v.Totals {
		if f, ok := findField(s.Fields, w); ok && f.numeric() && !slices.Contains(s.Totals, f.Name) {
			s.Totals = append(s.Totals, f.Name)
		} else if !ok || !f.numeric() {
			s.sumAll()
		}
	}
	if v.AllSums {
		s.sumAll()
	}
	s.Search = s.Search || v.Search
	for _, c := range v.Charts {
		s.addChart(l, c)
	}
}

func (s *Spec) addFilter(words string) {
	if words == "" {
		return // every choice, which fillViews does
	}
	if f, ok := findField(s.Fields, words); ok && !slices.Contains(s.Filters, f.Name) {
		s.Filters = append(s.Filters, f.Name)
	}
}

func (s *Spec) sumAll() {
	for _, f := range s.Fields {
		sums := f.Type == TypeMoney || f.Type == TypeDuration || f.Type == TypeNumber
		if sums && !slices.Contains(s.Totals, f.Name) {
			s.Totals = append(s.Totals, f.Name)
		}
	}
}

// applyGroup groups by a field or by a stretch of time.
func (s *Spec) applyGroup(l *lexicon, words string) {
	if e := every(words); e != "" && len(strings.Fields(trimArticles(words))) == 1 && !s.hasLabel(trimArticles(words)) {
		s.Group, s.GroupEvery = s.need(l, TypeDate, "Date: date =today"), e
		return
	}
	f, ok := findField(s.Fields, words)
	if !ok {
		if f, ok = l.field(words, nil, s.german()); !ok {
			return
		}
		f.Name = columnName(f.Label, s.has)
		s.Fields = append(s.Fields, f)
	}
	s.Group = f.Name
	if f.dated() {
		s.GroupEvery = "month"
	}
}

// addChart resolves c and adds it, unless it is there already.
func (s *Spec) addChart(l *lexicon, c Chart) {
	if c.Every != "" || c.X == "" {
		s.need(l, TypeDate, "Date: date =today")
	}
	resolved, missing := resolveChart(s.Fields, c)
	for _, words := range missing {
		f, ok := l.field(words, nil, s.german())
		if !ok || s.has(f.Name) {
			continue
		}
		s.Fields = append(s.Fields, f)
	}
	if len(missing) > 0 {
		resolved, _ = resolveChart(s.Fields, c)
	}
	if !slices.Contains(s.Charts, resolved) {
		s.Charts = append(s.Charts, resolved)
	}
}

// resolveChart turns a chart's words into columns and decides what was left
// open. missing are the words that no field answers to.
func resolveChart(fields []Field, c Chart) (r Chart, missing []string) {
	r = c
	if c.X != "" {
		if f, ok := findField(fields, c.X); ok {
			r.X = f.Name
			if f.dated() && r.Every == "" {
				r.Every = "month"
			}
		} else {
			missing, r.X = append(missing, c.X), ""
		}
	}
	if r.X == "" || c.Every != "" && c.X == "" {
		if i := slices.IndexFunc(fields, Field.dated); i >= 0 {
			r.X = fields[i].Name
			if r.Every == "" {
				r.Every = "month"
			}
		}
	}
	if c.Series != "" {
		r.Series = ""
		if f, ok := findField(fields, c.Series); ok {
			r.Series = f.Name
		} else {
			missing = append(missing, c.Series)
		}
	}
	r.resolveMeasure(fields, c)
	if r.Kind == "" {
		r.Kind = "bar"
		if r.Agg == "avg" && r.Every != "" {
			r.Kind = "line"
		}
	}
	if r.Kind == "pie" && r.Every != "" && r.Series != "" && c.Every == "" {
		r.X, r.Every, r.Series = r.Series, "", ""
	}
	return r, missing
}

// resolveMeasure settles what is measured and how: money and times are summed,
// levels such as a rating or a weight are averaged, and rows are counted where
// nothing can be measured.
func (c *Chart) resolveMeasure(fields []Field, asked Chart) {
	c.Y = ""
	var y Field
	found := false
	if asked.Agg != "count" {
		if asked.Y != "" {
			y, found = findField(fields, asked.Y)
			found = found && y.numeric()
		}
		for _, t := range []Type{TypeMoney, TypeDuration, TypeNumber, TypePercent, TypeRating} {
			if found {
				break
			}
			if i := slices.IndexFunc(fields, func(f Field) bool { return f.Type == t && !strings.Contains(f.Name, "year") }); i >= 0 {
				y, found = fields[i], true
			}
		}
	}
	if !found {
		c.Agg = "count"
		return
	}
	c.Y = y.Name
	if c.Agg == "" {
		c.Agg = "sum"
		if y.Type == TypeRating || y.Type == TypePercent || isLevel(y.Name) {
			c.Agg = "avg"
		}
	}
}

// isLevel reports whether adding up values of a column would make no sense.
func isLevel(name string) bool {
	for _, w := range []string{"weight", "gewicht", "temperature", "temperatur", "pressure", "pulse", "puls", "heart_rate", "systolic", "diastolic", "grade", "score", "level", "age", "alter", "odometer", "kilometerstand", "height", "size", "speed", "hours_slept", "reading"} {
		if strings.Contains(name, w) {
			return true
		}
	}
	return false
}
