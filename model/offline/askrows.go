package offline

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

var (
	askPeriod = regexp.MustCompile(`(?i)\b(?:(today|heute)|(yesterday|gestern)|(this|last|diese[nrs]?|letzte[nrs]?)\s+(week|month|year|woche|monat|jahr))\b`)
	askAbout  = regexp.MustCompile(`(?i)\b(?:on|for|about|für)\s+(.+?)\s*[.!?]*$`)
	askCount  = regexp.MustCompile(`(?i)^` + courtesy + `(?:how many|wie ?viele)\b`)
)

// period is the days from, to and without the end, that text is about; zero times
// if it says none.
func period(text string, now time.Time) (from, to time.Time, rest string) {
	m := askPeriod.FindStringSubmatch(text)
	if m == nil {
		return from, to, text
	}
	rest = askPeriod.ReplaceAllString(text, "")
	y, mo, d := now.Date()
	from = time.Date(y, mo, d, 0, 0, 0, 0, now.Location())
	back := 0
	if last := strings.ToLower(m[3]); last == "last" || strings.HasPrefix(last, "letzt") {
		back = -1
	}
	switch unit := strings.ToLower(m[4]); unit {
	case "week", "woche":
		from = from.AddDate(0, 0, 7*back-(int(from.Weekday())+6)%7)
		return from, from.AddDate(0, 0, 7), rest
	case "month", "monat":
		from = time.Date(y, mo+time.Month(back), 1, 0, 0, 0, 0, now.Location())
		return from, from.AddDate(0, 1, 0), rest
	case "year", "jahr":
		from = time.Date(y+back, 1, 1, 0, 0, 0, 0, now.Location())
		return from, from.AddDate(1, 0, 0), rest
	}
	if m[2] != "" {
		from = from.AddDate(0, 0, -1)
	}
	return from, from.AddDate(0, 0, 1), rest
}

// askRows answers how much and how many from the rows: for what a word names, in
// each column of words, and for a time. Any other question is left to the app.
func (k *kernel) askRows(in intent, now turn, app stateApp, table string, fields []rowField) step {
	from, to, rest := period(in.text, k.t.state.now())
	counts := askCount.MatchString(in.text)
	number, found := numberField(fields, "", "")
	if !counts && (!found || !moneyAsk.MatchString(in.text) && !regexp.MustCompile(`(?i)\b(?:how much|total|sum|wie ?viel)\b`).MatchString(in.text)) {
		return k.inTheApp(in, now)
	}
	where := map[string]any{}
	if !from.IsZero() {
		i := slices.IndexFunc(fields, rowField.day)
		if i < 0 {
			return k.inTheApp(in, now)
		}
		where[fields[i].Name] = map[string]any{"$gte": from.Format(time.DateOnly), "$lt": to.Format(time.DateOnly)}
	}
	about := ""
	if m := askAbout.FindStringSubmatch(rest); m != nil {
		about = strings.Join(trimRowFiller(strings.Fields(m[1])), " ")
	}
	calls := k.rowCalls(app, table, fields, number.Name, where, about)
	if len(calls) == 0 {
		return k.inTheApp(in, now)
	}
	if _, called := now.find("app_data"); !called {
		return do(calls...)
	}
	best := rowSum{}
	for _, c := range now.calls {
		if c.name != "app_data" {
			continue
		}
		if c.failed {
			return k.say(in, "tool-failed", "why", firstLine(c.result))
		}
		if s := sumIn(c.result); s.rows > best.rows {
			best = s
		}
	}
	return k.tellRows(in, app, about, best, counts)
}

// rowCalls are the questions to the table: one without a word; with one, a
// question for each column of words, the choices first.
func (k *kernel) rowCalls(app stateApp, table string, fields []rowField, number string, where map[string]any, about string) (out []toolCall) {
	ask := func(where map[string]any) {
		c := tool("app_data", "app", app.Slug, "action", "count", "table", table, "where", where)
		if number != "" {
			c.input["action"], c.input["column"] = "sum", number
		}
		out = append(out, c)
	}
	if about == "" {
		ask(where)
		return out
	}
	for _, f := range fields {
		if !f.words() || len(out) == 6 {
			continue
		}
		with := map[string]any{f.Name: map[string]any{"$ilike": "%" + strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`).Replace(about) + "%"}}
		for k, v := range where {
			with[k] = v
		}
		ask(with)
	}
	return out
}

type rowSum struct {
	sum  float64
	rows int
}

func sumIn(result string) (out rowSum) {
	var r struct {
		Sums []struct {
			Sum  float64 `json:"sum"`
			Rows int     `json:"rows"`
		} `json:"sums"`
	}
	if n, err := strconv.Atoi(strings.TrimSpace(result)); err == nil {
		return rowSum{rows: n}
	}
	if json.Unmarshal([]byte(result), &r) != nil {
		return out
	}
	for _, s := range r.Sums {
		out.sum += s.Sum
		out.rows += s.Rows
	}
	return out
}

func (k *kernel) tellRows(in intent, app stateApp, about string, s rowSum, counts bool) step {
	entries := k.l.say(in.de, "n-entries", "n", itoa(s.rows))
	if s.rows == 1 {
		entries = k.l.say(in.de, "one-entry")
	}
	what := ""
	if about != "" {
		what = k.l.say(in.de, "about-rows", "what", about)
	}
	switch {
	case s.rows == 0:
		return k.say(in, "no-entries", "app", app.Name, "what", what)
	case counts:
		return k.say(in, "counted", "app", app.Name, "what", what, "n", entries)
	}
	sum := strconv.FormatFloat(s.sum, 'f', -1, 64)
	if strings.Contains(sum, ".") {
		sum = strconv.FormatFloat(s.sum, 'f', 2, 64)
	}
	return k.say(in, "summed", "app", app.Name, "what", what, "sum", sum, "n", entries)
}
