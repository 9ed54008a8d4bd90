package anthropic

import (
	"encoding/json"

	sdk "github.com/anthropics/anthropic-sdk-go"

	"matrixos/model"
	"matrixos/sys"
)

// decoder builds a reply from the events of one stream.
type decoder struct {
	model   string
	sink    func(model.Delta)
	msg     sdk.Message
	input   map[int64][]byte // arguments by block, as they were sent
	newest  int64            // the block of the newest call
	started bool
	done    bool // message_stop was seen
}

func (d *decoder) event(ev sdk.MessageStreamEventUnion) error {
	if err := d.msg.Accumulate(ev); err != nil {
		return err
	}
	switch ev.Type {
	case "message_start":
		d.started = true
	case "message_stop":
		d.done = true
	case "content_block_start":
		if ev.ContentBlock.Type == "tool_use" {
			d.newest = ev.Index
			d.sink(model.Delta{Tool: &model.Block{Kind: model.ToolUse, ID: ev.ContentBlock.ID, Name: ev.ContentBlock.Name}})
		}
	case "content_block_delta":
		d.delta(ev)
	}
	return nil
}

func (d *decoder) delta(ev sdk.MessageStreamEventUnion) {
	switch ev.Delta.Type {
	case "text_delta":
		if ev.Delta.Text != "" {
			d.sink(model.Delta{Text: ev.Delta.Text})
		}
	case "thinking_delta":
		if ev.Delta.Thinking != "" {
			d.sink(model.Delta{Thinking: ev.Delta.Thinking})
		}
	case "input_json_delta":
		if d.input == nil {
			d.input = map[int64][]byte{}
		}
		d.input[ev.Index] = append(d.input[ev.Index], ev.Delta.PartialJSON...)
		if ev.Delta.PartialJSON != "" && ev.Index == d.newest {
			d.sink(model.Delta{Input: ev.Delta.PartialJSON})
		}
	}
}

func (d *decoder) reply() *model.Reply {
	rep := &model.Reply{
		Message: model.Message{Role: model.Assistant}, Stop: stop(d.msg.StopReason),
		Cost: d.cost(), Model: d.msg.Model, ID: d.msg.ID,
	}
	calls := false
	for i, c := range d.msg.Content {
		b := d.block(int64(i), c)
		calls = calls || b.Kind == model.ToolUse
		if b.Kind != model.Text || b.Text != "" {
			rep.Message.Blocks = append(rep.Message.Blocks, b)
		}
	}
	if rep.Stop == model.StopEnd && calls {
		rep.Stop = model.StopTool
	}
	return rep
}

// block keeps the provider's own bytes where they say more than our fields:
// thinking is signed, and server tools are opaque.
func (d *decoder) block(i int64, c sdk.ContentBlockUnion) model.Block {
	raw := json.RawMessage(c.RawJSON())
	switch c.Type {
	case "text":
		b := model.Block{Kind: model.Text, Text: c.Text}
		if !plain(raw, "type", "text") && len(c.Citations) > 0 {
			b.Raw, b.Provider = raw, Provider
		}
		return b
	case "tool_use":
		b := model.Block{Kind: model.ToolUse, ID: c.ID, Name: c.Name, Input: model.Arguments(string(c.Input))}
		if sent, ok := d.input[i]; ok {
			// The SDK replaces arguments that are no JSON by {}; a tool must never run on those.
			b.Input = model.Arguments(string(sent))
		}
		if _, bad := model.Malformed(b.Input); !bad && !plain(raw, "type", "id", "name", "input") {
			b.Raw, b.Provider = raw, Provider
		}
		return b
	case "thinking", "redacted_thinking":
		return model.Block{Kind: model.Thinking, Text: c.Thinking, Raw: raw, Provider: Provider}
	}
	return model.Block{Kind: model.Opaque, Raw: raw, Provider: Provider}
}

func (d *decoder) cost() sys.Cost {
	if !d.started {
		return sys.Cost{}
	}
	u := d.msg.Usage
	hour := u.CacheCreation.Ephemeral1hInputTokens
	short := max(u.CacheCreation.Ephemeral5mInputTokens, u.CacheCreationInputTokens-hour)
	f, known := model.Lookup(d.model)
	return sys.Cost{
		Input: u.InputTokens, Output: u.OutputTokens, CacheRead: u.CacheReadInputTokens, CacheWrite: short + hour,
		USD:       f.USD(u.InputTokens, short, hour, u.CacheReadInputTokens, u.OutputTokens),
		Estimated: !known,
	}
}

func stop(s sdk.StopReason) model.Stop {
	switch s {
	case sdk.StopReasonToolUse:
		return model.StopTool
	case sdk.StopReasonMaxTokens:
		return model.StopMax
	case sdk.StopReasonRefusal:
		return model.StopRefusal
	case sdk.StopReasonPauseTurn:
		return model.StopPause
	case sdk.StopReasonModelContextWindowExceeded:
		return model.StopOverflow
	case sdk.StopReasonEndTurn, sdk.StopReasonStopSequence:
		return model.StopEnd
	}
	return model.StopEnd
}

// complaint is the provider's own sentence, out of its JSON envelope.
func complaint(e *sdk.Error) string {
	var body struct {
		Error struct{ Message string } `json:"error"`
	}
	raw := e.RawJSON()
	if json.Unmarshal([]byte(raw), &body) == nil && body.Error.Message != "" {
		raw = body.Error.Message
	}
	const most = 500
	if len(raw) > most {
		raw = raw[:most] + "…"
	}
	return raw
}
