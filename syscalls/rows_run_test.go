package syscalls_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"matrixos/disk"
	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/syscalls"
	"matrixos/test/machine"
)

// use is one call of a plan.
type use struct {
	name string
	args machine.Obj
}

// row is what is tried of one tool: that it does what it says, that it refuses
// what it cannot do, that it is not everybody's, and that a crash after it took
// effect, before anybody read its result, neither loses nor doubles it.
type row struct {
	files   map[string]string // of the home, written by the owner
	before  []use             // each a request of its own, by the main agent
	holding []use             // by the same process, before the tool is used
	args    machine.Obj       // that succeed
	want    string            // in the result
	bad     machine.Obj       // that are refused
	why     string            // in the refusal
	foreign string            // refusal of a program that may use the tool, but not on what is another's
	count   func(w *world) int
	crashed int    // what count says after the crash; an effect is never lost unnoticed, and never doubled
	again   string // what it says when it is made again, if not want
}

// world is one machine of a row, with what a plan's calls have said.
type world struct {
	*machine.Machine
	t    *testing.T
	mu   sync.Mutex
	plan map[sys.Program][]use
	p    *machine.Puppet
	out  *outdoors
	// intruder is what the stranger's calls have said.
	intruder string
}

// ours reports whether a request is of a plan here, and none that the system makes.
func ours(r model.Request) bool {
	return r.Program != sys.ProgramKernel || strings.Contains(machine.Heard(r), "do it")
}

// stranger is a program with few rights; it is asked by the main agent.
const stranger = "stranger"

// newWorld opens the home and gives the owner a yes to everything and "blue" as
// the answer to every question. block, if given, is the call that does not come
// back once it has taken effect.
func newWorld(t *testing.T, home string, out *outdoors, block *blocked) *world {
	t.Helper()
	w := &world{t: t, plan: map[sys.Program][]use{}, out: out}
	w.p = &machine.Puppet{Play: func(_ context.Context, r *model.Request, step int) (model.Reply, error) {
		if !ours(*r) {
			return machine.Says("Hello."), nil
		}
		w.mu.Lock()
		defer w.mu.Unlock()
		if plan := w.plan[r.Program]; step < len(plan) {
			return machine.Does(plan[step].name, plan[step].args), nil
		}
		return machine.Says("Done."), nil
	}}
	var o machine.Options
	if block != nil {
		for _, c := range syscalls.Table(out.options(home)) {
			if c.Name == block.name {
				o.Calls = append(o.Calls, block.wrap(c))
			}
		}
	}
	w.Machine = machine.StartWith(t, home, casts{w.p, machine.Script{stranger: w.intrude}}, o, func(so *syscalls.Options) { *so = out.options(home) })
	if err := out.open(t.Context(), w.Disk, w.Kernel); err != nil {
		t.Fatal(err)
	}
	w.consent()
	return w
}

// casts gives the stranger an engine that calls what it likes, whatever it was
// offered; the others have the real loop.
type casts struct {
	*machine.Puppet
	strangers machine.Script
}

func (c casts) Engine(name string) (engine.Engine, string, error) {
	usual, id, err := c.Puppet.Engine(name)
	return cast{usual, c.strangers}, id, err
}

type cast struct{ usual, strange engine.Engine }

func (c cast) Open(ctx context.Context, h engine.Host, o engine.Options) (engine.Session, error) {
	if o.Program == stranger {
		return c.strange.Open(ctx, h, o)
	}
	return c.usual.Open(ctx, h, o)
}

// intrude makes the stranger's calls and keeps what they say.
func (w *world) intrude(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, u := range w.plan[stranger] {
		out, err := machine.Call(ctx, h, u.name, u.args)
		w.intruder += fmt.Sprintln(out, err)
	}
	return "Tried.", nil
}

