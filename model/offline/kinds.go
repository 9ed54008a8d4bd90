package offline

import (
	"regexp"
	"strconv"
	"strings"
)

var (
	minutesOf  = regexp.MustCompile(`(\d{1,3})\s*(?:/|-|and|und|min(?:ute[sn]?)?\b)`)
	breakOf    = regexp.MustCompile(`(?i)(?:/\s*|(\d{1,2})\s*-?\s*min(?:ute[sn]?)?\s*-?\s*(?:break|pause)|(?:break|pause)s?\s*(?:of|von)?\s*)(\d{1,2})?`)
	pairOf     = regexp.MustCompile(`^\s*(.+?)\s*(?:=|->|:|–|\s-\s)\s*(.+?)\s*$`)
	questionOf = regexp.MustCompile(`([^.:;!?"]{3,120})\?`)
	aboutWhat  = regexp.MustCompile(`(?i)\s(?:for|about|on|of|with|to learn|für|über|zu|mit|asking|among)\s+(.+)$`)
	isoDate    = regexp.MustCompile(`\b(\d{4}-\d{2}-\d{2})\b`)
)

// streaksOf is what stands before the habits in "with streaks for reading": a
// habit tracker counts streaks anyway.
var streaksOf = regexp.MustCompile(`(?i)^(?:daily |weekly |tägliche )?(?:streaks?|serien?)(?:\s+(?:for|of|on|für|beim?)\s+|$)`)

// buildKind settles an app that is known by its kind.
func (l *lexicon) buildKind(s *Spec, k *kindEntry, r request, subject string) {
	s.Kind, s.Icon, s.Category, s.Name = k.Kind, k.Icon, k.Category, k.Name
	if s.german() && k.German != "" {
		s.Name = k.German
	}
	list := r.list
	topic := ""
	if m := aboutWhat.FindStringSubmatch(" " + r.head); m != nil {
		topic = plainName(trimArticles(m[1]))
	}
	switch k.Kind {
	case KindHabits:
		s.Items = firstFew(options(streaksOf.ReplaceAllString(orEmpty(list, topicList(topic)), "")), 12)
	case KindPicker:
		s.Items = firstFew(options(list), 50)
	case KindPoll:
		l.buildPoll(s, r)
	case KindCards:
		s.Pairs = pairs(r.text)
		if low := fold(r.text); hasWord(low, "quiz") && !hasWord(low, "cards") && !hasWord(low, "flashcards") {
			s.Name = "Quiz"
		}
		if topic != "" && len(strings.Fields(topic)) <= 3 && len(s.Pairs) == 0 || topic != "" && !strings.ContainsAny(topic, "=") {
			s.Name = plainName(sentence(topic) + " " + lowerIf(s.Name, !s.german()))
		} else if before := beforeKind(subject, k); before != "" {
			s.Name = sentence(before) + " " + lowerIf(s.Name, !s.german())
		}
	case KindPomodoro:
		s.Minutes = pomodoroMinutes(r.text)
	case KindCountdown:
		if m := isoDate.FindString(r.text); m != "" {
			s.Date = m
		} else if t, ok := parseDay(r.text); ok {
			s.Date = t
		}
		if i := strings.LastIndex(strings.ToLower(r.head), "until "); i >= 0 {
			topic = plainName(trimArticles(r.head[i+len("until "):]))
		}
		if topic != "" && len(strings.Fields(topic)) <= 3 && s.Date == "" {
			s.Items = []string{sentence(topic)}
		}
	case KindCounter:
		s.Items = firstFew(options(streaksOf.ReplaceAllString(orEmpty(list, topicList(topic)), "")), 12)
	}
	if r.name != "" {
		s.Name = r.name
	}
	s.Name = sentence(plainName(s.Name))
	s.Slug = slugOf(s.Name)
	s.Description = l.say(s.german(), "about-"+string(k.Kind))
}

