package coder_test

import (
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/engine/coder"
	"matrixos/engine/enginetest"
	"matrixos/model"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

// script puts the turns of the scenarios into the server's words.
func script(turns []enginetest.Turn) []modeltest.Turn {
	var out []modeltest.Turn
	for _, t := range turns {
		o := modeltest.Turn{Stop: t.Stop}
		if t.Slow {
			o.Pace = modeltest.Duration(20 * time.Millisecond)
		}
		for _, b := range t.Blocks {
			switch b.Kind {
			case model.Text:
				o.Text += b.Text
			case model.Thinking:
				o.Thinking += b.Text
			case model.ToolUse:
				c := modeltest.Call{Name: b.Name, Arguments: string(b.Input)}
				if text, bad := model.Malformed(b.Input); bad {
					c.Arguments = text
				}
				o.Calls = append(o.Calls, c)
			case model.ToolResult, model.Opaque:
			}
		}
		switch t.Fault {
		case enginetest.Overloaded:
			o.Fault = &modeltest.Fault{Kind: modeltest.HTTPError, Status: 529}
		case enginetest.Broken:
			o.Fault = &modeltest.Fault{Kind: modeltest.Drop}
		case enginetest.WrongKey:
			o.Fault = &modeltest.Fault{Kind: modeltest.HTTPError, Status: 401, Times: -1}
		case enginetest.TooLong:
			o.Fault = &modeltest.Fault{Kind: modeltest.TooLong}
		}
		out = append(out, o)
	}
	return out
}

func TestScenarios(t *testing.T) {
	enginetest.Run(t, func(t testing.TB, turns ...enginetest.Turn) engine.Engine {
		e, _, _ := agent(t, modeltest.Script(script(turns)...), nil)
		return e
	})
}

func open(t *testing.T, e engine.Engine, d *desk) engine.Session {
	t.Helper()
	s, err := e.Open(t.Context(), d, engine.Options{Model: enginetest.Model, Program: sys.ProgramBuilder, System: []string{"You are the builder."}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func send(t *testing.T, s engine.Session, words string) *engine.Outcome {
	t.Helper()
	out := s.Send(t.Context(), func(engine.Event) {}, enginetest.Say(words))
	if out.Err != nil {
		t.Fatal(out.Err)
	}
	return out
}

func uses(name, input string) modeltest.Turn {
	return modeltest.Turn{Calls: []modeltest.Call{{Name: name, Arguments: input}}}
}

// What a program does by itself is recorded, and read by the model as the Host lets
// it; its conversation goes on where it was in the next turn.
func TestItsOwnTools(t *testing.T) {
	e, s, started := agent(t, modeltest.Script(uses("shell", `{"cmd":"cat the-secret"}`), modeltest.Turn{Text: "Done."}, modeltest.Turn{Text: "Mended."}), nil)
	d := &desk{Host: &enginetest.Host{}}
	session := open(t, e, d)
	if out := send(t, session, "build it"); out.Text != "Done." || out.Steps != 2 {
		t.Errorf("outcome %+v", out)
	}
	if got := strings.Join(d.own, "; "); got != `shell{"cmd":"cat the-secret"}; shell ended` {
		t.Errorf("recorded: %s", got)
	}
	kept := d.Kept()
	if call := kept[0].Blocks[0]; call.Name != engine.Own+"shell" {
		t.Errorf("kept as %+v", call)
	}
	last := s.Requests()[1]
	if res := last.Results(); len(res) != 1 || res[0].Text != `ran {"cmd":"cat [secret]"}` {
		t.Errorf("the model reads %+v", res)
	}
	if out := send(t, session, "the landing was refused"); out.Text != "Mended." || started() != 2 {
		t.Errorf("outcome %+v after %d starts", out, started())
	}
	all := s.Requests()[2].Messages
	if len(all) != 5 || !strings.Contains(all[0].Text, "build it") || !strings.Contains(all[4].Text, "the landing was refused") {
		t.Errorf("it does not go on where it was: %+v", all)
	}
	if !strings.Contains(last.System, "You are the builder.") || !strings.Contains(last.System, "You are Fake.") {
		t.Errorf("the model is told %q", last.System)
	}
}

// A program that dies is begun anew with the conversation as it is; no call is made
// twice. One that dies again and again is given up.
func TestItDies(t *testing.T) {
	died := 0
	e, s, started := agent(t, modeltest.Script(uses("Write", `{"path":"1"}`), uses("shell", `{"cmd":"x"}`), modeltest.Turn{Text: "Done."}), func(step int) bool {
		if step == 2 {
			died++
		}
		return step == 2 && died == 1
	})
	d := &desk{Host: &enginetest.Host{}}
	if out := send(t, open(t, e, d), "build it"); out.Text != "Done." || out.Steps != 3 {
		t.Errorf("outcome %+v", out)
	}
	if n := len(d.Calls()); n != 1 || started() != 2 {
		t.Errorf("%d calls in %d runs", n, started())
	}
	last := s.Requests()[2]
	if i := slices.IndexFunc(last.Messages, func(m modeltest.Message) bool { return len(m.Results) > 0 && m.Results[0].Text == engine.Interrupted }); i < 0 {
		t.Errorf("the model is not told what was interrupted: %+v", last.Messages)
	}

	e, _, started = agent(t, modeltest.Script(uses("shell", `{}`)), func(int) bool { return true })
	out := open(t, e, &desk{Host: &enginetest.Host{}}).Send(t.Context(), func(engine.Event) {}, enginetest.Say("build it"))
	if sys.KindOf(out.Err) != sys.Unavailable || !strings.Contains(out.Err.Error(), "at last it said: killed") || started() != 3 {
		t.Errorf("%v after %d starts", out.Err, started())
	}
}

// noFolder is a Host for conversations alone.
type noFolder struct{ engine.Host }

func TestItNeedsAFolder(t *testing.T) {
	_, err := coder.New(coder.Options{Name: "Fake"}).Open(context.Background(), noFolder{}, engine.Options{})
	if sys.KindOf(err) != sys.Internal {
		t.Error(err)
	}
}

// tools/setup installs the version that is tried.
func TestSetupInstallsThisVersion(t *testing.T) {
	text, err := os.ReadFile("../../tools/setup")
	if err != nil || !strings.Contains(string(text), "version="+coder.CodexVersion+" ") {
		t.Errorf("tools/setup installs another version than %s: %v", coder.CodexVersion, err)
	}
}

// What Codex is given is whole, whatever the model is called.
func TestCodexIsTold(t *testing.T) {
	c := coder.Codex("codex", `a"b/c`, model.Limits{Context: 200_000})
	var catalog struct{ Models []struct{ Slug string } }
	if err := json.Unmarshal([]byte(c.Files["models.json"]), &catalog); err != nil || catalog.Models[0].Slug != `a"b/c` {
		t.Error(err, catalog)
	}
	for name := range c.Files {
		if !filepath.IsLocal(name) {
			t.Error(name)
		}
	}
}
