package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"matrixos/driver"
	"matrixos/engine"
	"matrixos/model"
	"matrixos/sys"
)

// asker is the kernel as an attached thing sees it while it serves a call.
type asker struct {
	c      *Call
	server string
}

var _ driver.Host = (*asker)(nil)

// Ask puts each field of a question to the owner, who sees who asks. What the owner
// answers goes to the server, and nowhere else.
func (a *asker) Ask(ctx context.Context, q driver.Question) (map[string]any, error) {
	head := fmt.Sprintf("The server “%s” asks, and gets your answer: %s", a.server, q.Text)
	if len(q.Fields) == 0 {
		yes, err := a.c.p.ask(ctx, a.c.ID+"/yes", sys.QuestionData{Text: head, Choices: []string{"Yes", "No"}})
		if err != nil {
			return nil, err
		}
		if yes != "Yes" {
			return nil, errNotAnswered
		}
		return map[string]any{}, nil
	}
	out := map[string]any{}
	for _, f := range q.Fields {
		choices := f.Choices
		if f.Type == "boolean" {
			choices = []string{"Yes", "No"}
		}
		choices = append(choices[:len(choices):len(choices)], noAnswer)
		text, err := a.c.p.ask(ctx, a.c.ID+"/"+f.Name, sys.QuestionData{Text: head + "\n" + f.Text, Choices: choices})
		if err != nil {
			return nil, err
		}
		if text == noAnswer {
			return nil, errNotAnswered
		}
		if out[f.Name], err = valueOf(f.Type, text); err != nil {
			return nil, err
		}
	}
	return out, nil
}

// noAnswer is the choice with which the owner keeps something to themselves.
const noAnswer = "I do not say"

var errNotAnswered = errors.New("the owner does not say")

func valueOf(kind, text string) (any, error) {
	text = strings.TrimSpace(text)
	switch kind {
	case "boolean":
		return strings.EqualFold(text, "yes") || strings.EqualFold(text, "true"), nil
	case "integer":
		return strconv.ParseInt(text, 10, 64)
	case "number":
		return strconv.ParseFloat(text, 64)
	}
	return text, nil
}

// Sample lets the process's model answer a server's text, in the process's budget,
// one at a time and apart from the conversation. It has no tools.
func (a *asker) Sample(ctx context.Context, s driver.Sampling) (string, error) {
	p := a.c.p
	p.sampling.Lock()
	defer p.sampling.Unlock()
	p.mu.Lock()
	eng, name := p.engine, p.model
	p.mu.Unlock()
	session, err := eng.Open(ctx, sampler{(*host)(p), s.MaxTokens}, engine.Options{
		Model: name, Program: p.program.Name, MaxSteps: 1,
		System: []string{"A program that is not trusted, the server " + a.server + ", asks for a text. Write it, and nothing else.\n\n" + driver.Clean(s.System, 4000)},
	})
	if err != nil {
		return "", err
	}
	out := session.Send(ctx, func(engine.Event) {}, model.Block{Kind: model.Text, Text: s.Text})
	return out.Text, errors.Join(out.Err, session.Close())
}

// sampler is a process as the engine of such a text sees it: with a budget, and
// nothing else.
type sampler struct {
	*host
	most int64
}

var _ engine.Host = sampler{}

// Tools implements engine.Host.
func (sampler) Tools() []model.Tool { return nil }

// Call implements engine.Host.
func (sampler) Call(context.Context, string, string, json.RawMessage) engine.Result {
	return engine.Result{Text: "there are no tools", Failed: true}
}

// Reserve implements engine.Host.
func (s sampler) Reserve(ctx context.Context, e engine.Estimate) (engine.Grant, error) {
	if s.most > 0 {
		e.MaxOutput = min(e.MaxOutput, s.most)
	}
	return s.host.Reserve(ctx, e)
}

// Keep implements engine.Host: the text is not part of the conversation.
func (s sampler) Keep(ctx context.Context, m model.Message, cost sys.Cost) error {
	if m.Role == model.Assistant {
		s.Spent(ctx, cost)
	}
	return nil
}

// Compact implements engine.Host.
func (sampler) Compact(context.Context, engine.Compaction) error { return nil }

// Steering implements engine.Host.
func (sampler) Steering() []model.Block { return nil }
