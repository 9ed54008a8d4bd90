package gateway_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"matrixos/client"
	"matrixos/gateway"
	"matrixos/sys"
)

func TestAsk(t *testing.T) {
	w := newWorld(t)
	ticket, err := w.client.Ask(t.Context(), client.Ask{Text: "track my expenses", App: "notes", Model: "offline", Conversation: "c9", From: "cli"})
	if err != nil || ticket != (client.Ticket{Request: "r1", Conversation: "c1", PID: 4}) {
		t.Fatalf("%+v %v", ticket, err)
	}
	if a := w.do("POST", "/api/ask", `{"text":"hi"}`, w.signIn(), w.origin()); a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	want := []gateway.Ask{
		{Text: "track my expenses", App: "notes", Model: "offline", Conversation: "c9", From: "cli"},
		{Text: "hi", From: "desktop"},
	}
	if !slices.Equal(w.kernel.asked, want) {
		t.Errorf("asked %+v", w.kernel.asked)
	}
}

// Every kind of failure arrives at the client as it was, with its way out.
func TestErrorsTravel(t *testing.T) {
	w := newWorld(t)
	for _, k := range []sys.Kind{
		sys.Internal, sys.Invalid, sys.NotFound, sys.Exists, sys.Conflict, sys.Refused, sys.NeedsApproval, sys.OverBudget,
		sys.NotVerified, sys.Held, sys.TooNew, sys.NoSpace, sys.Unavailable, sys.Unauthorized, sys.Canceled,
	} {
		w.kernel.fail = fmt.Errorf("asking: %w", &sys.Error{Op: "ask", Path: "c1", Kind: k, Err: errors.New("because"), Hint: "do that"})
		_, err := w.client.Ask(t.Context(), client.Ask{Text: "x"})
		if sys.KindOf(err) != k || sys.HintOf(err) != "do that" || !strings.Contains(err.Error(), "because") {
			t.Errorf("%s arrives as %v (%s)", k, err, sys.KindOf(err))
		}
		if n := strings.Count(err.Error(), "do that"); n != 1 {
			t.Errorf("the hint is said %d times: %v", n, err)
		}
		a := w.do("POST", "/api/ask", `{"text":"x"}`, bearer)
		if p := a.problem(t); p.Kind != k || p.Status != a.StatusCode || p.Type != "about:blank" || p.Title == "" {
			t.Errorf("%s: %d %+v", k, a.StatusCode, p)
		}
		if k == sys.Unauthorized && a.StatusCode == http.StatusUnauthorized {
			t.Error("a model's wrong key looks like a lost session")
		}
	}
}

// What the caller got wrong is said as a problem as well.
func TestInvalidCalls(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		name, method, path, body string
		status                   int
	}{
		{"not JSON", "POST", "/api/ask", "{", 400},
		{"empty text", "POST", "/api/ask", `{"text":""}`, 422},
		{"text absent", "POST", "/api/ask", `{}`, 422},
		{"unknown field", "POST", "/api/ask", `{"text":"x","admin":true}`, 422},
		{"unknown sender", "POST", "/api/ask", `{"text":"x","from":"telegram"}`, 422},
		{"too much text", "POST", "/api/ask", `{"text":"` + strings.Repeat("x", 300_000) + `"}`, 422},
		{"a huge body", "POST", "/api/ask", `{"text":"` + strings.Repeat("x", 2<<20) + `"}`, 413},
		{"a huge layout", "PUT", "/api/layout", `"` + strings.Repeat("x", 300<<10) + `"`, 413},
		{"a signal that is none", "POST", "/api/processes/4/signal", `{"signal":"destroy"}`, 422},
		{"a PID that is none", "POST", "/api/processes/x/signal", `{"signal":"kill"}`, 422},
		{"no such process", "POST", "/api/processes/5/signal", `{"signal":"kill"}`, 404},
		{"no such call", "GET", "/api/nothing", "", 404},
		{"the wrong method", "DELETE", "/api/ask", "", 404},
		{"no such landing", "GET", "/api/landings/L99", "", 404},
		{"a moment that is none", "GET", "/api/landings/Lx", "", 404},
		{"no such app", "POST", "/api/apps/nope/open", "{}", 404},
		{"a slug that is none", "POST", "/api/apps/No.App/launch", "{}", 422},
		{"no such conversation", "GET", "/api/conversations/nope", "", 404},
		{"a signal the kernel does not know", "POST", "/api/processes/4/signal", `{"signal":"continue"}`, 422},
		{"leaving without a capability", "DELETE", "/api/bridge", "", 422},
		{"bridge without a capability", "POST", "/api/bridge", `{"method":"db.find"}`, 422},

		{"an accent that is none", "PUT", "/api/theme", `{"mode":"dark","accent":"red;}","wallpaper":"x"}`, 422},
		{"a layout that is none", "PUT", "/api/layout", "", 400},
		{"a position that is none", "GET", "/api/events?after=x", "", 400},
		{"posting to the desktop", "POST", "/", "{}", 404},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := w.do(c.method, c.path, c.body, bearer)
			if a.StatusCode != c.status {
				t.Fatalf("got %d, want %d: %.300s", a.StatusCode, c.status, a.body)
			}
			if p := a.problem(t); p.Kind == "" || p.Detail == "" {
				t.Errorf("%+v", p)
			}
		})
	}
	if n := w.kernel.count(); n != 0 {
		t.Errorf("%d requests reached the kernel", n)
	}
}

