package offline

import (
	"regexp"
	"slices"
	"strings"
)

// Op is a kind of change to an app.
type Op string

// The changes.
const (
	OpAddField    Op = "add-field"
	OpRemoveField Op = "remove-field"
	OpRenameField Op = "rename-field"
	OpFieldType   Op = "field-type"
	OpRequired    Op = "required"
	OpDefault     Op = "default"
	OpAddOptions  Op = "add-options"
	OpSetOptions  Op = "set-options"
	OpDropOption  Op = "remove-option"
	OpRenameApp   Op = "rename-app"
	OpIcon        Op = "icon"
	OpAddChart    Op = "add-chart"
	OpEditChart   Op = "edit-chart"
	OpDropChart   Op = "remove-chart"
	OpSort        Op = "sort"
	OpGroup       Op = "group"
	OpUngroup     Op = "ungroup"
	OpFilter      Op = "filter"
	OpTotals      Op = "totals"
	OpSearch      Op = "search"
	OpCurrency    Op = "currency"
	OpView        Op = "view"
	OpDeleteApp   Op = "delete-app"
)

// Change is one change to an app, in the owner's words: Of names a field as
// the owner did; only the builder, who reads the files, resolves it.
type Change struct {
	Op     Op       `json:"op"`
	Of     string   `json:"of,omitempty"`
	To     string   `json:"to,omitempty"`
	Values []string `json:"values,omitempty"`
	Field  *Field   `json:"field,omitempty"`
	Chart  *Chart   `json:"chart,omitempty"`
	Off    bool     `json:"off,omitempty"` // the opposite: optional, no search, no totals
}

const ofThe = `(?:(?:the|my|our|this|that|an?|der|die|das|den|dem|mein\w*|ein\w*)\s+)*`

