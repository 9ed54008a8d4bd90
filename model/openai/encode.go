package openai

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	"matrixos/model"
	"matrixos/sys"
)

// The wire forms. We write them ourselves, and let the SDK send them: it has no
// place for the reasoning that other servers want back, would reorder a tool's
// schema, and takes several times the CPU time.
type (
	request struct {
		Model     string   `json:"model"`
		Messages  []turn   `json:"messages"`
		Tools     []tool   `json:"tools,omitempty"`
		MaxTokens int64    `json:"max_tokens,omitempty"`
		NewLimit  int64    `json:"max_completion_tokens,omitempty"`
		Effort    string   `json:"reasoning_effort,omitempty"`
		Options   *options `json:"stream_options,omitempty"`
	}
	options struct {
		Usage bool `json:"include_usage"`
	}
	turn struct {
		Role       string          `json:"role"`
		Content    *string         `json:"content"`
		Calls      []call          `json:"tool_calls,omitempty"`
		CallID     string          `json:"tool_call_id,omitempty"`
		Reasoning  string          `json:"reasoning_content,omitempty"`
		Reasonings json.RawMessage `json:"reasoning_details,omitempty"`
	}
	call struct {
		ID       string   `json:"id"`
		Type     string   `json:"type"`
		Function function `json:"function"`
	}
	function struct {
		Name      string `json:"name"`
		Arguments string `json:"arguments"`
	}
	tool struct {
		Type     string     `json:"type"`
		Function definition `json:"function"`
	}
	definition struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Parameters  json.RawMessage `json:"parameters,omitempty"`
	}
)

// encode returns the body of a request, in the words that its server wants.
func encode(r *model.Request, lang dialect) (json.RawMessage, *sys.Error) {
	q := request{Model: r.Model, Messages: encodeMessages(r), Tools: encodeTools(r.Tools)}
	switch lang.limits[0] {
	case oldLimit:
		q.MaxTokens = r.MaxTokens
	case newLimit:
		q.NewLimit = r.MaxTokens
	}
	if !lang.noEffort {
		q.Effort = effort(r.Effort)
	}
	if !lang.noOptions {
		q.Options = &options{Usage: true}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(q); err != nil {
		return nil, &sys.Error{
			Op: op, Path: r.Model, Kind: sys.Invalid, Err: err, Hint: "the conversation holds what is no JSON; begin a new one",
		}
	}
	return buf.Bytes(), nil
}

// effort maps our words to those that every server knows.
func effort(e string) string {
	if e == "xhigh" || e == "max" {
		return "high"
	}
	return e
}

func encodeTools(tools []model.Tool) []tool {
	out := make([]tool, 0, len(tools))
	for _, t := range tools {
		out = append(out, tool{"function", definition{t.Name, t.Description, t.Schema}})
	}
	slices.SortStableFunc(out, func(a, b tool) int { return strings.Compare(a.Function.Name, b.Function.Name) })
	return out
}

func encodeMessages(r *model.Request) []turn {
	var out []turn
	if system := join(r.System); system != "" {
		out = append(out, turn{Role: "system", Content: &system})
	}
	loop := lastWords(r.Messages)
	for i, m := range r.Messages {
		if m.Role == model.Assistant {
			if a, ok := encodeAssistant(m, i > loop); ok {
				out = append(out, a)
			}
			continue
		}
		out = encodeUser(out, m)
	}
	return out
}

// lastWords is the index of the last user message that says something, instead
// of only answering calls. What a model thought since then belongs to the turn
// that still runs; some servers demand it back, and refuse anything older.
func lastWords(ms []model.Message) int {
	for i, m := range slices.Backward(ms) {
		if m.Role == model.User && slices.ContainsFunc(m.Blocks, func(b model.Block) bool { return b.Kind == model.Text }) {
			return i
		}
	}
	return -1
}

func encodeAssistant(m model.Message, current bool) (turn, bool) {
	out := turn{Role: "assistant"}
	var texts []string
	for _, b := range m.Blocks {
		switch b.Kind {
		case model.Text:
			texts = append(texts, b.Text)
		case model.ToolUse:
			args := "{}" // the result that answers it quotes what was wrong
			if model.IsObject(b.Input) {
				args = string(b.Input)
			}
			out.Calls = append(out.Calls, call{b.ID, "function", function{b.Name, args}})
		case model.Thinking:
			if b.Provider == Provider && current {
				out.Reasoning += b.Text
				out.Reasonings = b.Raw
			}
		case model.ToolResult, model.Opaque:
		}
	}
	if text := join(texts); text != "" || len(out.Calls) == 0 {
		out.Content = &text
	}
	if out.Reasonings != nil {
		out.Reasoning = "" // the details hold the same text, signed
	}
	return out, out.Calls != nil || *out.Content != ""
}

// encodeUser appends the results first, then one message with all that was
// said; a server's chat template may refuse two user messages in a row.
func encodeUser(out []turn, m model.Message) []turn {
	var texts []string
	for _, b := range m.Blocks {
		switch b.Kind {
		case model.ToolResult:
			text := b.Text
			if b.IsError && !strings.HasPrefix(strings.ToLower(text), "error") {
				text = "Error: " + text // the protocol has no field for it
			}
			out = append(out, turn{Role: "tool", Content: &text, CallID: b.ID})
		case model.Text:
			texts = append(texts, b.Text)
		case model.Thinking, model.ToolUse, model.Opaque:
		}
	}
	text := join(texts)
	if text == "" {
		return out
	}
	if n := len(out) - 1; n >= 0 && out[n].Role == "user" {
		text = *out[n].Content + "\n\n" + text
		out = out[:n]
	}
	return append(out, turn{Role: "user", Content: &text})
}

// join joins what is not empty. Many servers take only a string as content.
func join(parts []string) string {
	return strings.Join(slices.DeleteFunc(slices.Clone(parts), func(s string) bool { return strings.TrimSpace(s) == "" }), "\n\n")
}
