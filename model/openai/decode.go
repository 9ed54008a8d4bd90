package openai

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/respjson"

	"matrixos/model"
	"matrixos/sys"
)

// decoder builds a reply from the chunks of one stream, whatever the server
// leaves out of them.
type decoder struct {
	model  string
	sink   func(model.Delta)
	prompt int64 // a guess at the tokens of the prompt

	id, name string // of the answer and of the model that gives it
	text     strings.Builder
	thinking strings.Builder
	details  []detail
	calls    []*pending
	finish   string
	refused  bool
	failed   bool
	started  bool
	usage    *sdk.CompletionUsage
}

// pending is a call whose arguments are still streaming.
type pending struct {
	index     int64
	id, name  string
	args      strings.Builder
	announced bool
}

// detail is one entry of OpenRouter's reasoning_details. It streams in pieces,
// and has to go back whole and unchanged: it may be signed or encrypted.
type detail map[string]json.RawMessage

func (d *decoder) chunk(c sdk.ChatCompletionChunk) {
	d.started = true
	if c.ID != "" {
		d.id = c.ID
	}
	if c.Model != "" {
		d.name = c.Model
	}
	if c.JSON.Usage.Valid() {
		usage := c.Usage
		d.usage = &usage
	}
	for _, choice := range c.Choices {
		if choice.Index == 0 {
			d.choice(choice)
		}
	}
}

func (d *decoder) choice(c sdk.ChatCompletionChunkChoice) {
	d.reasoning(c.Delta.JSON.ExtraFields)
	for _, text := range []string{c.Delta.Content, c.Delta.Refusal} {
		if text != "" {
			d.text.WriteString(text)
			d.sink(model.Delta{Text: text})
		}
	}
	d.refused = d.refused || c.Delta.Refusal != ""
	for _, t := range c.Delta.ToolCalls {
		d.call(t)
	}
	if c.FinishReason != "" {
		d.finish = c.FinishReason
		d.failed = c.FinishReason == "error"
	}
}

// reasoning reads what servers add for models that think. The protocol has no
// field of its own; three are in use, sometimes two at once with the same text.
func (d *decoder) reasoning(extra map[string]respjson.Field) {
	for _, name := range []string{"reasoning_content", "reasoning"} {
		var text string
		if f, ok := extra[name]; ok && json.Unmarshal([]byte(f.Raw()), &text) == nil && text != "" {
			d.thinking.WriteString(text)
			d.sink(model.Delta{Thinking: text})
			break
		}
	}
	var pieces []detail
	if f, ok := extra["reasoning_details"]; ok && json.Unmarshal([]byte(f.Raw()), &pieces) == nil {
		for _, p := range pieces {
			d.details = mergeDetail(d.details, p)
		}
	}
}

// mergeDetail adds a piece to the entry that it continues: the last one, if it
// has the same type and index.
func mergeDetail(all []detail, piece detail) []detail {
	if len(all) == 0 {
		return append(all, piece)
	}
	last := all[len(all)-1]
	if string(last["type"]) != string(piece["type"]) || string(last["index"]) != string(piece["index"]) {
		return append(all, piece)
	}
	for key, raw := range piece {
		var before, more string
		grows := key == "text" || key == "summary" || key == "data"
		if grows && json.Unmarshal(last[key], &before) == nil && json.Unmarshal(raw, &more) == nil {
			if joined, err := json.Marshal(before + more); err == nil {
				last[key] = joined
			}
		} else if string(raw) != "null" {
			last[key] = raw
		}
	}
	return all
}

func (d *decoder) call(t sdk.ChatCompletionChunkChoiceDeltaToolCall) {
	p := d.find(t)
	if p.id == "" {
		p.id = t.ID
	}
	if p.name == "" {
		p.name = t.Function.Name
	}
	args := arguments(t)
	p.args.WriteString(args)
	switch {
	case p.name == "":
		return // not even the name yet
	case !p.announced:
		if p.id == "" {
			p.id = newID()
		}
		p.announced = true
		d.sink(model.Delta{Tool: &model.Block{Kind: model.ToolUse, ID: p.id, Name: p.name}})
		args = p.args.String()
	}
	if args != "" && p == d.calls[len(d.calls)-1] {
		d.sink(model.Delta{Input: args})
	}
}