func orEmpty(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// topicList is topic if it names several things.
func topicList(topic string) string {
	if strings.Contains(topic, ",") || strings.Contains(topic, " and ") || strings.Contains(topic, " und ") {
		return topic
	}
	return ""
}

func firstFew(items []string, n int) []string { return items[:min(n, len(items))] }

// beforeKind is "spanish" of "spanish flash cards".
func beforeKind(subject string, k *kindEntry) string {
	p := fold(subject)
	for _, w := range k.Words {
		for _, form := range []string{fold(w), fold(w) + "s"} {
			if rest, ok := strings.CutSuffix(p, " "+form); ok && rest != "" && len(strings.Fields(rest)) <= 3 {
				if kk := trimArticles(rest); !hasWord(kk, "daily") {
					return plainName(subject[:min(len(subject), len(rest))])
				}
			}
		}
	}
	return ""
}

// buildPoll reads the question and the options of a poll.
func (l *lexicon) buildPoll(s *Spec, r request) {
	text := r.text
	if m := questionOf.FindStringSubmatchIndex(text); m != nil {
		q := strings.TrimSpace(text[m[2]:m[3]])
		for _, sep := range []string{": ", " - ", " poll "} {
			if i := strings.LastIndex(q, sep); i >= 0 {
				q = q[i+len(sep):]
			}
		}
		q = strings.TrimSpace(regexp.MustCompile(`(?i)^.*?\b(?:poll|vote|survey|umfrage|abstimmung)\b[ ,:]*(?:on|about|for|asking|über|zu|zum|zur)?\s*`).ReplaceAllString(q, ""))
		if q != "" {
			s.Question = sentence(plainName(q)) + "?"
		}
		s.Items = options(strings.Trim(regexp.MustCompile(`(?i)^[\s:,-]*(?:options?|choices|answers|optionen|antworten)?\s*[:,]?\s*(?:are|sind|with)?`).ReplaceAllString(text[m[1]:], ""), " .,:"))
	}
	if len(s.Items) < 2 {
		s.Items = options(regexp.MustCompile(`(?i)^(?:the )?(?:options?|choices|answers|optionen|antworten)\s*(?:are|sind)?\s*:?\s*`).ReplaceAllString(r.list, ""))
	}
	if s.Question == "" {
		if m := aboutWhat.FindStringSubmatch(" " + r.head); m != nil {
			s.Question = sentence(plainName(trimArticles(m[1]))) + "?"
		}
	}
	if len(s.Items) < 2 {
		s.Items = nil
	}
}

// pairs reads "hola = hello; adios = goodbye".
func pairs(text string) []Pair {
	var out []Pair
	if _, after, ok := strings.Cut(text, ": "); ok && strings.ContainsAny(after, "=>") {
		text = after
	}
	for part := range strings.FieldsFuncSeq(text, func(r rune) bool { return r == ';' || r == ',' }) {
		if !strings.ContainsAny(part, "=>") {
			continue
		}
		if m := pairOf.FindStringSubmatch(part); m != nil && len(out) < 100 {
			out = append(out, Pair{plainText(m[1], 200), plainText(m[2], 200)})
		}
	}
	return out
}

// plainText cuts what goes into JSON data as is.
func plainText(text string, limit int) string {
	r := []rune(strings.TrimSpace(text))
	return strings.Trim(string(r[:min(limit, len(r))]), `"' .`)
}

func pomodoroMinutes(text string) []int {
	var out []int
	for _, m := range minutesOf.FindAllStringSubmatch(text, 2) {
		if n, err := strconv.Atoi(m[1]); err == nil && n > 0 && n <= 180 {
			out = append(out, n)
		}
	}
	if len(out) == 0 {
		return nil
	}
	if m := breakOf.FindStringSubmatch(text); m != nil && len(out) == 1 {
		if n, err := strconv.Atoi(m[1] + m[2]); err == nil && n > 0 && n <= 60 && n != out[0] {
			out = append(out, n)
		}
	}
	if len(out) == 1 {
		out = append(out, 5)
	}
	return out
}
