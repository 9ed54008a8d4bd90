package offline

import (
	"fmt"
	"strings"
)

// loadIcons reads the names of all lucide icons.
func loadIcons() (map[string]bool, error) {
	raw, err := lexiconFiles.ReadFile("lexicon/icons.txt")
	if err != nil {
		return nil, fmt.Errorf("read the built-in lexicon: %w", err)
	}
	names := map[string]bool{}
	for n := range strings.FieldsSeq(string(raw)) {
		names[n] = true
	}
	return names, nil
}

// icon finds an icon for words: by its name, then by what it is about.
func (l *lexicon) icon(words string) (string, bool) {
	p := fold(trimArticles(words))
	p = strings.TrimSuffix(strings.TrimSuffix(p, " icon"), " symbol")
	for _, try := range []string{p, singular(p)} {
		if name := strings.ReplaceAll(try, " ", "-"); l.icons[name] {
			return name, true
		}
	}
	if other := l.iconWords[p]; other != "" {
		return other, true
	}
	if d := l.domainOf[p]; d != nil {
		return d.Icon, true
	}
	if d := l.domainOf[singular(p)]; d != nil {
		return d.Icon, true
	}
	if k := l.kindOf[p]; k != nil {
		return k.Icon, true
	}
	return "", false
}