// find returns the call that a piece belongs to. Servers leave out the index, or
// give every call the same one; then a new id, or a name after arguments, begins
// a new call.
func (d *decoder) find(t sdk.ChatCompletionChunkChoiceDeltaToolCall) *pending {
	indexed := t.JSON.Index.Valid()
	for _, p := range slices.Backward(d.calls) {

		switch {
		case t.ID != "" && p.id == t.ID:
			return p
		case t.ID != "" && p.id != "":
			continue // another call
		case indexed && p.index != t.Index:
			continue
		case !indexed && t.Function.Name != "" && p.name != "":
			continue
		case t.ID == "" && t.Function.Name != "" && model.IsObject([]byte(p.args.String())):
			continue // the one before is complete
		}
		return p
	}
	p := &pending{index: int64(len(d.calls))}
	if indexed {
		p.index = t.Index
	}
	d.calls = append(d.calls, p)
	return p
}

// arguments is a piece of the arguments: a string by the protocol, an object
// from servers that hand on what their model parser made.
func arguments(t sdk.ChatCompletionChunkChoiceDeltaToolCall) string {
	if t.Function.Arguments != "" {
		return t.Function.Arguments
	}
	if raw := t.Function.JSON.Arguments.Raw(); model.IsObject([]byte(raw)) {
		return raw
	}
	return ""
}

func newID() string {
	var b [12]byte
	rand.Read(b[:]) //nolint:errcheck // it never fails
	return "call_" + hex.EncodeToString(b[:])
}

func (d *decoder) reply() *model.Reply {
	rep := &model.Reply{
		Message: model.Message{Role: model.Assistant}, Stop: d.stop(), Cost: d.cost(), Model: d.name, ID: d.id,
	}
	if rep.Model == "" {
		rep.Model = d.model
	}
	if d.thinking.Len() > 0 || len(d.details) > 0 {
		b := model.Block{Kind: model.Thinking, Text: d.thinking.String(), Provider: Provider}
		if raw, err := json.Marshal(d.details); err == nil && len(d.details) > 0 {
			b.Raw = raw
		}
		rep.Message.Blocks = append(rep.Message.Blocks, b)
	}
	if d.text.Len() > 0 {
		rep.Message.Blocks = append(rep.Message.Blocks, model.Block{Kind: model.Text, Text: d.text.String()})
	}
	for _, p := range d.calls {
		if p.announced {
			rep.Message.Blocks = append(rep.Message.Blocks, model.Block{
				Kind: model.ToolUse, ID: p.id, Name: p.name, Input: model.Arguments(p.args.String()),
			})
		}
	}
	return rep
}

// stop trusts what was sent over what the finish reason says: many servers
// report "stop" after calls.
func (d *decoder) stop() model.Stop {
	switch {
	case d.finish == "length":
		return model.StopMax
	case d.finish == "content_filter" || d.refused:
		return model.StopRefusal
	case slices.ContainsFunc(d.calls, func(p *pending) bool { return p.announced }):
		return model.StopTool
	}
	return model.StopEnd
}

func (d *decoder) cost() sys.Cost {
	f, known := model.Lookup(d.model)
	if d.usage == nil {
		c := sys.Cost{Input: d.prompt, Output: d.written(), Estimated: true}
		c.USD = f.USD(c.Input, 0, 0, 0, c.Output)
		return c
	}
	details := d.usage.PromptTokensDetails
	c := sys.Cost{
		Output: d.usage.CompletionTokens, CacheRead: details.CachedTokens, CacheWrite: details.CacheWriteTokens, Estimated: !known,
	}
	c.Input = max(0, d.usage.PromptTokens-c.CacheRead-c.CacheWrite)
	c.USD = f.USD(c.Input, c.CacheWrite, 0, c.CacheRead, c.Output)
	var charged float64 // OpenRouter says what it takes
	if raw, ok := d.usage.JSON.ExtraFields["cost"]; ok && json.Unmarshal([]byte(raw.Raw()), &charged) == nil {
		c.USD, c.Estimated = charged, false
	}
	return c
}

// written estimates the tokens of what was streamed.
func (d *decoder) written() int64 {
	n := d.text.Len() + d.thinking.Len()
	for _, p := range d.calls {
		n += p.args.Len() + len(p.name)
	}
	return int64(n/4 + 1)
}
