package offline

import (
	"encoding/json"
	"maps"
	"strings"
	"testing"
)

// expensesHome is a home with the app of the first example.
func expensesHome(t *testing.T) *host {
	t.Helper()
	h := newHost(t)
	u := h.m.words.build("Track my expenses with amount, category and date, and show a chart per month")
	files, err := h.m.words.files(&u.spec)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		h.files["apps/expenses/"+f.path] = f.text
	}
	h.focus = "expenses"
	return h
}

// TestChanges asks for each kind of change and checks that the app still
// stands, that no column is lost, and what changed.
func TestChanges(t *testing.T) {
	const app, fields, manifest = "src/App.tsx", "src/fields.json", "matrix.json"
	for text, want := range map[string][]string{ // file, what is in it now; a leading ! is what is not
		"add a field for the shop":                                 {fields, `"name": "shop", "label": "Shop", "type": "text"`, manifest, `"shop": "text"`},
		"add a payment method (cash/card) and a receipt link":      {fields, `"options": ["Cash", "Card"]`, fields, `"type": "link"`, manifest, `"receipt_link": "text"`},
		"add a rating out of 10":                                   {fields, `"type": "rating", "max": 10`, manifest, `"rating": "integer"`},
		"also track the duration":                                  {fields, `"type": "duration"`, manifest, `"duration": "integer"`},
		"füge ein Feld für den Laden hinzu":                        {fields, `"label": "Laden"`, manifest, `"laden": "text"`},
		"remove the category":                                      {fields, `!"category"`, manifest, `"category": "text"`, app, `!category`},
		"remove the date field":                                    {fields, `!"date"`, manifest, `"date": "text"`, app, `!<Chart`},
		"rename amount to Cost":                                    {fields, `"name": "amount", "label": "Cost"`, app, `title="Cost per month"`, manifest, `"amount": "float"`},
		"rename the app to Spending":                               {manifest, `"name": "Spending"`, app, `<App title="Spending">`, manifest, `"slug": "expenses"`},
		"change the icon to a heart":                               {manifest, `"icon": "heart"`},
		"add a pie chart of amount by category":                    {app, `kind="pie"`, app, `x="category"`, app, `title="Amount by category"`, app, `every="month"`},
		"chart per week":                                           {app, `every="week"`, app, `every="month"`},
		"show the chart per week":                                  {app, `every="week"`, app, `!every="month"`, app, `title="Amount per week"`},
		"average amount per year as a line chart, please add that": {},
		"show average amount per year as a line chart":             {app, `kind="line"`, app, `agg="avg"`, app, `every="year"`},
		"add a chart of the number of expenses per day":            {app, `agg="count"`, app, `every="day"`},
		"remove the chart":                                         {app, `!Chart table`, app, `!<Chart`},
		"sort by amount descending":                                {app, `sort="-amount"`},
		"sort by category":                                         {app, `sort="category"`},
		"group by category":                                        {app, `group="category"`},
		"group by month":                                           {app, `group={{ by: "date", every: "month" }}`},
		"filter by date":                                           {app, `filters={["category", "date"]}`},
		"make it searchable":                                       {app, ` search`},
		"no totals":                                                {app, `!totals`},
		"use dollars":                                              {fields, `"currency": "USD"`},
		"add Travel and Pets to the categories":                    {fields, `"Clothes", "Travel", "Pets", "Other"`},
		"category should be a choice of A, B or C":                 {fields, `"options": ["A", "B", "C"]`},
		"remove the option Fun from category":                      {fields, `!"Fun"`},
		"set the default category to Food":                         {fields, `"default": "Food"`},
		"make category required":                                   {fields, `"required": true }`},
		"make amount optional":                                     {fields, `!"required"`},
		"show as cards":                                            {app, `view="cards"`},
		"show it as a board":                                       {app, `<Board`, app, `column="category"`, app, `<Tabs labels={["Board", "List"]}>`, app, "import { App, Board, Chart, Stack, Tabs, Tracker }"},
		"switch to calendar view":                                  {app, `<Calendar`, app, `date="date"`},
	} {
		t.Run(text, func(t *testing.T) {
			h := expensesHome(t)
			before := h.checkApp("expenses").Storage.Tables["expenses"].Columns
			files := h.copyFiles()
			answer := h.ask(text)
			after := h.checkApp("expenses").Storage.Tables["expenses"].Columns
			for c, typ := range before {
				if after[c] != typ {
					t.Errorf("the column %s %s became %q", c, typ, after[c])
				}
			}
			if len(want) > 0 && mapsEqual(files, h.files) {
				t.Errorf("nothing changed: %s", answer)
			}
			for i := 0; i+1 < len(want); i += 2 {
				text := h.files["apps/expenses/"+want[i]]
				if not, is := strings.CutPrefix(want[i+1], "!"); is && strings.Contains(text, not) || !is && !strings.Contains(text, want[i+1]) {
					t.Errorf("%s: want %q in\n%s\nanswer: %s", want[i], want[i+1], text, answer)
				}
			}
			if answer == "" || len(answer) > 400 {
				t.Errorf("answer: %q", answer)
			}
		})
	}
}

