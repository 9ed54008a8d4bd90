package engine

import "matrixos/model"

// Interrupted is the result of a call whose own was lost: the process died, or
// was stopped, while it ran. Whether it took effect is unknown, and the model is
// told so.
const Interrupted = "error: interrupted before a result came back; check whether it took effect before you repeat it"

// Repair makes a conversation valid for every provider, whatever a crash has
// left of it: it begins with the user, every call is answered in the message
// after it, in the order of the calls, and every result answers a call. Results
// without a call are dropped, and calls without a result get Interrupted. What
// is valid already comes back as it is, and h itself is never changed.
func Repair(h []model.Message) []model.Message {
	out := make([]model.Message, 0, len(h)+1)
	for i := 0; i < len(h); i++ {
		m := h[i]
		switch m.Role {
		case model.Assistant:
			m.Blocks = uniqueCalls(m.Blocks)
			if len(m.Blocks) == 0 {
				continue
			}
			if len(out) == 0 {
				out = append(out, model.Message{Role: model.User, Blocks: []model.Block{
					{Kind: model.Text, Text: "(The beginning of this conversation is lost.)"},
				}})
			}
			out = append(out, m)
			calls := Calls(m)
			if len(calls) == 0 {
				continue
			}
			var next []model.Block
			if i+1 < len(h) && h[i+1].Role == model.User {
				next = h[i+1].Blocks
				i++
			}
			out = append(out, model.Message{Role: model.User, Blocks: answer(calls, next)})
		case model.User:
			if m.Blocks = withoutResults(m.Blocks); len(m.Blocks) > 0 {
				out = append(out, m)
			}
		}
	}
	return out
}

// Calls returns the calls that a message makes, in order.
func Calls(m model.Message) (calls []model.Block) {
	for _, b := range m.Blocks {
		if b.Kind == model.ToolUse {
			calls = append(calls, b)
		}
	}
	return calls
}

// uniqueCalls drops what an assistant cannot say, and all but the first call of
// an id.
func uniqueCalls(blocks []model.Block) []model.Block {
	seen := map[string]bool{}
	return filter(blocks, func(b model.Block) bool {
		if b.Kind == model.ToolUse {
			again := seen[b.ID]
			seen[b.ID] = true
			return !again
		}
		return b.Kind != model.ToolResult
	})
}

func withoutResults(blocks []model.Block) []model.Block {
	return filter(blocks, func(b model.Block) bool { return b.Kind != model.ToolResult && b.Kind != model.ToolUse })
}

// filter returns blocks itself where nothing has to go.
func filter(blocks []model.Block, keep func(model.Block) bool) []model.Block {
	for i, b := range blocks {
		if keep(b) {
			continue
		}
		out := append([]model.Block(nil), blocks[:i]...)
		for _, b := range blocks[i+1:] {
			if keep(b) {
				out = append(out, b)
			}
		}
		return out
	}
	return blocks
}

// answer returns one result for each call, then what else the user said.
func answer(calls, said []model.Block) []model.Block {
	results := map[string]model.Block{}
	for _, b := range said {
		if _, again := results[b.ID]; b.Kind == model.ToolResult && !again {
			results[b.ID] = b
		}
	}
	out := make([]model.Block, 0, len(calls)+len(said))
	for _, c := range calls {
		r, ok := results[c.ID]
		if !ok {
			r = model.Block{Kind: model.ToolResult, ID: c.ID, Name: c.Name, Text: Interrupted, IsError: true}
		}
		out = append(out, r)
	}
	return append(out, withoutResults(said)...)
}
