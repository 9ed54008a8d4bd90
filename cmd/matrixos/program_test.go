package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"

	"matrixos/client"
	"matrixos/sys"
)

// stage is a daemon that plays a script.
type stage struct {
	*http.ServeMux
	events  []sys.Event
	signals []string
}

// run runs a command line against the stage.
func (s *stage) run(t *testing.T, args ...string) (code int, out, errs string) {
	t.Helper()
	srv := httptest.NewServer(s)
	defer srv.Close()
	var o, e bytes.Buffer
	p := newProgram(strings.NewReader(""), &o, &e, func(string) string { return "" })
	p.connect = func(context.Context, string) (*client.Client, error) {
		return client.New(client.Options{Base: srv.URL, Token: "tok"}), nil
	}
	p.start = func(context.Context, startOptions) (system, error) {
		t.Error("started a kernel beside the daemon")
		return nil, &sys.Error{Op: "start", Kind: sys.Held}
	}
	code = p.run(t.Context(), args)
	return code, o.String(), e.String()
}

func newStage(events ...sys.Event) *stage {
	s := &stage{ServeMux: http.NewServeMux(), events: events}
	s.json("GET /api/session", client.Session{Home: "/home/you/matrixos", Handle: "@you:local", Version: "1", Model: client.Model{ID: "offline", Label: "Built in", Attached: true}, Seq: 3})
	s.json("GET /api/keyring", map[string]string{"status": "no keys are kept yet"})
	s.json("GET /api/workspaces", client.Workspaces{Kind: "overlay", Detail: "in a mount namespace on ext4"})
	s.json("GET /api/handle", client.Handle{Handle: "@you:local", AI: "@you_ai:local", Local: true, Driver: "child", Phase: "idle", People: []sys.Handle{}})
	s.json("POST /api/ask", client.Ticket{Request: "r1", Conversation: "c1", PID: 1})
	s.HandleFunc("POST /api/processes/{pid}/signal", func(_ http.ResponseWriter, r *http.Request) {
		var b struct{ Signal string }
		_ = json.NewDecoder(r.Body).Decode(&b)
		s.signals = append(s.signals, r.PathValue("pid")+" "+b.Signal)
	})
	s.HandleFunc("GET /api/events", func(w http.ResponseWriter, r *http.Request) {
		c, err := websocket.Accept(w, r, nil)
		if err != nil {
			return
		}
		defer c.CloseNow()
		b, _ := json.Marshal(s.events)
		_ = c.Write(r.Context(), websocket.MessageText, b)
		<-c.CloseRead(r.Context()).Done()
	})
	return s
}

func (s *stage) json(pattern string, v any) {
	s.HandleFunc(pattern, func(w http.ResponseWriter, _ *http.Request) { _ = json.NewEncoder(w).Encode(v) })
}

func event(pid sys.PID, kind sys.EventKind, data any) sys.Event {
	e := sys.NewEvent(kind, data)
	e.PID, e.Request, e.Conversation, e.Time = pid, "r1", "c1", time.Now()
	return e
}

// numbered gives events their places after 3.
func numbered(list ...sys.Event) []sys.Event {
	for i := range list {
		list[i].Seq = sys.Seq(i + 4)
	}
	return list
}

var built = numbered(
	event(1, sys.EventRequest, sys.RequestData{Text: "an expense tracker"}),
	event(1, sys.EventProcess, sys.Process{PID: 1, Program: "kernel"}),
	event(1, sys.EventCall, sys.CallData{ID: "a", Name: "spawn", Title: "Asking the builder for an expense tracker"}),
	event(2, sys.EventProcess, sys.Process{PID: 2, Parent: 1, Program: "builder"}),
	event(2, sys.EventCall, sys.CallData{ID: "b", Name: "Write", Title: "Writing `App.tsx`"}),
	event(2, sys.EventResult, sys.ResultData{ID: "b", Name: "Write", Failed: true, Text: "App.tsx:3: no\nmore"}),
	event(2, sys.EventResult, sys.ResultData{ID: "b", Name: "Write", Text: "written"}),
	event(1, sys.EventMessage, sys.MessageData{Role: "assistant", Text: "Your \x1b[31mtracker\x1b[0m is ready."}),
	event(1, sys.EventAnswer, sys.AnswerData{
		OK: true, Text: "Your \x1b[31mtracker\x1b[0m is ready.", Landings: []sys.LandingID{5}, Open: []sys.Slug{"expenses"},
		Verified: "static", Millis: 2100,
	}),
)

