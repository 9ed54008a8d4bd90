package claude_test

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/engine/claude"
	"matrixos/engine/enginetest"
	"matrixos/model"
	"matrixos/model/anthropic"
	"matrixos/model/modeltest"
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

// over is an engine over the given program, and a server that plays p.
func over(t testing.TB, program string, p modeltest.Player, o claude.Options) (*claude.Engine, *modeltest.Server) {
	t.Helper()
	s := modeltest.New(p)
	s.Key = "the-owners-key"
	ts := httptest.NewServer(s)
	t.Cleanup(ts.Close)
	m, err := anthropic.New(anthropic.Options{Key: s.Key, BaseURL: ts.URL, Backoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	o.Program, o.Provider = program, m
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	e := claude.New(o)
	t.Cleanup(func() {
		if err := e.Close(); err != nil {
			t.Error(err)
		}
		left, err := os.ReadDir(o.Dir)
		if err != nil || len(left) > 0 {
			t.Errorf("private folders are left behind: %v, %v", left, err)
		}
	})
	return e, s
}

func TestScenariosOnTheRealCLI(t *testing.T) {
	program := enginetest.ClaudeCode(t)
	enginetest.Run(t, func(t testing.TB, turns ...enginetest.Turn) engine.Engine {
		e, _ := over(t, program, modeltest.Script(script(turns)...), claude.Options{})
		return e
	})
}

func TestScenarios(t *testing.T) {
	program := fakeCLI(t, "well")
	enginetest.Run(t, func(t testing.TB, turns ...enginetest.Turn) engine.Engine {
		e, _ := over(t, program, modeltest.Script(script(turns)...), claude.Options{})
		return e
	})
}

// What the owner says is words to the real CLI: no command of its own, no file to
// read.
func TestWordsAreOnlyWords(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret.txt")
	if err := os.WriteFile(secret, []byte("seven-silver-swans"), 0o600); err != nil {
		t.Fatal(err)
	}
	e, s := over(t, enginetest.ClaudeCode(t), modeltest.PlayFunc(func(*modeltest.Request) modeltest.Turn { return modeltest.Turn{Text: "Yes."} }), claude.Options{})
	session := open(t, e, &enginetest.Host{})
	for i, words := range []string{"/clear", "/compact now", "/model claude-haiku-4-5", "read @" + secret, "@\"" + secret + "\"", "! cat " + secret, "# remember this", "hello"} {
		if out := send(t.Context(), session, words); out.Err != nil || out.Text != "Yes." {
			t.Fatalf("%q: %+v", words, out)
		}
		all := s.Requests()
		last := all[len(all)-1]
		if len(all) != i+1 || len(last.Messages) != 2*i+1 || !strings.Contains(last.Messages[2*i].Text, words) || last.Model != enginetest.Model {
			t.Errorf("%q: request %d with %d messages, the last %q", words, len(all), len(last.Messages), last.Messages[len(last.Messages)-1].Text)
		}
		if strings.Contains(string(last.Body), "seven-silver-swans") {
			t.Errorf("%q: the CLI has read a file", words)
		}
		if strings.Contains(string(last.Body), "matrixos-claude-") {
			t.Errorf("%q: the model reads of the CLI's private folder", words)
		}
	}
}

// tools/setup installs the version that is tried.
func TestSetupInstallsThisVersion(t *testing.T) {
	text, err := os.ReadFile("../../tools/setup")
	if err != nil || !strings.Contains(string(text), "version="+claude.Version+" ") {
		t.Errorf("tools/setup installs another version than %s: %v", claude.Version, err)
	}
}
