package anthropic

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"

	sdk "github.com/anthropics/anthropic-sdk-go"
	"github.com/anthropics/anthropic-sdk-go/packages/param"
	"github.com/tidwall/sjson"

	"matrixos/model"
)

// The wire forms. We write them ourselves, and let the SDK send them: a whole
// conversation goes out with every request, and through the SDK's own parameter
// types that took most of a turn's CPU time.
type (
	request struct {
		Model     string    `json:"model"`
		MaxTokens int64     `json:"max_tokens"`
		Thinking  *thinking `json:"thinking,omitempty"`
		Output    *output   `json:"output_config,omitempty"`
		Tools     []tool    `json:"tools,omitempty"`
		System    []*block  `json:"system,omitempty"`
		Messages  []message `json:"messages"`
	}
	thinking struct {
		Type    string `json:"type"`
		Display string `json:"display"`
	}
	output struct {
		Effort string `json:"effort"`
	}
	tool struct {
		Name        string          `json:"name"`
		Description string          `json:"description,omitempty"`
		Schema      json.RawMessage `json:"input_schema"`
		Cache       *cache          `json:"cache_control,omitempty"`
	}
	message struct {
		Role    model.Role `json:"role"`
		Content []any      `json:"content"` // *block or json.RawMessage
	}
	block struct {
		Type    string          `json:"type"`
		Text    string          `json:"text,omitempty"`
		ID      string          `json:"id,omitempty"`
		Name    string          `json:"name,omitempty"`
		Input   json.RawMessage `json:"input,omitempty"`
		CallID  string          `json:"tool_use_id,omitempty"`
		Content string          `json:"content,omitempty"`
		IsError bool            `json:"is_error,omitempty"`
		Cache   *cache          `json:"cache_control,omitempty"`
	}
	cache struct {
		Type string `json:"type"`
		TTL  string `json:"ttl,omitempty"`
	}
)

// encode lays out a request so that equal prefixes are equal bytes, and marks
// where the provider shall keep cache entries: for an hour at the end of the
// system prompt, which covers the tools too; at the last block of the previous
// request, because the provider looks back only twenty blocks from a mark and
// one turn may append more; and at the last block of this one.
func encode(r *model.Request) (sdk.MessageNewParams, error) {
	q := request{Model: r.Model, MaxTokens: r.MaxTokens, Tools: encodeTools(r.Tools)}
	if f, ok := model.Lookup(r.Model); ok && f.Adaptive {
		q.Thinking = &thinking{"adaptive", "summarized"}
		if r.Effort != "" {
			q.Output = &output{r.Effort}
		}
	}
	for _, s := range r.System {
		if strings.TrimSpace(s) != "" {
			q.System = append(q.System, &block{Type: "text", Text: s})
		}
	}
	hour := &cache{"ephemeral", "1h"}
	if n := len(q.System); n > 0 {
		q.System[n-1].Cache = hour
	} else if n := len(q.Tools); n > 0 {
		q.Tools[n-1].Cache = hour
	}
	for i, m := range r.Messages {
		blocks := encodeBlocks(m, i == len(r.Messages)-1 || i == r.Previous)
		if len(blocks) > 0 {
			q.Messages = append(q.Messages, message{m.Role, blocks})
		}
	}
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(q); err != nil {
		return sdk.MessageNewParams{}, err
	}
	return param.Override[sdk.MessageNewParams](json.RawMessage(buf.Bytes())), nil
}

func encodeTools(tools []model.Tool) []tool {
	out := make([]tool, 0, len(tools))
	for _, t := range tools {
		schema := t.Schema
		if len(schema) == 0 {
			schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		out = append(out, tool{Name: t.Name, Description: t.Description, Schema: schema})
	}
	slices.SortStableFunc(out, func(a, b tool) int { return strings.Compare(a.Name, b.Name) })
	return out
}

// encodeBlocks leaves out what the provider refuses: empty text, and what only
// another provider understands. Thinking cannot carry a cache mark, so that the
// mark goes to the last block that can.
func encodeBlocks(m model.Message, mark bool) []any {
	out := make([]any, 0, len(m.Blocks))
	at := -1
	for _, b := range m.Blocks {
		encoded := encodeBlock(b)
		if encoded == nil {
			continue
		}
		if b.Kind != model.Thinking {
			at = len(out)
		}
		out = append(out, encoded)
	}
	if !mark || at < 0 {
		return out
	}
	switch b := out[at].(type) {
	case *block:
		b.Cache = &cache{Type: "ephemeral"}
	case json.RawMessage:
		if marked, err := sjson.SetRawBytes(b, "cache_control", []byte(`{"type":"ephemeral"}`)); err == nil {
			out[at] = json.RawMessage(marked)
		}
	}
	return out
}

// encodeBlock returns a *block, the provider's own bytes, or nil for a block
// that stays behind.
func encodeBlock(b model.Block) any {
	if len(b.Raw) > 0 && b.Provider == Provider {
		return b.Raw
	}
	switch b.Kind {
	case model.Text:
		if strings.TrimSpace(b.Text) != "" {
			return &block{Type: "text", Text: b.Text}
		}
	case model.ToolUse:
		input := b.Input
		if !model.IsObject(input) {
			input = json.RawMessage(`{}`) // the result that answers it quotes what was wrong
		}
		return &block{Type: "tool_use", ID: safeID(b.ID), Name: b.Name, Input: input}
	case model.ToolResult:
		return &block{Type: "tool_result", CallID: safeID(b.ID), Content: b.Text, IsError: b.IsError}
	case model.Thinking, model.Opaque: // another provider's
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

// plain reports whether a block says nothing beyond our own fields, so that it
// need not be stored twice.
func plain(raw []byte, known ...string) bool {
	var fields map[string]json.RawMessage
	if json.Unmarshal(raw, &fields) != nil {
		return false
	}
	for k, v := range fields {
		if !slices.Contains(known, k) && !bytes.Equal(v, []byte("null")) {
			return false
		}
	}
	return true
}