func withLanding(s *stage) *stage {
	s.json("GET /api/landings/L5", client.Landing{Landing: sys.LandingInfo{ID: 5, Title: "Created Expenses", Changes: make([]sys.Change, 3)}})
	return s
}

// A done request: its steps on standard error, its answer alone on standard
// output, and what it came to.
func TestAskDone(t *testing.T) {
	code, out, errs := withLanding(newStage(built...)).run(t, "ask", "an", "expense", "tracker")
	if code != 0 || out != "Your [31mtracker[0m is ready.\n" {
		t.Errorf("code %d, answer %q", code, out)
	}
	want := `kernel     Asking the builder for an expense tracker
builder    Writing ` + "`App.tsx`" + `
builder    failed: App.tsx:3: no

L5         Created Expenses  (3 files)
Verified   compiles, schema valid (static)
Cost       free, 2.1 s
Open       matrixos open expenses
Undo       matrixos undo L5
Go on      matrixos ask --conversation c1 "…"
`
	if errs != want {
		t.Errorf("got\n%s\nwant\n%s", errs, want)
	}
}

// With --json every line is an event, the last one the answer, and nothing is
// said beside it.
func TestAskJSON(t *testing.T) {
	code, out, errs := newStage(built...).run(t, "ask", "--json", "x")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 0 || errs != "" || len(lines) != len(built) {
		t.Fatalf("code %d, %d lines, said %q", code, len(lines), errs)
	}
	for i, l := range lines {
		var e sys.Event
		if err := json.Unmarshal([]byte(l), &e); err != nil || e.Seq != built[i].Seq {
			t.Errorf("line %d: %s: %v", i, l, err)
		}
	}
	if !strings.Contains(lines[len(lines)-1], `"kind":"answer"`) {
		t.Errorf("the last line is %s", lines[len(lines)-1])
	}
}

// The exit code says how it ended, as the README's table has it.
func TestAskExitCodes(t *testing.T) {
	for kind, want := range map[sys.Kind]int{
		sys.Internal: 1, sys.Unavailable: 1, sys.Canceled: 1, "": 1, sys.Invalid: 2, sys.NeedsApproval: 3, sys.Refused: 4,
		sys.OverBudget: 5, sys.Conflict: 6, sys.NotVerified: 7,
	} {
		s := newStage(numbered(event(1, sys.EventAnswer, sys.AnswerData{Text: "no", Kind: kind, Hint: "do that"}))...)
		code, out, errs := s.run(t, "ask", "x")
		if code != want || out != "no\n" || !strings.Contains(errs, "Not done") || !strings.Contains(errs, "Way out    do that") {
			t.Errorf("%q exits with %d, not %d: %q %q", kind, code, want, out, errs)
		}
	}
}

// A question with nobody there to answer ends the request instead of hanging.
func TestAskQuestionUnanswered(t *testing.T) {
	for _, args := range [][]string{{"ask", "x"}, {"ask", "--json", "x"}} {
		s := newStage(numbered(event(1, sys.EventQuestion, sys.QuestionData{ID: "q1", Text: "Euros or dollars?", Choices: []string{"Euros", "Dollars"}}))...)
		code, out, errs := s.run(t, args...)
		if code != 3 || !strings.Contains(out+errs, "Euros or dollars?") || !strings.Contains(errs, "nobody here to answer") {
			t.Errorf("code %d: %q %q", code, out, errs)
		}
		if len(s.signals) != 1 || s.signals[0] != "1 interrupt" {
			t.Errorf("signals %q", s.signals)
		}
	}
}

// What an app has to do can be left to who makes it, when nobody is there to say.
func TestAskQuestionLeftOpen(t *testing.T) {
	s := newStage(numbered(
		event(1, sys.EventQuestion, sys.QuestionData{ID: "q1", Text: "Euros or dollars?", Number: 1, App: "expenses"}),
		event(1, sys.EventAnswer, sys.AnswerData{OK: true, Text: "Built."}))...)
	s.json("POST /api/questions/q1", nil)
	code, out, errs := s.run(t, "ask", "x")
	if code != 0 || out != "Built.\n" || !strings.Contains(errs, "left to the system") || len(s.signals) != 0 {
		t.Errorf("code %d: %q %q, signals %q", code, out, errs, s.signals)
	}
}

