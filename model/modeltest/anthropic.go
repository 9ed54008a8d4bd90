package modeltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"matrixos/model"
)

// anthropicWire speaks the Messages API.
type anthropicWire struct{}

type object = map[string]json.RawMessage

func (*anthropicWire) key(h http.Header) string {
	if k := h.Get("X-Api-Key"); k != "" {
		return k
	}
	return strings.TrimPrefix(h.Get("Authorization"), "Bearer ")
}

func (*anthropicWire) parse(s *Server, body []byte) (*Request, error) {
	var q struct {
		Model     string          `json:"model"`
		MaxTokens int64           `json:"max_tokens"`
		System    json.RawMessage `json:"system"`
		Tools     []object        `json:"tools"`
		Messages  []struct {
			Role    string          `json:"role"`
			Content json.RawMessage `json:"content"`
		} `json:"messages"`
		Stream bool `json:"stream"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, invalid("%v", err)
	}
	r := &Request{Protocol: Anthropic, Model: q.Model, MaxTokens: q.MaxTokens, Stream: q.Stream}
	for _, t := range q.Tools {
		r.Tools = append(r.Tools, text(t["name"]))
		r.blocks = append(r.blocks, newBlock("tool", t))
	}
	system, err := content(q.System)
	if err != nil {
		return nil, err
	}
	for _, o := range system {
		r.System += text(o["text"])
		r.blocks = append(r.blocks, newBlock("system", o))
	}
	for i, m := range q.Messages {
		blocks, err := content(m.Content)
		if err != nil {
			return nil, invalid("messages.%d: %v", i, err)
		}
		msg := Message{Role: m.Role}
		for j, o := range blocks {
			if err := s.read(&msg, o); err != nil && !s.Lenient {
				return nil, invalid("messages.%d.content.%d: %v", i, j, err)
			}
			r.blocks = append(r.blocks, newBlock(m.Role, o))
		}
		r.Messages = append(r.Messages, msg)
	}
	if s.Lenient {
		return r, nil
	}
	if q.MaxTokens <= 0 {
		return nil, invalid("max_tokens: field required")
	}
	if err := checkMarks(r.blocks); err != nil {
		return nil, err
	}
	return r, checkPairs(r.Messages)
}

// read adds one block to a message, as strictly as the real server.
func (s *Server) read(m *Message, o object) error {
	_, marked := o["cache_control"]
	switch kind := text(o["type"]); kind {
	case "text":
		t := text(o["text"])
		m.Text += t
		if strings.TrimSpace(t) == "" {
			return invalid("text content blocks must be non-empty")
		}
	case "tool_use":
		if !model.IsObject(o["input"]) {
			return invalid("tool_use.input: Input should be a valid dictionary")
		}
		m.Calls = append(m.Calls, Call{ID: text(o["id"]), Name: text(o["name"]), Arguments: string(o["input"])})
	case "tool_result":
		inner, err := content(o["content"])
		if err != nil {
			return err
		}
		res := Result{ID: text(o["tool_use_id"]), Failed: string(o["is_error"]) == "true"}
		for _, part := range inner {
			res.Text += text(part["text"])
		}
		m.Results = append(m.Results, res)
	case "thinking":
		if was, ok := s.thought(text(o["signature"])); !ok || was != text(o["thinking"]) {
			return invalid("Invalid `signature` in `thinking` block")
		}
		if marked {
			return invalid("thinking: cache_control: Extra inputs are not permitted")
		}
	case "":
		return invalid("type: field required")
	}
	return nil
}

// content reads a string or a list of blocks.
func content(raw json.RawMessage) ([]object, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var list []object
	if json.Unmarshal(raw, &list) == nil {
		return list, nil
	}
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return nil, invalid("content is neither a string nor a list")
	}
	return []object{{"type": json.RawMessage(`"text"`), "text": raw}}, nil
}

func text(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) != nil {
		return ""
	}
	return s
}

// checkMarks holds what the provider says of cache breakpoints: four at most,
// longer lives first.
func checkMarks(blocks []block) error {
	n, short := 0, false
	for _, b := range blocks {
		if b.marked == 0 {
			continue
		}
		n++
		if short && b.marked > 5*time.Minute {
			return invalid("a ttl='1h' cache_control block must not come after a ttl='5m' cache_control block")
		}
		short = short || b.marked <= 5*time.Minute
	}
	if n > 4 {
		return invalid("a maximum of 4 blocks with cache_control may be provided; found %d", n)
	}
	return nil
}

// checkPairs holds what both providers demand of a conversation: it begins with
// the user, every result answers a call of the message before, and every call is
// answered in the next message.
func checkPairs(ms []Message) error {
	if len(ms) == 0 || ms[0].Role != "user" {
		return invalid("messages: first message must use the user role")
	}
	open := map[string]bool{}
	for i, m := range ms {
		if m.Role != "user" && m.Role != "assistant" {
			return invalid("messages.%d: unexpected role %q", i, m.Role)
		}
		for _, res := range m.Results {
			if !open[res.ID] {
				return invalid("messages.%d: unexpected `tool_use_id` found in `tool_result` blocks: %s", i, res.ID)
			}
			delete(open, res.ID)
		}
		for id := range open {
			return invalid("messages.%d: `tool_use` ids were found without `tool_result` blocks immediately after: %s", i-1, id)
		}
		for _, c := range m.Calls {
			if open[c.ID] {
				return invalid("messages.%d: `tool_use` ids must be unique", i)
			}
			open[c.ID] = true
		}
	}
	if len(open) > 0 {
		return invalid("messages: `tool_use` ids were found without `tool_result` blocks at the end")
	}
	return nil
}

func (*anthropicWire) account(c *Cache, r *Request) Usage { return c.marked(r.Model, r.blocks) }

func (*anthropicWire) overflow() string {
	return "prompt is too long: 1000213 tokens > 1000000 maximum"
}

func anthropicError(status int) string {
	switch status {
	case http.StatusBadRequest:
		return "invalid_request_error"
	case http.StatusUnauthorized:
		return "authentication_error"
	case http.StatusForbidden:
		return "permission_error"
	case http.StatusNotFound:
		return "not_found_error"
	case http.StatusTooManyRequests:
		return "rate_limit_error"
	case 529:
		return "overloaded_error"
	}
	return "api_error"
}

func (*anthropicWire) fail(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"type": "error", "error": map[string]any{
		"type": anthropicError(status), "message": message,
	}})
}

func (*anthropicWire) errorEvent(f *Fault) event {
	status := f.Status
	if status == 0 {
		status = 529
	}
	return anthropicEvent(map[string]any{"type": "error", "error": map[string]any{
		"type": anthropicError(status), "message": "Overloaded",
	}})
}

func anthropicEvent(v map[string]any) event {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("modeltest: " + err.Error()) // a script that does not marshal
	}
	return event{name: fmt.Sprint(v["type"]), data: raw}
}

func (a *answer) anthropicUsage(output int64) map[string]any {
	return map[string]any{
		"input_tokens": a.usage.Input, "output_tokens": output,
		"cache_read_input_tokens": a.usage.Read, "cache_creation_input_tokens": a.usage.Write5m + a.usage.Write1h,
		"cache_creation": map[string]any{
			"ephemeral_5m_input_tokens": a.usage.Write5m, "ephemeral_1h_input_tokens": a.usage.Write1h,
		},
	}
}

func (a *answer) anthropicStop() string {
	switch {
	case a.Stop == model.StopOverflow:
		return "model_context_window_exceeded"
	case a.Stop != "":
		return string(a.Stop)
	case len(a.Calls) > 0:
		return string(model.StopTool)
	}
	return string(model.StopEnd)
}

func (a *answer) anthropicMessage(blocks []any, stop any, output int64) map[string]any {
	return map[string]any{
		"id": fmt.Sprintf("msg_%06d", a.n), "type": "message", "role": "assistant", "model": a.req.Model,
		"content": blocks, "stop_reason": stop, "stop_sequence": nil, "usage": a.anthropicUsage(output),
	}
}

func (*anthropicWire) whole(a *answer) any {
	blocks := []any{}
	if a.Thinking != "" {
		blocks = append(blocks, map[string]any{"type": "thinking", "thinking": a.Thinking, "signature": a.Signature})
	}
	blocks = append(blocks, a.Opaque...)
	if a.Text != "" {
		blocks = append(blocks, map[string]any{"type": "text", "text": a.Text})
	}
	for _, c := range a.Calls {
		blocks = append(blocks, map[string]any{
			"type": "tool_use", "id": c.ID, "name": c.Name, "input": json.RawMessage(c.arguments()),
		})
	}
	return a.anthropicMessage(blocks, a.anthropicStop(), a.usage.Output)
}

func (*anthropicWire) events(a *answer) []event {
	out := []event{
		anthropicEvent(map[string]any{"type": "message_start", "message": a.anthropicMessage([]any{}, nil, 1)}),
		anthropicEvent(map[string]any{"type": "ping"}),
	}
	n := 0
	add := func(start map[string]any, deltas ...map[string]any) {
		out = append(out, anthropicEvent(map[string]any{"type": "content_block_start", "index": n, "content_block": start}))
		for _, d := range deltas {
			out = append(out, anthropicEvent(map[string]any{"type": "content_block_delta", "index": n, "delta": d}))
		}
		out = append(out, anthropicEvent(map[string]any{"type": "content_block_stop", "index": n}))
		n++
	}
	deltas := func(kind, field, s string) (list []map[string]any) {
		for _, p := range pieces(s, a.Piece) {
			list = append(list, map[string]any{"type": kind, field: p})
		}
		return list
	}
	if a.Thinking != "" {
		add(map[string]any{"type": "thinking", "thinking": "", "signature": ""},
			append(deltas("thinking_delta", "thinking", a.Thinking), map[string]any{"type": "signature_delta", "signature": a.Signature})...)
	}
	for _, o := range a.Opaque {
		if m, ok := o.(map[string]any); ok {
			add(m)
		}
	}
	if a.Text != "" {
		add(map[string]any{"type": "text", "text": ""}, deltas("text_delta", "text", a.Text)...)
	}
	for _, c := range a.Calls {
		empty := map[string]any{"type": "input_json_delta", "partial_json": ""}
		add(map[string]any{"type": "tool_use", "id": c.ID, "name": c.Name, "input": map[string]any{}},
			append([]map[string]any{empty}, deltas("input_json_delta", "partial_json", c.arguments())...)...)
	}
	last := anthropicEvent(map[string]any{
		"type": "message_delta", "usage": a.anthropicUsage(a.usage.Output),
		"delta": map[string]any{"stop_reason": a.anthropicStop(), "stop_sequence": nil},
	})
	stop := anthropicEvent(map[string]any{"type": "message_stop"})
	stop.end = true
	return append(out, last, stop)
}
