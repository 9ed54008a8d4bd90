package offline

import (
	"regexp"
	"strings"
)

// Views says how the owner wants to see rows, in the owner's words; names are
// resolved against fields later, because for an existing app only the builder
// has read them.
type Views struct {
	View     string   `json:"view,omitempty"` // table, list, cards, board or calendar
	Sort     string   `json:"sort,omitempty"` // words for a field, a leading - means descending
	Group    string   `json:"group,omitempty"`
	Filters  []string `json:"filters,omitempty"`
	Totals   []string `json:"totals,omitempty"`
	AllSums  bool     `json:"all_totals,omitempty"` // totals were asked for without saying of what
	Search   bool     `json:"search,omitempty"`
	Charts   []Chart  `json:"charts,omitempty"`
	Currency string   `json:"currency,omitempty"`
}

// Chart is one chart; X, Y and Series are words until resolved, columns after.
type Chart struct {
	Kind   string `json:"kind,omitempty"`
	X      string `json:"x,omitempty"`
	Every  string `json:"every,omitempty"`
	Y      string `json:"y,omitempty"`
	Agg    string `json:"agg,omitempty"`
	Series string `json:"series,omitempty"`
}

func (v Views) empty() bool {
	return v.View == "" && v.Sort == "" && v.Group == "" && len(v.Filters) == 0 && len(v.Totals) == 0 && !v.AllSums && !v.Search && len(v.Charts) == 0 && v.Currency == ""
}

const lead = `(?:(?:,|;|\.)?\s*\b(?:and|und|also|auch|then|with|mit|show(?:s|ing)?|display(?:s|ing)?|draw(?:s|ing)?|give|include|including|see|make|want|would like|like|to|please|bitte|zeige?|zeigt|me|mir|i|us|it|them|that are|that is|which|the|my|a|an|some|any|ein|eine|einen|einem|das|der|die|den|nice|simple|little|be|should be|all|list|liste|entries|rows|items|everything)\b\s*)*`