var (
	renameThing  = regexp.MustCompile(`(?i)^(?:rename|relabel|re-name|umbenenne|benenne|nenne|change the (?:name|label|title) of|rename|ändere den namen von)\s+` + ofThe + `(field|column|app|feld|spalte)?\s*(?:called\s+|named\s+)?(.*?)\s*(?:\b(?:to|as|into|in|zu)\b|->|→|=)\s*(.+?)(?:\s+um)?$`)
	callThing    = regexp.MustCompile(`(?i)^(?:call|name|nenne?|title)\s+` + ofThe + `(?:(app|it|field|column|sie|es|feld|spalte)\s+)(.+?)(?:\s+instead)?$`)
	iconThing    = regexp.MustCompile(`(?i)^(?:(?:change|set|use|give|make|switch|pick|choose|ändere|setze|nimm|gib)\b.*?)?` + `\b(?:icon|symbol)\b(?:\s+(?:of|for|von)\s+\S+(?:\s+app)?)?\s*(?:to|be|into|of|as|zu|auf|:)?\s+` + ofThe + `([\p{L}][\p{L} -]*?)(?:\s+(?:icon|symbol))?$`)
	iconBefore   = regexp.MustCompile(`(?i)^(?:use|give it|set|make it|nimm|change to|take|with)\s+(?:to\s+)?` + ofThe + `([\p{L}][\p{L} -]*?)\s+(?:as\s+(?:the\s+|its\s+)?|als\s+)?(?:icon|symbol)\b.*$`)
	removeThing  = regexp.MustCompile(`(?i)^(?:remove|delete|drop|hide|take (?:out|away|off)|get rid of|i don't need|lösche|entferne|streiche|no more|no|turn off|disable|without|ohne|verstecke)\s+(.+)$`)
	optionOf     = regexp.MustCompile(`(?i)^` + ofThe + `(?:(?:options?|choices?|values?|optionen?|auswahl)\s+)?(.+?)\s+(?:from|in|of|aus|von|as an option (?:of|in|from))\s+` + ofThe + `(.+?)(?:\s+(?:field|options?|choices?|list|column))?$`)
	addOptionTo  = regexp.MustCompile(`(?i)^(?:add|include|put|ergänze|füge)\s+` + ofThe + `(?:(?:new\s+)?(?:options?|choices?|values?|option|optionen)\s+)?(.+?)\s+(?:to|as (?:an? )?(?:options?|choices?|values?) (?:to|for|of|in)|as an? (?:new )?|zu|zur|zum|bei|in)\s+` + ofThe + `([\p{L}][\p{L} -]*?)(?:\s+(?:field|options?|choices?|list|column|dropdown|feld|auswahl))?(?:\s+hinzu)?$`)
	newOptionFor = regexp.MustCompile(`(?i)^(?:add|create|include|new|neue[rns]?|ergänze|füge)\s+(?:(?:an?|the|another|new|more|eine?n?|neue[rns]?)\s+)*([\p{L}]+?)\s*(?:options?\s+)?(?:called|named|for|:|namens|options?)\s*:?\s+(.+?)(?:\s+hinzu)?$`)
	optionFor    = regexp.MustCompile(`(?i)^(?:add|neue|new|ergänze|füge)?\s*` + ofThe + `(?:new |neue )?(?:options?|choices?|optionen)\s+(.+?)\s+(?:für|for|to|zu|zur|bei|in)\s+` + ofThe + `(.+?)(?:\s+hinzu)?$`)
	bareOption   = regexp.MustCompile(`^(?i:add|create|new)\s+(?i:(?:an?|the|another|new)\s+)*([a-z]+)\s+"?([A-Z][\p{L} ]*)"?$`)
	setOptionsOf = regexp.MustCompile(`(?i)^(?:change|set|make|let|ändere|setze)?\s*` + ofThe + `(?:(?:options|choices|values|optionen)\s+(?:of|for|in|von|für)\s+)?` + ofThe + `([\p{L}][\p{L} -]*?)(?:\s+(?:options|choices|field))?\s+(?:should be|to be|be|are|must be|soll|sollen|to|into|auf|zu)?\s*(?:an?\s+|eine\s+)?(?:(?:choices?|one|selection|dropdown|auswahl|options)\s+(?:of|between|from|aus)|to:?|be:?)\s+(.+)$`)
	defaultOf    = regexp.MustCompile(`(?i)^(?:set\s+|make\s+|use\s+|change\s+|setze\s+)?` + ofThe + `default(?:\s+value)?(?:\s+(?:of|for|in|von|für))?\s+` + ofThe + `(.+?)(?:\s+field)?\s+(?:to|be|is|as|=|auf|zu)\s+(.+)$`)
	defaultsTo   = regexp.MustCompile(`(?i)^(?:make\s+|let\s+)?` + ofThe + `(.+?)\s+(?:defaults?\s+to|should default to|should be|starts? (?:with|as))\s+(.+?)(?:\s+by default)?$`)
	makeDefault  = regexp.MustCompile(`(?i)^(?:make|use|set)\s+(.+?)\s+(?:as\s+)?` + ofThe + `default(?:\s+(?:of|for|in))?\s+` + ofThe + `(.+)$`)
	requiredIs   = regexp.MustCompile(`(?i)^(?:make|set|mark|mache?)\s+` + ofThe + `(.+?)\s+(?:field\s+)?(?:as\s+)?(?:an?\s+)?(required|mandatory|optional|not required|pflicht|pflichtfeld|zum pflichtfeld)(?:\s+field)?$`)
	typeChange   = regexp.MustCompile(`(?i)^(?:make|change|turn|convert|set|mache?|ändere)\s+` + ofThe + `(?:type of\s+)?(.+?)\s+(?:field\s+)?(?:into|to|to be|as|a|an|in|zu|zum|zur)\s+` + ofThe + `(.+?)(?:\s+field)?$`)
	currencyIs   = regexp.MustCompile(`(?i)(?:\bcurrency|\bwährung)\b(?:\s+(?:to|in|is|be|auf|zu|should be|of the app to))?\s+([\p{L}€$£¥₹ ]+?)$|^(?:use|switch to|change to|show (?:it |money |amounts |prices )?in|nutze|verwende|nimm)\s+([\p{L}€$£¥₹ ]+?)(?:\s+(?:instead.*|as currency|as the currency|everywhere|statt.*))?$`)
	noGroup      = regexp.MustCompile(`(?i)\b(?:don't|do not|no|stop|without|remove the|remove|nicht mehr|keine|ohne)\s+(?:the\s+)?(?:group\w*|gruppier\w*)`)
	addVerb      = regexp.MustCompile(`(?i)^(?:(?:and|und|also|auch|then)\s+)*(?:add|include|insert|append|put in|attach|also (?:track|record|store|save|note|include)|track|record|store|need|want|have|create|make|new|i also (?:want|need)(?: to (?:track|record|store|note))?|ergänze|füge|neues|neue|erfasse|noch)\s+(?:(?:also|auch|noch)\s+)?(.+?)(?:\s+(?:hinzu|dazu|ein))?$`)
	toTarget     = regexp.MustCompile(`(?i)\s+(?:to|in|into|on|for|zu|in|bei)\s+(?:it|this|that|the (?:app|form|table|list|tracker)|this (?:app|form|table|list)|der app|dem formular|each (?:entry|row|one|item)|every (?:entry|row|one|item)|jedem eintrag)$`)
	tooTail      = regexp.MustCompile(`(?i)[ ,]+(?:too|as well|also|instead|auch|bitte|please|dazu)$`)
	definiteCh   = regexp.MustCompile(`(?i)\b(?:the|that|this|das|den|my)\s+(?:\w+\s+)?(?:chart|graph|diagram|diagramm|grafik)\b|\b(?:make|change|switch|turn)\b.*\b(?:chart|graph|diagramm)\b`)
)

