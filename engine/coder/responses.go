package coder

import (
	"bytes"
	"encoding/json"
	"fmt"

	"matrixos/model"
)

// responses is the Responses protocol of OpenAI, as programs speak it that keep the
// conversation themselves.
type responses struct{}

var _ protocol = responses{}

// item is one thing of a conversation.
type item struct {
	Type      string          `json:"type"`
	Role      string          `json:"role"`
	Content   json.RawMessage `json:"content"`
	CallID    string          `json:"call_id"`
	Namespace string          `json:"namespace"`
	Name      string          `json:"name"`
	Arguments string          `json:"arguments"`
	Input     string          `json:"input"`
	Output    json.RawMessage `json:"output"`
}

// offered is one tool, or several under one name.
type offered struct {
	Type        string          `json:"type"`
	Name        string          `json:"name"`
	Description string          `json:"description"`
	Parameters  json.RawMessage `json:"parameters"`
	Format      struct {
		Definition string `json:"definition"`
	} `json:"format"`
	Tools []offered `json:"tools"`
}

func (responses) parse(body []byte) (*request, error) {
	var in struct {
		Stream       bool            `json:"stream"`
		Instructions string          `json:"instructions"`
		Input        json.RawMessage `json:"input"`
		Tools        []offered       `json:"tools"`
	}
	if err := json.Unmarshal(body, &in); err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	q := &request{stream: in.Stream}
	if in.Instructions != "" {
		q.system = append(q.system, in.Instructions)
	}
	for _, t := range in.Tools {
		if t.Type == "namespace" {
			for _, inner := range t.Tools {
				q.offer(t.Name, inner)
			}
			continue
		}
		q.offer("", t)
	}
	var words string
	if json.Unmarshal(in.Input, &words) == nil {
		q.add(model.User, model.Block{Kind: model.Text, Text: words})
		return q, nil
	}
	var items []item
	if err := json.Unmarshal(in.Input, &items); err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	for _, i := range items {
		q.item(i)
	}
	return q, nil
}

// offer takes one tool; what only the provider could run is left out.
func (q *request) offer(space string, o offered) {
	t := tool{space: space, name: o.Name, Tool: model.Tool{Description: o.Description, Schema: o.Parameters}}
	switch o.Type {
	case "function":
		if !model.IsObject(t.Schema) {
			t.Schema = json.RawMessage(`{"type":"object"}`)
		}
	case "custom":
		t.custom, t.Schema = true, json.RawMessage(customSchema)
		if o.Format.Definition != "" {
			t.Description += "\nIts input is text in this grammar:\n" + o.Format.Definition
		}
	default:
		return
	}
	q.tools = append(q.tools, t)
}

func (q *request) item(i item) {
	switch i.Type {
	case "message", "":
		switch text := textOf(i.Content); {
		case i.Role == "assistant":
			q.add(model.Assistant, model.Block{Kind: model.Text, Text: text})
		case i.Role == "user" || len(q.msgs) > 0:
			q.add(model.User, model.Block{Kind: model.Text, Text: text})
		default:
			q.system = append(q.system, text)
		}
	case "function_call":
		q.add(model.Assistant, model.Block{Kind: model.ToolUse, ID: i.CallID, Name: full(i.Namespace, i.Name), Input: model.Arguments(i.Arguments)})
	case "custom_tool_call":
		q.add(model.Assistant, model.Block{Kind: model.ToolUse, ID: i.CallID, Name: full(i.Namespace, i.Name), Input: encode(object{"input": i.Input})})
	case "function_call_output", "custom_tool_call_output":
		q.add(model.User, model.Block{Kind: model.ToolResult, ID: i.CallID, Text: textOf(i.Output)})
	}
}

// events writes a stream, with its events numbered.
type events struct {
	out bytes.Buffer
	n   int
}

func (e *events) add(kind string, f object) {
	f["type"], f["sequence_number"] = kind, e.n
	e.n++
	fmt.Fprintf(&e.out, "event: %s\ndata: %s\n\n", kind, encode(f))
}

