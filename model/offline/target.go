package offline

import (
	"regexp"
	"slices"
	"strings"
)

// findApp finds the app that text names, and text without the mention where
// that is only a mention ("in the expenses app").
func findApp(text string, apps []stateApp) (*stateApp, string) {
	p := fold(text)
	var best *stateApp
	name := ""
	for i := range apps {
		for _, n := range namesOf(apps[i]) {
			if hasWord(p, n) && len(n) > len(name) {
				best, name = &apps[i], n
			}
		}
	}
	if best == nil {
		return nil, text
	}
	words := strings.ReplaceAll(regexp.QuoteMeta(name), " ", `[\s-]+`)
	mention := regexp.MustCompile(`(?i)[ ,]*\b(?:in|to|for|of|from|on|within|inside|zu|in der|bei|der|zur|für)\s+(?:(?:the|my|our|your|this|meine[rnms]?|der|die|den|das|app)\s+)*` + words + `(?:\s+(?:app|list|tracker|application|anwendung|liste))?\b`)
	rest := mention.ReplaceAllString(text, "")
	if rest == text { // "the expenses app should also have a shop"
		lead := regexp.MustCompile(`(?i)^(?:(?:the|my|in|for|die|meine)\s+)*` + words + `(?:\s+(?:app|list|tracker))?\s*(?:should (?:also )?(?:have|show)|needs?|:|,|soll)\s*`)
		if m := lead.FindString(rest); m != "" && m != rest {
			if rest = rest[len(m):]; !changeLead.MatchString(rest) {
				rest = "add " + rest
			}
		}
	}
	if columns := best.columns(); slices.Contains(columns, identifier(name, "_", 40)) || strings.TrimSpace(rest) == "" {
		return best, text // "weight" is also the field
	}
	return best, strings.Trim(rest, " ,:")
}

// namesOf are the folded forms under which people speak of an app.
func namesOf(a stateApp) []string {
	out := []string{}
	for _, n := range []string{fold(a.Name), fold(a.Slug), singular(fold(a.Name))} {
		if len(n) > 2 && !slices.Contains(out, n) {
			out = append(out, n)
		}
	}
	return out
}

// sameApp finds the app that words are the whole name of.
func sameApp(words string, apps []stateApp) (stateApp, bool) {
	p := fold(trimArticles(words))
	p = strings.TrimSuffix(strings.TrimSuffix(p, " app"), " tracker")
	for _, a := range apps {
		if slices.Contains(namesOf(a), p) {
			return a, true
		}
	}
	for _, a := range apps {
		if slices.ContainsFunc(namesOf(a), func(n string) bool { return near(n, p) }) {
			return a, true
		}
	}
	return stateApp{}, false
}

// target is the app that a change is meant for: the named one, the one in
// front, the one last dealt with, or the only one. ambiguous says that it
// could be several.
func (l *lexicon) target(named *stateApp, st state, last string) (app *stateApp, ambiguous bool) {
	if named != nil {
		return named, false
	}
	for _, slug := range []string{st.Focus, last} {
		for i := range st.Apps {
			if slug != "" && st.Apps[i].Slug == slug {
				return &st.Apps[i], false
			}
		}
	}
	for _, shipped := range []bool{false, true} {
		var shown []int
		for i, a := range st.Apps {
			if !a.Hidden && a.Shipped == shipped {
				shown = append(shown, i)
			}
		}
		switch {
		case len(shown) == 1:
			return &st.Apps[shown[0]], false
		case len(shown) > 1:
			return nil, true
		}
	}
	return nil, false
}

var (
	accents = map[string]string{
		"green": "#1F7A4D", "grün": "#1F7A4D", "blue": "#1D5FBF", "blau": "#1D5FBF", "red": "#B3261E", "rot": "#B3261E", "orange": "#B4560B", "purple": "#6B46B8", "violet": "#6B46B8", "lila": "#6B46B8", "violett": "#6B46B8",
		"pink": "#B83280", "rosa": "#B83280", "teal": "#0F766E", "türkis": "#0F766E", "turquoise": "#0F766E", "yellow": "#8A6A00", "gelb": "#8A6A00", "brown": "#7A4B22", "braun": "#7A4B22", "grey": "#55534E", "gray": "#55534E", "grau": "#55534E", "black": "#1C1B19", "schwarz": "#1C1B19", "indigo": "#3F4BB8",
	}
	hexColor   = regexp.MustCompile(`#[0-9a-fA-F]{6}\b`)
	systemMode = regexp.MustCompile(`(?i)\b(?:system|automatic|auto|automatisch|follow)\b`)
	darkMode   = regexp.MustCompile(`(?i)\b(?:dark|darker|night|dunkel\w*|dunkles?)\b`)
	lightMode  = regexp.MustCompile(`(?i)\b(?:light|lighter|bright|brighter|hell|helle[rns]?|hellmodus|day)\b`)
)

// themeOf reads a mode and an accent colour.
func themeOf(text string) (mode, accent string) {
	switch {
	case systemMode.MatchString(text):
		mode = "system"
	case darkMode.MatchString(text):
		mode = "dark"
	case lightMode.MatchString(text):
		mode = "light"
	}
	if m := hexColor.FindString(text); m != "" {
		return mode, strings.ToUpper(m)
	}
	for w := range strings.FieldsSeq(fold(text)) {
		if c := accents[w]; c != "" {
			if w == "black" || w == "schwarz" {
				if mode == "" && !strings.Contains(strings.ToLower(text), "accent") {
					return "dark", ""
				}
			}
			return mode, c
		}
	}
	return mode, ""
}
