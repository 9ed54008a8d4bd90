package offline

import (
	"regexp"
	"strings"
)

// maxFields bounds what one request can add; more would not fit a form.
const maxFields = 24

var (
	joiner     = regexp.MustCompile(`(?i)^(?:\s+(?:and|und|sowie|plus|as well as|&)(?:\s+(?:also|auch))?\s+)`)
	bracketed  = regexp.MustCompile(`^(.*?)\s*[(\[{]([^()\[\]{}]*)[)\]}]\s*(.*)$`)
	colon      = regexp.MustCompile(`^([^:=]+?)\s*[:=]\s*(.+)$`)
	described  = regexp.MustCompile(`(?i)^(.+?)\s+(?:as|is|are|should be|being|als|ist|soll)\s+(?:an?\s+|eine?n?\s+|the\s+)?(.+)$`)
	choiceOf   = regexp.MustCompile(`(?i)\b(?:(?:an?|eine)\s+)?(?:choices?|selection|dropdown|drop-down|auswahl)(?:\s+(?:of|from|between|aus|von|zwischen))\s+|\b(?:one of|either|any of|eines von|eine von|entweder|with (?:the )?(?:options?|choices|values)|mit den optionen)\s+`)
	orWord     = regexp.MustCompile(`(?i)\s+(?:or|oder)\s+|^(?:or|oder)\s+`)
	numberOf   = regexp.MustCompile(`(?i)^(?:the )?(?:number of|no\. of|amount of times|count of|how many|anzahl (?:der|von|an)?|wie viele)\s*(.+)$`)
	fieldNoun  = regexp.MustCompile(`(?i)^(?:(?:an?|the|one|another|new|ein|eine|das|ein neues|neues) )*(?:fields?|columns?|propert(?:y|ies)|attributes?|feld(?:er)?|spalten?|eigenschaft(?:en)?)\s*(?:for|called|named|with|to (?:store|record|hold|track)|where i (?:can )?(?:enter|put|note|write|record)|für|namens|mit|:)?\s+(.+)$`)
	fieldTail  = regexp.MustCompile(`(?i)\s+(?:fields?|columns?|feld(?:er)?|spalten?)$`)
	whether    = regexp.MustCompile(`(?i)^(?:whether|if|ob)\s+(?:or not\s+)?(.+)$`)
	subjectOf  = regexp.MustCompile(`(?i)^(?:i(?:'ve| have| am|'m)?|it(?:'s| is| was| has been)?|they(?:'re| are| were)?|we(?:'ve| have| were| are)?|ich|es|sie|man)\s+(?:(?:is|was|has been|have|has|am|es|ist|sie)\s+)?(.+)$`)
	noise      = set("etc usw more stuff everything things whatever that such like so on others else details info mehr alles")
	questionAs = []struct{ words, label, labelDE string }{
		{"when", "Date", "Datum"},
		{"wann", "Date", "Datum"},
		{"where", "Place", "Ort"},
		{"wo", "Place", "Ort"},
		{"who", "Who", "Wer"},
		{"wer", "Who", "Wer"},
		{"mit wem", "Who", "Wer"},
		{"how much", "Amount", "Betrag"},
		{"wie viel", "Amount", "Betrag"},
		{"how long", "Duration", "Dauer"},
		{"wie lange", "Duration", "Dauer"},
		{"how far", "Distance", "Strecke"},
		{"what", "What", "Was"},
		{"why", "Why", "Warum"},
		{"how good", "Rating", "Bewertung"},
	}
)

// splitList cuts a list at commas, "and" and the like, but not inside brackets
// or quotes. A text with semicolons is cut only there.
func splitList(text string) []string {
	strong := strings.Contains(text, ";")
	var out []string
	depth, from := 0, 0
	cut := func(to, next int) {
		if part := strings.Trim(text[from:to], " ,.;"); part != "" {
			out = append(out, part)
		}
		from = next
	}
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '(' || c == '[' || c == '{':
			depth++
		case c == ')' || c == ']' || c == '}':
			depth = max(0, depth-1)
		case depth > 0:
		case c == ';' || (c == ',' && !strong):
			cut(i, i+1)
		case c == ' ' && !strong:
			if m := joiner.FindString(text[i:]); m != "" && !dateAndTime(text[from:i], text[i+len(m):]) {
				cut(i, i+len(m))
				i += len(m) - 2
			}
		}
	}
	cut(len(text), len(text))
	return out
}

