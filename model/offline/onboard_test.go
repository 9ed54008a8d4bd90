package offline

import (
	"fmt"
	"strings"
	"testing"
)

func newcomer(t *testing.T, answers ...string) *host {
	t.Helper()
	h := newHost(t)
	h.isNew = true
	h.files["system/user.md"] = "# The owner\n\n- Name: (not known yet)\n- What this home is for: (not known yet)\n"
	h.files["system/soul.md"] = "# Soul\n\nCalm.\n"
	h.files["system/identity.md"] = "# Identity\n\nYou are the owner's Matrix OS.\n"
	h.files["system/bootstrap.md"] = "# This home is new\n"
	h.after = func(name string, input map[string]any) (string, bool) {
		switch name {
		case "ask_owner":
			h.asked = append(h.asked, fmt.Sprint(input["question"]))
			return answers[len(h.asked)-1], true
		case "set_handle":
			h.asked = append(h.asked, fmt.Sprint(input["handle"], " ", input["display_name"]))
			return "The handle will be that.", true
		case "get_persona_suggestions":
			return `{"exact":true,"personas":[{"id":"student","apps":[{"title":"A","request":"track my assignments"}]}]}`, true
		}
		return "", false
	}
	return h
}

// What is asked for comes first; the offer is a sentence after it, once.
func TestARequestIsNotHeldUp(t *testing.T) {
	h := newcomer(t)
	if answer := h.ask("track my expenses"); !strings.Contains(answer, "set me up") || len(h.asked) > 0 || h.files["apps/expenses/matrix.json"] == "" {
		t.Errorf("%s; asked %v", answer, h.asked)
	}
	if answer := h.ask("dark mode"); strings.Contains(answer, "set me up") {
		t.Errorf("it offers again: %s", answer)
	}
}

func TestThreeQuestionsAtMost(t *testing.T) {
	h := newcomer(t, "Anna", "I am a student", "Warm")
	if answer := h.ask("hello"); !strings.Contains(answer, "set me up") {
		t.Fatal(answer)
	}
	answer := h.ask("yes")
	if len(h.asked) != 4 || h.asked[3] != "anna Anna" || !strings.Contains(answer, "Anna") || !strings.Contains(answer, "track my assignments") {
		t.Errorf("%s; asked %q", answer, h.asked)
	}
	for file, want := range map[string]string{
		"system/user.md": "- Name: Anna\n- What this home is for: I am a student\n", "system/soul.md": "Calm.\n\nTone: Warm\n", "system/identity.md": "You are Anna's Matrix OS.",
	} {
		if !strings.Contains(h.files[file], want) {
			t.Errorf("%s is %q", file, h.files[file])
		}
	}
	if h.files["system/bootstrap.md"] != "" {
		t.Error("it would be offered again")
	}
}

func TestItCanBeSkipped(t *testing.T) {
	for name, answers := range map[string][]string{"at once": {"Skip"}, "later": {"Anna", "skip"}} {
		h := newcomer(t, answers...)
		answer := h.ask("set me up")
		questions := 0
		for _, a := range h.asked {
			if strings.HasSuffix(a, "?") {
				questions++
			}
		}
		if questions != len(answers) || h.files["system/bootstrap.md"] != "" || strings.Contains(h.files["system/soul.md"], "Tone") {
			t.Errorf("%s: %s; asked %q", name, answer, h.asked)
		}
		if known := strings.Contains(h.files["system/user.md"], "Anna"); known != (name == "later") {
			t.Errorf("%s: %q", name, h.files["system/user.md"])
		}
	}
}
