package offline

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// moment is when a reminder is due: once (At) or again and again (Every, in
// manage_cron's form).
type moment struct {
	at    time.Time
	every string
}

func (m moment) set() bool { return m.every != "" || !m.at.IsZero() }

var (
	inAWhile  = regexp.MustCompile(`(?i)\b(?:in|nach)\s+(an?|one|eine[rmn]?|half an|einer halben|\d{1,3}|two|three|five|ten|zwei|drei|fünf|zehn)\s*(minutes?|mins?|hours?|hrs?|h|days?|weeks?|months?|minuten?|stunden?|tag(?:e[n]?)?|wochen?|monat(?:e[n]?)?)\b`)
	clockAt   = regexp.MustCompile(`(?i)\b(?:at|um|by|gegen|@)\s*(\d{1,2})(?:[:.h](\d{2}))?\s*(am|pm|a\.m\.|p\.m\.|o'?clock|uhr)?(?:\s|[,.!?]|$)|\b(\d{1,2})[:.](\d{2})\s*(am|pm|uhr)?\b|\b(\d{1,2})\s*(am|pm|uhr)\b`)
	partOfDay = regexp.MustCompile(`(?i)\b(?:at|in the|this|am|zu)?\s*(noon|midday|midnight|tonight|morning|afternoon|evening|mittags?|mitternacht|abends?|vormittags?|nachmittags?|morgens|früh)\b`)
	everyUnit = regexp.MustCompile(`(?i)\b(?:every|each|jede[nsr]?|alle)\s+(single\s+)?(day|morning|evening|night|hour|week|month|weekday|tag|morgen|abend|stunde|woche|monat|mo(?:n(?:day|tag)?)?|tue(?:s(?:day)?)?|dienstag|wed(?:nesday)?|mittwoch|thu(?:rs(?:day)?)?|donnerstag|fri(?:day)?|freitag|sat(?:urday)?|samstag|sonnabend|sun(?:day)?|sonntag)s?\b|\b(daily|hourly|weekly|monthly|täglich|stündlich|wöchentlich|monatlich)\b`)
	onDay     = regexp.MustCompile(`(?i)\b(?:on|next|this|coming|am|nächste[nr]?|kommenden?)\s+(?:the\s+)?(monday|montag|tuesday|dienstag|wednesday|mittwoch|thursday|donnerstag|friday|freitag|saturday|samstag|sonnabend|sunday|sonntag|mon|tue|wed|thu|fri|sat|sun)s?\b`)
	dayAfter  = regexp.MustCompile(`(?i)\b(the day after tomorrow|day after tomorrow|übermorgen|tomorrow|morgen|today|heute)\b`)
	monthDay  = regexp.MustCompile(`(?i)\b(?:on (?:the )?|am )?(\d{1,2})(?:st|nd|rd|th|\.)?\s*(?:of\s+)?(jan\w*|feb\w*|mar\w*|mär\w*|apr\w*|may|mai|jun\w*|jul\w*|aug\w*|sep\w*|oct\w*|okt\w*|nov\w*|dec\w*|dez\w*)\b(?:\s*,?\s*(\d{4}))?|\b(?:on )?(jan\w*|feb\w*|mar\w*|apr\w*|may|jun\w*|jul\w*|aug\w*|sep\w*|oct\w*|nov\w*|dec\w*)\s+(\d{1,2})(?:st|nd|rd|th)?\b(?:\s*,?\s*(\d{4}))?`)
	numeric   = regexp.MustCompile(`\b(?:on |am )?(\d{1,2})\.(\d{1,2})\.(\d{4})?`)
	isoDay    = regexp.MustCompile(`\b(?:on |am )?(\d{4})-(\d{2})-(\d{2})\b`)
	ofMonth   = regexp.MustCompile(`(?i)\b(?:on the |am )?(\d{1,2})(?:st|nd|rd|th|\.)(?:\s+(?:of (?:the|each|every) month|des monats|jeden monats))?`)
)

var numbers = map[string]int{"a": 1, "an": 1, "one": 1, "eine": 1, "einer": 1, "einem": 1, "einen": 1, "two": 2, "zwei": 2, "three": 3, "drei": 3, "five": 5, "fünf": 5, "ten": 10, "zehn": 10}

var weekdays = map[string]time.Weekday{
	"mo": time.Monday, "tu": time.Tuesday, "di": time.Tuesday, "we": time.Wednesday, "mi": time.Wednesday, "th": time.Thursday, "do": time.Thursday,
	"fr": time.Friday, "sa": time.Saturday, "su": time.Sunday,
}

