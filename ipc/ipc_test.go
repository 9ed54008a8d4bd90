package ipc

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"matrixos/journal"
	"matrixos/sys"
)

func TestMain(m *testing.M) {
	if path := os.Getenv(childFile); path != "" {
		os.Exit(workUntilKilled(path))
	}
	os.Exit(m.Run())
}

// box is a store under test, with a clock of its own; its verbs fail the test.
type box struct {
	*Store
	t  testing.TB
	j  *journal.Journal
	mu sync.Mutex
	at time.Time
}

func openBox(t testing.TB, path string) *box {
	t.Helper()
	ctx := context.Background()
	j, err := journal.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := j.Close(); err != nil {
			t.Error(err)
		}
	})
	b := &box{t: t, j: j, at: time.Unix(1_800_000_000, 0)}
	if b.Store, err = Open(ctx, j, b.clockNow); err != nil {
		t.Fatal(err)
	}
	return b
}

func temp(t testing.TB) *box { return openBox(t, filepath.Join(t.TempDir(), "kernel.db")) }

func (b *box) clockNow() time.Time {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.at
}

func (b *box) pass(d time.Duration) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.at = b.at.Add(d)
}

// try runs fn in a transaction of its own.
func (b *box) try(fn func(ctx context.Context, tx *journal.Tx) error) error {
	ctx := context.Background()
	return b.j.Update(ctx, func(tx *journal.Tx) error { return fn(ctx, tx) })
}

func (b *box) must(fn func(ctx context.Context, tx *journal.Tx) error) {
	b.t.Helper()
	if err := b.try(fn); err != nil {
		b.t.Fatal(err)
	}
}

// refused demands that fn fails with a kind and a way out, and changes nothing.
func (b *box) refused(kind sys.Kind, fn func(ctx context.Context, tx *journal.Tx) error) {
	b.t.Helper()
	before := b.j.Last()
	err := b.try(fn)
	if sys.KindOf(err) != kind || sys.HintOf(err) == "" {
		b.t.Errorf("it says %v (%s), not %s", err, sys.KindOf(err), kind)
	}
	if b.j.Last() != before {
		b.t.Error("a refusal left an event")
	}
}

func (b *box) create(n NewTask) (t sys.Task) {
	b.t.Helper()
	if n.Type == "" {
		n.Type = "work"
	}
	b.must(func(ctx context.Context, tx *journal.Tx) (err error) {
		t, err = b.CreateTask(ctx, tx, n)
		return err
	})
	return t
}

func (b *box) claim(by sys.PID, id sys.TaskID) (t sys.Task) {
	b.t.Helper()
	b.must(func(ctx context.Context, tx *journal.Tx) (err error) {
		t, err = b.ClaimTask(ctx, tx, Claim{By: by, ID: id, Lease: time.Minute})
		return err
	})
	return t
}

func (b *box) complete(t sys.Task) {
	b.t.Helper()
	b.must(func(ctx context.Context, tx *journal.Tx) error {
		return b.CompleteTask(ctx, tx, Held{t.ID, t.Owner, t.Epoch}, json.RawMessage(`"ok"`))
	})
}

func (b *box) task(id sys.TaskID) sys.Task {
	b.t.Helper()
	t, err := b.Task(context.Background(), b.j, id)
	if err != nil {
		b.t.Fatal(err)
	}
	return t
}

func (b *box) states(want ...sys.TaskState) {
	b.t.Helper()
	for i, s := range want {
		if t := b.task(sys.TaskID(i + 1)); t.State != s {
			b.t.Errorf("%s is %s, want %s (%s)", t.ID, t.State, s, t.Reason)
		}
	}
}

func (b *box) events(kind sys.EventKind) (out []sys.Event) {
	b.t.Helper()
	all, err := b.j.Read(context.Background(), 0, 10000)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, e := range all {
		if e.Kind == kind {
			out = append(out, e)
		}
	}
	return out
}

var errNo = errors.New("no")

