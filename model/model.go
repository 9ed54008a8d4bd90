// Package model is the contract for one request to a language model: what is
// sent, what streams back, how it can end. Each provider is a folder below it,
// judged by modeltest. A model runs no tools, keeps no conversation and decides
// nothing; engines do.
package model

import (
	"context"
	"encoding/json"
	"time"

	"matrixos/sys"
)

// BlockKind says what a Block holds.
type BlockKind string

// The kinds of block. Opaque is anything of a provider that we pass back
// verbatim without understanding it.
const (
	Text       BlockKind = "text"
	Thinking   BlockKind = "thinking"
	ToolUse    BlockKind = "tool_use"
	ToolResult BlockKind = "tool_result"
	Opaque     BlockKind = "opaque"
)

// Block is one piece of a message.
type Block struct {
	Kind    BlockKind       `json:"kind"`
	Text    string          `json:"text,omitempty"`     // text, thinking, or a tool's result
	ID      string          `json:"id,omitempty"`       // of a tool call, on both call and result
	Name    string          `json:"name,omitempty"`     // of the tool
	Input   json.RawMessage `json:"input,omitempty"`    // arguments of the call, made by Arguments
	IsError bool            `json:"is_error,omitempty"` // the tool failed
	// Raw is the provider's own encoding, replayed verbatim to the same Provider
	// (thinking is signed); other providers ignore it.
	Raw      json.RawMessage `json:"raw,omitempty"`
	Provider string          `json:"provider,omitempty"`
}

// Role says whose message it is.
type Role string

// The roles.
const (
	User      Role = "user"
	Assistant Role = "assistant"
)

// Message is one turn of a conversation.
type Message struct {
	Role   Role    `json:"role"`
	Blocks []Block `json:"blocks"`
}

// Tool describes a tool to a model.
type Tool struct {
	Name        string
	Description string
	Schema      json.RawMessage // JSON Schema of the input, an object
	ReadOnly    bool            // may run beside other read-only calls
}

// Request asks for one reply.
type Request struct {
	Model    string      // the provider's own id, such as "claude-opus-4-6"
	Program  sys.Program // who asks; only the offline model looks
	System   []string    // stable parts first; the last one ends the cached prefix
	Tools    []Tool      // in a stable order
	Messages []Message
	// Previous is the index of the last message of the conversation's previous
	// request, or -1: where a cache entry is known to end.
	Previous  int
	MaxTokens int64 // 0 means the model's own limit
	Effort    string
}

// Stop says why a reply ended.
type Stop string

// The stop reasons. StopOverflow covers both a full context window and a
// prompt that is too long.
const (
	StopEnd      Stop = "end_turn"
	StopTool     Stop = "tool_use"
	StopMax      Stop = "max_tokens"
	StopRefusal  Stop = "refusal"
	StopPause    Stop = "pause_turn"
	StopOverflow Stop = "context_overflow"
)

// Reply is a whole answer.
type Reply struct {
	Message Message
	Stop    Stop
	Cost    sys.Cost // of this request; USD from the price table
	Model   string   // the model that answered
	ID      string   // the provider's request id
}

// Delta is a piece of a reply as it streams; exactly one field is set.
type Delta struct {
	Text     string
	Thinking string
	Tool     *Block // a call begins: ID and Name
	Input    string // a piece of the newest call's arguments, JSON
	Retry    *Retry // everything streamed so far for this reply is void
}

// Retry announces another attempt at the same request.
type Retry struct {
	Attempt int
	After   time.Duration
	Reason  string
}

// Limits is what a model can take.
type Limits struct {
	Context   int64 // tokens, input and output together
	MaxOutput int64 // tokens
}

// Model answers requests. Stream calls sink from one goroutine, in order, and
// not after it returned. Errors are *sys.Error: Unauthorized (wrong key),
// Unavailable (no answer after retries, or a stream that broke off),
// Refused never (a refusal is a Reply with StopRefusal), Invalid (the provider
// rejects the request), Canceled (ctx ended). With an error, the Reply is nil or
// holds nothing but the Cost of what had streamed before. A Model may be used by
// many goroutines at once.
type Model interface {
	Stream(ctx context.Context, r *Request, sink func(Delta)) (*Reply, error)
	Limits(model string) Limits
}

// Raw is a request in the words of a provider's own protocol, made by a program
// that speaks it. It is sent as it is, with the adapter's key, attempts and watch.
type Raw struct {
	Model string // as Body names it
	Body  json.RawMessage
	Betas []string // features of the protocol that the request asks for
}