// A body beyond every limit is refused by its announced length, unread.
func TestHugeBodyIsNotRead(t *testing.T) {
	w := newWorld(t)
	a := w.do("PUT", "/api/file", strings.Repeat(" ", 33<<20), bearer, "Expect: 100-continue")
	if a.StatusCode != http.StatusRequestEntityTooLarge || a.problem(t).Kind != sys.Invalid {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
}

func TestPanicIsAnswered(t *testing.T) {
	w := newWorld(t)
	a := w.do("POST", "/api/questions/panic", `{"text":"yes"}`, bearer)
	if a.StatusCode != http.StatusInternalServerError || a.problem(t).Kind != sys.Internal || strings.Contains(a.body, "fault of ours") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if err := w.client.Answer(t.Context(), "q 1/2", "yes"); err != nil { // it still serves
		t.Fatal(err)
	}
	if !slices.Equal(w.kernel.signals, []string{"q 1/2=yes"}) {
		t.Errorf("%q", w.kernel.signals)
	}
}

func TestSignalsAndStop(t *testing.T) {
	w := newWorld(t)
	if err := w.client.Signal(t.Context(), 4, "interrupt"); err != nil {
		t.Fatal(err)
	}
	if err := w.client.Signal(t.Context(), 5, "kill"); sys.KindOf(err) != sys.NotFound {
		t.Errorf("no such process: %v", err)
	}
	if got, err := w.client.Continue(t.Context(), 4, 2.5, "m"); err != nil || got.Request != "with 2.5m" {
		t.Errorf("continue: %+v %v", got, err)
	}
	if got, err := w.client.ContinueAll(t.Context()); err != nil || len(got) != 0 {
		t.Errorf("continue all: %+v %v", got, err)
	}
	if got, err := w.client.Spending(t.Context(), 7); err != nil || got.From != "7" {
		t.Errorf("spending: %+v %v", got, err)
	}
	if got, err := w.client.Jobs(t.Context()); err != nil || len(got) != 1 || got[0].MissedN != 3 {
		t.Errorf("jobs: %+v %v", got, err)
	}
	if err := errors.Join(w.client.PauseJob(t.Context(), "a b"), w.client.ResumeJob(t.Context(), "a b")); err != nil {
		t.Error(err)
	}
	if err := w.client.ResumeJob(t.Context(), "c"); sys.KindOf(err) != sys.NotFound {
		t.Errorf("no such job: %v", err)
	}
	if got, err := w.client.Prompt(t.Context(), "builder"); err != nil || got.Program != "builder" || got.Tokens != 3 {
		t.Errorf("prompt: %+v %v", got, err)
	}
	if got, err := w.client.Fork(t.Context(), "a", "b"); err != nil || got != "a-b" {
		t.Errorf("fork: %q %v", got, err)
	}
	if err := w.client.StopAll(t.Context()); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(w.kernel.signals, []string{"interrupt"}) || w.kernel.stopped != 1 {
		t.Errorf("%q, stopped %d", w.kernel.signals, w.kernel.stopped)
	}
	list, err := w.client.Processes(t.Context())
	if err != nil || len(list) != 1 || list[0].PID != 4 {
		t.Errorf("%v %v", list, err)
	}
}

func TestAppsAndBridge(t *testing.T) {
	w := newWorld(t)
	l, err := w.client.Launch(t.Context(), "notes")
	if err != nil || l.Capability != "cap" || w.apps.preview != nil {
		t.Fatalf("%+v %v", l, err)
	}
	if a := w.do("POST", "/api/apps/notes/launch", `{"preview_pid":7}`, bearer); a.StatusCode != http.StatusOK || w.apps.preview == nil {
		t.Errorf("preview: %d %s", a.StatusCode, a.body)
	}
	if a := w.do("POST", "/api/apps/notes/launch", `{"preview_pid":8}`, bearer); a.StatusCode != http.StatusNotFound {
		t.Errorf("preview of what has landed: %d", a.StatusCode)
	}
	v, err := w.client.Bridge(t.Context(), "cap", "db.find", map[string]any{"table": "notes"})
	if err != nil || string(v) != `{"table":"notes"}` {
		t.Errorf("%s %v", v, err)
	}
	if v, err := w.client.Bridge(t.Context(), "cap", "data.write", nil); err != nil || string(v) != "null" {
		t.Errorf("%s %v", v, err)
	}
	if a := w.do("DELETE", "/api/bridge", "", bearer, "X-App-Capability: cap"); a.StatusCode != http.StatusNoContent || !slices.Equal(w.apps.left, []string{"cap"}) {
		t.Errorf("leave: %d %q", a.StatusCode, w.apps.left)
	}
	if _, err := w.client.Bridge(t.Context(), "stolen", "db.find", nil); sys.KindOf(err) != sys.Refused {
		t.Errorf("a wrong capability: %v", err)
	}
}

// Removing an app is a landing that takes its folder and nothing else.
func TestRemoveApp(t *testing.T) {
	w := newWorld(t)
	l, err := w.client.RemoveApp(t.Context(), "notes")
	if err != nil || len(l.Landing.Changes) != 2 || l.Landing.Kind != sys.ByOwner {
		t.Fatalf("%+v %v", l, err)
	}
	if _, err := os.Stat(filepath.Join(w.home, "apps/notes/index.html")); !os.IsNotExist(err) {
		t.Errorf("still there: %v", err)
	}
	if _, err := os.Stat(filepath.Join(w.home, "docs/readme.md")); err != nil {
		t.Error(err)
	}
	if _, err := w.client.RemoveApp(t.Context(), "notes"); sys.KindOf(err) != sys.NotFound {
		t.Errorf("twice: %v", err)
	}
}

func TestHistory(t *testing.T) {
	w := newWorld(t)
	if _, err := w.client.WriteFile(t.Context(), client.Text{Path: "docs/readme.md", Content: "two\n"}); err != nil {
		t.Fatal(err)
	}
	list, err := w.client.Landings(t.Context(), 10, 0)
	if err != nil || len(list) != 2 || list[0].ID != 2 || list[0].Kind != sys.ByOwner {
		t.Fatalf("%+v %v", list, err)
	}
	if older, err := w.client.Landings(t.Context(), 10, 2); err != nil || len(older) != 1 || older[0].ID != 1 {
		t.Errorf("older: %+v %v", older, err)
	}
	l, err := w.client.Landing(t.Context(), 2)
	if err != nil || len(l.Files) == 0 || l.Files[0].Patch == "" {
		t.Errorf("%+v %v", l, err)
	}
	if p, err := w.client.Undo(t.Context(), 2, client.UndoOptions{Preview: true}); err != nil || len(p.Files) == 0 || w.disk.Head() != 2 {
		t.Errorf("preview: %+v %v, head %s", p, err, w.disk.Head())
	}
	u, err := w.client.Undo(t.Context(), 2, client.UndoOptions{})
	if err != nil || u.Landing.ID != 3 || u.Landing.Kind != sys.ByUndo {
		t.Errorf("undo: %+v %v", u, err)
	}
}

func TestThemeKeepsWhatTheOwnerWrote(t *testing.T) {
	w := newWorld(t)
	get := func() (th gateway.Theme) {
		t.Helper()
		a := w.do("GET", "/api/theme", "", bearer)
		if err := json.Unmarshal([]byte(a.body), &th); err != nil {
			t.Fatalf("%v: %s", err, a.body)
		}
		return th
	}
	if th := get(); th != gateway.DefaultTheme {
		t.Errorf("a new home: %+v", th)
	}
	file := filepath.Join(w.home, "system", "theme.json")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(`{"mode":"neon","accent":"#112233","mine":[1,2]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	if th := get(); th.Accent != "#112233" || th.Mode != gateway.DefaultTheme.Mode {
		t.Errorf("by hand: %+v", th)
	}
	if a := w.do("PUT", "/api/theme", `{"mode":"dark","accent":"#AABBCC","wallpaper":"plain"}`, bearer); a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if th := get(); th != (gateway.Theme{Mode: "dark", Accent: "#AABBCC", Wallpaper: "plain"}) {
		t.Errorf("changed: %+v", th)
	}
	if b, err := os.ReadFile(file); err != nil || !strings.Contains(string(b), `"mine"`) {
		t.Errorf("lost what the owner wrote: %s %v", b, err)
	}
	if err := os.WriteFile(file, []byte(`{oops`), 0o644); err != nil {
		t.Fatal(err)
	}
	if th := get(); th != gateway.DefaultTheme {
		t.Errorf("damaged: %+v", th)
	}
}

// TestWhatIsSavedByHandStays: the gateway writes into a file that the owner has saved a
// moment before, by hand; what both have written is in it.
func TestWhatIsSavedByHandStays(t *testing.T) {
	for _, c := range []struct{ file, byHand, method, path, body, want string }{
		{"system/theme.json", `{"mode":"light","mine":[1,2]}`, "PUT", "/api/theme", `{"mode":"dark","accent":"#AABBCC","wallpaper":"plain"}`, "#AABBCC"},
		{"system/config.json", `{"model":"offline","mine":[1,2]}`, "PUT", "/api/caps", `{"day":4.25}`, "4.25"},
		{"system/grants.json", `{"mine":["net:a.example.org"],"notes":["net:b.example.org"]}`, "POST", "/api/apps/notes/grants", `{"permission":"net:b.example.org","allow":false}`, "net:a.example.org"},
		{"system/keys.json", `{"mine":1}`, "PUT", "/api/keys/github/hosts", `{"hosts":["api.github.com"]}`, "api.github.com"},
	} {
		w := newWorld(t)
		full := filepath.Join(w.home, c.file)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte("{}"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := w.disk.Capture(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(c.byHand), 0o644); err != nil {
			t.Fatal(err)
		}
		if a := w.do(c.method, c.path, c.body, bearer); a.StatusCode >= 300 {
			t.Errorf("%s: %d %s", c.path, a.StatusCode, a.body)
			continue
		}
		now, err := os.ReadFile(full)
		if err != nil || !strings.Contains(string(now), `"mine"`) || !strings.Contains(string(now), c.want) {
			t.Errorf("%s: %s, %v", c.file, now, err)
		}
	}
}

func TestLayout(t *testing.T) {
	w := newWorld(t)
	if a := w.do("GET", "/api/layout", "", bearer); strings.TrimSpace(a.body) != "{}" {
		t.Errorf("none yet: %s", a.body)
	}
	const layout = `{"windows":[{"app":"notes","x":1}]}`
	if a := w.do("PUT", "/api/layout", layout, bearer); a.StatusCode != http.StatusNoContent {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	if a := w.do("GET", "/api/layout", "", bearer); strings.TrimSpace(a.body) != layout {
		t.Errorf("%s", a.body)
	}
	if n := w.disk.Head(); n != 1 {
		t.Errorf("moving windows made landing %s", n)
	}
}

func TestModels(t *testing.T) {
	w := newWorld(t)
	m, err := w.client.Models(t.Context())
	if err != nil || m.Current != "offline" || len(m.Choices) != 2 {
		t.Fatalf("%+v %v", m, err)
	}
	a := w.do("PUT", "/api/models", `{"model":"anthropic:x","key":"sk-secret"}`, bearer)
	if a.StatusCode != http.StatusOK || strings.Contains(a.body, "sk-secret") || w.models.choice.Key != "sk-secret" {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if s, err := w.client.Session(t.Context()); err != nil || s.Model.ID != "anthropic:x" || s.Handle != "@you:local" || s.Home != w.home {
		t.Errorf("%+v %v", s, err)
	}
	if a := w.do("PUT", "/api/models", `{"model":"anthropic:x","key":"wrong"}`, bearer); a.problem(t).Hint != "check the key" {
		t.Errorf("%s", a.body)
	}
}

func TestConversations(t *testing.T) {
	w := newWorld(t)
	list, err := w.client.Conversations(t.Context())
	if err != nil || len(list) != 1 || list[0].ID != "c1" {
		t.Fatalf("%+v %v", list, err)
	}
	for i, conv := range []sys.Conversation{"c1", "c2", "c1"} {
		e := sys.NewEvent(sys.EventMessage, sys.MessageData{Role: "user", Text: fmt.Sprint(i)})
		e.Conversation = conv
		if _, err := w.disk.Journal().Append(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	got, err := w.client.Conversation(t.Context(), "c1")
	if err != nil || len(got) != 2 || !strings.Contains(string(got[0].Data), `"0"`) || !strings.Contains(string(got[1].Data), `"2"`) {
		t.Errorf("%+v %v", got, err)
	}
}

func TestFiguresAndDebug(t *testing.T) {
	w := newWorld(t)
	w.do("GET", "/api/session", "", bearer)
	w.do("GET", "/api/session", "", "Host: evil.example")
	a := w.do("GET", "/metrics", "", bearer)
	for _, want := range []string{`matrixos_http_refused_total{status="421"} 1`, `matrixos_http_seconds_count{route="api"}`, "matrixos_processes_live 1", "process_resident_memory_bytes"} {
		if !strings.Contains(a.body, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
	a = w.do("GET", "/debug/", "", bearer)
	if a.StatusCode != http.StatusOK || !strings.Contains(a.body, "builder") || strings.Contains(a.body, "<b>build") {
		t.Errorf("%d %s", a.StatusCode, a.body)
	}
	if a := w.do("GET", "/debug/pprof/goroutine?debug=1", "", w.signIn()); !strings.Contains(a.body, "goroutine profile") {
		t.Errorf("%.100s", a.body)
	}
}
