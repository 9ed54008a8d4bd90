package desktop

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/app"
	"matrixos/sys"
)

// world is a home with an app that has a contract of one scenario, and desktops that the
// test speaks for.
type world struct {
	t      *testing.T
	data   string
	h      *Host
	rt     *app.Runtime
	trial  *app.Trial
	offers chan sys.TrialData
	open   atomic.Int64
}

const promise = `{"version":1,"scenarios":[{"name":"one","given":{"rows":{"notes":[{"text":"milk"}]}},"steps":[{"see":"milk"}]}],
 "invariants":[{"name":"no empty note","sql":"SELECT * FROM notes WHERE text = ''"}]}`

func newWorld(t *testing.T, change ...func(*Options)) *world {
	t.Helper()
	w := &world{t: t, data: filepath.Join(t.TempDir(), "data"), offers: make(chan sys.TrialData, 100)}
	w.open.Store(1)
	libs := fstest.MapFS{
		"manifest.json": {Data: []byte(`{"hash":"0123456789abcdef","modules":[]}`)}, "loader.js": {Data: []byte("//")}, "icons.json": {Data: []byte(`{"names":{},"alias":{},"data":{}}`)},
		"trial-page.js": {Data: []byte("//")}, "trial-frame.js": {Data: []byte("//trial-frame")},
	}
	var err error
	if w.rt, err = app.New(app.Options{Libraries: libs, Data: w.data}); err != nil {
		t.Fatal(err)
	}
	o := Options{
		Offer: func(d sys.TrialData) { w.offers <- d }, Open: func() int { return int(w.open.Load()) },
		Take: time.Minute, Again: 5 * time.Millisecond, Sign: time.Minute,
	}
	for _, c := range change {
		c(&o)
	}
	w.h = New(w.rt, o)
	tree := fstest.MapFS{
		"apps/notes/matrix.json":   {Data: []byte(`{"name":"Notes","slug":"notes","version":"1.0.0","runtime":"static","storage":{"tables":{"notes":{"columns":{"text":"text"}}}}}`)},
		"apps/notes/index.html":    {Data: []byte("<!doctype html><title>x</title><body>milk")},
		"apps/notes/contract.json": {Data: []byte(promise)},
	}
	if w.trial, err = w.rt.Try(t.Context(), tree, "apps/notes"); err != nil || len(w.trial.Faults) > 0 {
		t.Fatal(err, w.trial.Faults)
	}
	t.Cleanup(func() {
		for _, err := range []error{w.h.Close(), w.trial.Close(), w.rt.Close()} {
			if err != nil {
				t.Error(err)
			}
		}
	})
	return w
}

// ran is what came of a run.
type ran struct {
	out []sys.ScenarioResult
	err error
}

func (w *world) run() chan ran {
	came := make(chan ran, 1)
	go func() {
		out, err := w.h.Try(w.t.Context(), w.trial, []int{0})
		came <- ran{out, err}
	}()
	return came
}

// take takes the job that is offered now.
func (w *world) take() sys.TrialJob {
	w.t.Helper()
	for d := range w.offers {
		if j, err := w.h.Take(d.ID); err == nil {
			return j
		}
	}
	return sys.TrialJob{}
}

func green() *sys.ScenarioResult {
	return &sys.ScenarioResult{Name: "one", Green: true, Steps: []sys.StepResult{{Step: "open the app", Green: true}, {Step: "see", Green: true}}}
}

func (w *world) settle(j sys.TrialJob, r *sys.ScenarioResult) error {
	return w.h.Settle(j.ID, sys.TrialOutcome{Nonce: j.Nonce, Version: j.Version, Result: r})
}

func TestADesktopPlaysOnDataOfTheTrial(t *testing.T) {
	w := newWorld(t)
	came := w.run()
	j := w.take()
	a, err := w.h.Call(t.Context(), j.ID, j.Nonce, "db.find", json.RawMessage(`{"table":"notes"}`), 0)
	if err != nil || a.Error != "" || !strings.Contains(string(a.Value), "milk") {
		t.Fatal(err, a)
	}
	if a, err = w.h.Call(t.Context(), j.ID, j.Nonce, "db.insert", json.RawMessage(`{"table":"notes","data":{"text":""}}`), 1000); err != nil || a.Error != "" {
		t.Fatal(err, a)
	}
	if a, err = w.h.Call(t.Context(), j.ID, j.Nonce, "db.find", json.RawMessage(`{"table":"none"}`), 0); err != nil || a.Error == "" {
		t.Fatal("an error is the app's to hear", err, a)
	}
	if err := w.settle(j, green()); err != nil {
		t.Fatal(err)
	}
	got := <-came
	if got.err != nil || len(got.out) != 1 {
		t.Fatal(got)
	}
	r := sys.ContractReport{Scenarios: got.out}
	if r.Settled() || !strings.Contains(r.Text(), "no empty note") {
		t.Fatal("what the scenario leaves breaks a rule, and only the data say so:", r.Text())
	}
	if entries, err := os.ReadDir(filepath.Join(w.data, "notes")); err == nil && len(entries) > 0 {
		t.Fatal("the owner's data were touched")
	}
}