// furnish writes what the row and the tools need, as the owner.
func (w *world) furnish(tool string, r row) {
	w.t.Helper()
	var all []string
	for _, c := range syscalls.Table(syscalls.Options{}) {
		all = append(all, c.Name)
	}
	mine := "Read"
	if r.foreign != "" {
		mine = tool
	}
	files := map[sys.Path][]byte{
		"agents/kernel.md":                  fmt.Appendf(nil, "---\nname: kernel\ndescription: main\ntools: %s\nwrites: system/, agents/memory/, agents/custom/, data/, projects/, apps/\n---\nYou are the kernel.\n", strings.Join(all, ", ")),
		"agents/custom/" + stranger + ".md": []byte("---\nname: " + stranger + "\ndescription: has few rights\ntools: " + mine + "\n---\nYou are a stranger.\n"),
	}
	for p, text := range r.files {
		files[sys.Path(p)] = []byte(strings.ReplaceAll(text, "SHOP", w.out.shop.URL))
	}
	if _, err := w.Disk.Write(w.t.Context(), disk.Write{Files: files, Kind: sys.ByOwner, Title: "Furnish"}); err != nil {
		w.t.Fatal(err)
	}
	for _, u := range r.before {
		w.run(u)
	}
}

// run has the main agent make calls in one request, and returns all that it heard.
func (w *world) run(calls ...use) string {
	w.t.Helper()
	w.set("kernel", calls)
	before := len(w.p.Asked())
	a, _ := w.Ask("do it")
	if !a.OK {
		w.t.Errorf("%v: answer %+v", calls, a)
	}
	asked := w.p.Asked()
	for _, r := range slices.Backward(asked[before:]) {
		if r.Program == sys.ProgramKernel && ours(r) {
			return newest(r)
		}
	}
	return ""
}

func (w *world) set(program sys.Program, calls []use) {
	w.mu.Lock()
	w.plan[program] = calls
	w.mu.Unlock()
}

// newest is the results in a request since the owner spoke.
func newest(r model.Request) (text string) {
	from := 0
	for i, m := range r.Messages {
		if m.Role == model.User && !slices.ContainsFunc(m.Blocks, func(b model.Block) bool { return b.Kind == model.ToolResult }) {
			from = i
		}
	}
	for _, m := range r.Messages[from:] {
		for _, b := range m.Blocks {
			if b.Kind == model.ToolResult {
				text += b.Text + "\n"
			}
		}
	}
	return text
}

// times counts how often sign is in what a call says.
func times(name string, args machine.Obj, sign string) func(*world) int {
	return func(w *world) int { return strings.Count(w.run(use{name, args}), sign) }
}

// consent answers for the owner until the test ends.
func (w *world) consent() {
	ctx, stop := context.WithCancel(w.t.Context())
	sub := w.Disk.Journal().Subscribe(w.Disk.Journal().Last())
	done := make(chan struct{})
	go func() {
		defer close(done)
		for {
			events, err := sub.Next(ctx)
			if err != nil {
				return
			}
			for _, e := range events {
				w.consentTo(ctx, e)
			}
		}
	}()
	w.t.Cleanup(func() {
		stop()
		<-done
		sub.Close()
	})
}

func (w *world) consentTo(ctx context.Context, e sys.Event) {
	var a sys.ApprovalData
	var q sys.QuestionData
	answer := func() error { return nil }
	switch {
	case e.Kind == sys.EventApproval && json.Unmarshal(e.Data, &a) == nil:
		answer = func() error { return w.Kernel.Approve(ctx, a.ID, kernel.Verdict{Allow: true, From: "test"}) }
	case e.Kind == sys.EventQuestion && json.Unmarshal(e.Data, &q) == nil:
		answer = func() error { return w.Kernel.Answer(ctx, q.ID, "blue") }
	}
	for answer() != nil && ctx.Err() == nil {
		time.Sleep(time.Millisecond)
	}
}

// blocked is a call that takes effect and never says so.
type blocked struct {
	name    string
	armed   atomic.Bool
	reached chan struct{}
	failed  error
}

func (b *blocked) wrap(c kernel.Syscall) kernel.Syscall {
	run := c.Run
	c.Run = func(ctx context.Context, in *kernel.Call) (string, error) {
		if !b.armed.Load() {
			return run(ctx, in)
		}
		_, b.failed = run(ctx, in)
		close(b.reached)
		<-ctx.Done()
		return "", ctx.Err()
	}
	return c
}

