package kernel_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/test/machine"
)

// A host that the owner has named may be reached, on any path and in a later turn;
// one that only the model has thought of is asked for.
func TestNamingIsConsent(t *testing.T) {
	for name, c := range map[string]struct {
		said  []string
		fetch string
		asks  bool
	}{
		"named":                      {[]string{"what is new on a.example?"}, "https://a.example/more", false},
		"named with www":             {[]string{"look at www.a.example"}, "https://a.example/more", false},
		"a turn before":              {[]string{"what is new on https://a.example/recipe?", "and more?"}, "https://a.example/more", false},
		"invented":                   {[]string{"what is new?"}, "https://a.example/more", true},
		"below the named":            {[]string{"what is new on example?", "or on a.example."}, "https://x.a.example/", true},
		"looks like named":           {[]string{"see aa.example"}, "https://a.example/more", true},
		"somewhere in a pasted text": {[]string{strings.Repeat("lorem ipsum ", 100) + "a.example"}, "https://a.example/more", true},
	} {
		t.Run(name, func(t *testing.T) {
			fetched := false
			m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, words string) (string, error) {
				if strings.Contains(words, c.said[len(c.said)-1]) {
					fetched = true
					_, _ = machine.Call(ctx, h, "web_fetch", machine.Obj{"url": c.fetch})
				}
				return "done", nil
			}}, online)
			asked := answerAll(t, m, kernel.Verdict{From: "desktop"})
			for _, words := range c.said {
				ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: words, Conversation: "talk", From: "desktop"})
				if err != nil {
					t.Fatal(err)
				}
				follow(t, m, ticket)
			}
			if got := asked(); (len(got) == 1) != c.asks || !fetched {
				t.Errorf("asked %q", got)
			}
		})
	}
}

// What a job says was written by a model, and names nothing; what the owner has
// said does, for the job too.
func TestAJobNamesNothing(t *testing.T) {
	for said, asks := range map[string]bool{"each morning, look at a.example": false, "each morning, surprise me": true} {
		home := filepath.Join(t.TempDir(), "home")
		job := fmt.Sprintf(`[{"id":"j1","name":"look","ask":"look at https://a.example/more","at":%q}]`, time.Now().Add(-time.Second).UTC().Format(time.RFC3339))
		ran := make(chan error, 1)
		m := machine.Start(t, home, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, words string) (string, error) {
			if strings.Contains(words, "https://") {
				_, err := machine.Call(ctx, h, "web_fetch", machine.Obj{"url": "https://a.example/more"})
				ran <- err
			}
			return "done", nil
		}}, online)
		asked := answerAll(t, m, kernel.Verdict{From: "desktop"})
		m.Ask(said)
		if err := os.WriteFile(filepath.Join(home, "system/cron.json"), []byte(job), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := m.Disk.Capture(t.Context()); err != nil {
			t.Fatal(err)
		}
		m.Kernel.Reschedule()
		err := <-ran
		if got := asked(); (len(got) == 1) != asks || (err != nil) != asks {
			t.Errorf("%s: asked %q, %v", said, got, err)
		}
		m.Close()
	}
}
