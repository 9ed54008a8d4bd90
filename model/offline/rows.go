package offline

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// rowField is a field of an app, as its src/fields.json or its table has it.
type rowField struct {
	Name     string   `json:"name"`
	Label    string   `json:"label"`
	Type     string   `json:"type"`
	Options  []string `json:"options"`
	Required bool     `json:"required"`
}

func (f rowField) number() bool {
	return slices.Contains([]string{"money", "number", "float", "integer", "duration", "rating", "percent"}, f.Type)
}

func (f rowField) day() bool { return f.Type == "date" || f.Type == "text" && isDay(f.Name) }

func (f rowField) words() bool {
	return (f.Type == "text" || f.Type == "note" || f.Type == "choice") && !f.day()
}

func isDay(name string) bool { return slices.Contains([]string{"date", "day", "datum", "tag"}, name) }

// rows enters what the owner says into an app, or answers from what is there. What
// cannot be told for sure is left to the app, which is opened.
func (k *kernel) rows(in intent, now turn) step {
	if in.app == "" {
		in.app = meantByMoney(in.text, k.t.state.Apps)
	}
	app, ok := k.t.state.app(in.app)
	table, fields := tableOf(app)
	if !ok || table == "" {
		return k.inTheApp(in, now)
	}
	if in.verb == verbAskData {
		return k.askRows(in, now, app, table, fields)
	}
	c, read := now.find("Read")
	if !read {
		return do(tool("Read", "file_path", app.folder()+"/src/fields.json"))
	}
	var known []rowField
	if !c.failed && json.Unmarshal([]byte(fileText(c.result)), &known) == nil && len(known) > 0 {
		fields = known
	}
	row, shown, ok := k.l.rowOf(in.text, app, fields, k.t.state.now())
	if !ok {
		return k.inTheApp(in, now)
	}
	added, called := now.find("app_data")
	switch {
	case !called:
		return do(tool("app_data", "app", app.Slug, "action", "insert", "table", table, "data", row))
	case added.failed:
		return k.say(in, "tool-failed", "why", firstLine(added.result))
	}
	return k.say(in, "entered", "app", app.Name, "what", strings.Join(shown, ", "))
}

var moneyAsk = regexp.MustCompile(`(?i)\b(?:spen[dt]|paid|pay|cost|ausgegeben|bezahlt|gekostet)\b`)

// meantByMoney is the one app that keeps amounts of money, where text is about
// money.
func meantByMoney(text string, apps []stateApp) string {
	if !moneyAsk.MatchString(text) {
		return ""
	}
	var fit []string
	for _, a := range apps {
		table, _ := tableOf(a)
		if table != "" && !a.Hidden && (a.Tables[table]["amount"] != "" || a.Tables[table]["cost"] != "") {
			fit = append(fit, a.Slug)
		}
	}
	for _, slug := range fit {
		if strings.Contains(slug, "expens") || strings.Contains(slug, "spend") || strings.Contains(slug, "ausgab") {
			return slug
		}
	}
	if len(fit) == 1 {
		return fit[0]
	}
	return ""
}

// tableOf is the table of an app that has one, or of its tables the one with
// numbers; and its columns as fields.
func tableOf(a stateApp) (string, []rowField) {
	var names []string
	for _, n := range slices.Sorted(maps.Keys(a.Tables)) {
		if len(a.Tables) == 1 || slices.ContainsFunc(slices.Collect(maps.Values(a.Tables[n])), func(t string) bool { return t == "float" || t == "integer" }) {
			names = append(names, n)
		}
	}
	if len(names) != 1 {
		return "", nil
	}
	var out []rowField
	for _, c := range slices.Sorted(maps.Keys(a.Tables[names[0]])) {
		out = append(out, rowField{Name: c, Label: c, Type: a.Tables[names[0]][c]})
	}
	return names[0], out
}

var (
	figure    = regexp.MustCompile(`(?:[€$£]\s*)?(\d+(?:[.,]\d{1,3})?)\s*(?:([€$£])|([\p{L}]+))?`)
	enterLed  = regexp.MustCompile(`(?i)^` + courtesy + `(?:add|log|enter|record|put in|insert|new|note|trage?|i (?:just )?(?:spent|paid|bought|ran|ate|read|finished|watched|drank|walked|slept))\s+`)
	rowFiller = set("for on at in to into my the a an of some from with and as it was eur euro euros dollar dollars usd pound pounds für auf bei in zu meine meinen ein eine der die das von mit und")
	currency  = set("eur euro euros dollar dollars usd gbp chf bucks")
	unitOf    = map[string][]string{
		"km": {"distance", "km", "strecke"}, "kilometers": {"distance", "km"}, "miles": {"distance", "miles"}, "kg": {"weight", "gewicht"}, "minutes": {"duration", "minutes", "dauer"}, "min": {"duration", "minutes", "dauer"},
		"minuten": {"dauer", "duration"}, "hours": {"hours", "duration"}, "pages": {"pages"}, "glasses": {"glasses", "amount", "count"},
	}
)

