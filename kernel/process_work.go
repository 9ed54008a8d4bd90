package kernel

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"

	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// What a program with tools of its own does in the process's folder is not a system
// call: the sandbox decides what it can do, and the landing what of it stays. The
// kernel records it.

var _ engine.Workplace = (*host)(nil)

// Work implements engine.Workplace.
func (h *host) Work(ctx context.Context) (engine.Place, error) {
	p := (*process)(h)
	c := &Call{p: p}
	at, err := c.Place(ctx)
	if err != nil {
		return engine.Place{}, err
	}
	if err := c.ProvideData(ctx); err != nil {
		return engine.Place{}, err
	}
	if err := c.Settle(ctx); err != nil { // before it sees anything
		return engine.Place{}, err
	}
	p.mu.Lock()
	p.worked = p.txn
	p.mu.Unlock()
	return engine.Place{Dir: at.Dir, Enter: at.Enter}, nil
}

// Began implements engine.Workplace.
func (h *host) Began(ctx context.Context, id, name string, input json.RawMessage) error {
	p := (*process)(h)
	p.mu.Lock()
	p.row.Calls++
	p.mu.Unlock()
	if err := p.overCalled(); err != nil {
		return err
	}
	p.queue(p.event(sys.EventCall, sys.CallData{ID: id, Name: name, Title: ownTitle(name, input), Input: bounded(input)}))
	return p.commit(ctx, func() error {
		p.tools++
		return p.moveLocked(sys.Waiting, wait{sys.ForTool, name})
	})
}

// Ended implements engine.Workplace.
func (h *host) Ended(_ context.Context, id, name, text string) string {
	p := (*process)(h)
	if p.k.redact != nil {
		text = p.k.redact(text)
	}
	p.endTool()
	p.note(p.event(sys.EventResult, sys.ResultData{ID: id, Name: name, Text: excerpt(text)}))
	return text
}

// ownTitle is one line about what a program does: a tool's name, and what it is for.
func ownTitle(name string, input json.RawMessage) string {
	var args map[string]any
	if json.Unmarshal(input, &args) != nil {
		return name
	}
	for _, key := range []string{"cmd", "command", "path", "file_path", "filePath", "input"} {
		switch v := args[key].(type) {
		case string:
			return name + ": " + firstLine(v)
		case []any:
			return name + ": " + firstLine(strings.Trim(fmt.Sprint(v), "[]"))
		}
	}
	return name
}

// isOwn tells a call that a program has made of a tool of its own.
func isOwn(b model.Block) bool { return strings.HasPrefix(b.Name, engine.Own) }
