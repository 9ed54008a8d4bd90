package kernel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"pgregory.net/rapid"

	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/test/machine"
)

// clock is set by hand.
type clock struct{ nanos atomic.Int64 }

func clockAt(text string) *clock {
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	c := &clock{}
	c.nanos.Store(t.UnixNano())
	return c
}

func (c *clock) now() time.Time       { return time.Unix(0, c.nanos.Load()).UTC() }
func (c *clock) pass(d time.Duration) { c.nanos.Add(int64(d)) }
func berlin() kernel.Settings         { return kernel.Settings{Zone: "Europe/Berlin"} }
func schedule(jobs ...kernel.Job) string {
	raw, err := json.Marshal(jobs)
	if err != nil {
		panic(err)
	}
	return string(raw)
}

// planner writes what it is told as the schedule, and does scheduled work as given.
func planner(work func(ctx context.Context, h engine.Host, said string) (string, error)) machine.Script {
	return machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
		if !strings.HasPrefix(said, "[") {
			return work(ctx, h, said)
		}
		_, _ = machine.Call(ctx, h, "Read", machine.Obj{"file_path": string(kernel.ScheduleFile)})
		return machine.Call(ctx, h, "Write", machine.Obj{"file_path": string(kernel.ScheduleFile), "content": said})
	}}
}

// failer is a test, or one run of a property.
type failer interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

func idle(context.Context, engine.Host, string) (string, error) { return "done", nil }

func events(t failer, m *machine.Machine, kind sys.EventKind) (out []sys.Event) {
	t.Helper()
	for after := sys.Seq(0); ; {
		list, err := m.Disk.Journal().Read(context.Background(), after, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range list {
			after = e.Seq
			if e.Kind == kind {
				out = append(out, e)
			}
		}
		if len(list) == 0 {
			return out
		}
	}
}

func notices(t failer, m *machine.Machine, title string) (n int) {
	t.Helper()
	for _, e := range events(t, m, sys.EventNotice) {
		var d sys.NoticeData
		if err := json.Unmarshal(e.Data, &d); err != nil {
			t.Fatal(err)
		}
		if strings.Contains(d.Title, title) {
			n++
		}
	}
	return n
}

func status(t failer, m *machine.Machine, id string) kernel.JobStatus {
	t.Helper()
	list, err := m.Kernel.Jobs(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, j := range list {
		if j.ID == id {
			return j
		}
	}
	t.Fatalf("no job %s in %+v", id, list)
	return kernel.JobStatus{}
}

// untilJob asks for the status until it fits.
func untilJob(t failer, m *machine.Machine, id string, fits func(kernel.JobStatus) bool) kernel.JobStatus {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(5 * time.Millisecond) {
		if s := status(t, m, id); fits(s) {
			return s
		} else if time.Now().After(end) {
			t.Fatalf("it stays at %+v", s)
		}
	}
}

// A reminder is told once for each of its times, however the clock is set, the
// kernel is started anew, and the clocks are put back.
func TestAReminderIsToldOnceForEachTime(t *testing.T) {
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		if runs++; runs > 12 && os.Getenv("SOAK") == "" {
			return // each takes several starts
		}
		dir := t.TempDir()
		c := clockAt("2026-10-24T20:00:00Z")
		open := func() *machine.Machine {
			return machine.StartWith(t, dir, planner(idle), machine.Options{Once: true, Now: c.now, Settings: berlin})
		}
		m := open()
		defer func() { m.Close() }()
		m.Ask(schedule(kernel.Job{ID: "a", Name: "a", Message: "Hourly", Cron: "30 * * * *", Missed: kernel.MissedAll, AtMost: 100}))
		look := func() {
			if err := m.Kernel.FireDue(context.Background()); err != nil {
				rt.Fatal(err)
			}
		}
		look()
		begin, furthest := c.now(), c.now()
		for range rapid.IntRange(1, 6).Draw(rt, "steps") {
			c.pass(time.Duration(rapid.IntRange(-90, 300).Draw(rt, "minutes")) * time.Minute)
			if rapid.Bool().Draw(rt, "anew") {
				m.Close()
				m = open()
			}
			look()
			if c.now().After(furthest) {
				furthest = c.now()
			}
		}
		want := int(furthest.Sub(begin.Truncate(time.Hour).Add(30*time.Minute))/time.Hour) + 1
		if furthest.Before(begin.Add(30 * time.Minute)) {
			want = 0
		}
		if got := notices(rt, m, "Hourly"); got != want {
			rt.Fatalf("told %d times from %s to %s, want %d", got, begin, furthest, want)
		}
	})
}

