package kernel

import (
	"slices"
	"strings"
	"unicode"
)

// Whether two sentences contradict each other is told by their words alone, the
// same way every time: it may see too much or too little, and so it decides
// nothing. It marks what somebody should look at.

func wordSet(text string) map[string]bool {
	out := map[string]bool{}
	for w := range strings.FieldsSeq(text) {
		out[w] = true
	}
	return out
}

var (
	// empty words say nothing about what a sentence is about.
	empty = wordSet(`a an the my your his her our their i you he she we they me us it its is are was were am be been to of in on at for and or that this with
		as by from do does did has have had will would any anymore longer still now also very really about what who when where how
		ich du er sie es wir ihr mein meine dein der die das ein eine einen ist sind war bin zu von im am um und oder mit mehr noch auch`)
	// negating words turn a sentence round.
	negating = wordSet(`not no never none neither nor without dont doesnt didnt isnt arent wasnt werent cant cannot couldnt wont wouldnt shouldnt hasnt havent
		hate hates dislike dislikes avoid avoids stop stops stopped quit quits refuse refuses nicht kein keine keinen keiner nie niemals ohne hasse`)
	// fond words are what negating ones such as "hates" stand against.
	fond = wordSet(`like likes love loves enjoy enjoys want wants prefer prefers use uses always mag liebe`)
	// single words say of something the one thing that it is.
	single = wordSet(`is are am was called named live lives work works born moved moves weigh weighs equals ist sind bin heisst heißt heiße wohnt wohne arbeite arbeitet`)
)

func tokens(text string) []string {
	text = strings.NewReplacer("'", "", "’", "").Replace(strings.ToLower(text))
	return strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
}

// contradicts reports whether two sentences look as if one negated the other, or
// said something else about the same thing.
func contradicts(a, b string) bool {
	x, y := tokens(a), tokens(b)
	if slices.Equal(x, y) || len(x) == 0 || len(y) == 0 {
		return false
	}
	return negates(x, y) || replaces(x, y)
}

// negates: they are about the same, and one has a "not" more.
func negates(x, y []string) bool {
	a, odd := topic(x)
	b, odder := topic(y)
	if odd == odder || len(a) == 0 || len(b) == 0 {
		return false
	}
	common := 0
	for w := range a {
		if b[w] {
			common++
		}
	}
	return common*5 >= min(len(a), len(b))*3 && common*2 >= max(len(a), len(b))
}

// topic is what a sentence is about, and whether it is negated.
func topic(words []string) (about map[string]bool, negated bool) {
	about = map[string]bool{}
	for _, w := range words {
		switch {
		case negating[w]:
			negated = !negated
		case empty[w], fond[w]:
		default:
			about[strings.TrimSuffix(w, "s")] = true
		}
	}
	return about, negated
}

// replaces: they begin alike, name the one thing that something is, and end
// differently.
func replaces(x, y []string) bool {
	n := 0
	for n < len(x) && n < len(y) && x[n] == y[n] {
		n++
	}
	head, a, b := x[:n], x[n:], y[n:]
	for len(a) > 0 && len(b) > 0 && a[len(a)-1] == b[len(b)-1] {
		a, b = a[:len(a)-1], b[:len(b)-1]
	}
	if n < 2 || len(a) == 0 || len(b) == 0 || len(a) > 5 || len(b) > 5 || slices.ContainsFunc(a, func(w string) bool { return slices.Contains(b, w) && !empty[w] }) {
		return false
	}
	about, _ := topic(head)
	numbers := numeral(a) && numeral(b)
	return len(about) > 0 && (numbers || slices.ContainsFunc(head, func(w string) bool { return single[w] }))
}

func numeral(words []string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return unicode.IsDigit(rune(w[0])) })
}
