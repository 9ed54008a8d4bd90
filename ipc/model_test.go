package ipc

import (
	"context"
	"errors"
	"flag"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"matrixos/journal"
	"matrixos/sys"
)

// modelTask is what a task should be, by the rules of the package comment.
type modelTask struct {
	state   sys.TaskState
	needs   []int
	owner   sys.PID
	epoch   sys.Epoch
	lease   time.Time
	expired int
	prio    int
}

// tasks compares the store with a model that fits on a page.
type tasks struct {
	b     *box
	model []modelTask
}

func (m *tasks) end(i int, state sys.TaskState) {
	m.model[i].state = state
	for k := range m.model {
		if m.model[k].state != sys.TaskBlocked {
			continue
		}
		open, lost := false, false
		for _, n := range m.model[k].needs {
			s := m.model[n].state
			open = open || s != sys.TaskDone
			lost = lost || s == sys.TaskFailed || s == sys.TaskCancelled
		}
		switch {
		case lost:
			m.end(k, sys.TaskFailed)
		case !open:
			m.model[k].state = sys.TaskReady
		}
	}
}

func (m *tasks) expire() {
	for i := range m.model {
		t := &m.model[i]
		if t.state != sys.TaskClaimed || t.lease.After(m.b.clockNow()) {
			continue
		}
		if t.expired++; t.expired >= mostExpired {
			m.end(i, sys.TaskFailed)
			continue
		}
		t.state, t.owner = sys.TaskReady, 0
	}
}

// pick returns some task; -1 if there is none.
func (m *tasks) pick(rt *rapid.T) int {
	if len(m.model) == 0 {
		rt.Skip()
	}
	return rapid.IntRange(0, len(m.model)-1).Draw(rt, "task")
}

// same demands that an action succeeds exactly if the model says so.
func (m *tasks) same(rt *rapid.T, ok bool, fn func(ctx context.Context, tx *journal.Tx) error) bool {
	err := m.b.try(fn)
	if (err == nil) != ok {
		rt.Fatalf("the store says %v, the model %v", err, ok)
	}
	var e *sys.Error
	if err != nil && (!errors.As(err, &e) || e.Kind == sys.Internal || e.Hint == "") {
		rt.Fatalf("an error without a kind or a way out: %v", err)
	}
	return ok
}

func (m *tasks) create(rt *rapid.T) {
	t := modelTask{state: sys.TaskReady, prio: rapid.IntRange(0, 2).Draw(rt, "priority")}
	n := NewTask{Type: "x", Priority: t.prio}
	if len(m.model) > 0 {
		t.needs = rapid.SliceOfNDistinct(rapid.IntRange(0, len(m.model)-1), 0, min(3, len(m.model)), func(i int) int { return i }).Draw(rt, "needs")
	}
	for _, i := range t.needs {
		n.DependsOn = append(n.DependsOn, sys.TaskID(i+1))
		switch s := m.model[i].state; {
		case s == sys.TaskFailed || s == sys.TaskCancelled:
			t.state = sys.TaskFailed
		case s != sys.TaskDone && t.state != sys.TaskFailed:
			t.state = sys.TaskBlocked
		}
	}
	m.same(rt, true, func(ctx context.Context, tx *journal.Tx) error { _, err := m.b.CreateTask(ctx, tx, n); return err })
	m.model = append(m.model, t)
}

func (m *tasks) claim(rt *rapid.T) {
	m.expireInClaim(rt, 0)
}

func (m *tasks) claimNamed(rt *rapid.T) {
	m.expireInClaim(rt, sys.TaskID(m.pick(rt)+1))
}

// expireInClaim claims; a claim that is refused rolls its expiry back.
func (m *tasks) expireInClaim(rt *rapid.T, id sys.TaskID) {
	before := append([]modelTask(nil), m.model...)
	m.expire()
	want := -1
	for i, t := range m.model {
		if t.state != sys.TaskReady || id != 0 && sys.TaskID(i+1) != id {
			continue
		}
		if want < 0 || t.prio > m.model[want].prio {
			want = i
		}
	}
	by := sys.PID(rapid.IntRange(1, 3).Draw(rt, "by"))
	var got sys.Task
	ok := m.same(rt, want >= 0, func(ctx context.Context, tx *journal.Tx) (err error) {
		got, err = m.b.ClaimTask(ctx, tx, Claim{By: by, ID: id, Lease: time.Minute})
		return err
	})
	if !ok {
		m.model = before
		return
	}
	if got.ID != sys.TaskID(want+1) {
		rt.Fatalf("claimed %s, the model T%d", got.ID, want+1)
	}
	t := &m.model[want]
	t.state, t.owner, t.epoch, t.lease = sys.TaskClaimed, by, t.epoch+1, m.b.clockNow().Add(time.Minute)
}

