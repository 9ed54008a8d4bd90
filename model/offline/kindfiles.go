package offline

import (
	"encoding/json"
	"strings"
)

// kindFiles writes an app that is known by its kind: its template, and what
// the owner said about it as src/start.json where the kind has a beginning.
func kindFiles(s *Spec, vars map[string]string) ([]file, error) {
	out, err := template(string(s.Kind), vars)
	if err != nil {
		return nil, err
	}
	start := &object{}
	put := func(key string, v any) { start.set(key, json.RawMessage(compactJSON(v))) }
	switch s.Kind {
	case KindPoll:
		put("question", s.Question)
		put("options", orNone(s.Items))
	case KindCards:
		cards := s.Pairs
		if cards == nil {
			cards = []Pair{}
		}
		put("cards", cards)
	case KindHabits, KindPicker, KindCounter:
		put("names", orNone(s.Items))
	case KindPomodoro:
		work, rest := 25, 5
		if len(s.Minutes) == 2 {
			work, rest = s.Minutes[0], s.Minutes[1]
		}
		put("work", work)
		put("rest", rest)
	case KindCountdown:
		put("title", strings.Join(s.Items, " "))
		put("date", s.Date)
	default:
		return out, nil
	}
	return append([]file{{"src/start.json", start.page()}}, out...), nil
}

func orNone(items []string) []string {
	if items == nil {
		return []string{}
	}
	return items
}