func dateAndTime(before, after string) bool {
	b, a := fold(trimArticles(before)), fold(after)
	return (b == "date" || b == "datum") && (a == "time" || a == "uhrzeit" || a == "zeit") && strings.Contains(before, "the ")
}

// joinChoices puts back together what splitList cut inside "choice of low,
// medium or high".
func joinChoices(parts []string) []string {
	var out []string
	for i := 0; i < len(parts); i++ {
		p := parts[i]
		opens := choiceOf.MatchString(p) || (strings.Contains(p, ":") && !strings.Contains(p, "/"))
		if !opens || orWord.MatchString(p) {
			out = append(out, p)
			continue
		}
		end := i
		for j := i + 1; j < len(parts) && !strings.Contains(parts[j], ":"); j++ {
			if orWord.MatchString(parts[j]) {
				end = j
				break
			}
		}
		if end == i && choiceOf.MatchString(p) {
			end = len(parts) - 1
		}
		out = append(out, strings.Join(parts[i:end+1], ", "))
		i = end
	}
	return out
}

// fields reads a list of fields. d, if any, lends types, options and defaults
// to the fields that it knows; de asks for German labels where we choose them.
func (l *lexicon) fields(list string, d *domain, de bool) []Field {
	var out []Field
	taken := map[string]bool{}
	for _, part := range joinChoices(splitList(list)) {
		f, ok := l.field(part, d, de)
		if !ok {
			continue
		}
		if taken[f.Name] && !strings.Contains(fold(part), "other") {
			continue // named twice
		}
		f.Name = columnName(f.Label, func(s string) bool { return taken[s] })
		taken[f.Name] = true
		if out = append(out, f); len(out) == maxFields {
			break
		}
	}
	return out
}

// field reads one field.
func (l *lexicon) field(part string, d *domain, de bool) (Field, bool) {
	label, hints := l.takeApart(part)
	label, forced := l.rephrase(label, de)
	label = plainName(fieldTail.ReplaceAllString(trimArticles(label), ""))
	if label == "" || noise[strings.ToLower(label)] || len(strings.Fields(label)) > 6 || wordy(label) {
		return Field{}, false
	}
	if s := singular(label); s != label {
		if _, plain := l.typeOf[fold(label)]; !plain {
			if _, known := l.typeOf[fold(s)]; known {
				label = s
			}
		}
	}
	f := l.base(sentence(strings.ReplaceAll(label, "_", " ")), d, de)
	if forced != "" && f.Type == TypeText || forced == TypeCheck {
		f.setType(forced)
	}
	if forced == TypeNumber {
		f.Step = new(float64(1))
	}
	for _, h := range hints {
		l.describe(&f, h)
	}
	f.Name = columnName(f.Label, func(string) bool { return false })
	l.settle(&f, de)
	return f, true
}

// takeApart separates a field's label from what is said about it.
func (l *lexicon) takeApart(part string) (label string, hints []string) {
	part = strings.Trim(part, " .,;\"'")
	if m := fieldNoun.FindStringSubmatch(part); m != nil {
		part = m[1]
	}
	if m := bracketed.FindStringSubmatch(part); m != nil && m[1] != "" {
		part = m[1]
		hints = append(hints, m[2])
		if m[3] != "" {
			hints = append(hints, m[3])
		}
	}
	if m := choiceOf.FindStringIndex(part); m != nil && m[0] > 0 {
		label := strings.TrimRight(strings.TrimSpace(part[:m[0]]), ":=")
		label = regexp.MustCompile(`(?i)\s+(?:as|is|with|als|ist|should be|mit)$`).ReplaceAllString(strings.TrimSpace(label), "")
		return label, append(hints, "options:"+part[m[1]:])
	}
	if m := colon.FindStringSubmatch(part); m != nil {
		return m[1], append(hints, m[2])
	}
	if m := described.FindStringSubmatch(part); m != nil && whether.FindString(part) == "" {
		return m[1], append(hints, m[2])
	}
	if m := inCurrency.FindStringSubmatchIndex(part); m != nil {
		return part[:m[0]], append(hints, part[m[2]:m[3]])
	}
	if m := outOf.FindStringIndex(part); m != nil && m[0] > 0 {
		return strings.TrimSpace(part[:m[0]]), append(hints, part[m[0]:])
	}
	if i := strings.IndexByte(part, '/'); i > 0 && l.namedAs[strings.ToLower(part)] == "" {
		if sp := strings.LastIndexByte(part[:i], ' '); sp > 0 {
			return part[:sp], append(hints, part[sp+1:])
		}
	}
	if i := strings.LastIndexByte(part, ' '); i > 0 { // "distance km", "amount €"
		last := strings.ToLower(part[i+1:])
		if l.Units[last] != "" && l.typeOf[last] == "" || strings.ContainsAny(last, "€$£%") && len(last) < 4 {
			return part[:i], append(hints, last)
		}
	}
	return part, hints
}

