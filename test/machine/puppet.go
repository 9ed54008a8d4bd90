package machine

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"sync"

	"matrixos/engine"
	"matrixos/engine/native"
	"matrixos/model"
	"matrixos/sys"
)

// Puppet is a model that a function plays, under the real loop: unlike a Script
// its calls and their results are in the conversation.
type Puppet struct {
	// Play answers a request; step is how many times the model has spoken since
	// the owner did, or its task was given.
	Play func(ctx context.Context, r *model.Request, step int) (model.Reply, error)
	// Window is the model's context in tokens; 0 means a million.
	Window int64
	// Price is what each request costs.
	Price sys.Cost

	mu    sync.Mutex
	asked []model.Request
}

// Engine is the native loop over the puppet; its names begin with "puppet".
func (p *Puppet) Engine(name string) (engine.Engine, string, error) {
	return native.New(p, nil), name, nil
}

// Default is the puppet.
func (p *Puppet) Default() string { return "puppet" }

// Limits implements model.Model.
func (p *Puppet) Limits(string) model.Limits {
	l := model.Limits{Context: 1_000_000, MaxOutput: 10_000}
	if p.Window > 0 {
		l.Context = p.Window
	}
	return l
}

// Asked returns the requests so far.
func (p *Puppet) Asked() []model.Request {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.asked)
}

// Stream implements model.Model.
func (p *Puppet) Stream(ctx context.Context, r *model.Request, _ func(model.Delta)) (*model.Reply, error) {
	c := *r
	c.Messages = slices.Clone(r.Messages)
	p.mu.Lock()
	p.asked = append(p.asked, c)
	n := len(p.asked)
	p.mu.Unlock()
	rep, err := p.Play(ctx, r, steps(r.Messages))
	if err != nil {
		return &model.Reply{Cost: rep.Cost}, err
	}
	rep.Message.Role = model.Assistant
	for i := range rep.Message.Blocks {
		if b := &rep.Message.Blocks[i]; b.Kind == model.ToolUse && b.ID == "" {
			b.ID = fmt.Sprintf("call_%d_%d", n, i)
		}
	}
	rep.Cost = rep.Cost.Add(p.Price)
	return &rep, nil
}

func steps(msgs []model.Message) (n int) {
	for _, m := range slices.Backward(msgs) {
		if m.Role == model.Assistant {
			n++
			continue
		}
		if !slices.ContainsFunc(m.Blocks, func(b model.Block) bool { return b.Kind == model.ToolResult }) {
			return n
		}
	}
	return n
}

// Says is an answer in words.
func Says(text string) model.Reply {
	return model.Reply{Stop: model.StopEnd, Message: model.Message{Blocks: []model.Block{{Kind: model.Text, Text: text}}}}
}

// Does is an answer with one call.
func Does(name string, args Obj) model.Reply {
	raw, err := json.Marshal(args)
	if err != nil {
		panic(err)
	}
	return model.Reply{Stop: model.StopTool, Message: model.Message{Blocks: []model.Block{{Kind: model.ToolUse, Name: name, Input: raw}}}}
}

// Heard is all that was said or returned to the model, in one text.
func Heard(r model.Request) (text string) {
	for _, m := range r.Messages {
		if m.Role != model.User {
			continue
		}
		for _, b := range m.Blocks {
			text += b.Text + "\n"
		}
	}
	return text
}
