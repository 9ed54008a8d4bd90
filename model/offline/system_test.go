package offline

import (
	"slices"
	"strings"
	"testing"
	"time"

	"matrixos/model"
	"matrixos/sys"
)

// TestReminders sets reminders and checks what manage_cron was told.
func TestReminders(t *testing.T) {
	for text, want := range map[string][2]string{
		"remind me tomorrow at 9 to call Ana":                      {"call Ana", "2026-11-24T09:00:00+01:00"},
		"remind me to call Ana at 5pm":                             {"call Ana", "2026-11-23T17:00:00+01:00"},
		"remind me in 20 minutes to check the oven":                {"check the oven", "2026-11-23T12:20:00+01:00"},
		"remind me at 8 to stretch":                                {"stretch", "2026-11-24T08:00:00+01:00"},
		"remind me to water the plants every day at 8":             {"water the plants", "day 08:00"},
		"remind me every monday at 9:30 to write the report":       {"write the report", "week mon 09:30"},
		"remind me every month on the 15th at 10 to pay the rent":  {"pay the rent", "month 15 10:00"},
		"remind me every hour to stand up":                         {"stand up", "hour"},
		"remind me on Friday to bring cake":                        {"bring cake", "2026-11-27T09:00:00+01:00"},
		"remind me on 24 December at 18:00 to light the candles":   {"light the candles", "2026-12-24T18:00:00+01:00"},
		"remind me about the dentist on 2026-12-01 at 14:15":       {"the dentist", "2026-12-01T14:15:00+01:00"},
		"Erinnere mich in 20 Minuten an die Pizza":                 {"die Pizza", "2026-11-23T12:20:00+01:00"},
		"erinnere mich morgen um 7 Uhr an die Tabletten":           {"die Tabletten", "2026-11-24T07:00:00+01:00"},
		"erinnere mich jeden Montag um 9 an den Müll":              {"den Müll", "week mon 09:00"},
		"Erinnere mich täglich um 8 daran, die Blumen zu gießen":   {"die Blumen zu gießen", "day 08:00"},
		"set a reminder for tomorrow evening: feed the neighbours": {"feed the neighbours", "2026-11-24T19:00:00+01:00"},
	} {
		h := newHost(t)
		answer := h.ask(text)
		if len(h.cron) != 1 {
			t.Errorf("%q set %d reminders and said: %s", text, len(h.cron), answer)
			continue
		}
		c := h.cron[0]
		if c["message"] != want[0] || c["at"]+c["every"] != want[1] || c["name"] == "" || !strings.Contains(answer, want[0]) {
			t.Errorf("%q: %v; %s", text, c, answer)
		}
	}
}

// TestReminderConversation asks for what is missing and takes the answer.
func TestReminderConversation(t *testing.T) {
	h := newHost(t)
	if answer := h.ask("remind me to call Ana"); !strings.Contains(answer, "When") || len(h.cron) > 0 {
		t.Fatalf("%s", answer)
	}
	if answer := h.ask("tomorrow at 9"); len(h.cron) != 1 || h.cron[0]["message"] != "call Ana" || !strings.Contains(answer, "tomorrow at 09:00") {
		t.Fatalf("%v: %s", h.cron, answer)
	}
	if answer := h.ask("list my reminders"); !strings.Contains(answer, "call Ana") {
		t.Errorf("%s", answer)
	}
	if answer := h.ask("cancel the reminder to call Ana"); len(h.cron) != 0 || !strings.Contains(answer, "removed") {
		t.Errorf("%v: %s", h.cron, answer)
	}
	if answer := h.ask("list my reminders"); !strings.Contains(answer, "no reminders") {
		t.Errorf("%s", answer)
	}
}

