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

	"matrixos/engine"
	"matrixos/policy"
	"matrixos/sys"
)

// Call runs one system call: policy, schema, journal, run, journal.
func (h *host) Call(ctx context.Context, id, name string, input json.RawMessage) engine.Result {
	p := (*process)(h)
	p.mu.Lock()
	p.row.Calls++
	p.mu.Unlock()
	c, err := p.allow(name, input)
	if err != nil {
		return engine.Result{Text: err.Error(), Failed: true}
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begun := sys.CallData{ID: id, Name: name, Title: title(c, input), Input: bounded(input)}
	if _, err := p.k.journal.Append(ctx, p.event(sys.EventCall, begun)); err != nil {
		return engine.Result{Text: err.Error(), Failed: true}
	}
	start := time.Now()
	text, err := run(ctx, c, &Call{Input: input, p: p})
	res := engine.Result{Text: text}
	if err != nil {
		res = engine.Result{Text: strings.TrimSpace(text + "\n" + err.Error()), Failed: true}
	}
	ended := sys.ResultData{ID: id, Name: name, Text: excerpt(res.Text), Failed: res.Failed, Millis: float64(time.Since(start).Microseconds()) / 1000}
	if _, err := p.k.journal.Append(context.WithoutCancel(ctx), p.event(sys.EventResult, ended)); err != nil {
		return engine.Result{Text: err.Error(), Failed: true}
	}
	return res
}

// allow finds the call, asks policy, and checks the arguments.
func (p *process) allow(name string, input json.RawMessage) (*call, error) {
	c, ok := p.k.calls[name]
	if !ok {
		return nil, &sys.Error{Op: "call", Path: name, Kind: sys.NotFound, Hint: "there is: " + strings.Join(p.program.Tools, ", ")}
	}
	if err := policy.Call(p.subject, name); err != nil {
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
	if p.txn != nil {
		p.txn.NoteRead(path)
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
	p.request.mu.Lock()
	p.request.showLocked(app)
	p.request.mu.Unlock()
	p.k.journal.Publish(p.event(sys.EventOpen, sys.OpenData{App: app}))
}
