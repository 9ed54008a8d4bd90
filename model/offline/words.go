package offline

import (
	"strings"
	"unicode"
)

// maxText bounds how much of an owner's message is looked at; a longer one is
// cut, because no request that this model understands is longer.
const maxText = 4000

// clean makes one line of text with plain quotes and dashes and single spaces.
func clean(text string) string {
	if len(text) > maxText {
		text = strings.ToValidUTF8(text[:maxText], "")
	}
	text = strings.Map(func(r rune) rune {
		switch r {
		case '’', '‘', '`', '´':
			return '\''
		case '“', '”', '„', '«', '»':
			return '"'
		case '–', '—', '‑':
			return '-'
		case '\u00a0', '\t', '\r':
			return ' '
		case '\n':
			return '\n'
		}
		if unicode.IsControl(r) || r == unicode.ReplacementChar {
			return -1
		}
		return r
	}, text)
	return strings.TrimSpace(text)
}

// flat is clean on one line; where an owner began a new line or a bullet, it
// has a semicolon, which separates more strongly than a comma.
func flat(text string) string {
	var b strings.Builder
	for line := range strings.SplitSeq(clean(text), "\n") {
		line = strings.Join(strings.Fields(line), " ")
		line = strings.TrimSpace(strings.TrimLeft(line, "-*•· "))
		if line == "" {
			continue
		}
		if so := b.String(); so != "" {
			if !strings.ContainsAny(so[len(so)-1:], ":;,.!?") {
				b.WriteString(";")
			}
			b.WriteString(" ")
		}
		b.WriteString(line)
	}
	return b.String()
}

// fold is text as it is compared: lower case, hyphens as spaces, no marks
// around words.
func fold(text string) string {
	text = strings.ToLower(text)
	text = strings.Map(func(r rune) rune {
		switch r {
		case '-', '_':
			return ' '
		case '"', '!', '?', '.', ',', ';', ':', '(', ')', '[', ']', '*':
			return ' '
		}
		return r
	}, text)
	return strings.Join(strings.Fields(text), " ")
}

// hasWord reports whether phrase stands in text on word borders; both folded.
func hasWord(text, phrase string) bool {
	return phrase != "" && strings.Contains(" "+text+" ", " "+phrase+" ")
}

var articles = set("a an the my our your his her its their some any all this that these those each every new another simple basic little small nice quick personal own please ein eine einen einem einer eines der die das den dem des mein meine meinen meiner meinem unser unsere unseren neue neuer neues neuen einfache einfacher einfaches einfachen kleine kleiner kleines kleinen bitte jede jeder jedes")

func set(words string) map[string]bool {
	m := map[string]bool{}
	for w := range strings.FieldsSeq(words) {
		m[w] = true
	}
	return m
}

// trimArticles drops leading articles, possessives and the like.
func trimArticles(text string) string {
	text = strings.TrimSpace(text)
	for {
		first, rest, more := strings.Cut(text, " ")
		if !more || !articles[strings.ToLower(strings.Trim(first, ",."))] {
			return text
		}
		text = strings.TrimSpace(rest)
	}
}

var irregular = map[string]string{
	"people": "person", "children": "child", "men": "man", "women": "woman", "mice": "mouse", "feet": "foot", "teeth": "tooth",
	"geese": "goose", "movies": "movie", "cookies": "cookie", "calories": "calorie", "series": "series", "species": "species", "news": "news",
	"shelves": "shelf", "knives": "knife", "lives": "life", "leaves": "leaf", "loaves": "loaf", "halves": "half", "expenses": "expense", "purchases": "purchase",
	"courses": "course", "houses": "house", "horses": "horse", "nurses": "nurse", "cases": "case", "phases": "phase", "leases": "lease", "releases": "release",
	"exercises": "exercise", "glasses": "glass", "classes": "class", "buses": "bus", "statuses": "status", "analyses": "analysis", "shoes": "shoe", "cacti": "cactus", "ties": "tie", "pies": "pie",
	"bonuses": "bonus", "viruses": "virus", "licenses": "license", "responses": "response", "diagnoses": "diagnosis", "exes": "ex",
}

// singular makes an English noun phrase singular by its last word.
func singular(phrase string) string {
	head := phrase
	before := ""
	if i := strings.LastIndexByte(phrase, ' '); i >= 0 {
		before, head = phrase[:i+1], phrase[i+1:]
	}
	low := strings.ToLower(head)
	if s, ok := irregular[low]; ok {
		return before + s
	}
	switch {
	case len(low) < 4 || strings.HasSuffix(low, "ss") || strings.HasSuffix(low, "us") || strings.HasSuffix(low, "is"):
		return phrase
	case strings.HasSuffix(low, "ies") && len(low) > 4:
		return before + head[:len(head)-3] + "y"
	case strings.HasSuffix(low, "ches"), strings.HasSuffix(low, "shes"), strings.HasSuffix(low, "xes"), strings.HasSuffix(low, "sses"), strings.HasSuffix(low, "zzes"):
		return before + head[:len(head)-2]
	case strings.HasSuffix(low, "oes"):
		return before + head[:len(head)-2]
	case strings.HasSuffix(low, "s"):
		return before + head[:len(head)-1]
	}
	return phrase
}