var (
	chartWord = regexp.MustCompile(`(?i)` + lead + `(?:\b(daily|weekly|monthly|yearly|annual|täglich\w*|wöchentlich\w*|monatlich\w*|jährlich\w*)\s+)?(?:\b(bar|line|pie|area|column|donut|doughnut|trend|balken|linien|kreis|torten|säulen|flächen)[ -]?)?(?:\b|)(chart|charts|graph|graphs|diagram|diagrams|plot|histogram|diagramm|diagramme|grafik|graphik)\b`)
	// viewHint rules out, quickly, what none of the patterns below can match.
	viewHint   = regexp.MustCompile(`(?i)chart|graph|diagram|plot|histogram|grafik|sort|order|first|top|zuerst|oben|group|gruppier|organi|split|filter|total|sum|search|such|table|tabelle|list|card|karten|gall?er|grid|tiles|kacheln|board|kanban|tafel|[ck]alend|\bin\b|currency|währung`)
	chartHint  = regexp.MustCompile(`(?i)chart|graph|diagram|plot|histogram|grafik`)
	toKind     = regexp.MustCompile(`(?i)(?:in)?to an? (bar|line|pie|area)(?: (?:chart|graph))?`)
	asChart    = regexp.MustCompile(`(?i)\b(?:show|plot|draw|display|see|zeige?)\s+(?:me\s+)?([^,;.]+?)\s+(?:as|in|on|als)\s+(?:an?\s+|eine?\s+)?(?:(bar|line|pie|area|column)\s+)?(?:chart|graph|diagramm)\b`)
	sortWord   = regexp.MustCompile(`(?i)` + lead + `\b(?:sorted|sort|sorting|sortable|ordered|order|sortiert|sortiere|sortieren|geordnet)\b(?:\s+(?:\w+\s+){0,3}?(?:by|nach|on)\s+|\s+(alphabetically|alphabetisch)\b)`)
	newestWord = regexp.MustCompile(`(?i)` + lead + `\b(newest|latest|most recent|neueste|neuste|oldest|älteste)\s+(?:ones\s+|entries\s+|einträge\s+)?(?:first|on top|at the top|zuerst|oben)\b`)
	groupWord  = regexp.MustCompile(`(?i)` + lead + `\b(?:grouped|group|groups|grouping|organi[sz]ed|split|gruppiert|gruppiere|gruppieren)\b\s+(?:\w+\s+){0,3}?(?:by|per|into|nach)\s+`)
	filterWord = regexp.MustCompile(`(?i)` + lead + `\b(?:filter(?:ed|able|s|ing|bar|n|e)?|gefiltert)\b(?:\s+(?:\w+\s+){0,2}?(?:by|on|for|nach|für)\s+)?`)
	totalWord  = regexp.MustCompile(`(?i)` + lead + `\b(?:totals|grand total|running total|sums|summen|gesamtsummen?|sum up|sum of|total of|totals? row|summe (?:der|von|des)|sum(?:\s+the)?|total)\b(?:\s*(?:of|for|per|by|der|von|des|the)\s+)?`)
	searchWord = regexp.MustCompile(`(?i)` + lead + `\b(?:searchable|search (?:box|bar|field|function|them|it|by)|searching|search$|durchsuchbar|suchfeld|suchfunktion|suchen (?:kann|können)|mit suche|(?:mit|with|add|and) (?:a )?(?:search|suche))\b`)
	viewWord   = regexp.MustCompile(`(?i)` + lead + `(?:\b(?:as|in|into|to|als|zu|zur)\s+)(?:(?:a|an|the|einer?|eines|der)\s+)?(table|tabelle|list|liste|cards?|karten|gallery|galerie|grid|tiles|kacheln|board|kanban(?: board)?|tafel|calendar|kalender)(?:[ -]?(?:view|layout|ansicht))?\b`)
	moneyWord  = regexp.MustCompile(`(?i)\s+\b(?:in|amounts? in|currency|währung)\s+(euros?|€|dollars?|us dollars|\$|pounds?|£|chf|swiss francs|francs|franken|yen|rupees|eur|usd|gbp)\b`)
	tailEnd    = regexp.MustCompile(`(?i)[,;.!?]|\s+(?:and|und|with|mit|sorted|grouped|sortiert|gruppiert|filtered|as|als|please|bitte|instead|too|also|so|where|when|which|that|but)\b`)
	everyWord  = regexp.MustCompile(`(?i)\b(day|daily|days|week|weekly|weeks|month|monthly|months|year|yearly|annual|annually|years|tag|täglich\w*|woche|wöchentlich\w*|wochen|monat|monatlich\w*|monate|jahr|jährlich\w*|jahre)\b`)
	aggWord    = regexp.MustCompile(`(?i)\b(average|avg|mean|durchschnitt(?:liche[rns]?)?|mittlere[rn]?|sum|total|summe|gesamt|number|count|how many|anzahl|wie viele|minimum|min|lowest|kleinste[rn]?|maximum|max|highest|größte[rn]?|höchste[rn]?)\b`)
	overTime   = regexp.MustCompile(`(?i)\b(?:over time|im verlauf|über die zeit|trend|development|verlauf)\b`)
)

var everyOf = map[string]string{"da": "day", "tag": "day", "tä": "day", "we": "week", "wo": "week", "wö": "week", "mo": "month", "ye": "year", "an": "year", "ja": "year", "jä": "year"}

// every reads a word for a stretch of time, or "".
func every(word string) string {
	m := everyWord.FindString(word)
	low := []rune(strings.ToLower(m))
	if len(low) < 2 {
		return ""
	}
	if string(low[:2]) == "ta" {
		return "day"
	}
	return everyOf[string(low[:2])]
}

// views reads what text says about showing rows and returns the rest of text.
func (l *lexicon) views(text string) (Views, string) {
	var v Views
	if !viewHint.MatchString(text) {
		return v, strings.TrimRight(strings.TrimSpace(text), " ,;")
	}
	text = v.takeCharts(text)
	if m := moneyWord.FindStringSubmatchIndex(text); m != nil {
		v.Currency = l.Money[strings.ToLower(text[m[2]:m[3]])]
		// A unit stays with its field; at the end of the text it is for all money.
		if strings.Trim(text[m[1]:], " .!") == "" && !strings.Contains(text[:m[0]], ",") {
			text = text[:m[0]]
		}
	}
	if m := newestWord.FindStringSubmatchIndex(text); m != nil {
		v.Sort = "-date"
		if w := strings.ToLower(text[m[2]:m[3]]); w == "oldest" || w == "älteste" {
			v.Sort = "date"
		}
		text = text[:m[0]] + text[m[1]:]
	}
	if m := sortWord.FindStringSubmatchIndex(text); m != nil {
		if m[2] >= 0 {
			v.Sort, text = "name", text[:m[0]]+text[m[1]:]
		} else {
			tail, end := tailFrom(text, m[1])
			if v.Sort == "" || fold(tail) != "date" {
				v.Sort = direction(tail)
			}
			text = text[:m[0]] + text[end:]
		}
	}
	if m := groupWord.FindStringIndex(text); m != nil {
		tail, end := tailFrom(text, m[1])
		v.Group, text = tail, text[:m[0]]+text[end:]
	}
	if m := filterWord.FindStringIndex(text); m != nil {
		tail, end := tailFrom(text, m[1])
		v.Filters = []string{trimArticles(tail)}
		text = text[:m[0]] + text[end:]
	}
	text = v.takeTotals(text)
	if m := searchWord.FindStringIndex(text); m != nil {
		v.Search, text = true, text[:m[0]]+text[m[1]:]
	}
	if m := viewWord.FindStringSubmatchIndex(text); m != nil {
		v.View, text = viewNamed(text[m[2]:m[3]]), text[:m[0]]+text[m[1]:]
	}
	return v, strings.TrimRight(strings.TrimSpace(text), " ,;")
}