func TestOneOutcomeOfTheOneThatHasTheJob(t *testing.T) {
	w := newWorld(t)
	came := w.run()
	j := w.take()
	if _, err := w.h.Take(j.ID); sys.KindOf(err) != sys.Exists {
		t.Fatal("a second desktop has it too:", err)
	}
	for name, bad := range map[string]sys.TrialOutcome{
		"no nonce":        {Version: j.Version, Result: green()},
		"another nonce":   {Nonce: "X" + j.Nonce[1:], Version: j.Version, Result: green()},
		"another version": {Nonce: j.Nonce, Version: "0" + j.Version, Result: green()},
	} {
		if err := w.h.Settle(j.ID, bad); err == nil {
			t.Error(name, "is heard")
		}
	}
	if _, err := w.h.Call(t.Context(), j.ID, "", "db.find", nil, 0); sys.KindOf(err) != sys.NotFound {
		t.Error("a call without the nonce:", err)
	}
	if err := w.h.Beat(j.ID, "x"); err == nil {
		t.Error("a beat without the nonce")
	}
	select {
	case got := <-came:
		t.Fatal("it has ended:", got)
	default:
	}
	if err := w.settle(j, green()); err != nil {
		t.Fatal(err)
	}
	if err := w.settle(j, &sys.ScenarioResult{}); sys.KindOf(err) != sys.NotFound {
		t.Error("a second outcome:", err)
	}
	if got := <-came; got.err != nil || !settled(got.out[0]) {
		t.Fatal(got)
	}
	if _, err := w.h.Take(j.ID); sys.KindOf(err) != sys.NotFound {
		t.Error("a job that is over is given again:", err)
	}
}

func settled(r sys.ScenarioResult) bool {
	one := sys.ContractReport{Scenarios: []sys.ScenarioResult{r}}
	return one.Settled()
}

func TestWhatIsNotPlayedIsNotGreen(t *testing.T) {
	for name, said := range map[string]*sys.ScenarioResult{
		"nothing":        {Name: "one", Green: true},
		"one step":       {Name: "one", Green: true, Steps: green().Steps[:1]},
		"a red step":     {Name: "one", Green: true, Steps: []sys.StepResult{{Green: true}, {Green: false, Seen: "no milk"}}},
		"an error":       {Name: "one", Green: true, Steps: green().Steps, Errors: []string{"x is not a function"}},
		"a red property": {Name: "one", Green: true, Steps: green().Steps, Properties: []sys.CheckResult{{Name: "sum"}}},
	} {
		w := newWorld(t)
		came := w.run()
		if err := w.settle(w.take(), said); err != nil {
			t.Fatal(err)
		}
		if got := <-came; got.err != nil || settled(got.out[0]) {
			t.Error(name, "counts as green:", got)
		}
	}
}

func TestADesktopThatGoesGivesWayToAnother(t *testing.T) {
	for name, leave := range map[string]func(*world, sys.TrialJob) error{
		"it says so":    func(w *world, j sys.TrialJob) error { return w.settle(j, nil) },
		"it falls mute": func(*world, sys.TrialJob) error { return nil },
	} {
		w := newWorld(t, func(o *Options) {
			if name == "it falls mute" {
				o.Sign = time.Second
			}
		})
		came := w.run()
		first := w.take()
		if err := leave(w, first); err != nil {
			t.Fatal(name, err)
		}
		second := w.take()
		if second.Nonce == first.Nonce || second.ID == first.ID {
			t.Fatal(name, "the second has the first one's right")
		}
		if err := w.settle(first, green()); sys.KindOf(err) != sys.NotFound {
			t.Error(name, "the late outcome of the first is heard:", err)
		}
		if _, err := w.h.Call(t.Context(), first.ID, first.Nonce, "db.find", nil, 0); sys.KindOf(err) != sys.NotFound {
			t.Error(name, "a late call of the first is heard:", err)
		}
		if err := w.settle(second, green()); err != nil {
			t.Fatal(name, err)
		}
		if got := <-came; got.err != nil || !settled(got.out[0]) {
			t.Error(name, got)
		}
	}
}

func TestWithoutADesktopNothingIsPlayed(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Take = 20 * time.Millisecond })
	w.open.Store(0)
	if err := w.h.Able(); sys.KindOf(err) != sys.Unavailable || !strings.Contains(sys.HintOf(err), "when the desktop is open") {
		t.Error(err)
	}
	if got := <-w.run(); sys.KindOf(got.err) != sys.Unavailable || len(w.offers) > 0 {
		t.Error("nobody is there:", got.err)
	}
	w.open.Store(1)
	if got := <-w.run(); sys.KindOf(got.err) != sys.Unavailable || len(w.offers) == 0 {
		t.Error("nobody takes it:", got.err)
	}
}

func TestADesktopThatNeverEndsIsNotWaitedForWithoutEnd(t *testing.T) {
	w := newWorld(t, func(o *Options) { o.Patience = 50 * time.Millisecond })
	came := w.run()
	w.take()
	if got := <-came; sys.KindOf(got.err) != sys.Unavailable {
		t.Error(got)
	}
}

func TestAWindowThatHangsIsRed(t *testing.T) {
	w := newWorld(t)
	came := w.run()
	j := w.take()
	if err := w.h.Settle(j.ID, sys.TrialOutcome{Nonce: j.Nonce, Version: j.Version, Hangs: true}); err != nil {
		t.Fatal(err)
	}
	if got := <-came; got.err != nil || settled(got.out[0]) || !strings.Contains(got.out[0].Errors[0], "hangs") {
		t.Error(got)
	}
}

func TestWhatADesktopSaysIsCutShort(t *testing.T) {
	w := newWorld(t)
	came := w.run()
	long := green()
	for range 100 {
		long.Errors = append(long.Errors, strings.Repeat("é", 10_000))
		long.Steps = append(long.Steps, sys.StepResult{Green: true})
		long.Properties = append(long.Properties, sys.CheckResult{Name: "p", Green: true})
	}
	if err := w.settle(w.take(), long); err != nil {
		t.Fatal(err)
	}
	got := <-came
	if got.err != nil || len(got.out[0].Errors) != mostTexts || len([]rune(got.out[0].Errors[0])) != mostText || len(got.out[0].Steps) != 2 {
		t.Error(got.err, len(got.out[0].Errors), len(got.out[0].Steps))
	}
}
