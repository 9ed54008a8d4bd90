package kernel_test

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/engine"
	"matrixos/home"
	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/test/machine"
)

const poet = "---\nname: poet\ndescription: writes verse\ntools: Read, Write\nwrites: projects/\ntrial:\n  task: Write about rain\n  never: [Bash, send_message]\n  says: [rain]\n  files: [projects/rain.md]\n---\nYou write verse.\n"

// writes is a main agent that writes one file, and ends after one refusal.
func writes(t *testing.T, path, content string) func(context.Context, engine.Host, int, string) (string, error) {
	return func(ctx context.Context, h engine.Host, turn int, said string) (string, error) {
		if turn > 1 {
			return "", &sys.Error{Op: "test", Kind: sys.Invalid, Hint: said}
		}
		_, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": path, "content": content})
		if err != nil {
			t.Error(err)
		}
		return "written", err
	}
}

func TestAProgramIsAdoptedOnlyAfterItsTrial(t *testing.T) {
	good := func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
		if !strings.Contains(said, "Write about rain") {
			t.Errorf("its task is %q", said)
		}
		_, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "projects/rain.md", "content": "Rain."})
		return "It is about RAIN.", err
	}
	for name, c := range map[string]struct {
		file string
		run  func(context.Context, engine.Host, int, string) (string, error)
		why  string // empty: adopted
	}{
		"passes": {poet, good, ""},
		"says something else": {poet, func(ctx context.Context, h engine.Host, n int, said string) (string, error) {
			_, err := good(ctx, h, n, said)
			return "It is about snow.", err
		}, `does not have "rain"`},
		"writes nothing": {poet, func(context.Context, engine.Host, int, string) (string, error) { return "rain", nil }, "did not write projects/rain.md"},
		"tries what it may never": {poet, func(ctx context.Context, h engine.Host, n int, said string) (string, error) {
			if _, err := machine.Call(ctx, h, "send_message", machine.Obj{"to": "kernel", "content": "x"}); err == nil {
				t.Error("a message was sent")
			}
			return good(ctx, h, n, said)
		}, "called send_message"},
		"breaks": {poet, func(context.Context, engine.Host, int, string) (string, error) {
			return "", &sys.Error{Op: "think", Kind: sys.Invalid}
		}, "its trial failed"},
		"without a trial":    {"---\nname: poet\ndescription: x\n---\nx\n", good, "states no trial"},
		"with an empty one":  {"---\nname: poet\ndescription: x\ntrial: {task: go}\n---\nx\n", good, "nothing has to hold"},
		"with another name":  {strings.Replace(poet, "name: poet", "name: bard", 1), good, "name is"},
		"that wants more":    {strings.Replace(poet, "Read, Write", "Read, publish_everything", 1), good, "more than"},
		"that writes beyond": {strings.Replace(poet, "projects/", "projects/, secrets/", 1), good, "more than"},
	} {
		t.Run(name, func(t *testing.T) {
			m := machine.Boot(t, machine.Script{"kernel": writes(t, "agents/custom/poet.md", c.file), "poet": c.run})
			_, events := m.Ask("learn verse")
			landed := m.File("agents/custom/poet.md") != ""
			if landed != (c.why == "") {
				t.Errorf("landed: %v", landed)
			}
			if m.File("projects/rain.md") != "" {
				t.Error("work of a trial landed")
			}
			var all strings.Builder
			for _, e := range events {
				all.Write(e.Data)
			}
			if c.why != "" && !strings.Contains(strings.ReplaceAll(all.String(), `\"`, `"`), c.why) && !strings.Contains(strings.ReplaceAll(all.String(), `\\"`, `"`), c.why) {
				t.Errorf("nobody says %q: %s", c.why, all.String())
			}
		})
	}
}

