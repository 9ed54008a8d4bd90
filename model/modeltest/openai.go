package modeltest

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"matrixos/model"
)

// openaiWire speaks the chat completions API.
type openaiWire struct{}

func (*openaiWire) key(h http.Header) string {
	return strings.TrimPrefix(h.Get("Authorization"), "Bearer ")
}

type openaiMessage struct {
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"tool_call_id"`
	Reasoning []object        `json:"reasoning_details"`
	Calls     []struct {
		ID       string `json:"id"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

func (*openaiWire) parse(s *Server, body []byte) (*Request, error) {
	var q struct {
		Model    string            `json:"model"`
		Limit    int64             `json:"max_tokens"`
		NewLimit int64             `json:"max_completion_tokens"`
		Tools    []object          `json:"tools"`
		Messages []json.RawMessage `json:"messages"`
		Stream   bool              `json:"stream"`
	}
	if err := json.Unmarshal(body, &q); err != nil {
		return nil, invalid("%v", err)
	}
	r := &Request{Protocol: OpenAI, Model: q.Model, MaxTokens: max(q.Limit, q.NewLimit), Stream: q.Stream}
	for _, t := range q.Tools {
		var f object
		if err := json.Unmarshal(t["function"], &f); err != nil {
			return nil, invalid("tools: function: %v", err)
		}
		r.Tools = append(r.Tools, text(f["name"]))
		r.blocks = append(r.blocks, newBlock("tool", t))
	}
	for i, raw := range q.Messages {
		var m openaiMessage
		if err := json.Unmarshal(raw, &m); err != nil {
			return nil, invalid("messages.%d: %v", i, err)
		}
		r.blocks = append(r.blocks, block{role: m.Role, raw: raw})
		if err := s.readOpenAI(r, m); err != nil && !s.Lenient {
			return nil, invalid("messages.%d: %v", i, err)
		}
	}
	if s.Lenient {
		return r, nil
	}
	return r, checkPairs(r.Messages)
}

// readOpenAI adds one message, in the shape that the other protocol gives it:
// results and the words after them are one message.
func (s *Server) readOpenAI(r *Request, m openaiMessage) error {
	parts, err := content(m.Content)
	if string(m.Content) != "null" && err != nil {
		return err
	}
	var words strings.Builder
	for _, p := range parts {
		words.WriteString(text(p["text"]))
	}
	n := len(r.Messages) - 1
	switch m.Role {
	case "system", "developer":
		r.System += words.String()
	case "tool":
		if n < 0 || r.Messages[n].Role != "user" || len(r.Messages[n].Results) == 0 {
			r.Messages = append(r.Messages, Message{Role: "user"})
			n++
		}
		failed := strings.HasPrefix(strings.ToLower(words.String()), "error")
		r.Messages[n].Results = append(r.Messages[n].Results, Result{ID: m.CallID, Text: words.String(), Failed: failed})
	case "user":
		if n >= 0 && r.Messages[n].Role == "user" {
			if r.Messages[n].Text != "" {
				return invalid("conversation roles must alternate")
			}
			r.Messages[n].Text = words.String()
			return nil
		}
		r.Messages = append(r.Messages, Message{Role: "user", Text: words.String()})
	case "assistant":
		return s.readAssistant(r, m, words.String())
	default:
		return invalid("role %q", m.Role)
	}
	return nil
}

func (s *Server) readAssistant(r *Request, m openaiMessage, words string) error {
	msg := Message{Role: "assistant", Text: words}
	for _, c := range m.Calls {
		if !model.IsObject([]byte(c.Function.Arguments)) {
			return invalid("tool_calls: arguments must be a JSON object")
		}
		msg.Calls = append(msg.Calls, Call{ID: c.ID, Name: c.Function.Name, Arguments: c.Function.Arguments})
	}
	for _, d := range m.Reasoning {
		if was, ok := s.thought(text(d["signature"])); !ok || was != text(d["text"]) {
			return invalid("reasoning_details were modified")
		}
	}
	if words == "" && len(msg.Calls) == 0 {
		return invalid("an assistant message needs content or tool_calls")
	}
	r.Messages = append(r.Messages, msg)
	return nil
}

func (*openaiWire) account(c *Cache, r *Request) Usage { return c.automatic(r.Model, r.blocks) }

func (*openaiWire) overflow() string {
	return "This model's maximum context length is 128000 tokens. However, your messages resulted in 128213 tokens."
}

func (*openaiWire) fail(w http.ResponseWriter, status int, message string) {
	writeJSON(w, status, map[string]any{"error": map[string]any{
		"message": message, "type": anthropicError(status), "code": nil, "param": nil,
	}})
}

func (*openaiWire) errorEvent(*Fault) event {
	return event{data: []byte(`{"error":{"message":"Overloaded","code":502}}`)}
}

func (a *answer) openaiFinish() string {
	switch {
	case a.Quirks.StopFinish && (a.Stop == "" || a.Stop == model.StopTool):
		return "stop"
	case a.Stop == model.StopMax:
		return "length"
	case a.Stop == model.StopRefusal:
		return "content_filter"
	case len(a.Calls) > 0:
		return "tool_calls"
	}
	return "stop"
}

func (a *answer) openaiUsage() map[string]any {
	prompt := a.usage.Input + a.usage.Read + a.usage.Write5m + a.usage.Write1h
	return map[string]any{
		"prompt_tokens": prompt, "completion_tokens": a.usage.Output, "total_tokens": prompt + a.usage.Output,
		"prompt_tokens_details": map[string]any{
			"cached_tokens": a.usage.Read, "cache_write_tokens": a.usage.Write5m + a.usage.Write1h,
		},
	}
}

func (*openaiWire) whole(a *answer) any {
	calls := []any{}
	for _, c := range a.Calls {
		calls = append(calls, map[string]any{
			"id": c.ID, "type": "function", "function": map[string]any{"name": c.Name, "arguments": c.arguments()},
		})
	}
	return map[string]any{
		"id": fmt.Sprintf("chatcmpl-%06d", a.n), "object": "chat.completion", "created": 1, "model": a.req.Model,
		"usage": a.openaiUsage(), "choices": []any{map[string]any{
			"index": 0, "finish_reason": a.openaiFinish(),
			"message": map[string]any{"role": "assistant", "content": a.Text, "tool_calls": calls},
		}},
	}
}

func (a *answer) chunk(choices []any, usage any) event {
	raw, err := json.Marshal(map[string]any{
		"id": fmt.Sprintf("chatcmpl-%06d", a.n), "object": "chat.completion.chunk", "created": 1,
		"model": a.req.Model, "choices": choices, "usage": usage,
	})
	if err != nil {
		panic("modeltest: " + err.Error()) // a script that does not marshal
	}
	return event{data: raw}
}

func (a *answer) delta(d map[string]any, finish any) event {
	return a.chunk([]any{map[string]any{"index": 0, "delta": d, "finish_reason": finish}}, nil)
}

func (*openaiWire) events(a *answer) []event {
	out := []event{a.delta(map[string]any{"role": "assistant", "content": ""}, nil)}
	for _, p := range pieces(a.Thinking, a.Piece) {
		out = append(out, a.delta(map[string]any{
			"reasoning_content": p,
			"reasoning_details": []any{map[string]any{"type": "reasoning.text", "index": 0, "text": p}},
		}, nil))
	}
	if a.Thinking != "" {
		out = append(out, a.delta(map[string]any{"reasoning_details": []any{
			map[string]any{"type": "reasoning.text", "index": 0, "text": "", "signature": a.Signature},
		}}, nil))
	}
	for _, p := range pieces(a.Text, a.Piece) {
		out = append(out, a.delta(map[string]any{"content": p}, nil))
	}
	for i, c := range a.Calls {
		out = append(out, a.openaiCall(i, c)...)
	}
	last := a.delta(map[string]any{}, a.openaiFinish())
	last.end = true
	out = append(out, last)
	if !a.Quirks.NoUsage && strings.Contains(string(a.req.Body), `"include_usage":true`) {
		out = append(out, a.chunk([]any{}, a.openaiUsage()))
	}
	if !a.Quirks.NoDone {
		out = append(out, event{data: []byte("[DONE]")})
	}
	return out
}

// openaiCall encodes one call, with the quirks of the server.
func (a *answer) openaiCall(i int, c Call) []event {
	piece := func(head bool, args any) event {
		fn := map[string]any{"arguments": args}
		entry := map[string]any{"function": fn}
		if head || a.Quirks.RepeatName {
			fn["name"], entry["type"] = c.Name, "function"
			if !a.Quirks.NoID {
				entry["id"] = c.ID
			}
		}
		switch {
		case a.Quirks.NoIndex:
		case a.Quirks.SameIndex:
			entry["index"] = 0
		default:
			entry["index"] = i
		}
		return a.delta(map[string]any{"tool_calls": []any{entry}}, nil)
	}
	switch {
	case a.Quirks.ObjectArgs:
		return []event{piece(true, json.RawMessage(c.arguments()))}
	case a.Quirks.WholeCalls:
		return []event{piece(true, c.arguments())}
	}
	out := []event{piece(true, "")}
	for _, p := range pieces(c.arguments(), a.Piece) {
		out = append(out, piece(false, p))
	}
	return out
}