// TestMemory remembers, recalls and forgets.
func TestMemory(t *testing.T) {
	h := newHost(t)
	h.ask("remember that I like green tea")
	h.ask("merk dir, dass Oma am 3. Mai Geburtstag hat")
	if !slices.Equal(h.memory, []string{"I like green tea", "Oma am 3. Mai Geburtstag hat"}) {
		t.Fatalf("%q", h.memory)
	}
	if answer := h.ask("what do you know about tea"); !strings.Contains(answer, "green tea") {
		t.Errorf("%s", answer)
	}
	if answer := h.ask("forget that I like green tea"); h.memory[0] != "" || !strings.Contains(answer, "Forgotten") {
		t.Errorf("%q: %s", h.memory, answer)
	}
	if answer := h.ask("what do you know about tea"); !strings.Contains(answer, "nothing on") {
		t.Errorf("%s", answer)
	}
}

// TestTheme keeps what else is in the settings.
func TestTheme(t *testing.T) {
	h := newHost(t)
	if answer := h.ask("dark mode"); !strings.Contains(answer, "dark") {
		t.Errorf("%s", answer)
	}
	h.ask("make the accent blue")
	if got := h.files["system/theme.json"]; !strings.Contains(got, `"mode": "dark"`) || !strings.Contains(got, `"accent": "#1D5FBF"`) || !strings.Contains(got, `"wallpaper": "contours"`) {
		t.Errorf("%s", got)
	}
}

// TestUndoTakesBackAChange goes through the whole path and back.
func TestUndoTakesBackAChange(t *testing.T) {
	h := expensesHome(t)
	before := h.copyFiles()
	h.ask("add a field for the shop")
	if mapsEqual(before, h.files) {
		t.Fatal("nothing changed")
	}
	if answer := h.ask("undo"); !mapsEqual(before, h.files) || answer != "Undone: the newest change (L1)." {
		t.Errorf("%s", answer)
	}
}

// TestSameAppAgain opens the app that is there, and makes another on request.
func TestSameAppAgain(t *testing.T) {
	h := expensesHome(t)
	h.opened = nil
	if answer := h.ask("track my expenses"); len(h.apps()) != 1 || !strings.Contains(answer, "already have Expenses") || !slices.Equal(h.opened, []string{"expenses"}) {
		t.Errorf("%s, opened %v", answer, h.opened)
	}
	h.ask("another expense tracker with amount and shop")
	if len(h.apps()) != 2 || h.files["apps/expenses-2/matrix.json"] == "" {
		t.Fatalf("%v", h.apps())
	}
	h.checkApp("expenses-2")
}

// TestWhichApp asks when it cannot know, and goes on with the answer.
func TestWhichApp(t *testing.T) {
	h := expensesHome(t)
	h.ask("track my books")
	h.focus, h.history = "", nil
	answer := h.ask("add a field for the shop")
	if !strings.Contains(answer, "Books or Expenses?") {
		t.Fatalf("%s", answer)
	}
	if answer := h.ask("books"); !strings.Contains(answer, "Shop") || !strings.Contains(h.files["apps/books/src/fields.json"], `"shop"`) {
		t.Errorf("%s", answer)
	}
}

// TestDelete asks first.
func TestDelete(t *testing.T) {
	h := expensesHome(t)
	if answer := h.ask("delete the expenses app"); !strings.Contains(answer, "?") && !strings.Contains(answer, "Say yes") || len(h.apps()) != 1 {
		t.Fatalf("%s", answer)
	}
	if answer := h.ask("no"); len(h.apps()) != 1 || !strings.Contains(answer, "Kept") {
		t.Errorf("%s", answer)
	}
	h.ask("delete the expenses app")
	if answer := h.ask("yes"); len(h.apps()) != 0 || !strings.Contains(answer, "deleted") {
		t.Errorf("%s", answer)
	}
}

