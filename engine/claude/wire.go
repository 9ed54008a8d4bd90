package claude

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"matrixos/model"
)

// provider marks blocks whose Raw is in the protocol that the CLI speaks.
const provider = "anthropic"

// What the CLI puts into a conversation by itself, and we put into it to make it
// go on without words of the owner's.
const (
	noResponse = "No response requested."
	goOn       = "(The conversation goes on here.)"
	reminder   = "<system-reminder>"
	itsFolder  = reminder + "\n# Environment\n" // its private folder, which no call sees
)

// wire is the body of a request, whatever else it holds left as it is.
type wire struct {
	fields   map[string]json.RawMessage
	model    string
	max      int64
	system   string // the text of its parts
	messages []wireMessage
}

type wireMessage struct {
	Role    string          `json:"role"`
	Content json.RawMessage `json:"content"`
	blocks  []fields        // of Content, once they were looked at
}

// fields are those of a block.
type fields map[string]json.RawMessage

func parseWire(body []byte) (*wire, error) {
	w := &wire{}
	if err := json.Unmarshal(body, &w.fields); err != nil {
		return nil, fmt.Errorf("a request is no JSON object: %w", err)
	}
	var known struct {
		Model    string          `json:"model"`
		Max      int64           `json:"max_tokens"`
		System   json.RawMessage `json:"system"`
		Messages []wireMessage   `json:"messages"`
	}
	if err := json.Unmarshal(body, &known); err != nil {
		return nil, fmt.Errorf("a request is not one for a message: %w", err)
	}
	w.model, w.max, w.messages = known.Model, known.Max, known.Messages
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(known.System, &parts) == nil {
		for _, p := range parts {
			w.system += p.Text + "\n"
		}
	}
	for i := range w.messages {
		m := &w.messages[i]
		var text string
		switch {
		case json.Unmarshal(m.Content, &m.blocks) == nil:
		case json.Unmarshal(m.Content, &text) == nil:
			m.blocks = []fields{textFields(text)}
		default:
			return nil, fmt.Errorf("message %d has content that is neither text nor blocks", i)
		}
		m.blocks = slices.DeleteFunc(m.blocks, func(f fields) bool { return f == nil })
	}
	return w, nil
}

func textFields(text string) fields {
	return fields{"type": json.RawMessage(`"text"`), "text": mustJSON(text)}
}

func (f fields) str(name string) string {
	var s string
	if json.Unmarshal(f[name], &s) != nil {
		return ""
	}
	return s
}

// encode is the body as it is sent.
func (w *wire) encode(maxTokens int64, effort string) ([]byte, error) {
	out := make(map[string]json.RawMessage, len(w.fields))
	for k, v := range w.fields {
		out[k] = v
	}
	delete(out, "stream") // the adapter says that itself
	out["max_tokens"] = mustJSON(maxTokens)
	if effort != "" {
		out["output_config"] = mustJSON(object{"effort": effort})
	}
	messages := make([]json.RawMessage, 0, len(w.messages))
	for _, m := range w.messages {
		raw, err := marshal(struct {
			Role    string   `json:"role"`
			Content []fields `json:"content"`
		}{m.Role, m.blocks})
		if err != nil {
			return nil, err
		}
		messages = append(messages, raw)
	}
	out["messages"] = mustJSON(messages)
	return marshal(out)
}

// tidy takes out what the CLI has put in to begin after an interruption: an
// answer that no model gave, and the words that made it go on; and what it says of
// a working directory, which is not the home.
func (w *wire) tidy() {
	var out []wireMessage
	for _, m := range w.messages {
		if m.Role == "assistant" && len(m.blocks) == 1 && m.blocks[0].str("text") == noResponse {
			continue
		}
		if n := len(out); n > 0 && m.Role == "user" && out[n-1].Role == "user" {
			out[n-1].blocks = append(out[n-1].blocks, m.blocks...)
			continue
		}
		out = append(out, m)
	}
	for i := range out {
		kept := make([]fields, 0, len(out[i].blocks))
		for _, b := range out[i].blocks {
			if text := b.str("text"); text != goOn && !strings.HasPrefix(text, itsFolder) {
				kept = append(kept, b)
			} else if mark, ok := b["cache_control"]; ok && len(kept) > 0 {
				kept[len(kept)-1]["cache_control"] = mark
			}
		}
		if len(kept) > 0 {
			out[i].blocks = kept
		}
	}
	w.messages = out
}

// settle puts the Host's results in the place of what the CLI says they are,
// where the two differ. Words that the CLI has added behind a result stay.
func (w *wire) settle(results map[string]*result) {
	for i := range w.messages {
		for _, b := range w.messages[i].blocks {
			r := results[b.str("tool_use_id")]
			if r == nil || b.str("type") != "tool_result" {
				continue
			}
			ours := r.text()
			first, rest := resultText(b["content"])
			failed := string(b["is_error"]) == "true"
			if failed == r.block.IsError && strings.HasPrefix(first, ours) && !r.cleared {
				continue
			}
			content := []fields{textFields(ours)}
			for _, more := range rest {
				if strings.HasPrefix(more.str("text"), reminder) {
					content = append(content, more)
				}
			}
			b["content"] = mustJSON(content)
			delete(b, "is_error")
			if r.block.IsError {
				b["is_error"] = json.RawMessage("true")
			}
		}
	}
}