func TestClaimsAreExclusiveAndFenced(t *testing.T) {
	b := temp(t)
	low := b.create(NewTask{Priority: 1, Input: json.RawMessage(`{"n":1}`), Label: sys.Label{Integrity: sys.Untrusted}, Creator: 3})
	high := b.create(NewTask{Priority: 2, Type: "other"})
	if low.ID != 1 || high.ID != 2 || low.State != sys.TaskReady || low.Label.Integrity != sys.Untrusted || string(low.Input) != `{"n":1}` {
		t.Fatalf("made %+v and %+v", low, high)
	}
	first := b.claim(7, 0)
	if first.ID != high.ID || first.Epoch != 1 || first.Owner != 7 {
		t.Fatalf("claimed %+v", first)
	}
	claim := func(c Claim) func(context.Context, *journal.Tx) error {
		return func(ctx context.Context, tx *journal.Tx) error { _, err := b.ClaimTask(ctx, tx, c); return err }
	}
	b.refused(sys.Held, claim(Claim{By: 8, ID: high.ID, Lease: time.Minute}))
	b.refused(sys.Exists, claim(Claim{By: 7, ID: high.ID, Lease: time.Minute}))
	b.refused(sys.NotFound, claim(Claim{By: 8, ID: 99, Lease: time.Minute}))
	b.refused(sys.NotFound, claim(Claim{By: 8, Types: []string{"nothing"}, Lease: time.Minute}))
	b.refused(sys.Invalid, claim(Claim{By: 8}))

	b.pass(50 * time.Second)
	b.must(func(ctx context.Context, tx *journal.Tx) error {
		_, err := b.RenewTask(ctx, tx, Held{first.ID, 7, 1}, time.Minute)
		return err
	})
	b.pass(50 * time.Second)
	b.must(b.ExpireTasks)
	b.states(sys.TaskReady, sys.TaskClaimed) // it was renewed
	b.pass(11 * time.Second)
	b.must(b.ExpireTasks)
	after := b.j.Last()
	b.must(b.ExpireTasks)
	if b.j.Last() != after {
		t.Error("the second expiry changed something")
	}
	b.states(sys.TaskReady, sys.TaskReady)
	done := func(h Held) func(context.Context, *journal.Tx) error {
		return func(ctx context.Context, tx *journal.Tx) error { return b.CompleteTask(ctx, tx, h, nil) }
	}
	b.refused(sys.Conflict, done(Held{2, 7, 1})) // lost
	second := b.claim(8, 2)
	if second.Epoch != 2 {
		t.Errorf("epoch is %d", second.Epoch)
	}
	b.refused(sys.Held, done(Held{2, 7, 1}))
	b.refused(sys.Conflict, done(Held{2, 8, 1}))
	b.refused(sys.Conflict, done(Held{1, 8, 1})) // nobody has it
	b.pass(2 * time.Minute)                      // late, but nobody has noticed
	b.complete(second)
	b.refused(sys.Conflict, done(Held{2, 8, 2}))
	if got := b.task(2); got.State != sys.TaskDone || string(got.Output) != `"ok"` || got.Owner != 8 {
		t.Errorf("done is %+v", got)
	}
	third := b.claim(9, 1)
	b.must(func(ctx context.Context, tx *journal.Tx) error {
		return b.ReleaseTask(ctx, tx, Held{1, 9, third.Epoch})
	})
	if got := b.task(1); got.State != sys.TaskReady || got.Expired != 0 {
		t.Errorf("given back is %+v", got)
	}
}

func TestWorkThatKillsItsWorkersFails(t *testing.T) {
	b := temp(t)
	b.create(NewTask{})
	for pid := range sys.PID(mostExpired) {
		b.states(sys.TaskReady)
		b.claim(pid+1, 1)
		for range 2 { // the second time there is nothing to give back
			b.must(func(ctx context.Context, tx *journal.Tx) error { return b.ReleaseTasksOf(ctx, tx, pid+1) })
		}
	}
	b.states(sys.TaskFailed)
}

func TestDependencies(t *testing.T) {
	b := temp(t)
	one, two := b.create(NewTask{}), b.create(NewTask{})
	b.create(NewTask{DependsOn: []sys.TaskID{1, 2, 2}})
	b.create(NewTask{DependsOn: []sys.TaskID{3}})
	b.create(NewTask{DependsOn: []sys.TaskID{3}})
	b.create(NewTask{DependsOn: []sys.TaskID{4, 5}}) // a diamond
	b.states(sys.TaskReady, sys.TaskReady, sys.TaskBlocked, sys.TaskBlocked, sys.TaskBlocked, sys.TaskBlocked)
	b.complete(b.claim(7, one.ID))
	b.states(sys.TaskDone, sys.TaskReady, sys.TaskBlocked)
	b.complete(b.claim(7, two.ID))
	b.states(sys.TaskDone, sys.TaskDone, sys.TaskReady, sys.TaskBlocked)
	three := b.claim(7, 3)
	b.must(func(ctx context.Context, tx *journal.Tx) error {
		return b.FailTask(ctx, tx, Held{3, 7, three.Epoch}, "no network")
	})
	b.states(sys.TaskDone, sys.TaskDone, sys.TaskFailed, sys.TaskFailed, sys.TaskFailed, sys.TaskFailed)
	if got := b.task(4).Reason; got != "T3, which it depends on, failed: no network" {
		t.Errorf("reason is %q", got)
	}
	if late := b.create(NewTask{DependsOn: []sys.TaskID{6}}); late.State != sys.TaskFailed || late.Reason == "" {
		t.Errorf("a task after a failed one is %+v", late)
	}
	b.create(NewTask{})
	b.create(NewTask{DependsOn: []sys.TaskID{8}})
	b.must(func(ctx context.Context, tx *journal.Tx) error { return b.CancelTask(ctx, tx, 8, 0, "changed my mind") })
	if got := b.task(9); got.State != sys.TaskFailed || got.Reason != "T8, which it depends on, was cancelled: changed my mind" {
		t.Errorf("after a cancelled one it is %+v", got)
	}
	b.refused(sys.Conflict, func(ctx context.Context, tx *journal.Tx) error { return b.CancelTask(ctx, tx, 8, 0, "") })
	for _, n := range []NewTask{{}, {Type: "x", Input: json.RawMessage("{")}, {Type: "x", DependsOn: make([]sys.TaskID, mostNeeds+1)}, {Type: "x", Input: make([]byte, mostInput+1)}} {
		b.refused(sys.Invalid, func(ctx context.Context, tx *journal.Tx) error { _, err := b.CreateTask(ctx, tx, n); return err })
	}
	b.refused(sys.NotFound, func(ctx context.Context, tx *journal.Tx) error {
		_, err := b.CreateTask(ctx, tx, NewTask{Type: "x", DependsOn: []sys.TaskID{99}})
		return err
	})
}