func TestLog(t *testing.T) {
	now := time.Now()
	s := newStage()
	s.json("GET /api/landings", []sys.LandingInfo{
		{ID: 12, Time: now.Add(-2 * time.Minute), Kind: sys.ByAgent, Provenance: sys.Provenance{Program: "builder"}, Title: "Added a field for the shop", Changes: make([]sys.Change, 3)},
		{ID: 9, Time: now.Add(-26 * time.Hour), Kind: sys.ByOwner, Title: "Edited\x07 notes", Changes: make([]sys.Change, 1), UndoneBy: 11},
	})
	code, out, _ := s.run(t, "log")
	want := "L12  2 min ago  builder  Added a field for the shop  (3 files)\nL9   yesterday  you      Edited notes  (undone by L11)\n"
	if code != 0 || out != want {
		t.Errorf("code %d\n%s\nwant\n%s", code, out, want)
	}
	code, out, errs := s.run(t, "log", "--json")
	var list []sys.LandingInfo
	if err := json.Unmarshal([]byte(out), &list); err != nil || code != 0 || len(list) != 2 || errs != "" {
		t.Errorf("code %d: %v %q", code, err, errs)
	}
}

func TestShowAndUndo(t *testing.T) {
	l := client.Landing{
		Landing: sys.LandingInfo{ID: 5, Title: "Created Expenses", Kind: sys.ByAgent, Commit: "abc", Provenance: sys.Provenance{Process: 2, Program: "builder", Model: "offline", Verified: "static"}},
		Files:   []client.FileDiff{{Path: "apps/x/App.tsx", Op: sys.Added, Patch: "--- /dev/null\n+++ b/x\n@@ -0,0 +1 @@\n+hello\x1b]0;title\x07\n"}, {Path: "apps/x/a.png", Op: sys.Added, Binary: true}},
	}
	s := newStage()
	s.json("GET /api/landings/L5", l)
	l.Landing.ID = 6
	s.json("POST /api/landings/L5/undo", l)
	code, out, _ := s.run(t, "show", "5")
	for _, want := range []string{"L5  Created Expenses", "Who       builder", "Cost      free", "Verified  compiles", "added apps/x/App.tsx", "\n+hello]0;title\n", "binary"} {
		if !strings.Contains(out, want) {
			t.Errorf("show lacks %q:\n%s", want, out)
		}
	}
	if code != 0 || strings.ContainsAny(out, "\x1b\x07") {
		t.Errorf("code %d, or a terminal was spoken to: %q", code, out)
	}
	if code, _, errs := s.run(t, "undo", "L5"); code != 0 || !strings.Contains(errs, "L5 is undone by L6: 2 files changed. Take that back with `matrixos undo L6`.") {
		t.Errorf("code %d: %s", code, errs)
	}
	if code, out, errs := s.run(t, "undo", "L5", "--preview"); code != 0 || !strings.Contains(errs, "nothing has changed yet") || !strings.Contains(out, "+hello") {
		t.Errorf("code %d: %s %s", code, out, errs)
	}
}

// A plain undo takes back the newest change of an agent that is in effect.
func TestUndoNewest(t *testing.T) {
	s := newStage()
	var undone []string
	s.HandleFunc("POST /api/landings/{id}/undo", func(w http.ResponseWriter, r *http.Request) {
		undone = append(undone, r.PathValue("id"))
		fmt.Fprint(w, `{"landing":{"id":300},"files":[]}`)
	})
	s.HandleFunc("GET /api/landings", func(w http.ResponseWriter, r *http.Request) {
		list := []sys.LandingInfo{{ID: 200, Kind: sys.ByOwner}, {ID: 199, Kind: sys.ByUndo}, {ID: 198, Kind: sys.ByAgent, UndoneBy: 199}}
		if r.URL.Query().Get("before") == "198" {
			list = []sys.LandingInfo{{ID: 90, Kind: sys.ByAgent}, {ID: 80, Kind: sys.ByAgent}}
		}
		_ = json.NewEncoder(w).Encode(list)
	})
	if code, _, errs := s.run(t, "undo"); code != 0 || len(undone) != 1 || undone[0] != "L90" || !strings.Contains(errs, "L90 is undone by L300") {
		t.Errorf("code %d, %q: %s", code, undone, errs)
	}
	none := newStage()
	none.json("GET /api/landings", []sys.LandingInfo{})
	if code, _, errs := none.run(t, "undo"); code != 1 || !strings.Contains(errs, "name one") {
		t.Errorf("code %d: %s", code, errs)
	}
}

