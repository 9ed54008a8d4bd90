package offline

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Type is a field's type, as @matrixos/sdk names it.
type Type string

// The field types.
const (
	TypeText     Type = "text"
	TypeNote     Type = "note"
	TypeNumber   Type = "number"
	TypeMoney    Type = "money"
	TypePercent  Type = "percent"
	TypeDate     Type = "date"
	TypeTime     Type = "time"
	TypeDateTime Type = "datetime"
	TypeDuration Type = "duration"
	TypeRating   Type = "rating"
	TypeCheck    Type = "check"
	TypeChoice   Type = "choice"
	TypeTags     Type = "tags"
	TypeLink     Type = "link"
	TypeEmail    Type = "email"
	TypePhone    Type = "phone"
	TypeColor    Type = "color"
)

var allTypes = []Type{
	TypeText, TypeNote, TypeNumber, TypeMoney, TypePercent, TypeDate, TypeTime, TypeDateTime, TypeDuration,
	TypeRating, TypeCheck, TypeChoice, TypeTags, TypeLink, TypeEmail, TypePhone, TypeColor,
}

// Field is one field of an app, as its fields.json spells it.
type Field struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Type     Type     `json:"type"`
	Required bool     `json:"required,omitempty"`
	Options  []string `json:"options,omitempty"`
	Default  any      `json:"default,omitempty"`
	Unit     string   `json:"unit,omitempty"`
	Currency string   `json:"currency,omitempty"`
	Min      *float64 `json:"min,omitempty"`
	Max      *float64 `json:"max,omitempty"`
	Step     *float64 `json:"step,omitempty"`
}

// column is the manifest's column type for f.
func (f Field) column() string {
	switch f.Type {
	case TypeMoney, TypePercent:
		return "float"
	case TypeNumber:
		if f.Step != nil && *f.Step == 1 {
			return "integer"
		}
		return "float"
	case TypeDuration, TypeRating:
		return "integer"
	case TypeCheck:
		return "boolean"
	case TypeTags:
		return "jsonb"
	case TypeText, TypeNote, TypeDate, TypeTime, TypeDateTime, TypeChoice, TypeLink, TypeEmail, TypePhone, TypeColor:
		return "text"
	}
	return "text"
}

// numeric reports whether values of f can be summed.
func (f Field) numeric() bool {
	switch f.Type {
	case TypeMoney, TypePercent, TypeNumber, TypeDuration, TypeRating:
		return true
	case TypeText, TypeNote, TypeDate, TypeTime, TypeDateTime, TypeCheck, TypeChoice, TypeTags, TypeLink, TypeEmail, TypePhone, TypeColor:
		return false
	}
	return false
}

func (f Field) dated() bool { return f.Type == TypeDate || f.Type == TypeDateTime }

// typeFor infers a field's type from its label: the phrase, its head, then any
// word, then a German compound's tail; text if nothing fits.
func (l *lexicon) typeFor(label string) Type {
	t, _ := l.knownType(label)
	return t
}

func (l *lexicon) knownType(label string) (Type, bool) {
	p := fold(label)
	for _, try := range []string{p, singular(p)} {
		if t, ok := l.typeOf[try]; ok {
			return t, true
		}
	}
	words := strings.Fields(p)
	for i := 1; i < len(words); i++ {
		tail := strings.Join(words[i:], " ")
		for _, try := range []string{tail, singular(tail)} {
			if t, ok := l.typeOf[try]; ok {
				return t, true
			}
		}
	}
	if strings.HasPrefix(p, "is ") || strings.HasPrefix(p, "has ") || strings.HasPrefix(p, "ist ") || strings.HasPrefix(p, "hat ") {
		return TypeCheck, true
	}
	best := ""
	for suffix := range l.Suffixes {
		if len(p) > len(suffix)+2 && strings.HasSuffix(p, suffix) && len(suffix) > len(best) {
			best = suffix
		}
	}
	if best != "" {
		return l.Suffixes[best], true
	}
	for _, w := range words {
		if near1, ok := l.nearType(w); ok {
			return near1, true
		}
	}
	return TypeText, false
}

// nearType forgives one slip in a longer word.
func (l *lexicon) nearType(word string) (Type, bool) {
	if len(word) < 5 {
		return "", false
	}
	for _, t := range allTypes {
		for _, w := range l.Types[t] {
			if len(w) >= 5 && near(word, w) {
				return t, true
			}
		}
	}
	return "", false
}