// resultText is the first text of a result's content, and the blocks after it.
func resultText(content json.RawMessage) (string, []fields) {
	var text string
	if json.Unmarshal(content, &text) == nil {
		return text, nil
	}
	var blocks []fields
	if json.Unmarshal(content, &blocks) != nil || len(blocks) == 0 {
		return "", nil
	}
	return blocks[0].str("text"), blocks[1:]
}

// carry appends what was said and answered beyond what the CLI knows.
func (w *wire) carry(ms []model.Message) {
	for _, m := range ms {
		blocks := encodeBlocks(m)
		if len(blocks) == 0 {
			continue
		}
		var list []fields
		for _, raw := range blocks {
			var f fields
			if json.Unmarshal(raw, &f) == nil {
				list = append(list, f)
			}
		}
		if n := len(w.messages); n > 0 && w.messages[n-1].Role == string(m.Role) {
			w.messages[n-1].blocks = append(w.messages[n-1].blocks, list...)
			continue
		}
		w.messages = append(w.messages, wireMessage{Role: string(m.Role), blocks: list})
	}
}

// encodeBlocks puts a message into the protocol's words, with the names of tools
// as the CLI has them.
func encodeBlocks(m model.Message) (out []json.RawMessage) {
	for _, b := range m.Blocks {
		if raw := encodeBlock(b); raw != nil {
			out = append(out, raw)
		}
	}
	return out
}

// encodeBlock returns nil for a block that stays behind: empty text, and what
// only another provider understands.
func encodeBlock(b model.Block) json.RawMessage {
	switch b.Kind {
	case model.Text:
		if b.Provider == provider && len(b.Raw) > 0 {
			return b.Raw
		}
		if strings.TrimSpace(b.Text) == "" {
			return nil
		}
		return mustJSON(object{"type": "text", "text": b.Text})
	case model.ToolUse:
		input := b.Input
		if !model.IsObject(input) {
			input = json.RawMessage(`{}`) // the result that answers it quotes what was wrong
		}
		return mustJSON(object{"type": "tool_use", "id": safeID(b.ID), "name": prefix + b.Name, "input": input})
	case model.ToolResult:
		f := object{"type": "tool_result", "tool_use_id": safeID(b.ID), "content": b.Text}
		if b.IsError {
			f["is_error"] = true
		}
		return mustJSON(f)
	case model.Thinking, model.Opaque:
		if b.Provider == provider && len(b.Raw) > 0 {
			return b.Raw
		}
	}
	return nil
}

// safeID maps the id of a call that another provider made to the form that this
// one accepts. Ids of its own are left alone.
func safeID(id string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_', r == '-':
			return r
		}
		return '_'
	}, id)
}

// usage is what the CLI is told that an answer used.
func usage(r *model.Reply) object {
	return object{
		"input_tokens": r.Cost.Input, "output_tokens": r.Cost.Output,
		"cache_read_input_tokens": r.Cost.CacheRead, "cache_creation_input_tokens": r.Cost.CacheWrite,
	}
}

// stream is a whole answer as the events of the protocol.
func stream(r *model.Reply, blocks []json.RawMessage, stop string) []byte {
	var out bytes.Buffer
	add := func(name string, f object) { out.Write(event(name, f)) }
	add("message_start", object{"message": object{
		"id": r.ID, "type": "message", "role": "assistant", "model": r.Model, "content": []any{},
		"stop_reason": nil, "stop_sequence": nil, "usage": usage(r),
	}})
	for i, raw := range blocks {
		start, deltas := pieces(raw)
		add("content_block_start", object{"index": i, "content_block": start})
		for _, d := range deltas {
			add("content_block_delta", object{"index": i, "delta": d})
		}
		add("content_block_stop", object{"index": i})
	}
	add("message_delta", object{"delta": object{"stop_reason": stop, "stop_sequence": nil}, "usage": usage(r)})
	add("message_stop", object{})
	return out.Bytes()
}

// pieces takes a block apart as the protocol streams it: how it begins, and what
// is added.
func pieces(raw json.RawMessage) (start fields, deltas []object) {
	if json.Unmarshal(raw, &start) != nil {
		return textFields(""), nil
	}
	switch start.str("type") {
	case "text":
		deltas = append(deltas, object{"type": "text_delta", "text": start["text"]})
		start["text"] = json.RawMessage(`""`)
	case "thinking":
		deltas = append(deltas, object{"type": "thinking_delta", "thinking": start["thinking"]})
		if s, ok := start["signature"]; ok {
			deltas = append(deltas, object{"type": "signature_delta", "signature": s})
		}
		start["thinking"], start["signature"] = json.RawMessage(`""`), json.RawMessage(`""`)
	case "tool_use", "server_tool_use":
		deltas = append(deltas, object{"type": "input_json_delta", "partial_json": string(start["input"])})
		start["input"] = json.RawMessage(`{}`)
	}
	return start, deltas
}

// event is one event of a stream.
func event(name string, f object) []byte {
	f["type"] = name
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, mustJSON(f))
}

// marshal is json.Marshal that leaves < and > alone: programs are full of them.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// mustJSON is for values that consist of strings, numbers and valid JSON.
func mustJSON(v any) json.RawMessage {
	raw, err := marshal(v)
	if err != nil {
		panic(fmt.Sprintf("claude: %v", err)) // a program error
	}
	return raw
}

// inQuotes is text as it stands between the quotes of a JSON string.
func inQuotes(text string) []byte {
	raw := mustJSON(text)
	return raw[1 : len(raw)-1]
}