// TestManyChanges makes one change after another to the same app.
func TestManyChanges(t *testing.T) {
	h := expensesHome(t)
	columns := map[string]string{}
	for _, text := range []string{
		"add a field for the shop", "add status (open/paid)", "show it as a board", "add a chart per week", "switch to calendar view", "rename shop to Store", "remove store", "add shop", "add a bar chart of amount by shop",
		"filter by status", "sort by amount", "group by week", "rename it to Money", "add Waiting to the status options", "remove all charts", "show as a list", "delete status", "add a link", "use swiss francs", "don't group",
	} {
		answer := h.ask(text)
		m := h.checkApp("expenses")
		for c, typ := range columns {
			if m.Storage.Tables["expenses"].Columns[c] != typ {
				t.Fatalf("%s: the column %s is lost", text, c)
			}
		}
		maps.Copy(columns, m.Storage.Tables["expenses"].Columns)
		if t.Failed() {
			t.Fatalf("%s: %s\n%s", text, answer, h.files["apps/expenses/src/App.tsx"])
		}
	}
	if got := h.files["apps/expenses/src/fields.json"]; !strings.Contains(got, `"name": "shop", "label": "Shop"`) || strings.Contains(got, `"status"`) == false {
		t.Errorf("fields:\n%s", got)
	}
}

// TestHandEdits keeps what the owner wrote by hand, and does nothing half
// where it cannot tell.
func TestHandEdits(t *testing.T) {
	h := expensesHome(t)
	app := "apps/expenses/src/App.tsx"
	h.files[app] = strings.Replace(h.files[app], "<Stack gap={24}>", "<Stack gap={24}>\n        <p>By hand, with a brace {\"}\"} and a “quote”.</p>", 1)
	h.files["apps/expenses/src/fields.json"] = strings.Replace(h.files["apps/expenses/src/fields.json"], `"label": "Amount"`, `"label": "Amount", "mine": { "a": [1, 2] }`, 1)
	h.files["apps/expenses/matrix.json"] = strings.Replace(h.files["apps/expenses/matrix.json"], `"scope"`, `"author": "me", "scope"`, 1)
	h.ask("add a field for the shop")
	h.ask("sort by category")
	for p, want := range map[string]string{app: "By hand, with a brace", "apps/expenses/src/fields.json": `"mine": { "a": [1, 2] }`, "apps/expenses/matrix.json": `"author": "me"`} {
		if !strings.Contains(h.files[p], want) {
			t.Errorf("%s lost %q:\n%s", p, want, h.files[p])
		}
	}
	h.checkApp("expenses")

	for name, spoil := range map[string]func(h *host){
		"tracker": func(h *host) { h.files[app] = strings.ReplaceAll(h.files[app], "<Tracker", "<MyTracker") },
		"fields":  func(h *host) { h.files["apps/expenses/src/fields.json"] = "[oops" },
		"filters": func(h *host) {
			h.files[app] = strings.Replace(h.files[app], `filters={["category"]}`, "filters={mine()}", 1)
		},
		"no files": func(h *host) { delete(h.files, app) },
	} {
		t.Run(name, func(t *testing.T) {
			h := expensesHome(t)
			spoil(h)
			before := h.copyFiles()
			answer := h.ask("add a field for the shop and filter by date")
			if !mapsEqual(before, h.files) || !strings.Contains(answer, "Nothing was changed") {
				t.Errorf("%s: %s", name, answer)
			}
		})
	}
}

// TestUnknownField names the fields there are.
func TestUnknownField(t *testing.T) {
	h := expensesHome(t)
	before := h.copyFiles()
	if answer := h.ask("sort by colour"); !strings.Contains(answer, "Amount, Category and Date") || !mapsEqual(before, h.files) {
		t.Errorf("answer: %s", answer)
	}
}

