package offline

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	politely  = regexp.MustCompile(`(?i)^(?:(?:hi|hello|hey|hallo|ok|okay|so|please|bitte|kindly|now|and|und)[ ,!]+)*(?:(?:can|could|would|will) you (?:please |kindly )?|(?:kannst|könntest|würdest) du (?:bitte |mir )*|i(?:'d| would) (?:like|love|want) (?:you )?(?:to )?|i (?:want|need|wish) (?:you )?(?:to )?|let(?:'s| us) |help me (?:to )?|ich (?:möchte|will|würde gerne?|hätte gerne?|brauche|muss)(?: gerne?)?(?: bitte)? |hätte gerne? )?(?:please |bitte )?`)
	makeVerb  = regexp.MustCompile(`(?i)^(?:make|build|create|design|generate|give|write|develop|program|code|set up|setup|add|start|get|have|do|new|erstell\w*|baue?|mach\w*|leg\w*|schreib\w*|programmier\w*|gib|neue[srn]?|entwickle|entwirf|füge)\b\s*(?:me |us |mir |uns |for me |up )*`)
	keepVerb  = regexp.MustCompile(`(?i)^(?:keep(?:ing)? track of|track(?:ing)?|log(?:ging)?|record(?:ing)?|manage|managing|monitor(?:ing)?|organi[sz]e|organi[sz]ing|collect(?:ing)?|catalog(?:ue)?|note down|write down|keep a (?:list|record|log) of|keep|save|store|remember all|plan(?:ning)?|see|count(?:ing)?|list(?:ing)?|measure|document|follow|watch over|verfolg\w*|tracke?n?|notier\w*|erfass\w*|verwalt\w*|sammel\w*|sammle|aufzeichne\w*|festhalte\w*|plane?n?|organisiere?n?|dokumentiere?n?|aufschreiben)\s+`)
	appFor    = regexp.MustCompile(`(?i)^(?:(?:an?|the|my|one|another|new|simple|basic|small|little|nice|web|mobile|personal|eine?n?|neue[sn]?|einfache[sn]?|kleine[sn]?)\s+)*(?:app(?:lication)?|apps|tool|program|page|website|thing|something|database|spreadsheet|table|list|place|way|system|programm|anwendung|werkzeug|datenbank|tabelle|liste|etwas|übersicht)\s+(?:(?:for|to|that|which|where|of|about|with which|in which|so|für|zum|zur|um|die|das|der|in der|mit der|von|meiner|über)\s+)+(?:(?:i|we|me|us|ich|can|could|will|would|helps?|lets?|allows?|to|me|you|kann|meine|mir)\s+)*`)
	appTail   = regexp.MustCompile(`(?i)[ -]*\b(?:tracker|trackers|tracking|app|application|manager|management|log|logger|organi[sz]er|database|tool|list of|overview|register|keeper|collection manager|monitor|übersicht|verwaltung|verwalter|anwendung|datenbank|programm|liste)$`)
	germanZu  = regexp.MustCompile(`(?i)\s+(?:verfolgen|tracken|erfassen|verwalten|notieren|festhalten|aufzeichnen|sammeln|planen|organisieren|dokumentieren|erstellen|bauen|machen|aufschreiben|haben|im blick behalten|hinzu)\b`)
	calledAs  = regexp.MustCompile(`(?i)[ ,]*\b(?:called|named|titled|with the name|and (?:call|name) it|call it|name it|namens|mit dem namen|genannt|nenne? (?:sie|es|ihn))\s+(?:"([^"]{1,60})"|'([^']{1,60})'|([\p{L}\d][\p{L}\d '&-]*?))(?:\s+(?:with|that|which|to|for|where|and|mit|für|die|und)\b|[,.;:!]|$)`)
	listHead  = regexp.MustCompile(`(?i)(?:\s*[,;.:-]?\s+(?:with|which has|that has|has|having|including|includes|include|containing|contains|that tracks|that stores|storing|recording|incl\.?|mit|inklusive|samt|where i can (?:enter|put|record|note|write|add)|where each \w+ has|each (?:\w+ )?(?:has|with)|every \w+ has|jeweils mit|by noting|noting|i need|i want|it should have|it has|it needs|should have|needs|felder|fields|columns)\s+|\s*[:;]\s+|\.\s+(?:(?:fields|columns|felder|spalten)\s*(?:are|sind)?\s*:?\s*))(?:(?:the |these |following |die |den |folgende[nrms]? )*(?:fields?|columns?|properties|feld(?:ern?)?|spalten?)\b\s*(?:for|of|like|such as|are|wie|für|sind)?\s*:?\s*)?`)
	listOf    = regexp.MustCompile(`(?i)^(.+(?:,| and | und ).+?)\s+(?:of|for|on|about|from|für|von)\s+(?:(?:each|every|all|all of|any|jede[nsr]?|alle)\s+)?(?:(?:of\s+)?(?:my|our|the|meine?[rnms]?|unsere?[rnms]?)\s+)?([\p{L}][\p{L} -]{2,40})$`)
	relative  = regexp.MustCompile(`(?i)\s+(?:(?:that|which|who|whom)\s+)?(?:i|we|i've|i'm|i am|we've|that|which|who|die ich|den ich|das ich|der ich|so that|so i|because|in order to|damit|because|each|every day|automatically)\s.*$`)
	regularly = regexp.MustCompile(`(?i)\s+(?:every|each|per|a|jeden|jede|pro) (?:single )?(?:day|week|month|morning|evening|night|tag|woche|monat|morgen|abend)\b.*$|\s+(?:daily|weekly|monthly|over time|täglich)$`)
	forWhom   = regexp.MustCompile(`(?i)\s+(?:for|für)\s+(?:me|us|myself|mich|uns|my family|meine familie)$`)
	byTail    = regexp.MustCompile(`(?i)\s+(?:by|per|nach|pro|je)\s+([\p{L}][\p{L} ]{1,30})$`)
)