// rephrase turns "number of pages", "when I bought it", "whether it is paid"
// into labels, and says which type that implies.
func (l *lexicon) rephrase(label string, de bool) (string, Type) {
	label = trimArticles(label)
	if m := numberOf.FindStringSubmatch(label); m != nil {
		return trimArticles(m[1]), TypeNumber
	}
	if m := whether.FindStringSubmatch(label); m != nil {
		rest := m[1]
		if s := subjectOf.FindStringSubmatch(rest); s != nil {
			rest = s[1]
		}
		return rest, TypeCheck
	}
	low := fold(label)
	for _, q := range questionAs {
		if low == q.words || strings.HasPrefix(low, q.words+" ") {
			if de {
				return q.labelDE, ""
			}
			return q.label, ""
		}
	}
	return label, ""
}

// wordy reports whether label is a clause rather than a name.
func wordy(label string) bool {
	for w := range strings.FieldsSeq(strings.ToLower(label)) {
		switch w {
		case "i", "should", "can", "want", "would", "could", "must", "it", "ich", "soll", "kann", "will", "app", "automatically":
			return true
		}
	}
	return false
}

// base is the field that label stands for: the domain's own, or one whose type
// follows from its words.
func (l *lexicon) base(label string, d *domain, de bool) Field {
	if d != nil {
		for _, spec := range d.Fields {
			f := l.compact(spec)
			german := l.LabelsDE[f.Label]
			if strings.EqualFold(f.Label, label) || (german != "" && strings.EqualFold(german, label)) {
				f.Label = label
				if german != "" && strings.EqualFold(german, label) {
					l.translateOptions(&f)
				}
				return f
			}
		}
		for _, spec := range d.Fields {
			f := l.compact(spec)
			if near(fold(label), fold(f.Label)) {
				return f // a slip of the finger
			}
		}
		for _, spec := range d.Fields { // "due date" is the domain's "Due", "category" its one choice
			f := l.compact(spec)
			if f.Type == TypeChoice && isCategory(label) && isCategory(f.Label) {
				f.Label = label
				if de {
					l.translateOptions(&f)
				}
				return f
			}
		}
	}
	f := Field{Label: label, Type: l.typeFor(label)}
	p := fold(label)
	if f.Type == TypeNumber {
		head := p[strings.LastIndexByte(p, ' ')+1:]
		if l.integer[p] || l.integer[head] {
			f.Step = new(float64(1))
		}
		f.Unit = l.Units[p]
	}
	return f
}

func isCategory(label string) bool {
	switch fold(label) {
	case "category", "type", "kind", "kategorie", "art", "typ":
		return true
	}
	return false
}

func (l *lexicon) translateOptions(f *Field) {
	for i, o := range f.Options {
		if t := l.OptionsDE[o]; t != "" {
			f.Options[i] = t
		}
	}
}

// describe applies one hint to f: options, a default, or a shape.
func (l *lexicon) describe(f *Field, hint string) {
	hint = strings.TrimSpace(hint)
	if rest, ok := strings.CutPrefix(hint, "options:"); ok {
		f.setType(TypeChoice)
		f.Options = options(rest)
		return
	}
	if rest, ok := cutAny(strings.ToLower(hint), "default ", "defaults to ", "standard "); ok {
		setDefault(f, hint[len(hint)-len(rest):])
		return
	}
	if l.shape(f, hint) {
		return
	}
	if m := choiceOf.FindStringIndex(hint); m != nil {
		f.setType(TypeChoice)
		f.Options = options(hint[m[1]:])
		return
	}
	if strings.ContainsAny(hint, "/|,;") || orWord.MatchString(hint) {
		if o := options(hint); len(o) > 1 {
			many := f.Type == TypeTags
			f.setType(TypeChoice)
			if many {
				f.setType(TypeTags)
			}
			f.Options = o
			return
		}
	}
	for w := range strings.FieldsSeq(strings.ToLower(hint)) { // "a short text", "positive number"
		if t, ok := l.namedAs[w]; ok {
			f.setType(t)
			return
		}
	}
}

func cutAny(text string, prefixes ...string) (string, bool) {
	for _, p := range prefixes {
		if rest, ok := strings.CutPrefix(text, p); ok {
			return rest, true
		}
	}
	return text, false
}