func TestAJobRunsReportsAndIsPausedWhenItFails(t *testing.T) {
	c := clockAt("2026-11-23T11:59:00Z")
	var asked atomic.Int32
	broken := atomic.Bool{}
	m := machine.BootWith(t, planner(func(_ context.Context, _ engine.Host, said string) (string, error) {
		asked.Add(1)
		if !strings.Contains(said, "Count the files") {
			return "", fmt.Errorf("asked %q", said)
		}
		if broken.Load() {
			return "", &sys.Error{Op: "count", Kind: sys.Unavailable, Err: errors.New("no abacus")}
		}
		return "There are 4.", nil
	}), machine.Options{Now: c.now, Settings: berlin})
	m.Ask(schedule(kernel.Job{ID: "count", Name: "Counting", Ask: "Count the files", Every: "hour", Budget: sys.Budget{USD: 2}, Created: c.now()}))
	hour := func(fits func(kernel.JobStatus) bool) kernel.JobStatus {
		c.pass(time.Hour)
		m.Kernel.Reschedule()
		return untilJob(t, m, "count", fits)
	}
	c.pass(time.Minute - time.Hour)
	s := hour(func(s kernel.JobStatus) bool { return s.Result == kernel.ResultOK })
	if s.Text != "There are 4." || asked.Load() != 1 || notices(t, m, "Counting") != 1 || s.Next.IsZero() || s.PID == 0 {
		t.Fatalf("%+v after %d requests", s, asked.Load())
	}
	var row sys.Process
	for _, e := range events(t, m, sys.EventProcess) {
		if e.PID == s.PID {
			if err := json.Unmarshal(e.Data, &row); err != nil {
				t.Fatal(err)
			}
		}
	}
	if row.Class != sys.Scheduled || row.Budget.USD != 2 || row.Label.Confidentiality != sys.OwnerOnly {
		t.Errorf("its process is %+v", row)
	}
	broken.Store(true)
	for i := 1; i <= 3; i++ {
		s = hour(func(s kernel.JobStatus) bool { return s.Failures == i })
	}
	if s.Result != kernel.ResultFailed || s.Why == "" || !s.Next.IsZero() || notices(t, m, "is paused") != 1 {
		t.Fatalf("after three failures %+v", s)
	}
	before := asked.Load()
	c.pass(3 * time.Hour)
	if err := m.Kernel.FireDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	if asked.Load() != before {
		t.Error("it runs while it is paused")
	}
	broken.Store(false)
	if err := m.Kernel.ResumeJob(t.Context(), "count"); err != nil {
		t.Fatal(err)
	}
	s = hour(func(s kernel.JobStatus) bool { return s.Result == kernel.ResultOK })
	if s.Failures != 0 || asked.Load() != before+1 {
		t.Errorf("%+v after %d requests", s, asked.Load()-before)
	}
	if err := m.Kernel.PauseJob(t.Context(), "nobody", "x"); !errors.Is(err, sys.NotFound) {
		t.Errorf("pausing nothing: %v", err)
	}
}

// The binary dies while a job runs: the run goes on, and is not begun again.
func TestAJobThatACrashCutOffIsNotRunAgain(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	c := clockAt("2026-11-23T11:59:00Z")
	began := make(chan struct{}, 1)
	m := machine.StartWith(t, home, planner(func(ctx context.Context, _ engine.Host, _ string) (string, error) {
		began <- struct{}{}
		<-ctx.Done()
		return "", ctx.Err()
	}), machine.Options{Now: c.now})
	m.Ask(schedule(kernel.Job{ID: "j", Name: "J", Ask: "Work", Cron: "0 12 * * *", Zone: "UTC", Missed: kernel.MissedAll, Created: c.now()}))
	c.pass(time.Minute)
	m.Kernel.Reschedule()
	<-began
	if err := m.Disk.Close(); err != nil {
		t.Fatal(err)
	}
	next := machine.StartWith(t, home, planner(idle), machine.Options{Now: c.now})
	defer next.Close()
	untilJob(t, next, "j", func(s kernel.JobStatus) bool { return s.Result == kernel.ResultOK })
	if err := next.Kernel.FireDue(t.Context()); err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range events(t, next, sys.EventRequest) {
		if strings.Contains(string(e.Data), `"schedule"`) {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d runs for one time", n)
	}
	_ = m.Kernel.Close()
}