// changes reads text as changes to an app whose columns are known (they may be
// none). The text has lost its courtesies and its mention of the app.
func (l *lexicon) changes(text string, columns []string) []Change {
	de := l.german(text)
	text = strings.TrimRight(tooTail.ReplaceAllString(strings.TrimRight(stripPolite(text), " .!?"), ""), " ,")
	if c, ok := l.oneChange(text, columns); ok {
		return []Change{c}
	}
	var out []Change
	if noGroup.MatchString(text) {
		return []Change{{Op: OpUngroup}}
	}
	v, rest := l.views(text)
	out = append(out, viewChanges(v, definiteCh.MatchString(text) && !regexp.MustCompile(`(?i)^(?:add|another|include)\b`).MatchString(text))...)
	rest = strings.Trim(rest, " ,.;")
	if rest == "" || fillerOnly(rest) {
		return out
	}
	if c, ok := l.oneChange(rest, columns); ok {
		return append(out, c)
	}
	return append(out, l.addedFields(rest, de)...)
}

var fillers = set("my our meine make it them change switch use show me the view layout app app's please to a an as in of all and also now set this that add put list entries rows everything data want i see display have with mach es zeige zeig mir die das als bitte den ein eine auch und chart")

func fillerOnly(text string) bool {
	for w := range strings.FieldsSeq(fold(text)) {
		if !fillers[w] {
			return false
		}
	}
	return true
}

// viewChanges are the changes that a description of views comes to.
func viewChanges(v Views, editChart bool) []Change {
	var out []Change
	for _, c := range v.Charts {
		op := OpAddChart
		if editChart {
			op = OpEditChart
		}
		out = append(out, Change{Op: op, Chart: &c})
	}
	if v.Sort != "" {
		out = append(out, Change{Op: OpSort, Of: v.Sort})
	}
	if v.Group != "" {
		out = append(out, Change{Op: OpGroup, Of: v.Group})
	}
	for _, f := range v.Filters {
		out = append(out, Change{Op: OpFilter, Of: f})
	}
	for _, t := range v.Totals {
		out = append(out, Change{Op: OpTotals, Of: t})
	}
	if v.AllSums {
		out = append(out, Change{Op: OpTotals})
	}
	if v.Search {
		out = append(out, Change{Op: OpSearch})
	}
	if v.View != "" {
		out = append(out, Change{Op: OpView, To: v.View})
	}
	if v.Currency != "" {
		out = append(out, Change{Op: OpCurrency, To: v.Currency})
	}
	return out
}

