package kernel

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"matrixos/driver"
	"matrixos/engine"
	"matrixos/journal"
	"matrixos/policy"
	"matrixos/sys"
)

// Call runs one system call: policy, schema, journal, run, journal. A call that
// may change something is in the journal before it runs; one that only reads
// gets there together with its result.
func (h *host) Call(ctx context.Context, id, name string, input json.RawMessage) engine.Result {
	p := (*process)(h)
	p.mu.Lock()
	p.row.Calls++
	p.mu.Unlock()
	c, err := p.allow(ctx, name, input)
	if err == nil {
		err = p.overCalled()
	}
	if err != nil {
		return engine.Result{Text: err.Error(), Failed: true}
	}
	if cause := context.Cause(ctx); cause != nil {
		return engine.Result{Text: "error: stopped before it ran", Failed: true}
	}
	if err := p.begin(ctx, c, id, input); err != nil {
		return engine.Result{Text: err.Error(), Failed: true}
	}
	start := time.Now()
	call := &Call{ID: id, Input: input, p: p}
	text, err := p.runCall(ctx, c, call)
	if e := p.label(ctx, &call.reads); e != nil { // what is not labelled is not shown
		text, err = "", e
	}
	p.meet(err)
	res := engine.Result{Text: text}
	if err != nil {
		res = engine.Result{Text: strings.TrimSpace(text + "\n" + err.Error()), Failed: true}
	}
	if p.k.redact != nil {
		res.Text = p.k.redact(res.Text)
	}
	if res.Text, err = p.spill(id, res.Text); err != nil {
		p.k.log.WarnContext(ctx, "a long result could not be kept whole", "call", name, "error", err)
	}
	p.end(c, id, res, time.Since(start))
	return res
}

// meet remembers how the newest call failed, if another model could not do it
// either: what a model says after that is not its own failure.
func (p *process) meet(err error) {
	if err != nil && sys.KindOf(err) != sys.NoSpace && sys.KindOf(err) != sys.OverBudget {
		err = nil
	}
	p.mu.Lock()
	p.obstacle = err
	p.mu.Unlock()
}

// begin records that a call is about to run.
func (p *process) begin(ctx context.Context, c *call, id string, input json.RawMessage) error {
	e := p.event(sys.EventCall, sys.CallData{ID: id, Name: c.Name, Title: title(c, input), Input: bounded(input)})
	enter := func() error {
		p.tools++
		return p.moveLocked(sys.Waiting, wait{sys.ForTool, c.Name})
	}
	if c.ReadOnly {
		p.note(e)
		p.mu.Lock()
		defer p.mu.Unlock()
		return enter()
	}
	p.queue(e)
	pid := int64(p.pid())
	return p.commit(ctx, enter, func(ctx context.Context, tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `INSERT OR REPLACE INTO kernel_call(pid, id, ended, failed, result) VALUES(?,?,0,0,'')`, pid, id)
		return err
	})
}

// end records a call's result with the next commit. A call that was cut off
// because its process goes to rest has none: it is made again, or looked after,
// when the process is taken up.
func (p *process) end(c *call, id string, res engine.Result, took time.Duration) {
	p.endTool()
	p.note(p.event(sys.EventResult, sys.ResultData{
		ID: id, Name: c.Name, Text: excerpt(res.Text), Failed: res.Failed, Millis: float64(took.Microseconds()) / 1000,
	}))
	if c.ReadOnly || res.Failed && p.leaving() != nil {
		return
	}
	pid, failed := int64(p.pid()), 0
	if res.Failed {
		failed = 1
	}
	p.later(func(ctx context.Context, tx *journal.Tx) error {
		_, err := tx.Exec(ctx, `UPDATE kernel_call SET ended=1, failed=?, result=? WHERE pid=? AND id=?`, failed, res.Text, pid, id)
		return err
	})
}

// endTool counts a call that has ended.
func (p *process) endTool() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.tools--; p.tools == 0 && p.row.State == sys.Waiting {
		if err := p.moveLocked(sys.Running, wait{}); err != nil {
			p.k.log.Error("a process is in the wrong state", "error", err)
		}
	}
}

// abandonAfter is how long a call may go on after it was told to stop. One that
// does not heed is left behind: its process has ended, and its workspace with it.
const abandonAfter = 400 * time.Millisecond

// runCall runs a call, and comes back soon after ctx ends, whatever the call does.
func (p *process) runCall(ctx context.Context, c *call, in *Call) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	type outcome struct {
		text string
		err  error
	}
	done := make(chan outcome, 1)
	go func() {
		text, err := run(ctx, c, in)
		done <- outcome{text, err}
	}()
	select {
	case o := <-done:
		return o.text, o.err
	case <-ctx.Done():
	}
	select {
	case o := <-done:
		return o.text, o.err
	case <-time.After(abandonAfter):
		p.k.log.WarnContext(ctx, "a system call does not stop, and is left behind", "call", c.Name, "pid", p.pid())
		return "", &sys.Error{Op: "call", Path: c.Name, Kind: sys.Canceled, Err: errors.New("interrupted; it is not known whether it took effect")}
	}
}

