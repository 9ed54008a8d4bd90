package offline

import (
	"regexp"
	"slices"
	"strings"
	"time"

	"matrixos/model"
)

var (
	handleForm   = regexp.MustCompile(`@[a-z0-9._=/+-]+:[A-Za-z0-9.-]+(?::\d+)?`)
	meetWords    = regexp.MustCompile(`(?i)\b(?:meet(?:ing)?|appointment|half an hour|(?:an|one) hour|\d+ min\w*|treffen|termin|halbe stunde|eine stunde)\b`)
	lengthWords  = regexp.MustCompile(`(?i)\b(\d{1,3})\s*(?:-\s*)?(min\w*|hours?|stunden?)\b`)
	hourWords    = regexp.MustCompile(`(?i)\b(?:an|one|eine) (?:hour|stunde)\b`)
	halfWords    = regexp.MustCompile(`(?i)\b(?:half an|halbe) (?:hour|stunde)\b`)
	subject      = regexp.MustCompile(`(?i)\b(?:about|to talk about|to discuss|über|wegen|zum thema)\s+(.+)$`)
	nextWeek     = regexp.MustCompile(`(?i)\b(?:next week|nächste[rn]? woche|kommende[rn]? woche)\b`)
	thisWeek     = regexp.MustCompile(`(?i)\b(?:this week|diese[rn]? woche)\b`)
	tellWords    = regexp.MustCompile(`(?i)^\s*(?:please\s+|bitte\s+)?(?:tell|write(?: to)?|message|send|sag(?:e)?|schreib(?:e)?)\s+(?:(?:a|eine)\s+(?:message|nachricht)\s+(?:to|an)\s+)?(@[^\s,]+?)(?:[\s,]+|:\s+)(?:that\s+|dass\s+)?(.+)$`)
	askWords     = regexp.MustCompile(`(?i)^\s*(?:please\s+|bitte\s+)?(?:ask|frag(?:e)?)\s+(@[^\s,]+?)(?:[\s,]+|:\s+)(?:for\s+|about\s+|nach\s+)?(.+)$`)
	trailingWhen = regexp.MustCompile(`(?i)\s*\b(?:next week|this week|tomorrow|nächste woche|diese woche|morgen)\b[.!?]*$`)
)

// people is what the owner wants of somebody with a handle: a meeting, a message, an
// answer. ok is false if it is nothing of that.
func (k *kernel) people(now turn) (step, bool) {
	who := handleForm.FindString(now.text)
	if who == "" || !slices.ContainsFunc(k.tools, func(t model.Tool) bool { return t.Name == "propose_deal" }) {
		return step{}, false
	}
	in := intent{de: german(now.text), text: now.text}
	if m := tellWords.FindStringSubmatch(now.text); m != nil && !meetWords.MatchString(now.text) {
		return k.relayed(in, now, tool("matrix_send", "to", who, "text", strings.TrimSpace(m[2]))), true
	}
	if m := askWords.FindStringSubmatch(now.text); m != nil && !meetWords.MatchString(now.text) {
		return k.relayed(in, now, tool("propose_deal", "kind", "query", "to", who, "title", cutRunes(strings.Trim(m[2], " .?!"), 200))), true
	}
	if !meetWords.MatchString(now.text) {
		return step{}, false
	}
	return k.relayed(in, now, k.meeting(in, who)), true
}

// meeting is the call that looks for a time with somebody.
func (k *kernel) meeting(in intent, who string) toolCall {
	title := "Meeting"
	if in.de {
		title = "Treffen"
	}
	if m := subject.FindStringSubmatch(in.text); m != nil {
		title = cutRunes(strings.Trim(trailingWhen.ReplaceAllString(strings.ReplaceAll(m[1], who, ""), ""), " .,!?"), 200)
	}
	minutes := 30
	if hourWords.MatchString(in.text) && !halfWords.MatchString(in.text) {
		minutes = 60
	}
	if m := lengthWords.FindStringSubmatch(in.text); m != nil {
		n := 0
		for _, r := range m[1] {
			n = 10*n + int(r-'0')
		}
		if low := strings.ToLower(m[2]); strings.HasPrefix(low, "h") || strings.HasPrefix(low, "s") {
			n *= 60
		}
		minutes = min(max(n, 5), 720)
	}
	input := []any{"kind", "meeting", "to", who, "title", title, "minutes", minutes}
	if from, by, ok := timeframe(in.text, k.t.state.now()); ok {
		input = append(input, "from", from.Format(time.RFC3339), "by", by.Format(time.RFC3339))
	}
	return tool("propose_deal", input...)
}

// timeframe is the time in which a meeting is wanted.
func timeframe(text string, now time.Time) (from, by time.Time, ok bool) {
	if now.IsZero() {
		return from, by, false
	}
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	monday := midnight.AddDate(0, 0, (8-int(now.Weekday()))%7)
	if now.Weekday() == time.Monday {
		monday = midnight.AddDate(0, 0, 7)
	}
	switch {
	case nextWeek.MatchString(text):
		return monday, monday.AddDate(0, 0, 7), true
	case thisWeek.MatchString(text):
		return now, monday, true
	case dayAfter.MatchString(text):
		day := midnight.AddDate(0, 0, 1)
		return day, day.AddDate(0, 0, 1), true
	}
	return from, by, false
}

// relayed makes a call and says what came of it.
func (k *kernel) relayed(in intent, now turn, c toolCall) step {
	got, called := now.find(c.name)
	switch {
	case !called:
		return do(c)
	case got.failed:
		return k.say(in, "tool-failed", "why", firstLine(got.result))
	}
	return say(firstLine(got.result))
}