// oneChange reads the changes that have a form of their own.
func (l *lexicon) oneChange(text string, columns []string) (Change, bool) {
	for _, read := range []func(string, []string) (Change, bool){l.readRename, l.readIcon, l.readDefault, l.readRequired, l.readRemove, l.readOptions, l.readCurrency, l.readType} {
		if c, ok := read(text, columns); ok {
			return c, true
		}
	}
	return Change{}, false
}

func (l *lexicon) readRename(text string, _ []string) (Change, bool) {
	if m := renameThing.FindStringSubmatch(text); m != nil {
		what, of, to := strings.ToLower(m[1]), strings.Trim(m[2], ` "'`), plainName(m[3])
		if to == "" {
			return Change{}, false
		}
		of = strings.TrimSpace(fieldTail.ReplaceAllString(of, ""))
		switch {
		case what == "app" || of == "" || isPronoun(of) || strings.HasSuffix(strings.ToLower(of), " app"):
			return Change{Op: OpRenameApp, To: sentence(to)}, true
		}
		return Change{Op: OpRenameField, Of: of, To: sentence(to)}, true
	}
	if m := callThing.FindStringSubmatch(text); m != nil {
		to := plainName(m[2])
		if w := strings.ToLower(m[1]); to != "" && (w == "app" || isPronoun(w)) {
			return Change{Op: OpRenameApp, To: sentence(to)}, true
		}
	}
	return Change{}, false
}

func isPronoun(w string) bool {
	return slices.Contains([]string{"it", "this", "that", "app", "the app", "this app", "sie", "es", "die app"}, strings.ToLower(w))
}

func (l *lexicon) readIcon(text string, _ []string) (Change, bool) {
	for _, re := range []*regexp.Regexp{iconBefore, iconThing} {
		if m := re.FindStringSubmatch(text); m != nil {
			return Change{Op: OpIcon, To: strings.TrimSpace(m[1])}, true
		}
	}
	return Change{}, false
}

func (l *lexicon) readDefault(text string, _ []string) (Change, bool) {
	if m := defaultOf.FindStringSubmatch(text); m != nil {
		return Change{Op: OpDefault, Of: m[1], To: strings.Trim(m[2], `"' `)}, true
	}
	if m := makeDefault.FindStringSubmatch(text); m != nil && !articles[strings.ToLower(m[1])] {
		return Change{Op: OpDefault, Of: m[2], To: strings.Trim(m[1], `"' `)}, true
	}
	if m := defaultsTo.FindStringSubmatch(text); m != nil && (strings.Contains(text, "default") || strings.Contains(text, " start")) {
		return Change{Op: OpDefault, Of: m[1], To: strings.Trim(m[2], `"' `)}, true
	}
	return Change{}, false
}

func (l *lexicon) readRequired(text string, _ []string) (Change, bool) {
	if m := requiredIs.FindStringSubmatch(text); m != nil {
		off := strings.EqualFold(m[2], "optional") || strings.EqualFold(m[2], "not required")
		return Change{Op: OpRequired, Of: m[1], Off: off}, true
	}
	return Change{}, false
}

func (l *lexicon) readRemove(text string, _ []string) (Change, bool) {
	m := removeThing.FindStringSubmatch(text)
	if m == nil {
		return Change{}, false
	}
	what := strings.TrimSpace(m[1])
	low := fold(trimArticles(what))
	switch {
	case strings.HasSuffix(low, "app") || low == "it":
		return Change{Op: OpDeleteApp}, true
	case regexp.MustCompile(`\b(?:charts?|graphs?|diagramme?|grafik)\b`).MatchString(low):
		return Change{Op: OpDropChart, Of: what}, true
	case strings.HasPrefix(low, "group") || strings.HasPrefix(low, "gruppier"):
		return Change{Op: OpUngroup}, true
	case strings.HasPrefix(low, "search") || low == "suche" || low == "suchfeld":
		return Change{Op: OpSearch, Off: true}, true
	case strings.HasPrefix(low, "total") || strings.HasPrefix(low, "sum"):
		return Change{Op: OpTotals, Off: true}, true
	case strings.HasPrefix(low, "filter"):
		return Change{Op: OpFilter, Off: true}, true
	}
	if o := optionOf.FindStringSubmatch(what); o != nil && !isPronoun(o[2]) {
		return Change{Op: OpDropOption, Of: o[2], To: strings.Trim(o[1], `"' `)}, true
	}
	if f := fieldNoun.FindStringSubmatch(what); f != nil {
		what = f[1]
	}
	return Change{Op: OpRemoveField, Of: trimArticles(what)}, true
}