// allow finds the call, asks policy, and checks the arguments.
func (p *process) allow(ctx context.Context, name string, input json.RawMessage) (*call, error) {
	c, ok := p.k.calls[name]
	if _, _, attached := driver.SplitName(name); attached {
		var err error
		if c, err = p.attached(ctx, name); err != nil {
			return nil, err
		}
	} else if !ok {
		return nil, &sys.Error{Op: "call", Path: name, Kind: sys.NotFound, Hint: "there is: " + strings.Join(p.program.Tools, ", ")}
	}
	if err := errors.Join(p.tryCall(name), policy.Call(p.subject, name)); err != nil {
		return nil, err
	}
	var args any
	if err := json.Unmarshal(input, &args); err != nil {
		return nil, &sys.Error{Op: "call", Path: name, Kind: sys.Invalid, Err: fmt.Errorf("the arguments are not JSON: %w", err)}
	}
	if err := c.schema.Validate(args); err != nil {
		return nil, &sys.Error{Op: "call", Path: name, Kind: sys.Invalid, Err: errors.New(schemaFault(err))}
	}
	return c, nil
}

// schemaFault says in one line what is wrong with the arguments.
func schemaFault(err error) string {
	var v *jsonschema.ValidationError
	if !errors.As(err, &v) {
		return err.Error()
	}
	english := message.NewPrinter(language.English)
	var faults []string
	var walk func(*jsonschema.ValidationError)
	walk = func(v *jsonschema.ValidationError) {
		for _, c := range v.Causes {
			walk(c)
		}
		if len(v.Causes) == 0 {
			at := strings.Join(v.InstanceLocation, ".")
			faults = append(faults, strings.TrimSpace(at+" "+v.ErrorKind.LocalizedString(english)))
		}
	}
	walk(v)
	slices.Sort(faults)
	return strings.Join(faults, "; ")
}

// run runs c; a panic in it is its error.
func run(ctx context.Context, c *call, in *Call) (text string, err error) {
	defer func() {
		if r := recover(); r != nil {
			in.p.k.log.ErrorContext(ctx, "a system call panicked", "call", c.Name, "panic", r, "stack", string(debug.Stack()))
			err = &sys.Error{Op: "call", Path: c.Name, Kind: sys.Internal, Err: fmt.Errorf("it broke: %v", r), Hint: "try another way"}
		}
	}()
	return c.Run(ctx, in)
}

func title(c *call, input json.RawMessage) string {
	if c.Title == nil {
		return c.Name
	}
	return c.Title(input)
}

// bounded keeps journal events small: long string arguments are cut.
func bounded(input json.RawMessage) json.RawMessage {
	const most = 400
	if len(input) <= 2*most {
		return input
	}
	var args map[string]any
	if json.Unmarshal(input, &args) != nil {
		return nil
	}
	for k, v := range args {
		if s, ok := v.(string); ok && len(s) > most {
			args[k] = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:most], ""), len(s))
		}
	}
	out, err := json.Marshal(args)
	if err != nil {
		return nil
	}
	return out
}

// excerpt is what the activity view shows of a result.
func excerpt(s string) string {
	const most = 600
	if len(s) <= most {
		return s
	}
	return strings.ToValidUTF8(s[:most], "") + "…"
}

// saw remembers what the process knows path to hold, and puts path in the read
// set of its transaction.
func (p *process) saw(path sys.Path, content []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.seen[path] = sha256.Sum256(content)
	p.noteLocked(path)
}

// searched puts a folder in the read set: what was found in it, and what was not.
func (p *process) searched(folder sys.Path) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.noteLocked(folder)
}

func (p *process) noteLocked(path sys.Path) {
	at := p.view
	if p.txn != nil {
		at = p.base
		p.txn.NoteReadIn(at, path)
	}
	if at != nil {
		p.reads[path] = at
	}
}

func (p *process) fresh(path sys.Path, content []byte) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	sum, ok := p.seen[path]
	return ok && sum == sha256.Sum256(content)
}

// show asks the desktop to bring an app to the front.
func (p *process) show(app sys.Slug) {
	p.req().show(app)
	p.mu.Lock()
	if !slices.Contains(p.memo.Shown, app) {
		p.memo.Shown = append(slices.Clip(p.memo.Shown), app)
	}
	p.mu.Unlock()
	p.k.journal.Publish(p.event(sys.EventOpen, sys.OpenData{App: app}))
}
