package offline

import (
	"slices"
	"strings"
)

// Kind is a kind of app; each has a folder in templates/ or is made of records.
type Kind string

// The kinds. The first six are made of records: one table, its fields, and
// components of @matrixos/ui around them.
const (
	KindTracker     Kind = "tracker"
	KindTodo        Kind = "todo"
	KindNotes       Kind = "notes"
	KindCatalogue   Kind = "catalogue"
	KindBoard       Kind = "board"
	KindCalendar    Kind = "calendar"
	KindHabits      Kind = "habits"
	KindPomodoro    Kind = "pomodoro"
	KindTimer       Kind = "timer"
	KindCountdown   Kind = "countdown"
	KindCalculator  Kind = "calculator"
	KindConverter   Kind = "converter"
	KindTip         Kind = "tip"
	KindPoll        Kind = "poll"
	KindCards       Kind = "cards"
	KindPicker      Kind = "picker"
	KindCounter     Kind = "counter"
	KindSnake       Kind = "snake"
	Kind2048        Kind = "2048"
	KindTicTacToe   Kind = "tictactoe"
	KindMemory      Kind = "memory"
	KindMinesweeper Kind = "minesweeper"
)

// records reports whether apps of kind k are one table with fields.
func (k Kind) records() bool {
	switch k {
	case KindTracker, KindTodo, KindNotes, KindCatalogue, KindBoard, KindCalendar:
		return true
	}
	return false
}

// Spec is the contract of a new app: what the kernel settles with the owner and
// the builder builds. All names in it are resolved.
type Spec struct {
	Kind        Kind     `json:"kind"`
	Name        string   `json:"name"`
	Slug        string   `json:"slug"`
	Description string   `json:"description"`
	Icon        string   `json:"icon"`
	Category    string   `json:"category"`
	Lang        string   `json:"lang,omitempty"` // "de" for German words in the app
	Table       string   `json:"table,omitempty"`
	Noun        string   `json:"noun,omitempty"`
	Title       string   `json:"title,omitempty"` // the column that names a row
	Fields      []Field  `json:"fields,omitempty"`
	View        string   `json:"view,omitempty"`
	Sort        string   `json:"sort,omitempty"`
	Group       string   `json:"group,omitempty"`
	GroupEvery  string   `json:"group_every,omitempty"`
	Filters     []string `json:"filters,omitempty"`
	Totals      []string `json:"totals,omitempty"`
	Done        string   `json:"done,omitempty"`
	Search      bool     `json:"search,omitempty"`
	Charts      []Chart  `json:"charts,omitempty"`
	Question    string   `json:"question,omitempty"` // of a poll
	Items       []string `json:"items,omitempty"`    // poll options, habits, names to pick from
	Pairs       []Pair   `json:"pairs,omitempty"`    // flash cards
	Minutes     []int    `json:"minutes,omitempty"`  // pomodoro: work and break
	Date        string   `json:"date,omitempty"`     // countdown
	Unmet       []string `json:"unmet,omitempty"`    // what was asked for and will be missing
}

// Pair is a flash card.
type Pair struct {
	Front string `json:"front"`
	Back  string `json:"back"`
}

func (s *Spec) german() bool { return s.Lang == "de" }

// settleRecords fills in what the owner left open and resolves words to
// columns.
func (l *lexicon) settleRecords(s *Spec, d *domain, v Views, listed bool) {
	if !listed && len(s.Fields) == 0 {
		l.defaultFields(s, d)
	} else {
		l.addIdentity(s, d)
	}
	if !listed && v.empty() && d != nil {
		l.defaultViews(s, d)
	} else if d != nil {
		s.Search = d.Search
		s.Done = keepColumn(s, d.Done)
		s.Filters = keepColumns(s, d.Filters)
	}
	s.settleKind(l, d)
	s.applyViews(l, v)
	s.fillViews(d)
	for i := range s.Fields {
		if v.Currency != "" && s.Fields[i].Type == TypeMoney {
			s.Fields[i].Currency = v.Currency
		}
	}
}

// defaultFields are the domain's, or a name, a date and notes.
func (l *lexicon) defaultFields(s *Spec, d *domain) {
	specs := []string{"Name: text!", "Date: date =today", "Notes: note"}
	if d != nil {
		specs = d.Fields
	} else if s.Kind == KindTodo {
		specs = []string{"Title: text!", "Due: date", "Priority: choice Low/Medium/High =Medium", "Done: check", "Notes: note"}
	} else if s.Kind == KindCalendar {
		specs = []string{"Title: text!", "Date: date =today!", "Time: time", "Place: text", "Notes: note"}
	} else if s.Kind == KindBoard {
		specs = []string{"Title: text!", "Status: choice To do/Doing/Done =To do", "Due: date", "Notes: note"}
	}
	for _, spec := range specs {
		s.Fields = append(s.Fields, l.localized(s, spec))
	}
}

// localized is the lexicon's field, with German words where the app is German.
// Its column stays English, so that views can name it.
func (l *lexicon) localized(s *Spec, spec string) Field {
	f := l.compact(spec)
	if s.german() {
		if t := l.LabelsDE[f.Label]; t != "" {
			f.Label = t
		}
		if f.Unit == "days" {
			f.Unit = "Tage"
		}
		l.translateOptions(&f)
		if def, ok := f.Default.(string); ok && f.Type == TypeChoice && l.OptionsDE[def] != "" {
			f.Default = l.OptionsDE[def]
		}
	}
	return f
}