// request is an owner's text, taken apart as far as building an app goes.
type request struct {
	text   string // without courtesies
	head   string // what the app is about
	list   string // the fields, as written
	name   string // said with "called"
	verb   string // "make", "keep" or ""
	listed bool
	views  Views
	unmet  []string
}

// dissect takes text apart: name, wishes that cannot be met, views, subject and
// list of fields.
func (l *lexicon) dissect(text string) request {
	r := request{text: stripPolite(text)}
	rest := r.text
	if m := calledAs.FindStringSubmatchIndex(rest); m != nil {
		for g := 1; g <= 3; g++ {
			if m[2*g] >= 0 {
				r.name = plainName(rest[m[2*g]:m[2*g+1]])
				end := m[2*g+1]
				if g < 3 {
					end++
				}
				rest = rest[:m[0]] + rest[end:]
				break
			}
		}
	}
	rest, r.unmet = l.takeUnmet(rest)
	rest = strings.TrimRight(strings.TrimSpace(rest), " .!,;")
	if m := makeVerb.FindString(rest); m != "" {
		r.verb, rest = "make", rest[len(m):]
	}
	rest = stripPolite(rest)
	rest = germanZu.ReplaceAllString(rest, "")
	if m := appFor.FindString(rest); m != "" {
		r.verb, rest = "make", rest[len(m):]
	}
	if m := keepVerb.FindString(rest); m != "" {
		r.verb, rest = "keep", rest[len(m):]
	}
	r.views, rest = l.views(rest)
	r.head, r.list = rest, ""
	if m := listHead.FindStringIndex(rest); m != nil && m[0] > 0 {
		r.head, r.list = rest[:m[0]], rest[m[1]:]
	} else if m := listOf.FindStringSubmatch(rest); m != nil {
		r.head, r.list = m[2], m[1]
		if regexp.MustCompile(`(?i)\b(?:each|every)\s+` + regexp.QuoteMeta(m[2]) + `$`).MatchString(rest) {
			r.head = plural(m[2])
		}
	}
	r.list = strings.Trim(r.list, " .,;")
	r.listed = r.list != ""
	r.head = strings.Trim(forWhom.ReplaceAllString(strings.TrimSpace(r.head), ""), " .,;:!?")
	return r
}

func stripPolite(text string) string {
	for {
		rest := strings.TrimSpace(politely.ReplaceAllString(text, ""))
		rest = strings.TrimSpace(strings.TrimSuffix(strings.TrimSuffix(rest, " please"), " bitte"))
		if rest == text {
			return rest
		}
		text = rest
	}
}

// understood is what a request to build comes to.
type understood struct {
	spec Spec
	// sure says that the text names a known kind or domain, or lists fields.
	sure bool
	verb string
}

// build reads text as a request for a new app.
func (l *lexicon) build(text string) understood {
	return l.buildFrom(text, l.dissect(text))
}

