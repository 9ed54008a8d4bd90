package offline

import (
	"regexp"
	"strings"
)

// A request that leaves open what is to be built is asked about before anything is
// built: which app, which of several kinds, or what to note in one that the lexicon
// knows nothing of. A clear one never is. The kernel counts the questions.
var (
	anyApp     = regexp.MustCompile(`(?i)^(?:(?:an?|the|my|some|new|simple|basic|small|little|nice|own|eine?n?|neue[sn]?|einfache[sn]?|kleine[sn]?)\s+)*(?:apps?|application|tracker|tool|program|thing|something|log|anwendung|programm|werkzeug|etwas)$`)
	anyPlanner = regexp.MustCompile(`(?i)^(?:(?:an?|the|my|new|simple|eine?n?|neue[nr]?)\s+)*(?:planner|organi[sz]er|planer)$`)
	leftToUs   = regexp.MustCompile(`(?i)^\s*\(the owner leaves it to you`)
)

// inquiry is one question before a build: what is asked, and how the answer
// completes the owner's words.
type inquiry struct {
	key  string
	join func(words, answer string) string
}

// replaced is a request for what the answer names.
func (in intent) replaced(_, answer string) string {
	if in.de {
		return "erstelle " + answer
	}
	return "make " + answer
}

// inquiry is what is still open about in, if anything.
func (k *kernel) inquiry(in intent) (inquiry, bool) {
	bare := stripPolite(strings.TrimRight(in.text, " .!?"))
	rest := strings.TrimSpace(makeVerb.ReplaceAllString(bare, ""))
	switch {
	case in.verb == verbUnfinished && (anyApp.MatchString(rest) || anyPlanner.MatchString(rest)):
		return inquiry{"ask-about", func(_, answer string) string {
			if makeVerb.MatchString(answer) || keepVerb.MatchString(answer) {
				return answer
			}
			return k.l.say(in.de, "ask-about-as", "answer", answer)
		}}, true
	case in.verb == verbOtherGame && in.arg == "" && gameWord.MatchString(bare):
		return inquiry{"ask-game", in.replaced}, true
	case in.verb == verbBuild && anyPlanner.MatchString(rest):
		return inquiry{"ask-planner", in.replaced}, true
	case in.verb == verbBuild && in.vague:
		return inquiry{"ask-fields", func(words, answer string) string {
			with := " with "
			if in.de {
				with = " mit "
			}
			return strings.TrimRight(words, " .!?") + with + answer
		}}, true
	}
	return inquiry{}, false
}

// interview completes in by what the owner has said when asked, or asks; then ok is
// false and the step is the question. A question that is left to us ends it.
func (k *kernel) interview(in intent, now turn) (_ intent, ask step, ok bool) {
	if !k.granted("ask_owner") {
		return in, step{}, true
	}
	asked := callsNamed(now, "ask_owner")
	seen := map[string]bool{}
	for n := 0; ; n++ {
		q, open := k.inquiry(in)
		if !open || seen[q.key] {
			return in, step{}, true
		}
		seen[q.key] = true
		if n == len(asked) {
			return in, k.question(q, in), false
		}
		answer := strings.Join(strings.Fields(asked[n].result), " ")
		if asked[n].failed || leftToUs.MatchString(answer) || skipWord.MatchString(answer) {
			return in, step{}, true
		}
		text := q.join(in.text, cutRunes(answer, 200))
		next := k.l.understand(text, k.t.state, "")
		if next.verb != verbBuild && next.verb != verbOpen && next.verb != verbUnfinished && next.verb != verbOtherGame {
			return in, step{}, true // another matter: the first words count
		}
		next.de, next.text = in.de, text
		in = next
	}
}

func (k *kernel) question(q inquiry, in intent) step {
	choices := []string{}
	for _, c := range strings.Split(k.l.say(in.de, q.key+"-choices"), "/") {
		if c = strings.TrimSpace(c); c != "" {
			choices = append(choices, c)
		}
	}
	app, noun := "new-app", ""
	if in.spec != nil {
		app, noun = in.spec.Slug, in.spec.Noun
	}
	return do(tool("ask_owner", "question", k.l.say(in.de, q.key, "noun", noun), "choices", choices, "app", app))
}