// addIdentity adds the field that names a row, where the owner's list has no
// words in it that could.
func (l *lexicon) addIdentity(s *Spec, d *domain) {
	if d != nil && d.Identity != "" {
		if s.has(d.Identity) {
			return
		}
		for _, f := range s.Fields {
			if f.Type == TypeText && nameLike(f.Label) {
				return
			}
		}
		for _, spec := range d.Fields {
			f := l.localized(s, spec)
			if f.Name == d.Identity && !s.hasLabel(f.Label) {
				s.Fields = append([]Field{f}, s.Fields...)
			}
		}
		return
	}
	if d != nil || s.Kind == KindNotes {
		return
	}
	for _, f := range s.Fields {
		if f.Type == TypeText || f.dated() {
			return
		}
	}
	s.Fields = append([]Field{{Name: columnName("Name", s.has), Label: "Name", Type: TypeText, Required: true}}, s.Fields...)
}

func nameLike(label string) bool {
	switch fold(label) {
	case "name", "title", "titel", "what", "was", "item", "task", "artikel", "aufgabe", "product", "produkt":
		return true
	}
	return false
}

// defaultViews are the domain's own, for an owner who said nothing about them.
func (l *lexicon) defaultViews(s *Spec, d *domain) {
	s.View, s.Sort, s.Group, s.Done, s.Search = d.View, d.Sort, d.Group, d.Done, d.Search
	s.Totals, s.Filters = slices.Clone(d.Totals), slices.Clone(d.Filters)
	for _, c := range d.Charts {
		w := append(strings.Fields(c), "", "", "")
		chart := Chart{Kind: w[0], Y: w[1], Every: w[2]}
		if w[1] == "count" {
			chart.Y, chart.Agg = "", "count"
		}
		for _, more := range w[3:] {
			switch {
			case more == "avg" || more == "max" || more == "min":
				chart.Agg = more
			case more != "":
				chart.Series = more
			}
		}
		s.addChart(l, chart)
	}
}

// settleKind makes sure that the fields a kind lives on are there.
func (s *Spec) settleKind(l *lexicon, d *domain) {
	switch s.Kind {
	case KindTodo:
		if s.Done == "" {
			s.Done = s.need(l, TypeCheck, "Done: check")
		}
		if s.View == "" {
			s.View = "list"
		}
	case KindBoard:
		s.need(l, TypeChoice, "Status: choice To do/Doing/Done =To do")
		s.View = "board"
	case KindCalendar:
		s.need(l, TypeDate, "Date: date =today!")
		s.View = "calendar"
	case KindNotes:
		n := len(s.Fields)
		if s.need(l, TypeNote, "Text: note"); len(s.Fields) > n {
			s.Fields = append(s.Fields[n:], s.Fields[:n]...)
		}
		s.Search = true
		if s.View == "" {
			s.View = "cards"
		}
	case KindCatalogue:
		s.Search = s.Search || d == nil
	}
}

// need returns the first column of type t, adding one if there is none.
func (s *Spec) need(l *lexicon, t Type, spec string) string {
	if t == TypeChoice {
		for _, f := range s.Fields {
			if f.Type == TypeChoice && (strings.Contains(f.Name, "status") || strings.Contains(f.Name, "stage") || strings.Contains(f.Name, "phase")) {
				return f.Name
			}
		}
	}
	for _, f := range s.Fields {
		if f.Type == t {
			return f.Name
		}
	}
	f := l.localized(s, spec)
	f.Name = columnName(f.Label, s.has)
	s.Fields = append(s.Fields, f)
	return f.Name
}

// fillViews decides what neither owner nor domain did.
func (s *Spec) fillViews(d *domain) {
	s.Title = s.titleColumn(d)
	if s.Sort == "" {
		s.Sort = s.defaultSort(d)
	}
	if len(s.Totals) == 0 && s.Kind == KindTracker {
		for _, f := range s.Fields {
			if f.Type == TypeMoney {
				s.Totals = append(s.Totals, f.Name)
			}
		}
	}
	if len(s.Filters) == 0 {
		for _, f := range s.Fields {
			if f.Type == TypeChoice && len(s.Filters) < 2 && f.Name != s.Group {
				s.Filters = append(s.Filters, f.Name)
			}
		}
	}
	if s.View == "" {
		s.View = "table"
	}
}

func (s *Spec) titleColumn(d *domain) string {
	if d != nil && d.Identity != "" && s.has(d.Identity) {
		return d.Identity
	}
	for _, t := range []Type{TypeText, TypeNote, TypeChoice, TypeDate} {
		for _, f := range s.Fields {
			if f.Type == t {
				return f.Name
			}
		}
	}
	return s.Fields[0].Name
}

func (s *Spec) defaultSort(d *domain) string {
	if d != nil && (s.has(strings.TrimPrefix(d.Sort, "-")) || strings.TrimPrefix(d.Sort, "-") == "created_at") {
		return d.Sort
	}
	for _, f := range s.Fields {
		if f.dated() {
			if strings.Contains(f.Name, "due") || strings.Contains(f.Name, "faellig") || strings.Contains(f.Name, "deadline") || s.Kind == KindCalendar {
				return f.Name
			}
			return "-" + f.Name
		}
	}
	if s.Kind == KindCatalogue {
		return s.Title
	}
	return "-created_at"
}

func (s *Spec) has(column string) bool {
	return slices.ContainsFunc(s.Fields, func(f Field) bool { return f.Name == column })
}

func (s *Spec) hasLabel(label string) bool {
	return slices.ContainsFunc(s.Fields, func(f Field) bool { return strings.EqualFold(f.Label, label) })
}

func keepColumn(s *Spec, column string) string {
	if s.has(column) {
		return column
	}
	return ""
}

func keepColumns(s *Spec, columns []string) []string {
	var out []string
	for _, c := range columns {
		if s.has(c) {
			out = append(out, c)
		}
	}
	return out
}
