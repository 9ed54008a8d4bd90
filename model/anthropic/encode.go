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

// encode lays out a request so that equal prefixes are equal bytes, and marks
// where the provider shall keep cache entries: for an hour at the end of the
// system prompt, which covers the tools too; at the last block of the previous
// request, because the provider looks back only twenty blocks from a mark and
// one turn may append more; and at the last block of this one.
func encode(r *model.Request) sdk.MessageNewParams {
	p := sdk.MessageNewParams{Model: r.Model, MaxTokens: r.MaxTokens, Tools: encodeTools(r.Tools)}
	if f, ok := model.Lookup(r.Model); ok && f.Adaptive {
		p.Thinking.OfAdaptive = &sdk.ThinkingConfigAdaptiveParam{Display: sdk.ThinkingConfigAdaptiveDisplaySummarized}
		p.OutputConfig.Effort = sdk.OutputConfigEffort(r.Effort)
	}
	for _, s := range r.System {
		if s != "" {
			p.System = append(p.System, sdk.TextBlockParam{Text: s})
		}
	}
	hour := sdk.CacheControlEphemeralParam{TTL: sdk.CacheControlEphemeralTTLTTL1h}
	if n := len(p.System); n > 0 {
		p.System[n-1].CacheControl = hour
	} else if n := len(p.Tools); n > 0 {
		p.Tools[n-1].OfTool.CacheControl = hour
	}
	for i, m := range r.Messages {
		blocks := encodeBlocks(m, i == len(r.Messages)-1 || i == r.Previous)
		if len(blocks) > 0 {
			p.Messages = append(p.Messages, sdk.MessageParam{Role: sdk.MessageParamRole(m.Role), Content: blocks})
		}
	}
	return p
}

func encodeTools(tools []model.Tool) []sdk.ToolUnionParam {
	sorted := slices.SortedStableFunc(slices.Values(tools), func(a, b model.Tool) int {
		return strings.Compare(a.Name, b.Name)
	})
	out := make([]sdk.ToolUnionParam, 0, len(sorted))
	for _, t := range sorted {
		schema := t.Schema
		if len(schema) == 0 {
			schema = json.RawMessage(`{"type":"object","properties":{}}`)
		}
		out = append(out, sdk.ToolUnionParam{OfTool: &sdk.ToolParam{
			Name: t.Name, Description: sdk.String(t.Description),
			InputSchema: param.Override[sdk.ToolInputSchemaParam](schema),
		}})
	}
	return out
}

// encodeBlocks leaves out what the provider refuses: empty text, and what only
// another provider understands. Thinking cannot carry a cache mark, so that the
// mark goes to the last block that can.
func encodeBlocks(m model.Message, mark bool) []sdk.ContentBlockParamUnion {
	out := make([]sdk.ContentBlockParamUnion, 0, len(m.Blocks))
	at := -1
	for _, b := range m.Blocks {
		u, ok := encodeBlock(b)
		if !ok {
			continue
		}
		if b.Kind != model.Thinking {
			at = len(out)
		}
		out = append(out, u)
	}
	if !mark || at < 0 {
		return out
	}
	if cc := out[at].GetCacheControl(); cc != nil {
		*cc = sdk.NewCacheControlEphemeralParam()
	} else if raw, err := json.Marshal(out[at]); err == nil {
		if raw, err = sjson.SetRawBytes(raw, "cache_control", []byte(`{"type":"ephemeral"}`)); err == nil {
			out[at] = param.Override[sdk.ContentBlockParamUnion](json.RawMessage(raw))
		}
	}
	return out
}

func encodeBlock(b model.Block) (u sdk.ContentBlockParamUnion, ok bool) {
	if len(b.Raw) > 0 && b.Provider == Provider {
		return param.Override[sdk.ContentBlockParamUnion](b.Raw), true
	}
	switch b.Kind {
	case model.Text:
		return sdk.NewTextBlock(b.Text), strings.TrimSpace(b.Text) != ""
	case model.ToolUse:
		input := b.Input
		if !model.IsObject(input) {
			input = json.RawMessage(`{}`) // the result that answers it quotes what was wrong
		}
		return sdk.NewToolUseBlock(safeID(b.ID), input, b.Name), true
	case model.ToolResult:
		return sdk.NewToolResultBlock(safeID(b.ID), b.Text, b.IsError), true
	case model.Thinking, model.Opaque:
		return u, false // another provider's
	}
	return u, false
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