func (l *lexicon) buildFrom(text string, r request) understood {
	de := l.german(text)
	u := understood{verb: r.verb}
	s := &u.spec
	s.Unmet = r.unmet
	if de {
		s.Lang = "de"
	}
	subject := subjectFrom(r.head)
	kind, atEnd := l.kindFor(r.head)
	if kind != nil && r.verb == "keep" && !atEnd {
		kind = nil // "track my quiz scores" is about scores
	}
	d, exact := l.domainFor(subject)
	if kind != nil && d != nil && strictlyInside(r.head, kind, d) {
		kind = nil
	}
	switch {
	case kind != nil && !kind.Kind.records():
		u.sure = true
		l.buildKind(s, kind, r, subject)
		return u
	case kind != nil:
		u.sure = true
		s.Kind, s.Icon, s.Category = kind.Kind, kind.Icon, kind.Category
		subject, d, exact = l.subjectOfKind(subject, kind, d)
	case d != nil:
		u.sure = true
		s.Kind = d.Kind
	default:
		u.sure = r.listed && r.verb != ""
		s.Kind, s.Icon, s.Category = KindTracker, "table-2", "utility"
	}
	l.buildRecords(s, r, subject, d, exact, kind)
	return u
}

// strictlyInside reports whether the kind's name is only a part of the
// domain's: a "board game collection" is no board.
func strictlyInside(head string, k *kindEntry, d *domain) bool {
	p := fold(head)
	for _, w := range d.Words {
		for _, v := range k.Words {
			fw, fv := fold(w), fold(v)
			if len(fw) > len(fv) && hasWord(fw, fv) && (hasWord(p, fw) || hasWord(singular(p), fw)) {
				return true
			}
		}
	}
	return false
}

// subjectFrom drops from a head what is not about anything: "app", "tracker",
// relative clauses.
func subjectFrom(head string) string {
	s := trimArticles(head)
	s = regularly.ReplaceAllString(relative.ReplaceAllString(s, ""), "")
	for {
		t := strings.TrimSpace(appTail.ReplaceAllString(s, ""))
		t = trimArticles(strings.TrimPrefix(strings.TrimPrefix(t, "list of "), "collection of "))
		if t == s || t == "" {
			return s
		}
		s = t
	}
}

// subjectOfKind is what a board or a calendar is for: "kanban board for job
// applications".
func (l *lexicon) subjectOfKind(subject string, k *kindEntry, d *domain) (string, *domain, bool) {
	low := fold(subject)
	for _, sep := range []string{" for ", " of ", " with ", " für ", " mit "} {
		if before, after, ok := strings.Cut(subject, sep); ok && after != "" {
			if kk, _ := l.kindFor(before); kk == k {
				d, exact := l.domainFor(trimArticles(after))
				return trimArticles(after), d, exact
			}
		}
	}
	for _, w := range k.Words {
		if low == fold(w) {
			return "", nil, false
		}
		if rest, ok := strings.CutSuffix(low, " "+fold(w)); ok {
			d, exact := l.domainFor(rest)
			return trimArticles(subject[:min(len(rest), len(subject))]), d, exact
		}
	}
	return subject, d, false
}

func (l *lexicon) buildRecords(s *Spec, r request, subject string, d *domain, exact bool, kind *kindEntry) {
	if m := byTail.FindStringSubmatch(subject); m != nil && r.views.Group == "" {
		r.views.Group = m[1]
		subject = strings.TrimSpace(subject[:len(subject)-len(m[0])])
		if d == nil {
			d, _ = l.domainFor(subject)
		}
		_, exact = l.domainFor(subject)
	}
	name := l.nameApp(s, subject, d, exact, kind)
	if d != nil {
		if s.Icon == "" || kind == nil || subject != "" {
			s.Icon, s.Category = d.Icon, d.Category
		}
	}
	if r.name != "" {
		name = r.name
	}
	s.Name = sentence(name)
	s.Slug = slugOf(s.Name)
	s.Table = columnName(tableFor(s, subject, d), func(string) bool { return false })
	list := r.list
	if s.Kind == KindBoard {
		list = s.takeColumns(list)
		r.listed = r.listed && list != ""
	}
	s.Fields = append(s.Fields, l.fields(list, d, s.german())...)
	if len(s.Fields) == 0 {
		r.listed = false
	}
	l.settleRecords(s, d, r.views, r.listed && len(s.Fields) > 0)
	s.Description = l.describeApp(s)
}

// tableFor names the table: what its rows are, in English where we know it.
func tableFor(s *Spec, subject string, d *domain) string {
	if d != nil {
		if d.Noun != "entry" && d.Noun != "reading" && d.Noun != "item" {
			return plural(d.Noun)
		}
		return d.Name
	}
	if subject != "" {
		return subject
	}
	if s.Kind == KindBoard {
		return "cards"
	}
	if s.Kind == KindCalendar {
		return "events"
	}
	return "entries"
}