// Failures say what happened, why, and the way out.
func TestComplaint(t *testing.T) {
	s := newStage()
	s.HandleFunc("POST /api/landings/L5/undo", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(409)
		fmt.Fprint(w, `{"detail":"undo L5: later work is in the way","kind":"conflict","hint":"undo L7 first"}`)
	})
	code, out, errs := s.run(t, "undo", "L5")
	if code != 6 || out != "" || errs != "matrixos: undo L5: later work is in the way\n  Undo L7 first.\n" {
		t.Errorf("code %d: %q %q", code, out, errs)
	}
}

func TestProcesses(t *testing.T) {
	s := newStage()
	s.json("GET /api/processes", []sys.Process{
		{PID: 4, Program: "builder", State: sys.Waiting, WaitingFor: "model", Task: "build\nmore", Started: time.Now()},
	})
	_, out, _ := s.run(t, "ps")
	if !strings.Contains(out, "4    builder  waiting (model)  just now  0      0      free  build\n") {
		t.Errorf("%s", out)
	}
	if code, _, errs := s.run(t, "kill", "4", "5"); code != 0 || len(s.signals) != 2 || s.signals[0] != "4 kill" || !strings.Contains(errs, "2 processes") {
		t.Errorf("code %d %q %s", code, s.signals, errs)
	}
	if code, _, _ := s.run(t, "stop", "4"); code != 0 || s.signals[2] != "4 stop" {
		t.Errorf("code %d %q", code, s.signals)
	}
	stopped := false
	s.HandleFunc("POST /api/stop", func(http.ResponseWriter, *http.Request) { stopped = true })
	if code, out, _ := s.run(t, "stop", "--json"); code != 0 || !stopped || out != "{\"stopped\":\"all\"}\n" {
		t.Errorf("code %d, %v, %q", code, stopped, out)
	}
}

func TestLogs(t *testing.T) {
	s := newStage(built...)
	s.events = numbered(built...)
	s.json("GET /api/landings", []sys.LandingInfo{})
	s.events[len(s.events)-1].Seq = 12
	s.ServeMux = rebuilt(s, 12)
	code, out, _ := s.run(t, "logs", "2")
	if code != 0 || strings.Count(out, "\n") != 4 || !strings.Contains(out, "Writing `App.tsx`") || strings.Contains(out, "Asking") {
		t.Errorf("code %d\n%s", code, out)
	}
	if _, out, _ := s.run(t, "logs", "-n", "2"); strings.Count(out, "\n") != 2 || strings.Contains(out, "\x1b") {
		t.Errorf("%s", out)
	}
}

// rebuilt is the stage with another newest event.
func rebuilt(s *stage, last sys.Seq) *http.ServeMux {
	old, mux := s.ServeMux, http.NewServeMux()
	mux.HandleFunc("GET /api/session", func(w http.ResponseWriter, _ *http.Request) {
		_ = json.NewEncoder(w).Encode(client.Session{Seq: last})
	})
	mux.Handle("/", old)
	return mux
}

func TestStatusAndApps(t *testing.T) {
	s := newStage()
	s.json("GET /api/apps", []sys.AppInfo{{Slug: "notes", Name: "Notes", OK: true, Verified: "static"}, {Slug: "bad", Name: "Bad"}})
	s.json("GET /api/processes", []sys.Process{{PID: 1, State: sys.Running}, {PID: 2, State: sys.Done}})
	s.json("GET /api/upkeep", sys.UpkeepState{Scrub: &sys.ScrubReport{Finished: time.Now()}})
	s.json("GET /api/landings", []sys.LandingInfo{{ID: 7, Title: "Created Notes", Time: time.Now()}})
	s.json("GET /api/backup", client.BackupStatus{})
	_, out, _ := s.run(t, "status", "--json")
	var st status
	if err := json.Unmarshal([]byte(out), &st); err != nil || st.Working != 1 || st.Idle || st.Apps != 2 || len(st.Broken) != 1 || st.Landing != 7 || !st.Running {
		t.Errorf("%s %v", out, err)
	}
	_, out, _ = s.run(t, "status")
	for _, want := range []string{"Home     /home/you/matrixos", "Work     1 process at work", "Folders  overlay, in a mount namespace on ext4", "Broken   bad", "Last     L7, just now: Created Notes", "Checked  just now: everything is as it should be"} {
		if !strings.Contains(out, want) {
			t.Errorf("lacks %q:\n%s", want, out)
		}
	}
	_, out, _ = s.run(t, "apps")
	if !strings.Contains(out, "ok (static)") || !strings.Contains(out, "broken") {
		t.Errorf("%s", out)
	}
}