func (responses) answer(q *request, a *reply) []byte {
	whole := func(status string, output []object) object {
		return object{
			"id": a.id, "object": "response", "created_at": 0, "status": status, "model": a.Model, "output": output, "error": nil,
			"incomplete_details": nil, "parallel_tool_calls": true, "tool_choice": "auto", "tools": []any{},
			"usage": object{
				"input_tokens": a.Cost.Input + a.Cost.CacheRead + a.Cost.CacheWrite, "input_tokens_details": object{"cached_tokens": a.Cost.CacheRead},
				"output_tokens": a.Cost.Output, "output_tokens_details": object{"reasoning_tokens": 0},
				"total_tokens": a.Cost.Tokens(),
			},
		}
	}
	var e events
	e.add("response.created", object{"response": whole("in_progress", []object{})})
	output := []object{}
	for i, b := range a.blocks {
		if o := q.output(fmt.Sprintf("%s_%d", a.id, i), b); o != nil {
			e.item(len(output), o)
			output = append(output, o)
		}
	}
	if !q.stream {
		return encode(whole("completed", output))
	}
	e.add("response.completed", object{"response": whole("completed", output)})
	return e.out.Bytes()
}

// output is a block as an item; nil if the protocol has none for it.
func (q *request) output(id string, b model.Block) object {
	switch b.Kind {
	case model.Text:
		return object{
			"type": "message", "id": "msg_" + id, "status": "completed", "role": "assistant",
			"content": []object{{"type": "output_text", "text": b.Text, "annotations": []any{}}},
		}
	case model.ToolUse:
		t, ok := q.shown[b.Name]
		if !ok {
			t = tool{name: b.Name}
		}
		o := object{"call_id": b.ID, "name": t.name, "status": "completed"}
		if t.space != "" {
			o["namespace"] = t.space
		}
		if t.custom {
			o["type"], o["id"], o["input"] = "custom_tool_call", "ctc_"+id, customText(b)
		} else {
			o["type"], o["id"], o["arguments"] = "function_call", "fc_"+id, arguments(b)
		}
		return o
	case model.Thinking, model.ToolResult, model.Opaque:
	}
	return nil
}

// item streams one item: that it begins, what it consists of, and that it is done.
func (e *events) item(n int, o object) {
	at := func(more object) object {
		more["output_index"], more["item_id"] = n, o["id"]
		return more
	}
	begun := object{}
	for k, v := range o {
		begun[k] = v
	}
	begun["status"] = "in_progress"
	switch o["type"] {
	case "message":
		begun["content"] = []any{}
		part := o["content"].([]object)[0]
		e.add("response.output_item.added", object{"output_index": n, "item": begun})
		e.add("response.content_part.added", at(object{"content_index": 0, "part": object{"type": "output_text", "text": "", "annotations": []any{}}}))
		e.add("response.output_text.delta", at(object{"content_index": 0, "delta": part["text"]}))
		e.add("response.output_text.done", at(object{"content_index": 0, "text": part["text"]}))
		e.add("response.content_part.done", at(object{"content_index": 0, "part": part}))
	case "function_call":
		begun["arguments"] = ""
		e.add("response.output_item.added", object{"output_index": n, "item": begun})
		e.add("response.function_call_arguments.delta", at(object{"delta": o["arguments"]}))
		e.add("response.function_call_arguments.done", at(object{"arguments": o["arguments"]}))
	case "custom_tool_call":
		begun["input"] = ""
		e.add("response.output_item.added", object{"output_index": n, "item": begun})
		e.add("response.custom_tool_call_input.delta", at(object{"delta": o["input"]}))
		e.add("response.custom_tool_call_input.done", at(object{"input": o["input"]}))
	}
	e.add("response.output_item.done", object{"output_index": n, "item": o})
}

func (responses) fault(text string) []byte {
	var e events
	e.add("response.failed", object{"response": object{"id": "none", "object": "response", "status": "failed", "error": object{"code": "invalid_prompt", "message": text}}})
	return e.out.Bytes()
}