// nameApp finds the name and the noun of one row.
func (l *lexicon) nameApp(s *Spec, subject string, d *domain, exact bool, kind *kindEntry) string {
	subject = plainName(strings.Replace(strings.Replace(subject, " of my ", " of ", 1), " for my ", " for ", 1))
	switch {
	case d != nil && (exact || subject == "") && (!d.Specific || subject == "" || fold(subject) == d.Noun):
		s.Noun = d.Noun
		if s.german() {
			s.Noun = d.NounDE
			return d.German
		}
		return d.Name
	case d != nil:
		s.Noun = d.Noun
		if s.german() {
			s.Noun = d.NounDE
		}
		if len(strings.Fields(subject)) > 4 {
			if s.german() {
				return d.German
			}
			return d.Name
		}
		return subject
	case subject != "" && len(strings.Fields(subject)) <= 5:
		s.Noun = lowerFirst(singular(subject))
		if s.german() {
			s.Noun = "Eintrag"
		}
		return subject
	}
	s.Noun = map[bool]string{true: "Eintrag", false: "entry"}[s.german()]
	if s.Kind == KindBoard {
		s.Noun = map[bool]string{true: "Karte", false: "card"}[s.german()]
	}
	if s.Kind == KindCalendar {
		s.Noun = map[bool]string{true: "Termin", false: "event"}[s.german()]
	}
	if kind != nil {
		if s.german() && kind.German != "" {
			return kind.German
		}
		return kind.Name
	}
	return map[bool]string{true: "Liste", false: "List"}[s.german()]
}

// plural is good enough for the names of tables.
func plural(noun string) string {
	switch {
	case strings.HasSuffix(noun, "y") && len(noun) > 1 && !strings.ContainsAny(noun[len(noun)-2:len(noun)-1], "aeiou"):
		return noun[:len(noun)-1] + "ies"
	case strings.HasSuffix(noun, "s"), strings.HasSuffix(noun, "x"), strings.HasSuffix(noun, "ch"), strings.HasSuffix(noun, "sh"):
		if noun == "series" || noun == "news" {
			return noun
		}
		return noun + "es"
	}
	return noun + "s"
}

var columnList = regexp.MustCompile(`(?i)^(?:(?:the|these|following|\w+)\s+)?(?:columns?|stages?|lanes?|statuses|spalten)\s*:?\s*(.+)$`)

// takeColumns reads a board's own columns: "columns Idea, Doing, Done".
func (s *Spec) takeColumns(list string) string {
	m := columnList.FindStringSubmatch(list)
	if m == nil {
		if !regexp.MustCompile(`(?i)\b(?:to ?do|doing|done|backlog|in progress|review)\b`).MatchString(list) {
			return list
		}
		m = []string{list, list}
	}
	o := options(m[1])
	if len(o) < 2 {
		return list
	}
	s.Fields = append(s.Fields, Field{Name: "title", Label: map[bool]string{true: "Titel", false: "Title"}[s.german()], Type: TypeText, Required: true},
		Field{Name: "status", Label: "Status", Type: TypeChoice, Options: o, Default: o[0]},
		Field{Name: "notes", Label: map[bool]string{true: "Notizen", false: "Notes"}[s.german()], Type: TypeNote})
	return ""
}

// describeApp is one line on what the app holds.
func (l *lexicon) describeApp(s *Spec) string {
	var labels []string
	for _, f := range s.Fields {
		labels = append(labels, lowerIf(f.Label, !s.german()))
	}
	return l.say(s.german(), "description", "name", s.Name, "fields", listWords(labels, s.german()))
}

func lowerIf(text string, lower bool) string {
	if lower {
		return lowerFirst(text)
	}
	return text
}

// listWords joins words as a sentence does.
func listWords(words []string, de bool) string {
	and := " and "
	if de {
		and = " und "
	}
	switch len(words) {
	case 0:
		return ""
	case 1:
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + and + words[len(words)-1]
}

// parseNumber reads "12", "12.50" or "12,50".
func parseNumber(text string) (float64, bool) {
	text = strings.Trim(text, " €$£%")
	if strings.Count(text, ",") == 1 && !strings.Contains(text, ".") {
		text = strings.Replace(text, ",", ".", 1)
	}
	n, err := strconv.ParseFloat(text, 64)
	return n, err == nil && n > -1e12 && n < 1e12
}