// rowOf reads one entry out of a sentence. ok is false if something that the app
// needs is missing, or if it cannot be told which field a number belongs to.
func (l *lexicon) rowOf(text string, app stateApp, fields []rowField, now time.Time) (row map[string]any, shown []string, ok bool) {
	rest := enterLed.ReplaceAllString(text, "")
	for _, n := range append(namesOf(app), app.Name, app.Slug) {
		rest = regexp.MustCompile(`(?i)\s*\b(?:to|in|into|in die|zu)\s+(?:the |my |meine |den |die )?`+regexp.QuoteMeta(n)+`\b`).ReplaceAllString(rest, "")
	}
	row = map[string]any{}
	put := func(f rowField, v any, text string) {
		row[f.Name] = v
		shown = append(shown, strings.ToLower(orEmpty(f.Label, f.Name))+" "+text)
	}
	day, rest := dayIn(rest, now)
	m := figure.FindStringSubmatch(rest)
	if m == nil {
		return nil, nil, false
	}
	value, err := strconv.ParseFloat(strings.Replace(m[1], ",", ".", 1), 64)
	f, found := numberField(fields, m[0], strings.ToLower(m[3]))
	if err != nil || !found || f.Type == "integer" && value != float64(int64(value)) {
		return nil, nil, false
	}
	put(f, value, m[1])
	after := ""
	if m[3] != "" && !currency[strings.ToLower(m[3])] && unitOf[strings.ToLower(m[3])] == nil {
		after = m[3] // a word, no unit
	}
	rest = strings.Replace(rest, m[0], " "+after+" ", 1)
	what := strings.Trim(strings.Join(trimRowFiller(strings.Fields(rest)), " "), " .,!?;:")
	said := what
	for _, f := range fields {
		switch {
		case row[f.Name] != nil:
		case f.day():
			put(f, day.Format(time.DateOnly), day.Format(time.DateOnly))
		case f.Type == "choice":
			if option := l.optionFor(said, f.Options); option != "" {
				put(f, option, option)
			}
		case f.words() && what != "":
			put(f, what, "“"+what+"”")
			what = ""
		}
	}
	for _, f := range fields {
		if f.Required && row[f.Name] == nil {
			return nil, nil, false
		}
	}
	return row, shown, true
}

func trimRowFiller(words []string) []string {
	for len(words) > 0 && rowFiller[strings.ToLower(words[0])] {
		words = words[1:]
	}
	for len(words) > 0 && rowFiller[strings.ToLower(words[len(words)-1])] {
		words = words[:len(words)-1]
	}
	return words
}

// numberField is the field that a number with a unit is meant for.
func numberField(fields []rowField, figure, unit string) (rowField, bool) {
	var all []rowField
	for _, f := range fields {
		if f.number() {
			all = append(all, f)
		}
	}
	for _, f := range all {
		if slices.Contains(unitOf[unit], f.Name) {
			return f, true
		}
	}
	if unitOf[unit] == nil || len(all) == 1 {
		for _, f := range all {
			if f.Type == "money" || slices.Contains([]string{"amount", "price", "cost", "betrag", "preis"}, f.Name) {
				return f, true
			}
		}
	}
	if len(all) == 1 && !strings.ContainsAny(figure, "€$£") {
		return all[0], true
	}
	return rowField{}, false
}

// optionFor is the option of a choice that words name, or mean.
func (l *lexicon) optionFor(words string, options []string) string {
	p := " " + fold(words) + " "
	for _, o := range options {
		if strings.Contains(p, " "+fold(o)+" ") {
			return o
		}
	}
	for _, o := range options {
		for _, w := range l.means[fold(o)] {
			if strings.Contains(p, " "+w+" ") {
				return o
			}
		}
	}
	for _, o := range options {
		if slices.Contains([]string{"other", "misc", "sonstiges", "andere"}, fold(o)) {
			return o
		}
	}
	return ""
}

var dayWord = regexp.MustCompile(`(?i)\b(?:(yesterday|gestern)|(today|heute))\b`)

// dayIn reads a day out of text: today if none is said.
func dayIn(text string, now time.Time) (time.Time, string) {
	if m := dayWord.FindStringSubmatch(text); m != nil {
		if m[1] != "" {
			now = now.AddDate(0, 0, -1)
		}
		return now, dayWord.ReplaceAllString(text, " ")
	}
	rest := text
	if day, ok := calendarDay(taker(&rest), now); ok {
		return day, rest
	}
	return now, text
}