// TestFourRows tries every IPC tool; one without a row fails it.
func TestFourRows(t *testing.T) {
	files := []string{
		"Read", "Write", "Edit", "Glob", "Grep", "Bash", // system calls: see syscalls_test.go
		"load_tools", "call_tool", "read_resource", "use_prompt", // of what is attached: see driver_test.go
	}
	tools := map[string]kernel.Syscall{}
	for _, c := range syscalls.Table(syscalls.Options{}) {
		if slices.Contains(files, c.Name) {
			continue
		}
		tools[c.Name] = c
		if r, ok := fourRows[c.Name]; !ok || r.args == nil || r.bad == nil || r.count == nil || r.want == "" || r.why == "" {
			t.Errorf("%s has not all of its rows: success, refusal, wrong caller, crash", c.Name)
		}
	}
	for name, r := range fourRows {
		c, ok := tools[name]
		if !ok {
			t.Errorf("%s is no tool of the table", name)
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Run("answers", func(t *testing.T) { answers(t, name, r) })
			t.Run("crash", func(t *testing.T) { crashes(t, c, r) })
		})
	}
}

// answers tries the first three rows on one machine.
func answers(t *testing.T, name string, r row) {
	w := newWorld(t, filepath.Join(t.TempDir(), "home"), newOutdoors(t), nil)
	defer w.Close()
	w.furnish(name, r)
	w.set(stranger, []use{{name, r.args}})
	said := w.run(append(slices.Clone(r.holding), use{name, r.bad}, use{"spawn", machine.Obj{"program": stranger, "task": "try it"}}, use{name, r.args})...)
	if !strings.Contains(said, r.why) {
		t.Errorf("refusal: %q, want %q", said, r.why)
	}
	if !strings.Contains(said, r.want) {
		t.Errorf("success: %q, want %q", said, r.want)
	}
	want := "may not call " + name
	if r.foreign != "" {
		want = r.foreign
	}
	if !strings.Contains(w.intruder, want) {
		t.Errorf("wrong caller: %q, want %q", w.intruder, want)
	}
}

// crashes lets the system die when the tool has taken effect and its result has
// not been read.
func crashes(t *testing.T, c kernel.Syscall, r row) {
	home := filepath.Join(t.TempDir(), "home")
	out := newOutdoors(t)
	block := &blocked{name: c.Name, reached: make(chan struct{})}
	w := newWorld(t, home, out, block)
	w.furnish(c.Name, r)
	w.set("kernel", append(slices.Clone(r.holding), use{c.Name, r.args}))
	block.armed.Store(true)
	if _, err := w.Kernel.Ask(t.Context(), kernel.Ask{Text: "do it", From: "test"}); err != nil {
		t.Fatal(err)
	}
	select {
	case <-block.reached:
	case <-time.After(30 * time.Second):
		t.Fatal("the tool was not reached")
	}
	if block.failed != nil {
		t.Fatalf("it fails: %v", block.failed)
	}
	if err := w.Disk.Close(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = w.Kernel.Close() })

	next := newWorld(t, home, out, nil)
	defer next.Close()
	next.set("kernel", append(slices.Clone(r.holding), use{c.Name, r.args}))
	heard := next.recovered()
	want := engine.Interrupted
	if c.ReadOnly || c.Again || c.Replay {
		want = cmp.Or(r.again, r.want)
	}
	if !strings.Contains(heard, want) {
		t.Errorf("after the crash it heard %q, want %q", heard, want)
	}
	if n := r.count(next); n != r.crashed {
		t.Errorf("after the crash: %d, want %d", n, r.crashed)
	}
}

// recovered waits for the answer that the crash left owing.
func (w *world) recovered() string {
	w.t.Helper()
	events, err := w.Disk.Journal().Read(w.t.Context(), 0, 10000)
	if err != nil {
		w.t.Fatal(err)
	}
	var req sys.RequestID
	for _, e := range events {
		if e.Kind == sys.EventRequest {
			req = e.Request
		}
	}
	sub := w.Disk.Journal().Subscribe(0)
	defer sub.Close()
	if a, _ := w.Follow(sub, kernel.Ticket{Request: req}); !a.OK {
		w.t.Errorf("answer %+v", a)
	}
	for _, q := range slices.Backward(w.p.Asked()) {
		if q.Program == sys.ProgramKernel && ours(q) {
			return newest(q)
		}
	}
	return ""
}
