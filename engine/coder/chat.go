package coder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"

	"matrixos/model"
)

// chat is the chat completions protocol of OpenAI, which most programs speak.
type chat struct{}

var _ protocol = chat{}

func (chat) parse(body []byte) (*request, error) {
	var in struct {
		Stream   bool `json:"stream"`
		Messages []struct {
			Role       string          `json:"role"`
			Content    json.RawMessage `json:"content"`
			ToolCallID string          `json:"tool_call_id"`
			ToolCalls  []struct {
				ID       string `json:"id"`
				Function struct {
					Name      string `json:"name"`
					Arguments string `json:"arguments"`
				} `json:"function"`
			} `json:"tool_calls"`
		} `json:"messages"`
		Tools []struct {
			Type     string  `json:"type"`
			Function offered `json:"function"`
		} `json:"tools"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	q := &request{stream: in.Stream}
	for _, t := range in.Tools {
		t.Function.Type = t.Type
		q.offer("", t.Function)
	}
	for _, m := range in.Messages {
		text := ""
		if len(m.Content) > 0 && string(m.Content) != "null" {
			text = textOf(m.Content)
		}
		switch m.Role {
		case "assistant":
			q.add(model.Assistant, model.Block{Kind: model.Text, Text: text})
			for _, c := range m.ToolCalls {
				q.add(model.Assistant, model.Block{Kind: model.ToolUse, ID: c.ID, Name: c.Function.Name, Input: model.Arguments(c.Function.Arguments)})
			}
		case "tool":
			q.add(model.User, model.Block{Kind: model.ToolResult, ID: m.ToolCallID, Text: text})
		default:
			if m.Role != "user" && len(q.msgs) == 0 {
				q.system = append(q.system, text)
				continue
			}
			q.add(model.User, model.Block{Kind: model.Text, Text: text})
		}
	}
	return q, nil
}

func (chat) answer(q *request, a *reply) []byte {
	var text strings.Builder
	var calls []object
	for _, b := range a.blocks {
		switch b.Kind {
		case model.Text:
			text.WriteString(b.Text)
		case model.ToolUse:
			name := b.Name
			if t, ok := q.shown[b.Name]; ok {
				name = full(t.space, t.name)
			}
			calls = append(calls, object{"index": len(calls), "id": b.ID, "type": "function", "function": object{"name": name, "arguments": arguments(b)}})
		case model.Thinking, model.ToolResult, model.Opaque:
		}
	}
	message, finish := object{"role": "assistant", "content": text.String()}, "stop"
	if len(calls) > 0 {
		message["tool_calls"], finish = calls, "tool_calls"
	}
	in := a.Cost.Input + a.Cost.CacheRead + a.Cost.CacheWrite
	usage := object{
		"prompt_tokens": in, "completion_tokens": a.Cost.Output, "total_tokens": a.Cost.Tokens(),
		"prompt_tokens_details": object{"cached_tokens": a.Cost.CacheRead},
	}
	whole := func(kind string, choices ...object) object {
		return object{"id": a.id, "object": kind, "created": 0, "model": a.Model, "choices": append([]object{}, choices...)}
	}
	if !q.stream {
		o := whole("chat.completion", object{"index": 0, "message": message, "finish_reason": finish})
		o["usage"] = usage
		return encode(o)
	}
	last := whole("chat.completion.chunk")
	last["usage"] = usage
	var out bytes.Buffer
	for _, o := range []object{
		whole("chat.completion.chunk", object{"index": 0, "delta": message, "finish_reason": nil}),
		whole("chat.completion.chunk", object{"index": 0, "delta": object{}, "finish_reason": finish}),
		last,
	} {
		fmt.Fprintf(&out, "data: %s\n\n", encode(o))
	}
	out.WriteString("data: [DONE]\n\n")
	return out.Bytes()
}

func (chat) fault(text string) []byte {
	return fmt.Appendf(nil, "data: %s\n\n", encode(object{"error": object{"message": text, "type": "invalid_request_error"}}))
}
