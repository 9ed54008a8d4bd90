package offline

import (
	"embed"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

//go:embed lexicon
var lexiconFiles embed.FS

// domain is something that people keep apps about.
type domain struct {
	Name     string   `json:"name"`
	German   string   `json:"de"`
	Noun     string   `json:"noun"`
	NounDE   string   `json:"noun_de"`
	Words    []string `json:"words"`
	Icon     string   `json:"icon"`
	Category string   `json:"category"`
	Kind     Kind     `json:"kind"`
	Fields   []string `json:"fields"`
	Sort     string   `json:"sort"`
	Group    string   `json:"group"`
	Done     string   `json:"done"`
	View     string   `json:"view"`
	Totals   []string `json:"totals"`
	Filters  []string `json:"filters"`
	Charts   []string `json:"charts"`
	Search   bool     `json:"search"`
	Specific bool     `json:"specific"` // the owner's word makes a better name than ours
	Identity string   `json:"identity"` // the column that names a row, wanted even if the owner does not list it
}

// kindEntry is a kind of app that is known by name rather than by its fields.
type kindEntry struct {
	Kind     Kind     `json:"kind"`
	Name     string   `json:"name"`
	German   string   `json:"de"`
	Icon     string   `json:"icon"`
	Category string   `json:"category"`
	Words    []string `json:"words"`
}

// lexicon is what the model knows about the world.
type lexicon struct {
	Types     map[Type][]string   `json:"types"`
	Suffixes  map[string]Type     `json:"suffixes"`
	Named     map[Type][]string   `json:"named"`
	Integers  []string            `json:"integers"`
	Options   map[string][]string `json:"options"`
	Units     map[string]string   `json:"units"`
	Durations []string            `json:"durations"`
	Money     map[string]string   `json:"currencies"`
	LabelsDE  map[string]string   `json:"labels_de"`
	OptionsDE map[string]string   `json:"options_de"`
	iconWords map[string]string
	means     map[string][]string // words that mean an option of a choice, folded

	domains []domain
	kinds   []kindEntry
	replies map[string]reply
	wishes  []wish
	icons   map[string]bool

	typeOf   map[string]Type    // of a folded word or phrase for a field
	namedAs  map[string]Type    // of a folded name of a type
	integer  map[string]bool    // words whose numbers are whole
	domainOf map[string]*domain // of a folded word or phrase
	kindOf   map[string]*kindEntry
}

// reply is one sentence of ours, in the languages we answer in.
type reply struct {
	EN string `json:"en"`
	DE string `json:"de"`
}

// loadLexicon reads the embedded files and builds the look-up tables. The
// files are part of the binary, so that an error is a fault of the build.
func loadLexicon() (*lexicon, error) {
	l := &lexicon{
		typeOf: map[string]Type{}, namedAs: map[string]Type{}, integer: map[string]bool{},
		domainOf: map[string]*domain{}, kindOf: map[string]*kindEntry{},
	}
	for name, into := range map[string]any{"types": l, "domains": &l.domains, "kinds": &l.kinds, "replies": &l.replies, "iconwords": &l.iconWords, "means": &l.means} {
		raw, err := lexiconFiles.ReadFile("lexicon/" + name + ".json")
		if err != nil {
			return nil, fmt.Errorf("read the built-in lexicon: %w", err)
		}
		if err := json.Unmarshal(raw, into); err != nil {
			return nil, fmt.Errorf("read the built-in lexicon %s.json: %w", name, err)
		}
	}
	wishes, err := loadWishes()
	if err != nil {
		return nil, err
	}
	l.wishes = wishes
	if l.icons, err = loadIcons(); err != nil {
		return nil, err
	}
	for _, t := range allTypes {
		for _, w := range l.Types[t] {
			l.typeOf[fold(w)] = t
		}
		for _, w := range l.Named[t] {
			if _, taken := l.namedAs[w]; !taken {
				l.namedAs[w] = t
			}
		}
	}
	for _, w := range l.Integers {
		l.integer[w] = true
	}
	for i := range l.domains {
		d := &l.domains[i]
		if d.Kind == "" {
			d.Kind = KindTracker
		}
		for _, w := range append([]string{d.Name, d.German, d.Noun}, d.Words...) {
			l.addDomainWord(fold(w), d, slices.Contains(d.Words, w))
			l.addDomainWord(singular(fold(w)), d, false)
		}
	}
	for i := range l.kinds {
		k := &l.kinds[i]
		for _, w := range k.Words {
			l.kindOf[fold(w)] = k
		}
	}
	return l, nil
}

// addDomainWord makes w mean d. Words that a domain lists outrank the ones
// that only follow from its name.
func (l *lexicon) addDomainWord(w string, d *domain, listed bool) {
	if _, taken := l.domainOf[w]; !taken || listed {
		l.domainOf[w] = d
	}
}

// domainFor finds the domain of a phrase: the whole of it, then ever shorter
// tails (the head of an English noun phrase is last), then any word or pair in
// it, then with one typing slip forgiven. exact says that the phrase is nothing
// but the domain's own words.
func (l *lexicon) domainFor(phrase string) (d *domain, exact bool) {
	words := strings.Fields(fold(phrase))
	for i, w := range words { // "packing list for my trip" is a packing list
		if i > 0 && (w == "for" || w == "für" || w == "of" || w == "von") {
			if d, whole := l.domainFor(strings.Join(words[:i], " ")); d != nil && whole {
				return d, false
			}
		}
	}
	if n := len(words); n > 1 && (strings.HasPrefix(words[n-1], "collection") || words[n-1] == "sammlung") {
		if d, _ := l.domainFor(strings.Join(words[:n-1], " ")); d != nil {
			return d, n == 2
		}
	}
	find := l.domainNamed
	for i := range words {
		if d := find(words[i:]); d != nil {
			return d, i == 0
		}
	}
	for size := 3; size > 0; size-- {
		for i := 0; i+size <= len(words); i++ {
			if d := find(words[i : i+size]); d != nil {
				return d, false
			}
		}
	}
	for _, word := range slices.Backward(words) {
		if d := l.nearDomain(word); d != nil {
			return d, len(words) == 1
		}
	}
	return nil, false
}

// domainNamed finds the domain that words name, in singular or plural, with a
// German compound's tail cut off: "Aufgabenliste".
func (l *lexicon) domainNamed(words []string) *domain {
	p := strings.Join(words, " ")
	for _, try := range []string{p, singular(p), strings.TrimSuffix(p, "liste"), strings.TrimSuffix(p, "tracker"), strings.TrimSuffix(p, "verwaltung")} {
		if d := l.domainOf[try]; d != nil && try != "" {
			return d
		}
	}
	return nil
}

// german reports whether text reads as German; a lone word counts if it is
// German in the lexicon.
func (l *lexicon) german(text string) bool {
	if german(text) {
		return true
	}
	p := fold(text)
	d := l.domainNamed([]string{p})
	return d != nil && len(strings.Fields(p)) == 1 && (p == fold(d.German) || strings.HasSuffix(p, "liste") || strings.HasSuffix(p, "verwaltung")) && p != fold(d.Name)
}

func (l *lexicon) nearDomain(word string) *domain {
	for i := range l.domains { // in file order, so that ties are always broken alike
		for _, w := range l.domains[i].Words {
			if len(word) > 5 && len(w) > 5 && (near(word, w) || near(singular(word), w)) {
				return &l.domains[i]
			}
		}
	}
	return nil
}

// kindFor finds a kind of app named anywhere in a phrase, longest name first,
// and where its name ends.
func (l *lexicon) kindFor(phrase string) (k *kindEntry, head bool) {
	words := strings.Fields(fold(phrase))
	for size := min(4, len(words)); size > 0; size-- {
		for i := len(words) - size; i >= 0; i-- {
			p := strings.Join(words[i:i+size], " ")
			if k := l.kindOf[p]; k != nil {
				return k, i+size == len(words)
			}
			if k := l.kindOf[singular(p)]; k != nil {
				return k, i+size == len(words)
			}
		}
	}
	for i, word := range slices.Backward(words) {
		for j := range l.kinds {
			for _, w := range l.kinds[j].Words {
				if len(w) >= 6 && near(word, w) {
					return &l.kinds[j], i == len(words)-1
				}
			}
		}
	}
	return nil, false
}

// say fills the sentence called key in the language wanted; pairs are names and
// values of its {placeholders}.
func (l *lexicon) say(de bool, key string, pairs ...string) string {
	r, ok := l.replies[key]
	text := r.EN
	if de && r.DE != "" {
		text = r.DE
	}
	if !ok {
		text = key
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		pairs[i] = "{" + pairs[i] + "}"
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