// What is written in a transaction that fails has not happened, a reserved
// number can be spoken of before, and all changes are events.
func TestTasksBelongToTheTransaction(t *testing.T) {
	b := temp(t)
	ctx := context.Background()
	err := b.try(func(ctx context.Context, tx *journal.Tx) error {
		if _, err := b.CreateTask(ctx, tx, NewTask{Type: "x"}); err != nil {
			return err
		}
		if _, err := b.SendMail(ctx, tx, NewMail{To: sys.Address{Program: "kernel"}, Content: "x"}); err != nil {
			return err
		}
		if _, err := b.QueueEffect(ctx, tx, NewEffect{Kind: "k", Target: "t"}); err != nil {
			return err
		}
		return errNo
	})
	if !errors.Is(err, errNo) || b.j.Last() != 0 {
		t.Fatal(err, b.j.Last())
	}
	if list, err := b.Tasks(ctx, b.j, TaskFilter{}); err != nil || len(list) != 0 {
		t.Errorf("tasks are %v, %v", list, err)
	}
	var id sys.TaskID
	b.must(func(ctx context.Context, tx *journal.Tx) (err error) { id, err = b.ReserveTask(ctx, tx); return err })
	other := b.create(NewTask{Creator: 4})
	made := b.create(NewTask{ID: id, Creator: 5, Type: "named", DependsOn: []sys.TaskID{other.ID}})
	if made.ID != id || other.ID == id {
		t.Errorf("made %s and %s, reserved %s", made.ID, other.ID, id)
	}
	b.refused(sys.Exists, func(ctx context.Context, tx *journal.Tx) error {
		_, err := b.CreateTask(ctx, tx, NewTask{ID: id, Type: "again"})
		return err
	})
	for _, c := range []struct {
		f    TaskFilter
		want int
	}{
		{TaskFilter{}, 2},
		{TaskFilter{Limit: 1}, 1},
		{TaskFilter{Types: []string{"named", "none"}}, 1},
		{TaskFilter{Creator: 4}, 1},
		{TaskFilter{States: []sys.TaskState{sys.TaskReady, sys.TaskBlocked}}, 2},
		{TaskFilter{Owner: 9}, 0},
		{TaskFilter{After: other.ID}, 0},
	} {
		if list, err := b.Tasks(ctx, b.j, c.f); err != nil || len(list) != c.want {
			t.Errorf("%+v finds %v, %v", c.f, list, err)
		}
	}
	b.complete(b.claim(9, other.ID))
	var seen []sys.TaskState
	for _, e := range b.events(sys.EventTask) {
		var d sys.TaskData
		if err := json.Unmarshal(e.Data, &d); err != nil {
			t.Fatal(err)
		}
		seen = append(seen, d.State)
	}
	want := []sys.TaskState{sys.TaskReady, sys.TaskBlocked, sys.TaskClaimed, sys.TaskDone, sys.TaskReady}
	if len(seen) != len(want) {
		t.Fatalf("events are %v", seen)
	}
	for i := range want {
		if seen[i] != want[i] {
			t.Fatalf("events are %v", seen)
		}
	}
}

func TestForget(t *testing.T) {
	b := temp(t)
	b.complete(func() sys.Task { b.create(NewTask{}); return b.claim(7, 1) }())
	b.create(NewTask{})
	b.create(NewTask{DependsOn: []sys.TaskID{1, 2}})
	b.complete(func() sys.Task { b.create(NewTask{}); return b.claim(7, 4) }())
	b.pass(time.Hour)
	b.must(func(ctx context.Context, tx *journal.Tx) error { return b.Forget(ctx, tx, b.clockNow()) })
	list, err := b.Tasks(context.Background(), b.j, TaskFilter{})
	if err != nil || len(list) != 3 { // T1 is still named by a task that waits
		t.Fatalf("left are %v, %v", list, err)
	}
	b.complete(b.claim(7, 2))
	b.states(sys.TaskDone, sys.TaskDone, sys.TaskReady)
	if next := b.create(NewTask{}); next.ID != 5 {
		t.Errorf("a number came again: %s", next.ID)
	}
}