// takeCharts takes the words about charts out of text.
func (v *Views) takeCharts(text string) string {
	if !chartHint.MatchString(text) {
		return text
	}
	text = asChart.ReplaceAllString(text, "$2 chart of $1")
	for len(v.Charts) < 4 {
		m := chartWord.FindStringSubmatchIndex(text)
		if m == nil {
			return text
		}
		group := func(i int) string {
			if m[2*i] < 0 {
				return ""
			}
			return strings.ToLower(text[m[2*i]:m[2*i+1]])
		}
		tail, end := chartTail(text, m[1])
		became := ""
		if m := toKind.FindStringSubmatch(tail); m != nil {
			became, tail = strings.ToLower(m[1]), strings.Replace(tail, m[0], "", 1)
		}
		c := chartFrom(tail)
		c.Kind = orEmpty(became, c.Kind)
		if e := every(group(1)); e != "" && c.Every == "" {
			c.Every = e
		}
		switch group(2) {
		case "line", "trend", "linien":
			c.Kind = "line"
		case "pie", "donut", "doughnut", "kreis", "torten":
			c.Kind = "pie"
		case "area", "flächen":
			c.Kind = "area"
		case "bar", "column", "balken", "säulen":
			c.Kind = "bar"
		}
		v.Charts = append(v.Charts, c)
		text = text[:m[0]] + text[end:]
	}
	return text
}

// chartTail is tailFrom, but goes on over "and" where a chart's own words do:
// "by month and category".
func chartTail(text string, from int) (string, int) {
	_, end := tailFrom(text, from)
	rest := text[end:]
	if next, ok := cutAny(rest, " and ", " und "); ok {
		w, _, _ := strings.Cut(strings.TrimLeft(next, " "), " ")
		w = strings.TrimRight(w, ".,;")
		low := strings.ToLower(w)
		if every(w) != "" || low == "per" || low == "by" || strings.Contains(text[from:end], " by ") && strings.TrimSpace(strings.TrimRight(next, ".")) == w {
			_, end = tailFrom(text, end+len(rest)-len(next))
		}
	}
	return strings.TrimSpace(text[from:end]), end
}

// tailFrom is the words from from to where their clause ends.
func tailFrom(text string, from int) (string, int) {
	if loc := tailEnd.FindStringIndex(text[from:]); loc != nil && loc[0] > 0 {
		return strings.TrimSpace(text[from : from+loc[0]]), from + loc[0]
	}
	return strings.TrimSpace(text[from:]), len(text)
}

// chartFrom reads "of the average rating per month and category".
func chartFrom(tail string) Chart {
	var c Chart
	tail = overTime.ReplaceAllStringFunc(tail, func(string) string {
		c.Kind, c.Every = "line", "month"
		return ""
	})
	prep := regexp.MustCompile(`(?i)\b(of|per|by|for|showing|with|about|pro|nach|je|von|für|der|des|and|und|versus|vs)\b`)
	locs := prep.FindAllStringIndex(tail, -1)
	part := func(i int) (string, string) {
		to := len(tail)
		if i+1 < len(locs) {
			to = locs[i+1][0]
		}
		return strings.ToLower(tail[locs[i][0]:locs[i][1]]), strings.TrimSpace(tail[locs[i][1]:to])
	}
	c.measure(tail[:firstOr(locs, len(tail))])
	for i := range locs {
		word, arg := part(i)
		if arg == "" {
			continue
		}
		switch word {
		case "of", "for", "showing", "with", "about", "von", "für", "der", "des":
			c.measure(arg)
		default:
			if e := every(arg); e != "" && len(strings.Fields(trimArticles(arg))) == 1 {
				c.Every = e
			} else if c.X == "" {
				c.X = trimArticles(arg)
			} else {
				c.Series = trimArticles(arg)
			}
		}
	}
	if c.Every != "" && c.X != "" && c.Series == "" {
		c.Series, c.X = c.X, ""
	}
	return c
}