var (
	inCurrency = regexp.MustCompile(`(?i)\s+(?:in|auf)\s+([\p{L} ]+|[€$£¥₹])$`)
	outOf      = regexp.MustCompile(`(?i)\b(?:out of|up to|von|max\.?|maximum of|1\s*(?:-|to|bis)|from 1 to|von 1 bis)\s*(\d{1,3})(?:\s*(?:stars|points|sterne|sternen|punkte|punkten))?\b`)
	stars      = regexp.MustCompile(`(?i)\b(\d{1,2})[ -]?(?:stars?|sterne)\b`)
	rangeOf    = regexp.MustCompile(`(?i)\b(?:between|from|zwischen|von)?\s*(-?\d{1,6})\s*(?:-|to|and|bis|und)\s*(-?\d{1,6})\b`)
)

// shape applies what text (the words around or in brackets behind a label)
// says about the type of f: a named type, a unit, a currency, a range. It
// reports whether text said anything.
func (l *lexicon) shape(f *Field, text string) bool {
	p := fold(trimArticles(text))
	low := strings.ToLower(strings.TrimSpace(text))
	p = strings.TrimSuffix(strings.TrimSuffix(strings.TrimPrefix(strings.TrimPrefix(p, "in "), "as "), " field"), " feld")
	if p == "required" || p == "mandatory" || p == "pflicht" || p == "pflichtfeld" {
		f.Required = true
		return true
	}
	if p == "optional" {
		f.Required = false
		return true
	}
	if t, ok := l.namedAs[strings.TrimPrefix(low, "a ")]; ok {
		f.setType(t)
		return true
	}
	if t, ok := l.namedAs[p]; ok {
		f.setType(t)
		return true
	}
	if m := stars.FindStringSubmatch(low); m != nil {
		return f.scale(m[1])
	}
	if m := outOf.FindStringSubmatch(low); m != nil {
		return f.scale(m[1])
	}
	if c, ok := l.Money[p]; ok {
		f.setType(TypeMoney)
		f.Currency = c
		return true
	}
	if c, ok := l.Money[low]; ok {
		f.setType(TypeMoney)
		f.Currency = c
		return true
	}
	return l.measure(f, p, low)
}

func (l *lexicon) measure(f *Field, p, low string) bool {
	if slices.Contains(l.Durations, p) {
		f.setType(TypeDuration)
		return true
	}
	if u, ok := l.Units[low]; ok {
		f.setType(TypeNumber)
		f.Unit = u
		return true
	}
	if u, ok := l.Units[p]; ok {
		f.setType(TypeNumber)
		f.Unit = u
		return true
	}
	if p == "whole number" || p == "integer" || p == "ganzzahl" {
		f.setType(TypeNumber)
		f.Step = new(float64(1))
		return true
	}
	if m := rangeOf.FindStringSubmatch(low); m != nil && strings.TrimSpace(rangeOf.ReplaceAllString(low, "")) == "" {
		lo, err1 := strconv.ParseFloat(m[1], 64)
		hi, err2 := strconv.ParseFloat(m[2], 64)
		if err1 == nil && err2 == nil && lo < hi {
			if f.Type != TypePercent {
				f.setType(TypeNumber)
			}
			f.Min, f.Max = new(lo), new(hi)
			return true
		}
	}
	return false
}

// setType changes the type and forgets what only fitted the old one.
func (f *Field) setType(t Type) {
	if f.Type == t {
		return
	}
	f.Type, f.Options, f.Unit, f.Currency, f.Min, f.Max, f.Step, f.Default = t, nil, "", "", nil, nil, nil, nil
}

// scale makes f a rating out of top, or a number with that maximum where stars
// would not fit a line.
func (f *Field) scale(top string) bool {
	n, err := strconv.ParseFloat(top, 64)
	if err != nil || n < 2 {
		return false
	}
	if n <= 10 {
		f.setType(TypeRating)
		if n != 5 {
			f.Max = new(n)
		}
		return true
	}
	f.setType(TypeNumber)
	f.Min, f.Max = new(float64(0)), new(n)
	return true
}

func itoa(n int) string { return strconv.Itoa(n) }
