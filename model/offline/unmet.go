package offline

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

// wish is something that owners ask for inside a request we can otherwise
// meet, and that we must name as missing rather than drop in silence.
type wish struct {
	Pattern string         `json:"pattern"`
	EN      string         `json:"en"`
	DE      string         `json:"de"`
	core    *regexp.Regexp // the pattern alone, which is quick to rule out
	re      *regexp.Regexp // with the words that lead to it
}

func loadWishes() ([]wish, error) {
	var out []wish
	raw, err := lexiconFiles.ReadFile("lexicon/unmet.json")
	if err != nil {
		return nil, fmt.Errorf("read the built-in lexicon: %w", err)
	}
	if err := json.Unmarshal(raw, &out); err != nil {
		return nil, fmt.Errorf("read the built-in lexicon unmet.json: %w", err)
	}
	for i := range out {
		re, err := regexp.Compile(`(?i)(?:\s*(?:,|;|\band\b|\bund\b|\bthat\b|\bwhich\b|\bcan\b|\bshould\b|\bit\b|\balso\b)\s*)*` + out[i].Pattern)
		if err != nil {
			return nil, fmt.Errorf("read the built-in lexicon unmet.json: %w", err)
		}
		out[i].re, out[i].core = re, regexp.MustCompile(`(?i)`+out[i].Pattern)
	}
	return out, nil
}

// takeUnmet takes the wishes that we cannot meet out of text and names them.
// A wish that is the whole of the text is left: it is no detail.
func (l *lexicon) takeUnmet(text string) (string, []string) {
	var unmet []string
	de := l.german(text)
	for _, w := range l.wishes {
		if !w.core.MatchString(text) {
			continue
		}
		m := w.re.FindStringIndex(text)
		if m == nil || m[0] < 12 {
			continue
		}
		name := w.EN
		if de {
			name = w.DE
		}
		if !slices.Contains(unmet, name) {
			unmet = append(unmet, name)
		}
		text = strings.TrimSpace(text[:m[0]] + text[m[1]:])
	}
	return text, unmet
}