// TestFailuresAreToldAsTheyAre makes every tool fail and checks that no answer
// claims success.
func TestFailuresAreToldAsTheyAre(t *testing.T) {
	for _, text := range []string{
		"Track my expenses", "open expenses", "undo", "dark mode", "remind me tomorrow to call Ana", "remember that I like tea", "forget that I like tea", "list my reminders", "what changed?", "status", "what do you remember about me?",
		"add a field for the shop", "cancel the reminder to call Ana",
	} {
		h := newHost(t)
		h.ask("Track my expenses with amount and date")
		h.after = func(name string, _ map[string]any) (string, bool) {
			return "error: the house is on fire", name != "Read"
		}
		answer := h.ask(text)
		if !strings.Contains(answer, "the house is on fire") {
			t.Errorf("%q: %s", text, answer)
		}
		for _, claim := range []string{"is ready", "is open.", "Undone", "dark now", "I’ll remind", "I’ll remember", "Forgotten", "new field", "removed"} {
			if strings.Contains(answer, claim) {
				t.Errorf("%q claims %q: %s", text, claim, answer)
			}
		}
	}
}

// TestHonesty checks that what only a language model can do is refused in a
// sentence that says how to attach one.
func TestHonesty(t *testing.T) {
	for _, text := range []string{"write me a poem", "summarise this article", "make a multiplayer shooter", "what is the meaning of life", "schreib mir ein Gedicht", "translate this", "qwertz uiop"} {
		h := newHost(t)
		answer := h.ask(text)
		if !strings.Contains(answer, "ANTHROPIC_API_KEY") || !strings.Contains(answer, "OPENAI_BASE_URL") || len(h.trace) > 0 {
			t.Errorf("%q: %s %v", text, answer, h.trace)
		}
	}
	h := newHost(t)
	if answer := h.ask("an app for my passwords"); len(h.apps()) > 0 || !strings.Contains(answer, "password manager") {
		t.Errorf("%s", answer)
	}
}

// TestNoToolIsInvented answers in words where a tool is missing.
func TestNoToolIsInvented(t *testing.T) {
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	r := &model.Request{Program: sys.ProgramKernel, Tools: tools([]string{"Read"}), Messages: []model.Message{userMessage("<state>{}</state>", "Track my expenses")}}
	reply, err := m.Stream(t.Context(), r, func(model.Delta) {})
	if err != nil || reply.Stop != model.StopRefusal || len(reply.Message.Blocks) != 1 || !strings.Contains(reply.Message.Blocks[0].Text, "spawn") {
		t.Errorf("%+v %v", reply, err)
	}
}

// TestStrangeTranscripts gives answers to histories that no kernel should send.
func TestStrangeTranscripts(t *testing.T) {
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	for name, messages := range map[string][]model.Message{
		"none":              nil,
		"only assistant":    {{Role: model.Assistant, Blocks: []model.Block{{Kind: model.Text, Text: "hi"}}}},
		"orphan result":     {{Role: model.User, Blocks: []model.Block{{Kind: model.ToolResult, ID: "x", Text: "y"}}}},
		"broken state":      {userMessage("<state>{not json</state>", "list my apps")},
		"state in the text": {userMessage("<state>{}</state>\nlist my apps")},
		"broken input":      {userMessage("undo"), {Role: model.Assistant, Blocks: []model.Block{{Kind: model.ToolUse, ID: "a", Name: "undo", Input: []byte("{")}}}},
	} {
		for _, p := range []sys.Program{sys.ProgramKernel, sys.ProgramBuilder, "healer", ""} {
			reply, err := m.Stream(t.Context(), &model.Request{Program: p, Messages: messages}, func(model.Delta) {})
			if err != nil || len(reply.Message.Blocks) == 0 {
				t.Errorf("%s as %s: %+v %v", name, p, reply, err)
			}
		}
	}
}

// TestSpeed keeps the first answer far below a second.
func TestSpeed(t *testing.T) {
	m, err := New()
	if err != nil {
		t.Fatal(err)
	}
	r := &model.Request{Program: sys.ProgramKernel, Messages: []model.Message{userMessage(strings.Repeat("track my expenses with a, b and c (d/e/f) sorted by date and a chart per month; ", 60))}}
	start := time.Now()
	if _, err := m.Stream(t.Context(), r, func(model.Delta) {}); err != nil {
		t.Fatal(err)
	}
	if d := time.Since(start); d > 3*time.Second {
		t.Errorf("a long request took %v", d)
	}
}