// sentence gives text a capital first letter and keeps the rest.
func sentence(text string) string {
	for i, r := range text {
		return text[:i] + string(unicode.ToUpper(r)) + text[i+len(string(r)):]
	}
	return text
}

// lowerFirst is the opposite of sentence, except for acronyms.
func lowerFirst(text string) string {
	r := []rune(text)
	if len(r) == 0 || (len(r) > 1 && unicode.IsUpper(r[1])) {
		return text
	}
	return string(unicode.ToLower(r[0])) + string(r[1:])
}

var ascii = strings.NewReplacer("ä", "ae", "ö", "oe", "ü", "ue", "ß", "ss", "é", "e", "è", "e", "ê", "e", "à", "a", "á", "a", "â", "a", "ç", "c", "ñ", "n", "ó", "o", "ô", "o", "í", "i", "î", "i", "ú", "u", "û", "u", "å", "a", "ø", "o", "æ", "ae", "&", " and ", "%", " percent ", "€", " euro ", "#", " number ")

// identifier joins the ASCII words of text with sep, at most limit bytes long.
func identifier(text, sep string, limit int) string {
	text = ascii.Replace(strings.ToLower(text))
	words := strings.FieldsFunc(text, func(r rune) bool { return (r < 'a' || r > 'z') && (r < '0' || r > '9') })
	out := ""
	for _, w := range words {
		if w == "s" && out != "" {
			continue // of "dog's"
		}
		next := w
		if out != "" {
			next = out + sep + w
		}
		if len(next) > limit {
			if out == "" {
				out = w[:limit]
			}
			break
		}
		out = next
	}
	return out
}

// slugOf names an app's folder.
func slugOf(name string) string {
	if s := identifier(name, "-", 40); s != "" {
		return s
	}
	return "app"
}

// unique adds a number to want until taken says no.
func unique(want, sep string, taken func(string) bool) string {
	got := want
	for n := 2; taken(got); n++ {
		got = want + sep + itoa(n)
	}
	return got
}

// plainName keeps of text what a title of an app may hold, in markup and code
// alike: letters, digits, spaces and a few marks, at most 40 runes.
func plainName(text string) string {
	var b strings.Builder
	n := 0
	for _, r := range strings.TrimSpace(text) {
		if n == 40 {
			break
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune(" -'.,+/()", r) {
			b.WriteRune(r)
			n++
		}
	}
	return strings.Trim(strings.Join(strings.Fields(b.String()), " "), "-'.,+/ ")
}

// near reports whether a and b differ by one typing slip (a letter wrong,
// missing, extra, or two swapped). Short words are never near.
func near(a, b string) bool {
	x, y := []rune(a), []rune(b)
	if len(x) > len(y) {
		x, y = y, x
	}
	if len(x) < 5 || len(y)-len(x) > 1 || a == b {
		return a == b
	}
	i := 0
	for i < len(x) && x[i] == y[i] {
		i++
	}
	if len(x) == len(y) {
		if string(x[i+1:]) == string(y[i+1:]) {
			return true
		}
		return i+1 < len(x) && x[i] == y[i+1] && x[i+1] == y[i] && string(x[i+2:]) == string(y[i+2:])
	}
	return string(x[i:]) == string(y[i+1:])
}

var (
	germanWords  = set("ich mein meine meinen meiner mit und der die das den dem für bitte eine einen ein nach wie hinzu füge öffne zeige zeig sortiere gruppiere erinnere mich morgen heute täglich jeden alle erstelle erstell baue bau mach mache brauche möchte will hätte gerne gern verfolge lösche entferne nenne benenne um welche apps rückgängig dunkel hell hilfe hallo danke merke merk dass auch noch feld spalte diagramm pro woche monat liste als nicht kannst du mir ausgaben bücher aufgaben gewohnheiten umfrage vergiss was hast gemerkt guten tag neues neue ändere umbenennen suche uhr von bis oder zeit")
	englishWords = set("i my the a an with and of for please make create build add show track want need to open list by as per is it in on at remind me remember forget what do you hello hi thanks help new field column chart sort group app undo dark light theme status every day week month")
)

// german reports whether text reads as German rather than English.
func german(text string) bool {
	de, en := 0, 0
	for w := range strings.FieldsSeq(fold(text)) {
		if germanWords[w] {
			de++
		}
		if englishWords[w] {
			en++
		}
		if strings.ContainsAny(w, "äöüß") {
			de++
		}
	}
	return de > en
}
