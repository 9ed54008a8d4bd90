package offline

import (
	"encoding/json"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// system answers the requests that one tool call fulfils.
func (k *kernel) system(in intent, now turn) step {
	switch in.verb {
	case verbUndo:
		return k.undo(in, now)
	case verbHistory:
		return k.relay(in, now, tool("list_landings", "limit", 10), "history", "no-history")
	case verbTheme:
		return k.theme(in, now)
	case verbRemind:
		return k.remind(in, now)
	case verbReminders:
		return k.relay(in, now, tool("manage_cron", "action", "list"), "reminders", "no-reminders")
	case verbUnremind:
		return k.unremind(in, now)
	case verbRemember:
		return k.remember(in, now)
	case verbRecall:
		return k.relay(in, now, tool("recall", "query", in.arg), "recalled", "nothing-recalled")
	case verbForget:
		return k.forget(in, now)
	case verbAttach:
		return k.attach(in, now)
	case verbMemories:
		return k.relay(in, now, tool("list_memories"), "memories", "no-memories")
	}
	return k.status(in, now)
}

// relay calls a tool and hands its result on, in a sentence.
func (k *kernel) relay(in intent, now turn, c toolCall, key, none string) step {
	got, called := now.find(c.name)
	switch {
	case !called:
		return do(c)
	case got.failed:
		return k.say(in, "tool-failed", "why", firstLine(got.result))
	case emptyResult(got.result):
		return k.say(in, none, "what", in.arg)
	}
	return k.say(in, key, "what", in.arg, "list", readable(got.result))
}

func emptyResult(text string) bool {
	low := strings.ToLower(strings.TrimSpace(text))
	return low == "" || low == "[]" || low == "{}" || low == "null" || strings.HasPrefix(low, "no ") || strings.HasPrefix(low, "nothing") || strings.HasPrefix(low, "there are no")
}

// readable makes lines for people of a result: of a JSON array, the text of
// each item; of anything else, itself.
func readable(result string) string {
	var items []map[string]any
	if json.Unmarshal([]byte(result), &items) != nil {
		lines := strings.Split(strings.TrimSpace(result), "\n")
		lines = lines[:min(12, len(lines))]
		for i, line := range lines {
			lines[i] = "- " + strings.Join(strings.Fields(entryID.ReplaceAllString(line, "")), " ")
		}
		return cutRunes(strings.Join(lines, "\n"), 1500)
	}
	var lines []string
	for _, it := range items[:min(12, len(items))] {
		line := ""
		for _, key := range []string{"id", "title", "content", "message", "name", "every", "at"} {
			v, ok := it[key]
			if !ok || v == nil || v == "" {
				continue
			}
			s, isText := v.(string)
			if n, isNumber := v.(float64); isNumber {
				s, isText = "L"+strconv.FormatFloat(n, 'f', -1, 64), key == "id" && it["title"] != nil
			}
			if !isText || key == "id" && it["title"] == nil || key == "name" && line != "" {
				continue
			}
			line = strings.TrimSpace(line + " " + s)
		}
		if line != "" {
			lines = append(lines, "- "+line)
		}
	}
	if len(lines) == 0 {
		return cutRunes(strings.TrimSpace(result), 1500)
	}
	return strings.Join(lines, "\n")
}

// entryID is what a list has before the words: an id, and a memory's kind.
var entryID = regexp.MustCompile(`^[-*•\s]*[0-9a-f]{8}\s+(?:\[[^\]]*\]\s+)?`)

// undidLine is what undo says it took back.
var undidLine = regexp.MustCompile(`^Undid (L\d+) \((.*)\) as (L\d+)`)

func (k *kernel) undo(in intent, now turn) step {
	c, called := now.find("undo")
	if !called {
		if in.arg == "" {
			return do(tool("undo"))
		}
		number := strings.TrimLeft(strings.ToLower(in.arg), "l")
		if n, err := strconv.Atoi(number); err == nil && k.integerParam("undo", "landing") {
			return do(tool("undo", "landing", n))
		}
		return do(tool("undo", "landing", "L"+number))
	}
	if c.failed {
		return k.say(in, "not-undone", "why", firstLine(c.result))
	}
	if m := undidLine.FindStringSubmatch(c.result); m != nil {
		return k.say(in, "undid", "landing", m[1], "what", cutRunes(m[2], 200))
	}
	return k.say(in, "undone", "what", cutRunes(strings.Join(strings.Fields(c.result), " "), 300))
}

const themeFile = "system/theme.json"

// theme reads the settings and writes them back with the change, so that what
// else is in the file stays.
func (k *kernel) theme(in intent, now turn) step {
	mode, accent := themeOf(in.text)
	if mode == "" && accent == "" {
		return k.say(in, "which-theme")
	}
	if c, called := now.find("Write"); called {
		if c.failed {
			return k.say(in, "tool-failed", "why", firstLine(c.result))
		}
		if mode == "" {
			return k.say(in, "accent-set")
		}
		return k.say(in, "theme-"+mode)
	}
	c, called := now.find("Read")
	if !called {
		return do(tool("Read", "file_path", themeFile))
	}
	o := &object{}
	if !c.failed {
		if have, err := parseObject(fileText(c.result)); err == nil {
			o = have
		}
	}
	if mode != "" {
		o.set("mode", json.RawMessage(compactJSON(mode)))
	}
	if accent != "" {
		o.set("accent", json.RawMessage(compactJSON(accent)))
	}
	return do(tool("Write", "file_path", themeFile, "content", o.page()))
}

var (
	leadWords  = regexp.MustCompile(`(?i)^(?:(?:to|of|about|that|for|me|an|daran,?|dass|zu|mich|am|um|,|:|-|and|i (?:have|need|must|should) to|i should|i must|i need)\s+|[,:;-]\s*)+`)
	trailWords = regexp.MustCompile(`(?i)(?:\s+|^)(?:at|on|in|um|am|an|the|every|to|next|and|,|zu erinnern|erinnern)$`)
)

// remind reads time and message, asks for the one that is missing, and says
// when it will be.
func (k *kernel) remind(in intent, now turn) step {
	m, rest := when(in.arg, k.t.state.now())
	message := strings.Join(strings.Fields(rest), " ")
	for {
		next := strings.Trim(trailWords.ReplaceAllString(leadWords.ReplaceAllString(message, ""), ""), " .,!?;:")
		if next == message {
			break
		}
		message = next
	}
	switch {
	case message == "":
		return k.say(in, "remind-what")
	case !m.set():
		return k.say(in, "remind-when", "what", message)
	case k.t.state.now().IsZero() && m.every == "":
		return k.say(in, "no-clock")
	}
	c, called := now.find("manage_cron")
	if !called {
		input := []any{"action", "add", "name", orEmpty(identifier(message, "-", 30), "reminder"), "message", cutRunes(message, 300)}
		if m.every != "" {
			input = append(input, "every", m.every)
		} else {
			input = append(input, "at", m.at.Format(time.RFC3339))
		}
		return do(tool("manage_cron", input...))
	}
	if c.failed {
		return k.say(in, "not-reminded", "why", firstLine(c.result))
	}
	return k.say(in, "will-remind", "what", message, "when", k.l.spoken(m, k.t.state.now(), in.de))
}

// spoken says when: "tomorrow at 09:00", "every Monday at 09:00".
func (l *lexicon) spoken(m moment, now time.Time, de bool) string {
	if m.every != "" {
		w := strings.Fields(m.every)
		last := w[len(w)-1]
		switch w[0] {
		case "hour":
			return l.say(de, "every-hour")
		case "week":
			return l.say(de, "every-weekday", "day", l.say(de, "weekday-"+w[1]), "time", last)
		case "month":
			return l.say(de, "every-month", "day", w[1], "time", last)
		}
		return l.say(de, "every-day", "time", last)
	}
	clock := m.at.Format("15:04")
	day := m.at.Format(time.DateOnly)
	switch day {
	case now.Format(time.DateOnly):
		return l.say(de, "today-at", "time", clock)
	case now.AddDate(0, 0, 1).Format(time.DateOnly):
		return l.say(de, "tomorrow-at", "time", clock)
	}
	return l.say(de, "day-at", "day", l.say(de, "weekday-"+short(m.at.Weekday()))+" "+day, "time", clock)
}

// unremind removes a reminder by its name; if the words are not the name, the
// list shows which one is meant.
func (k *kernel) unremind(in intent, now turn) step {
	removed, tried := call{}, false
	listed, seen := call{}, false
	for _, c := range now.calls {
		switch c.arg("action") {
		case "remove":
			removed, tried = c, true
		case "list":
			listed, seen = c, true
		}
	}
	switch {
	case tried && removed.failed:
		return k.say(in, "tool-failed", "why", firstLine(removed.result))
	case tried:
		return k.say(in, "unreminded", "what", orEmpty(in.arg, removed.arg("name")))
	case !seen:
		return do(tool("manage_cron", "action", "list"))
	case listed.failed:
		return k.say(in, "tool-failed", "why", firstLine(listed.result))
	case emptyResult(listed.result):
		return k.say(in, "no-reminders")
	}
	if name, ok := pickName(listed.result, in.arg); ok {
		return do(tool("manage_cron", "action", "remove", "name", name))
	}
	return k.say(in, "which-reminder", "list", readable(listed.result))
}

var (
	nameInJSON = regexp.MustCompile(`"name"\s*:\s*"([^"]+)"`)
	nameInLine = regexp.MustCompile("(?m)^[-*•\\s]*[`\"]?([A-Za-z0-9][A-Za-z0-9_.-]*)")
	idInJSON   = regexp.MustCompile(`"id"\s*:\s*"?([A-Za-z0-9_-]+)"?`)
	idInLine   = regexp.MustCompile(`(?m)^[-*•\s]*[\[(#]?([0-9a-f]{8}|[A-Za-z]*\d[A-Za-z0-9_-]*)[\]):]?`)
)

// pickName finds in a list the one reminder whose line fits words.
func pickName(list, words string) (string, bool) {
	return pick(list, words, nameInJSON, nameInLine)
}

// pick finds the one entry of a result that fits words, and its key.
func pick(list, words string, inJSON, inLine *regexp.Regexp) (string, bool) {
	var entries []string
	var raw []json.RawMessage
	re := inLine
	if json.Unmarshal([]byte(list), &raw) == nil {
		re = inJSON
		for _, r := range raw {
			entries = append(entries, string(r))
		}
	} else {
		entries = strings.Split(list, "\n")
	}
	best, found, ties := "", 0, 0
	for _, e := range entries {
		m := re.FindStringSubmatch(e)
		if m == nil {
			continue
		}
		score := 0
		for w := range strings.FieldsSeq(fold(words)) {
			if len(w) > 2 && strings.Contains(fold(e), w) {
				score++
			}
		}
		if words == "" && len(entries) == 1 {
			score = 1
		}
		switch {
		case score > found:
			best, found, ties = m[1], score, 0
		case score == found:
			ties++
		}
	}
	return best, found > 0 && ties == 0
}

func (k *kernel) remember(in intent, now turn) step {
	c, called := now.find("remember")
	if !called {
		return do(tool("remember", "content", cutRunes(sentence(in.arg), 500), "category", memoryKind(in.arg)))
	}
	if c.failed {
		return k.say(in, "not-remembered", "why", firstLine(c.result))
	}
	return k.say(in, "remembered")
}

func memoryKind(text string) string {
	p := fold(text)
	for _, w := range []string{"like", "love", "prefer", "hate", "favourite", "favorite", "mag", "liebe", "bevorzuge", "hasse", "lieblings"} {
		if strings.Contains(p, w) {
			return "preference"
		}
	}
	for _, w := range []string{"always", "never", "immer", "nie", "please"} {
		if hasWord(p, w) {
			return "instruction"
		}
	}
	return "fact"
}

// forget finds the memory, then deletes it; what fits more than one is asked.
func (k *kernel) forget(in intent, now turn) step {
	if c, called := now.find("forget"); called {
		if c.failed {
			return k.say(in, "not-forgotten", "why", firstLine(c.result))
		}
		return k.say(in, "forgotten", "what", in.arg)
	}
	found, called := now.find("recall")
	switch {
	case !called:
		return do(tool("recall", "query", in.arg))
	case found.failed:
		return k.say(in, "tool-failed", "why", firstLine(found.result))
	case emptyResult(found.result):
		return k.say(in, "nothing-recalled", "what", in.arg)
	}
	id, ok := pick(found.result, in.arg, idInJSON, idInLine)
	if !ok {
		return k.say(in, "forget-which", "list", readable(found.result))
	}
	if n, err := strconv.Atoi(id); err == nil && k.integerParam("forget", "id") {
		return do(tool("forget", "id", n))
	}
	return do(tool("forget", "id", id))
}

// status says how things stand, from the state and what read_state adds.
func (k *kernel) status(in intent, now turn) step {
	c, called := now.find("read_state")
	if !called {
		return do(tool("read_state"))
	}
	if c.failed {
		return k.say(in, "tool-failed", "why", firstLine(c.result))
	}
	n := len(k.visible())
	apps := k.l.say(in.de, "count-apps", "count", itoa(n))
	if n == 1 {
		apps = k.l.say(in.de, "count-app")
	}
	text := k.l.say(in.de, "status", "apps", apps)
	var more struct {
		Processes []struct {
			Program string `json:"program"`
			Task    string `json:"task"`
			State   string `json:"state"`
		} `json:"processes"`
	}
	if json.Unmarshal([]byte(c.result), &more) == nil {
		var busy []string
		for _, p := range more.Processes {
			if p.Task != "" && p.State != "done" && p.State != "failed" && p.Program != "kernel" {
				busy = append(busy, cutRunes(p.Task, 60))
			}
		}
		if len(busy) > 0 {
			text += " " + k.l.say(in.de, "busy", "what", listWords(busy, in.de))
		}
	}
	return say(text)
}