// TestCompileErrorIsUndone puts files back that do not compile after a change,
// and says so.
func TestCompileErrorIsUndone(t *testing.T) {
	h := expensesHome(t)
	before := h.copyFiles()
	broken := true
	h.after = func(name string, in map[string]any) (string, bool) {
		if name == "Write" && broken && strings.HasSuffix(in["file_path"].(string), "fields.json") {
			broken = false
			h.files[in["file_path"].(string)] = in["content"].(string)
			return "Wrote it.\n\napps/expenses/src/App.tsx:3:1: error: unexpected end of file", true
		}
		return "", false
	}
	answer := h.ask("add a field for the shop")
	if !mapsEqual(before, h.files) || !strings.Contains(answer, "unexpected end of file") || strings.Contains(answer, "new field") {
		t.Errorf("answer: %s\n%s", answer, h.files["apps/expenses/src/fields.json"])
	}
}

// TestBuildThatDoesNotCompile is tried once more without what goes beyond a
// list, and the report says what is missing.
func TestBuildThatDoesNotCompile(t *testing.T) {
	h := newHost(t)
	h.after = func(name string, in map[string]any) (string, bool) {
		if name == "Write" && strings.HasSuffix(in["file_path"].(string), "index.html") && strings.Contains(h.files["apps/expenses/src/App.tsx"], "Chart") {
			h.files[in["file_path"].(string)] = in["content"].(string)
			return "Wrote it.\nerror: No matching export for import \"Chart\"", true
		}
		return "", false
	}
	answer := h.ask("Track my expenses with amount, and show a chart per month")
	h.checkApp("expenses")
	if !strings.Contains(answer, "ready") || !strings.Contains(answer, "Left out") {
		t.Errorf("answer: %s", answer)
	}
	h = newHost(t)
	h.after = func(name string, _ map[string]any) (string, bool) {
		return "error: the disk is full", name == "Write"
	}
	if answer := h.ask("Track my expenses"); !strings.Contains(answer, "the disk is full") || strings.Contains(answer, "ready") || len(h.opened) > 0 {
		t.Errorf("answer: %s, opened %v", answer, h.opened)
	}
}

// TestRefusedLanding repeats a change after a conflict, and takes it back after
// any other refusal.
func TestRefusedLanding(t *testing.T) {
	h := expensesHome(t)
	h.refuse = "The landing was refused: conflict in apps/expenses/src/fields.json. Your workspace is on the new base now."
	if answer := h.ask("add a field for the shop"); !strings.Contains(answer, "Shop") || !strings.Contains(h.files["apps/expenses/src/fields.json"], `"shop"`) {
		t.Errorf("answer: %s", answer)
	}
	before := h.copyFiles()
	h.refuse = "The landing was refused: apps/expenses does not compile: src/App.tsx:3:1: something"
	if answer := h.ask("add a field for the person"); !mapsEqual(before, h.files) || !strings.Contains(answer, "could not change") {
		t.Errorf("answer: %s", answer)
	}
}

// TestTaskForOtherBuilders checks that a task quotes the owner, and that a task
// in plain words, as another model writes it, is understood.
func TestTaskForOtherBuilders(t *testing.T) {
	l := lexiconForTest(t)
	u := l.build("Track my expenses with amount and shop")
	task := l.task("Track my expenses with amount and shop", contract{Build: &u.spec}, false)
	if !strings.Contains(task, "> Track my expenses with amount and shop") || !strings.Contains(task, `"slug": "expenses"`) {
		t.Errorf("task: %s", task)
	}
	h := newHost(t)
	out, failed := h.spawn("Build a new app: track my plants with room and last watered")
	if failed || len(h.apps()) != 1 {
		t.Fatalf("%s", out)
	}
	h.checkApp(h.apps()[0]["slug"].(string))
	if out, _ := h.spawn("Please think about the meaning of it all"); !strings.Contains(out, "nothing was written") {
		t.Errorf("report: %s", out)
	}
	var bad contract
	if err := json.Unmarshal([]byte(`{"build":{"kind":"tracker","name":"../x","slug":"../x","fields":[{"name":"a"}],"table":"t"}}`), &bad); err != nil || bad.Build.valid() {
		t.Error("a contract that leads outside is taken")
	}
}
