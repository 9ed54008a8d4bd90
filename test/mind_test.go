package test

import (
	"strings"
	"testing"

	"matrixos/client"
)

// TestMind asks for what is remembered and learnt as an owner does.
func TestMind(t *testing.T) {
	w := NewWorld(t)
	w.untried = true
	w.Do("ask", "Remember that I keep bees in the garden")
	var list []client.Memory
	w.Do("memory", "bee", "--json").JSON(t, &list)
	if len(list) != 1 || list[0].By != "kernel" || list[0].Landing == 0 || list[0].Conversation == "" || !strings.Contains(list[0].Text, "bees") {
		t.Fatalf("remembered %+v", list)
	}
	var gone client.Forgot
	w.Do("memory", "forget", list[0].ID, "--json").JSON(t, &gone)
	if gone.ID != list[0].ID || !strings.Contains(gone.Left, "history") {
		t.Errorf("forgot %+v", gone)
	}
	w.Do("memory", "--json").JSON(t, &list)
	if len(list) != 0 {
		t.Errorf("still there: %+v", list)
	}
	w.Run("memory", "forget", "nothing").says(t, 1, "not found")
	w.Run("memory", "forget").says(t, 2, "--conversation")
	w.Do("ask", "Remember that my sister is Mia")
	w.Do("ask", "Remember that I like tea")
	w.Do("memory", "sister", "--json").JSON(t, &list)
	w.Run("memory", "sister").says(t, 0, "conversation "+string(list[0].Conversation))
	var all []client.Forgot
	w.Do("memory", "forget", "--outside", "--json").JSON(t, &all)
	if len(all) != 0 {
		t.Errorf("what the owner said came from outside: %+v", all)
	}
	w.Do("memory", "forget", "--conversation", string(list[0].Conversation), "--json").JSON(t, &all)
	if len(all) != 1 || all[0].ID != list[0].ID {
		t.Errorf("forgot %+v", all)
	}
	w.Do("memory", "--json").JSON(t, &list)
	if len(list) != 1 || !strings.Contains(list[0].Text, "tea") {
		t.Errorf("left %+v", list)
	}
	var agents []client.Agent
	w.Do("agents", "--json").JSON(t, &agents)
	var skills []client.Skill
	w.Do("skills", "--json").JSON(t, &skills)
	if len(agents) != 7 || len(skills) != 3 {
		t.Errorf("%d programs, %d skills", len(agents), len(skills))
	}
	for _, a := range agents {
		if a.Problem != "" {
			t.Errorf("%s: %s", a.Name, a.Problem)
		}
	}
	for _, s := range skills {
		if s.Problem != "" {
			t.Errorf("%s: %s", s.Name, s.Problem)
		}
	}
}