func weekday(word string) (time.Weekday, bool) {
	low := strings.ToLower(word)
	if strings.HasPrefix(low, "son") && low != "sonnabend" {
		return time.Sunday, true
	}
	if low == "sonnabend" {
		return time.Saturday, true
	}
	if len(low) < 2 || low == "month" || low == "monat" || low == "morning" || low == "morgen" {
		return 0, false
	}
	d, ok := weekdays[low[:2]]
	return d, ok
}

var months = []string{"ja", "fe", "ma", "ap", "ma", "jun", "jul", "au", "se", "o", "n", "d"}

func monthOf(word string) (time.Month, bool) {
	low := strings.ToLower(word)
	for i, m := range months {
		if !strings.HasPrefix(strings.Replace(low, "ä", "a", 1), m) {
			continue
		}
		if m == "ma" {
			if low == "may" || low == "mai" {
				return time.May, true
			}
			return time.March, true
		}
		return time.Month(i + 1), true
	}
	return 0, false
}

// when reads a time out of text, relative to now, and returns text without it.
func when(text string, now time.Time) (moment, string) {
	take := func(re *regexp.Regexp) []string {
		loc := re.FindStringSubmatchIndex(text)
		if loc == nil {
			return nil
		}
		groups := make([]string, len(loc)/2)
		for i := range groups {
			if loc[2*i] >= 0 {
				groups[i] = text[loc[2*i]:loc[2*i+1]]
			}
		}
		text = text[:loc[0]] + " " + text[loc[1]:]
		return groups
	}
	if g := take(inAWhile); g != nil {
		return moment{at: later(now, strings.ToLower(g[1]), strings.ToLower(g[2]))}, text
	}
	if g := take(everyUnit); g != nil {
		m, rest := again(strings.ToLower(g[2]+g[3]), text)
		return m, rest
	}
	day, known := now, false
	switch g := take(dayAfter); {
	case g == nil:
	case strings.Contains(strings.ToLower(g[1]), "after"), strings.EqualFold(g[1], "übermorgen"):
		day, known = now.AddDate(0, 0, 2), true
	case strings.EqualFold(g[1], "today"), strings.EqualFold(g[1], "heute"):
		known = true
	default:
		day, known = now.AddDate(0, 0, 1), true
	}
	if !known {
		day, known = calendarDay(take, now)
	}
	h, m, clock := clockTime(take)
	if !known && !clock {
		return moment{}, text
	}
	if !clock {
		h, m = 9, 0
	}
	at := time.Date(day.Year(), day.Month(), day.Day(), h, m, 0, 0, now.Location())
	if !at.After(now) && !known {
		at = at.AddDate(0, 0, 1)
	}
	return moment{at: at}, text
}

func later(now time.Time, count, unit string) time.Time {
	n, ok := numbers[count]
	if !ok {
		n, _ = strconv.Atoi(count)
	}
	if strings.HasPrefix(count, "half") || strings.HasPrefix(count, "einer halben") {
		return now.Add(30 * time.Minute)
	}
	switch {
	case strings.HasPrefix(unit, "min"):
		return now.Add(time.Duration(n) * time.Minute)
	case strings.HasPrefix(unit, "h"), strings.HasPrefix(unit, "st"):
		return now.Add(time.Duration(n) * time.Hour)
	case strings.HasPrefix(unit, "d"), strings.HasPrefix(unit, "t"):
		return now.AddDate(0, 0, n)
	case strings.HasPrefix(unit, "w"):
		return now.AddDate(0, 0, 7*n)
	}
	return now.AddDate(0, n, 0)
}