// held draws a claim that may be right, or late, or somebody else's.
func (m *tasks) held(rt *rapid.T) (i int, h Held, ok bool) {
	i = m.pick(rt)
	t := m.model[i]
	h = Held{sys.TaskID(i + 1), t.owner, t.epoch}
	if rapid.IntRange(0, 3).Draw(rt, "wrong") == 0 {
		h.By, h.Epoch = sys.PID(rapid.IntRange(1, 3).Draw(rt, "as")), sys.Epoch(rapid.IntRange(0, int(t.epoch)).Draw(rt, "epoch"))
	}
	return i, h, t.state == sys.TaskClaimed && h.By == t.owner && h.Epoch == t.epoch
}

func (m *tasks) finish(rt *rapid.T) {
	i, h, ok := m.held(rt)
	if rapid.Bool().Draw(rt, "well") {
		if m.same(rt, ok, func(ctx context.Context, tx *journal.Tx) error { return m.b.CompleteTask(ctx, tx, h, nil) }) {
			m.end(i, sys.TaskDone)
		}
		return
	}
	if m.same(rt, ok, func(ctx context.Context, tx *journal.Tx) error { return m.b.FailTask(ctx, tx, h, "no") }) {
		m.end(i, sys.TaskFailed)
	}
}

func (m *tasks) keep(rt *rapid.T) {
	i, h, ok := m.held(rt)
	if rapid.Bool().Draw(rt, "renew") {
		if m.same(rt, ok, func(ctx context.Context, tx *journal.Tx) error {
			_, err := m.b.RenewTask(ctx, tx, h, 2*time.Minute)
			return err
		}) {
			m.model[i].lease = m.b.clockNow().Add(2 * time.Minute)
		}
		return
	}
	if m.same(rt, ok, func(ctx context.Context, tx *journal.Tx) error { return m.b.ReleaseTask(ctx, tx, h) }) {
		m.model[i].state, m.model[i].owner = sys.TaskReady, 0
	}
}

func (m *tasks) cancel(rt *rapid.T) {
	i := m.pick(rt)
	if m.same(rt, !m.model[i].state.Ended(), func(ctx context.Context, tx *journal.Tx) error {
		return m.b.CancelTask(ctx, tx, sys.TaskID(i+1), 0, "")
	}) {
		m.end(i, sys.TaskCancelled)
	}
}

func (m *tasks) time(rt *rapid.T) {
	m.b.pass(time.Duration(rapid.IntRange(1, 50).Draw(rt, "seconds")) * time.Second)
	if rapid.Bool().Draw(rt, "expire") {
		m.same(rt, true, m.b.ExpireTasks)
		m.expire()
	}
}

func (m *tasks) check(rt *rapid.T) {
	list, err := m.b.Tasks(context.Background(), m.b.j, TaskFilter{Limit: 1000})
	if err != nil || len(list) != len(m.model) {
		rt.Fatalf("%d tasks, the model has %d: %v", len(list), len(m.model), err)
	}
	for i, t := range list {
		want := m.model[i]
		if t.State != want.state || t.Epoch != want.epoch || t.Expired != want.expired || t.State == sys.TaskClaimed && t.Owner != want.owner {
			rt.Fatalf("%+v\nthe model says %+v", t, want)
		}
	}
}

func TestTasksFollowTheModel(t *testing.T) {
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		t.Cleanup(func() { _ = f.Value.Set(f.DefValue) })
		if err := f.Value.Set("30"); err != nil { // every step is a commit
			t.Fatal(err)
		}
	}
	dir := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		m := &tasks{b: openBox(t, filepath.Join(dir, strconv.Itoa(n)))}
		rt.Repeat(map[string]func(*rapid.T){
			"create": m.create, "claim": m.claim, "named": m.claimNamed, "finish": m.finish, "keep": m.keep, "cancel": m.cancel, "time": m.time, "": m.check,
		})
	})
}
