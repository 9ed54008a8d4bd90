package coder

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"matrixos/model"
)

// protocol is one of the ways in which programs ask for answers of a model.
type protocol interface {
	// parse reads a request.
	parse(body []byte) (*request, error)
	// answer is a whole reply, as the request wants to have it.
	answer(r *request, a *reply) []byte
	// fault is said of a request that gets no reply.
	fault(text string) []byte
}

// request is what a program asks, in the words of no protocol.
type request struct {
	stream bool
	system []string
	tools  []tool
	msgs   []model.Message

	shown map[string]tool   // by the name that the model knows it by
	plain map[string]string // and that name, by the program's
}

// tool is one that a program offers to the model.
type tool struct {
	model.Tool         // as the model knows it
	space, name string // as the program does
	custom      bool   // it takes text instead of arguments
	ours        bool   // it is a system call
}

// full is a name of the program's as one word.
func full(space, name string) string {
	if space == "" {
		return name
	}
	return space + "__" + name
}

// reply is what a program gets.
type reply struct {
	*model.Reply
	blocks []model.Block // with tools as the model knows them
	id     string
}

// customSchema is of a tool that takes text.
const customSchema = `{"type":"object","properties":{"input":{"type":"string"}},"required":["input"],"additionalProperties":false}`

// customText is what a model wrote for a tool that takes text.
func customText(b model.Block) string {
	var in struct {
		Input *string `json:"input"`
	}
	if json.Unmarshal(b.Input, &in) == nil && in.Input != nil {
		return *in.Input
	}
	text, bad := model.Malformed(b.Input)
	if !bad {
		text = string(b.Input)
	}
	return text
}

// arguments is what a model wrote for any other.
func arguments(b model.Block) string {
	if text, bad := model.Malformed(b.Input); bad {
		return text
	}
	return string(b.Input)
}

// names gives the tools the names that the model knows them by: system calls have
// their own, whatever the program puts in front of them, unless it has a tool of that
// name itself.
func (q *request) names(calls []model.Tool) {
	q.shown, q.plain = map[string]tool{}, map[string]string{}
	taken := map[string]bool{}
	for i := range q.tools {
		q.tools[i].Name = full(q.tools[i].space, q.tools[i].name)
		taken[q.tools[i].Name] = true
	}
	for i, t := range q.tools {
		for _, c := range calls {
			if rest, ok := served(t.Name); ok && rest == c.Name && !taken[c.Name] {
				q.plain[t.Name] = c.Name
				q.tools[i].Tool, q.tools[i].ours = c, true
			} else if ok && rest == c.Name {
				q.tools[i].ours = true
			}
		}
		q.shown[q.tools[i].Name] = q.tools[i]
	}
	for i, m := range q.msgs {
		for j, b := range m.Blocks {
			if to, ok := q.plain[b.Name]; ok {
				q.msgs[i].Blocks[j].Name = to
			}
		}
	}
}

// served takes off what programs put in front of the tools of a server called home.
func served(name string) (string, bool) {
	rest := strings.TrimPrefix(strings.TrimPrefix(name, "mcp__"), "mcp_")
	rest, ok := strings.CutPrefix(rest, serverName)
	trimmed := strings.TrimLeft(rest, "_.-:/")
	return trimmed, ok && trimmed != rest
}

// serverName is what the system calls are called together.
const serverName = "home"

// call finds the system call that a name of the model's stands for.
func (q *request) call(name string) (string, bool) {
	t, ok := q.shown[name]
	if !ok || !t.ours {
		return "", false
	}
	if rest, ok := served(name); ok {
		return rest, true
	}
	return name, true
}

// list is the tools as the model gets them.
func (q *request) list() []model.Tool {
	out := make([]model.Tool, 0, len(q.tools))
	seen := map[string]bool{}
	for _, t := range q.tools {
		if !seen[t.Name] {
			seen[t.Name] = true
			out = append(out, t.Tool)
		}
	}
	return out
}

// add puts a block at the end, into the last message if that is of the same role.
func (q *request) add(role model.Role, b model.Block) {
	if b.Kind == model.Text && strings.TrimSpace(b.Text) == "" {
		return
	}
	if n := len(q.msgs); n > 0 && q.msgs[n-1].Role == role {
		q.msgs[n-1].Blocks = append(q.msgs[n-1].Blocks, b)
		return
	}
	q.msgs = append(q.msgs, model.Message{Role: role, Blocks: []model.Block{b}})
}

// merged joins neighbours of the same role.
func merged(ms []model.Message) (out []model.Message) {
	for _, m := range ms {
		if n := len(out); n > 0 && out[n-1].Role == m.Role {
			out[n-1].Blocks = append(slices.Clip(out[n-1].Blocks), m.Blocks...)
			continue
		}
		out = append(out, m)
	}
	return out
}

// textOf reads what both protocols have as a string or as a list of parts; a part
// that is no text is named.
func textOf(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	var parts []struct {
		Type    string `json:"type"`
		Text    string `json:"text"`
		Refusal string `json:"refusal"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return string(raw)
	}
	var out []string
	for _, p := range parts {
		switch {
		case p.Text != "":
			out = append(out, p.Text)
		case p.Refusal != "":
			out = append(out, p.Refusal)
		case strings.Contains(p.Type, "image"):
			out = append(out, "[an image, which this model is not shown]")
		}
	}
	return strings.Join(out, "\n")
}

// object is one JSON object.
type object map[string]any

// encode is json.Marshal that leaves < and > alone: programs are full of them. It is
// for values that consist of strings, numbers and valid JSON.
func encode(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		panic(fmt.Sprintf("coder: %v", err)) // a program error
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