// again reads the rest of "every …".
func again(unit, text string) (moment, string) {
	take := taker(&text)
	day := 0
	if strings.HasPrefix(unit, "mont") && unit != "montag" || strings.HasPrefix(unit, "monat") {
		if g := take(ofMonth); g != nil {
			day, _ = strconv.Atoi(g[1])
		}
	}
	h, m, clock := clockTime(take)
	if !clock {
		h, m = 9, 0
		if unit == "evening" || unit == "night" || unit == "abend" {
			h = 19
		}
	}
	at := fmt.Sprintf("%02d:%02d", h, m)
	if strings.HasPrefix(unit, "hour") || strings.HasPrefix(unit, "st") {
		return moment{every: "hour"}, text
	}
	if strings.HasPrefix(unit, "mont") && unit != "montag" || strings.HasPrefix(unit, "monat") {
		if day < 1 || day > 31 {
			day = 1
		}
		return moment{every: fmt.Sprintf("month %d %s", day, at)}, text
	}
	if unit == "weekday" {
		return moment{every: "day " + at}, text
	}
	if strings.HasPrefix(unit, "week") || strings.HasPrefix(unit, "wo") || strings.HasPrefix(unit, "wö") {
		on := time.Monday
		if g := take(onDay); g != nil {
			on, _ = weekday(g[1])
		}
		return moment{every: "week " + short(on) + " " + at}, text
	}
	if d, ok := weekday(unit); ok && unit != "daily" && unit != "day" {
		return moment{every: "week " + short(d) + " " + at}, text
	}
	return moment{every: "day " + at}, text
}

func taker(text *string) func(*regexp.Regexp) []string {
	return func(re *regexp.Regexp) []string {
		loc := re.FindStringSubmatchIndex(*text)
		if loc == nil {
			return nil
		}
		groups := make([]string, len(loc)/2)
		for i := range groups {
			if loc[2*i] >= 0 {
				groups[i] = (*text)[loc[2*i]:loc[2*i+1]]
			}
		}
		*text = (*text)[:loc[0]] + " " + (*text)[loc[1]:]
		return groups
	}
}

func short(d time.Weekday) string { return strings.ToLower(d.String()[:3]) }

// calendarDay reads a weekday or a date.
func calendarDay(take func(*regexp.Regexp) []string, now time.Time) (time.Time, bool) {
	if g := take(onDay); g != nil {
		if d, ok := weekday(g[1]); ok {
			n := (int(d) - int(now.Weekday()) + 7) % 7
			if n == 0 {
				n = 7
			}
			return now.AddDate(0, 0, n), true
		}
	}
	y, m, d := 0, time.Month(0), 0
	if g := take(isoDay); g != nil {
		y, _ = strconv.Atoi(g[1])
		n, _ := strconv.Atoi(g[2])
		m = time.Month(n)
		d, _ = strconv.Atoi(g[3])
	} else if g := take(monthDay); g != nil {
		m, _ = monthOf(g[2] + g[4])
		d, _ = strconv.Atoi(g[1] + g[5])
		y, _ = strconv.Atoi(g[3] + g[6])
	} else if g := take(numeric); g != nil {
		d, _ = strconv.Atoi(g[1])
		n, _ := strconv.Atoi(g[2])
		m = time.Month(n)
		y, _ = strconv.Atoi(g[3])
	}
	if m < 1 || m > 12 || d < 1 || d > 31 {
		return now, false
	}
	if y == 0 {
		y = now.Year()
		if time.Date(y, m, d, 23, 59, 0, 0, now.Location()).Before(now) {
			y++
		}
	}
	return time.Date(y, m, d, 0, 0, 0, 0, now.Location()), true
}

// parseDay reads a date with its year, for apps that need one.
func parseDay(text string) (string, bool) {
	t, ok := calendarDay(taker(&text), time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC))
	return t.Format(time.DateOnly), ok && t.Year() > 1000
}

func clockTime(take func(*regexp.Regexp) []string) (h, m int, ok bool) {
	if g := take(clockAt); g != nil {
		h, _ = strconv.Atoi(g[1] + g[4] + g[7])
		m, _ = strconv.Atoi(orEmpty(g[2]+g[5], "0"))
		half := strings.ToLower(g[3] + g[6] + g[8])
		if strings.HasPrefix(half, "p") && h < 12 {
			h += 12
		}
		if strings.HasPrefix(half, "a") && h == 12 {
			h = 0
		}
		if h < 24 && m < 60 {
			return h, m, true
		}
	}
	if g := take(partOfDay); g != nil {
		switch w := strings.ToLower(g[1]); {
		case strings.HasPrefix(w, "noon"), strings.HasPrefix(w, "midday"), strings.HasPrefix(w, "mittag"):
			return 12, 0, true
		case strings.HasPrefix(w, "midn"), strings.HasPrefix(w, "mitter"):
			return 0, 0, true
		case w == "tonight", w == "evening", strings.HasPrefix(w, "abend"):
			return 19, 0, true
		case w == "afternoon", strings.HasPrefix(w, "nachm"):
			return 15, 0, true
		}
		return 9, 0, true
	}
	return 0, 0, false
}