func TestASkillIsAdoptedOnlyIfItsTrialLoadsIt(t *testing.T) {
	for _, load := range []bool{true, false} {
		trial := false
		m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, turn int, said string) (string, error) {
			if strings.Contains(said, "Count to three") {
				trial = true
				if !load {
					return "three", nil
				}
				got, err := machine.Call(ctx, h, "load_skill", machine.Obj{"skill_name": "counting"})
				if !strings.Contains(got, "One by one") || !strings.Contains(got, "agents/skills/counting/more.md") || strings.Contains(got, "trial.yaml") {
					t.Errorf("load_skill %q", got)
				}
				return "three", err
			}
			if turn > 1 {
				return "", &sys.Error{Op: "test", Kind: sys.Invalid}
			}
			for f, text := range map[string]string{
				"SKILL.md": "---\nname: counting\ndescription: counts\n---\nOne by one.\n", "more.md": "more", "trial.yaml": "task: Count to three\nsays: three\n",
			} {
				if _, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "agents/skills/counting/" + f, "content": text}); err != nil {
					return "", err
				}
			}
			return "written", nil
		}})
		m.Ask("learn to count")
		if landed := m.File("agents/skills/counting/SKILL.md") != ""; landed != load || !trial {
			t.Errorf("loaded %v: landed %v, tried %v", load, landed, trial)
		}
	}
}

func TestTheOwnerNeedsNoTrial(t *testing.T) {
	m := machine.Boot(t, machine.Script{})
	for f, text := range map[string]string{
		"agents/custom/cook.md":      "---\nname: cook\ndescription: cooks\n---\nx\n",
		"agents/skills/Bad/SKILL.md": "---\nname: Bad\ndescription: x\n---\n", "agents/skills/mute/SKILL.md": "---\nname: mute\n---\nx\n",
		"agents/skills/fine/SKILL.md": "---\nname: fine\ndescription: is fine\n---\nx\n",
	} {
		p := filepath.Join(m.Home, f)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Disk.Capture(t.Context()); err != nil {
		t.Fatal(err)
	}
	agents, err := m.Kernel.Agents(t.Context())
	if err != nil || len(agents) != 3 || agents[2].Name != "cook" || agents[2].Problem != "" {
		t.Errorf("%+v %v", agents, err)
	}
	skills, err := m.Kernel.Skills(t.Context())
	if err != nil || len(skills) != 3 || !strings.Contains(skills[0].Problem, "name") || skills[1].Problem != "" || !strings.Contains(skills[2].Problem, "description: it is missing") {
		t.Errorf("%+v %v", skills, err)
	}
	p, err := m.Kernel.Prompt(t.Context(), "kernel")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, s := range p.Sections {
		text += s.Text
	}
	if !strings.Contains(text, "- fine: is fine") || strings.Contains(text, "mute") {
		t.Errorf("the prompt lists %q", text)
	}
}

// The programs that ship have no more than their work needs.
func TestShippedProgramsAndSkills(t *testing.T) {
	turns := map[sys.Program]int{"builder": 50, "healer": 30, "researcher": 15, "deployer": 20, "evolver": 40, "kernel": 40}
	calls := map[string]bool{}
	for name, most := range turns {
		text, err := home.Template().Open("agents/" + string(name) + ".md")
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if _, err := io.Copy(&b, text); err != nil {
			t.Fatal(err)
		}
		p, err := kernel.ParseProgram(string(name), []byte(b.String()))
		if err != nil || p.MaxTurns != most || p.Name != name {
			t.Errorf("%s: %+v %v", name, p, err)
		}
		for _, c := range p.Tools {
			calls[c] = true
			private := c == "Read" || c == "Glob" || c == "Grep" || c == "Bash" || c == "recall" || c == "search_conversations"
			if name == "researcher" && (private || len(p.Writes) > 0) {
				t.Errorf("the researcher has %s", c)
			}
			if name == "deployer" && (c == "Write" || c == "Edit" || len(p.Writes) > 0) {
				t.Errorf("the deployer writes: %s", c)
			}
		}
	}
	for _, c := range []string{"load_skill", "search_conversations", "web_search"} {
		if !calls[c] {
			t.Errorf("no program has %s", c)
		}
	}
}