// setDefault gives f a default of its type; today and now are kept as words.
func setDefault(f *Field, value string) bool {
	value = strings.Trim(strings.TrimSpace(value), `"'.`)
	low := strings.ToLower(value)
	switch {
	case value == "":
		return false
	case f.Type == TypeDate && (low == "today" || low == "heute"), f.Type == TypeDateTime && (low == "now" || low == "jetzt"), f.Type == TypeTime && (low == "now" || low == "jetzt"):
		f.Default = map[string]string{"today": "today", "heute": "today", "now": "now", "jetzt": "now"}[low]
	case f.Type == TypeCheck:
		f.Default = low == "yes" || low == "true" || low == "on" || low == "ja" || low == "ticked" || low == "an"
	case f.numeric():
		n, ok := parseNumber(value)
		if !ok {
			return false
		}
		f.Default = n
	case f.Type == TypeChoice:
		for _, o := range f.Options {
			if strings.EqualFold(o, value) {
				f.Default = o
				return true
			}
		}
		f.Options = append(f.Options, sentence(value))
		f.Default = sentence(value)
	case f.dated() || f.Type == TypeTime:
		return false
	default:
		f.Default = value
	}
	return true
}

// options reads "low, medium or high", "a/b/c", "a | b".
func options(text string) []string {
	seps := ",;|"
	if !strings.ContainsAny(text, seps) {
		seps = "/,;|"
	}
	text = orWord.ReplaceAllString(text, ",")
	text = regexp.MustCompile(`(?i)\s+(?:and|und)\s+`).ReplaceAllString(text, ",")
	var out []string
	seen := map[string]bool{}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return strings.ContainsRune(seps, r) }) {
		o := sentence(plainName(trimArticles(strings.Trim(part, ` "'.`))))
		if o == "" || len(o) > 40 || seen[strings.ToLower(o)] {
			continue
		}
		seen[strings.ToLower(o)] = true
		if out = append(out, o); len(out) == 20 {
			break
		}
	}
	return out
}

// settle completes f with what its type needs.
func (l *lexicon) settle(f *Field, de bool) {
	switch f.Type {
	case TypeChoice:
		if len(f.Options) == 0 {
			f.Options = append([]string(nil), l.optionsFor(f.Label)...)
			if de {
				l.translateOptions(f)
			}
		}
		if len(f.Options) == 0 {
			f.Type = TypeText // a choice of nothing cannot be filled in
		}
	case TypePercent:
		if f.Max == nil {
			f.Min, f.Max = new(float64(0)), new(float64(100))
		}
	case TypeText, TypeNote, TypeMoney, TypeNumber, TypeDate, TypeTime, TypeDateTime, TypeDuration, TypeRating, TypeCheck, TypeTags, TypeLink, TypeEmail, TypePhone, TypeColor:
	}
}

func (l *lexicon) optionsFor(label string) []string {
	p := fold(label)
	if o := l.Options[p]; o != nil {
		return o
	}
	head := p[strings.LastIndexByte(p, ' ')+1:]
	if isCategory(head) {
		return nil // nobody knows the kinds of flour
	}
	return l.Options[head]
}

// reserved are columns that the system keeps in every table.
var reserved = set("id created_at updated_at rowid")

// columnName makes a column's name of a label, unlike any that is taken.
func columnName(label string, taken func(string) bool) string {
	name := identifier(label, "_", 40)
	switch {
	case name == "":
		name = "field"
	case name[0] >= '0' && name[0] <= '9':
		name = "n" + name
	}
	return unique(name, "_", func(s string) bool { return reserved[s] || taken(s) })
}

// compact reads a field as the lexicon writes it: "Label: type options =default!".
func (l *lexicon) compact(spec string) Field {
	label, rest, _ := strings.Cut(spec, ": ")
	f := Field{Label: label}
	if trimmed, ok := strings.CutSuffix(rest, "!"); ok {
		f.Required, rest = true, trimmed
	}
	rest, def, hasDefault := strings.Cut(rest, " =")
	name, more, _ := strings.Cut(rest, " ")
	f.Type = Type(name)
	switch {
	case name == "integer":
		f.Type, f.Step, f.Unit = TypeNumber, new(float64(1)), more
	case f.Type == TypeChoice || f.Type == TypeTags && more != "":
		f.Options = strings.Split(more, "/")
	default:
		f.Unit = more
	}
	if hasDefault {
		setDefault(&f, def)
	}
	f.Name = columnName(label, func(string) bool { return false })
	return f
}