func firstOr(locs [][]int, end int) int {
	if len(locs) > 0 {
		return locs[0][0]
	}
	return end
}

// measure reads what a chart counts: "the average rating", "number of books".
func (c *Chart) measure(words string) {
	words = trimArticles(strings.TrimSpace(words))
	if words == "" {
		return
	}
	if m := aggWord.FindString(words); m != "" {
		c.Agg = aggNamed(m)
		words = strings.TrimSpace(strings.Replace(words, m, "", 1))
		words = trimArticles(words)
	}
	if c.Agg != "count" && words != "" && fold(words) != "it" {
		c.Y = words
	}
}

func aggNamed(word string) string {
	switch w := strings.ToLower(word); {
	case strings.HasPrefix(w, "av"), strings.HasPrefix(w, "mean"), strings.HasPrefix(w, "durch"), strings.HasPrefix(w, "mitt"):
		return "avg"
	case strings.HasPrefix(w, "num"), strings.HasPrefix(w, "co"), strings.HasPrefix(w, "how"), strings.HasPrefix(w, "anz"), strings.HasPrefix(w, "wie"):
		return "count"
	case strings.HasPrefix(w, "min"), strings.HasPrefix(w, "low"), strings.HasPrefix(w, "klein"):
		return "min"
	case strings.HasPrefix(w, "max"), strings.HasPrefix(w, "hi"), strings.HasPrefix(w, "gr"), strings.HasPrefix(w, "hö"):
		return "max"
	}
	return "sum"
}

// takeTotals takes the words about sums out of text. A bare "total" in a list
// of fields is a field.
func (v *Views) takeTotals(text string) string {
	m := totalWord.FindStringIndex(text)
	if m == nil {
		return text
	}
	word := strings.ToLower(strings.TrimSpace(text[m[0]:m[1]]))
	tail, end := tailFrom(text, m[1])
	bare := strings.HasSuffix(word, "total") || strings.HasSuffix(word, "sum")
	asked := strings.HasPrefix(word, "show") || strings.Contains(word, "grand") || strings.Contains(word, "running") || strings.HasPrefix(word, "sum ")
	if bare && !asked && !strings.HasSuffix(word, "a total") && !strings.HasSuffix(word, "the total") {
		return text
	}
	if tail == "" || tail == "all" || len(strings.Fields(tail)) > 4 {
		v.AllSums = true
	} else {
		v.Totals = []string{trimArticles(tail)}
	}
	if tail != "" && len(strings.Fields(tail)) > 4 {
		end = m[1]
	}
	return text[:m[0]] + text[end:]
}

var (
	downWord = regexp.MustCompile(`(?i)\s*[(]?\b(?:in )?(?:descending(?: order)?|desc|newest first|latest first|highest first|most recent first|biggest first|largest first|best first|reverse[d]?|absteigend|neueste zuerst|höchste zuerst)\b[)]?`)
	upWord   = regexp.MustCompile(`(?i)\s*[(]?\b(?:in )?(?:ascending(?: order)?|asc|oldest first|soonest first|lowest first|smallest first|earliest first|aufsteigend|älteste zuerst)\b[)]?`)
)

// direction reads a sort: the field's words, with a leading - if descending.
func direction(tail string) string {
	tail = trimArticles(tail)
	if low := strings.ToLower(tail); downWord.MatchString(tail) {
		tail = strings.TrimSpace(downWord.ReplaceAllString(tail, ""))
		if tail == "" {
			tail = "date"
		}
		return "-" + tail
	} else if low == "newest" || low == "latest" {
		return "-date"
	}
	return strings.TrimSpace(upWord.ReplaceAllString(tail, ""))
}

func viewNamed(word string) string {
	switch w := strings.ToLower(word); {
	case strings.HasPrefix(w, "tab"):
		return "table"
	case strings.HasPrefix(w, "list"):
		return "list"
	case strings.HasPrefix(w, "board"), strings.HasPrefix(w, "kanban"), strings.HasPrefix(w, "tafel"):
		return "board"
	case strings.HasPrefix(w, "cal"), strings.HasPrefix(w, "kal"):
		return "calendar"
	}
	return "cards"
}