// readOptions tells "add Travel to the categories" from "add a shop to the
// form" by the columns.
func (l *lexicon) readOptions(text string, columns []string) (Change, bool) {
	known := func(words string) bool {
		p := fold(words)
		return slices.ContainsFunc(columns, func(c string) bool { f := fold(c); return f == p || f == singular(p) }) || isCategory(singular(p)) || singular(p) == "status"
	}
	if m := addOptionTo.FindStringSubmatch(text); m != nil && known(m[2]) && !toTarget.MatchString(text) {
		if o := options(m[1]); len(o) > 0 {
			return Change{Op: OpAddOptions, Of: m[2], Values: o}, true
		}
	}
	if m := newOptionFor.FindStringSubmatch(text); m != nil && slices.Contains(columns, identifier(singular(m[1]), "_", 40)) {
		if o := options(m[2]); len(o) > 0 {
			return Change{Op: OpAddOptions, Of: m[1], Values: o}, true
		}
	}
	if m := optionFor.FindStringSubmatch(text); m != nil {
		if o := options(m[1]); len(o) > 0 {
			return Change{Op: OpAddOptions, Of: m[2], Values: o}, true
		}
	}
	if m := bareOption.FindStringSubmatch(text); m != nil && slices.Contains(columns, identifier(singular(m[1]), "_", 40)) && l.typeFor(m[2]) == TypeText {
		if o := options(m[2]); len(o) > 0 {
			return Change{Op: OpAddOptions, Of: m[1], Values: o}, true
		}
	}
	if m := setOptionsOf.FindStringSubmatch(text); m != nil && regexp.MustCompile(`(?i)\b(?:choice|one|selection|dropdown|auswahl|options|choices|should be|to)\b`).MatchString(text) {
		if o := options(m[2]); len(o) > 1 && known(m[1]) {
			return Change{Op: OpSetOptions, Of: m[1], Values: o}, true
		}
	}
	return Change{}, false
}

func (l *lexicon) readCurrency(text string, _ []string) (Change, bool) {
	if m := currencyIs.FindStringSubmatch(text); m != nil {
		if c := l.Money[strings.ToLower(strings.TrimSpace(m[1]+m[2]))]; c != "" {
			return Change{Op: OpCurrency, To: c}, true
		}
	}
	return Change{}, false
}

func (l *lexicon) readType(text string, _ []string) (Change, bool) {
	m := typeChange.FindStringSubmatch(text)
	if m == nil || isPronoun(m[1]) {
		return Change{}, false
	}
	f := Field{Type: TypeText}
	if !l.shape(&f, m[2]) && choiceOf.FindString(m[2]) == "" {
		return Change{}, false
	}
	l.describe(&f, m[2])
	return Change{Op: OpFieldType, Of: m[1], Field: &f}, true
}

// addedFields reads "add a field for the shop", "also track the shop and the
// person".
func (l *lexicon) addedFields(text string, de bool) []Change {
	m := addVerb.FindStringSubmatch(text)
	if m == nil {
		return nil
	}
	list := toTarget.ReplaceAllString(strings.TrimSpace(m[1]), "")
	list = regexp.MustCompile(`(?i)^(?:(?:the|these|following|two|three|more|new|some|die|folgende)\s+)*(?:fields|columns|felder|spalten)\s*(?:for|called|named|:|für|namens|to (?:store|record))?\s+`).ReplaceAllString(list, "")
	var out []Change
	for _, f := range l.fields(list, nil, de) {
		out = append(out, Change{Op: OpAddField, Field: &f})
	}
	return out
}
