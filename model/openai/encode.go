package openai

import (
	"encoding/json"
	"slices"
	"strings"

	sdk "github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/packages/param"
	"github.com/openai/openai-go/v3/shared"

	"matrixos/model"
)

// The wire forms. We write them ourselves because the SDK has no place for the
// reasoning that other servers want back, and would reorder a tool's schema.
type (
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

func encode(r *model.Request, lang dialect) sdk.ChatCompletionNewParams {
	p := sdk.ChatCompletionNewParams{Model: r.Model, Tools: encodeTools(r.Tools)}
	for _, m := range encodeMessages(r) {
		p.Messages = append(p.Messages, param.Override[sdk.ChatCompletionMessageParamUnion](m))
	}
	if r.MaxTokens > 0 {
		switch lang.limits[0] {
		case oldLimit:
			p.MaxTokens = sdk.Int(r.MaxTokens)
		case newLimit:
			p.MaxCompletionTokens = sdk.Int(r.MaxTokens)
		}
	}
	if r.Effort != "" && !lang.noEffort {
		p.ReasoningEffort = shared.ReasoningEffort(effort(r.Effort))
	}
	if !lang.noOptions {
		p.StreamOptions.IncludeUsage = sdk.Bool(true)
	}
	return p
}

// effort maps our words to those that every server knows.
func effort(e string) string {
	if e == "xhigh" || e == "max" {
		return "high"
	}
	return e
}

func encodeTools(tools []model.Tool) []sdk.ChatCompletionToolUnionParam {
	sorted := slices.SortedStableFunc(slices.Values(tools), func(a, b model.Tool) int {
		return strings.Compare(a.Name, b.Name)
	})
	var out []sdk.ChatCompletionToolUnionParam
	for _, t := range sorted {
		out = append(out, param.Override[sdk.ChatCompletionToolUnionParam](
			tool{"function", definition{t.Name, t.Description, t.Schema}}))
	}
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
	for i := len(ms) - 1; i >= 0; i-- {
		if ms[i].Role == model.User && slices.ContainsFunc(ms[i].Blocks, func(b model.Block) bool { return b.Kind == model.Text }) {
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

// estimate guesses the tokens of a prompt whose server does not count.
func estimate(p sdk.ChatCompletionNewParams) int64 {
	raw, err := json.Marshal(p)
	if err != nil {
		return 0
	}
	return int64(len(raw) / 4)
}
