package modeltest

import (
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"matrixos/model"
)

// Turn is one answer of the scripted model.
type Turn struct {
	Thinking  string     `json:"thinking,omitempty"`
	Signature string     `json:"signature,omitempty"` // of the thinking; made up if empty
	Text      string     `json:"text,omitempty"`
	Calls     []Call     `json:"calls,omitempty"`
	Opaque    []any      `json:"opaque,omitempty"` // blocks of the Anthropic protocol, sent as they are
	Stop      model.Stop `json:"stop,omitempty"`   // if empty: a call, or the end
	Usage     *Usage     `json:"usage,omitempty"`  // if nil: what the cache simulator finds
	Delay     Duration   `json:"delay,omitempty"`  // before the first byte
	Pace      Duration   `json:"pace,omitempty"`   // between two pieces
	Piece     int        `json:"piece,omitempty"`  // bytes of a piece; 40
	Fault     *Fault     `json:"fault,omitempty"`
	Quirks    Quirks     `json:"quirks,omitzero"`
}

// Call is one tool call. Arguments, if set, is sent as it is, well-formed or
// not; else Input is marshalled.
type Call struct {
	ID        string `json:"id,omitempty"` // made up if empty
	Name      string `json:"name"`
	Input     any    `json:"input,omitempty"`
	Arguments string `json:"arguments,omitempty"`
}

func (c Call) arguments() string {
	if c.Arguments != "" {
		return c.Arguments
	}
	if c.Input == nil {
		return "{}"
	}
	raw, err := json.Marshal(c.Input)
	if err != nil {
		return fmt.Sprintf("%q", err)
	}
	return string(raw)
}

// Usage is what an answer is said to have used.
type Usage struct {
	Input, Write5m, Write1h, Read, Output int64
}

// FaultKind names a way to fail.
type FaultKind string

// The faults. Those of HTTP come instead of an answer; the others after a part
// of it.
const (
	HTTPError FaultKind = "http"      // Status, Message and RetryAfter say how
	ErrorMid  FaultKind = "error"     // an error event in the middle of the stream
	Drop      FaultKind = "drop"      // the connection breaks after After bytes
	Truncate  FaultKind = "truncate"  // a clean end of the stream before the end of the answer
	Hang      FaultKind = "hang"      // nothing more comes after After bytes
	TooLong   FaultKind = "too-long"  // the prompt does not fit
	Garbage   FaultKind = "garbage"   // a piece that is no JSON
	NotStream FaultKind = "no-stream" // 200 with a page of HTML
)

// Fault makes an answer fail, Times times before it succeeds; -1 means always,
// and 0 means once.
type Fault struct {
	Kind       FaultKind `json:"kind"`
	Times      int       `json:"times,omitempty"`
	After      int       `json:"after,omitempty"` // bytes of the stream
	Status     int       `json:"status,omitempty"`
	Message    string    `json:"message,omitempty"`
	RetryAfter string    `json:"retry_after,omitempty"`
}

// Quirks are the ways in which servers deviate from the chat completions
// protocol and yet mean well. The Anthropic side ignores them.
type Quirks struct {
	NoUsage      bool `json:"no_usage,omitempty"`      // no usage chunk
	NoIndex      bool `json:"no_index,omitempty"`      // calls without index
	SameIndex    bool `json:"same_index,omitempty"`    // every call has index 0
	NoID         bool `json:"no_id,omitempty"`         // calls without id
	WholeCalls   bool `json:"whole_calls,omitempty"`   // arguments in one piece with the name
	ObjectArgs   bool `json:"object_args,omitempty"`   // arguments as an object instead of a string
	StopFinish   bool `json:"stop_finish,omitempty"`   // finish_reason "stop" although tools were called
	NoDone       bool `json:"no_done,omitempty"`       // hangs up without [DONE]
	RepeatName   bool `json:"repeat_name,omitempty"`   // every piece of a call repeats id and name
	RefuseLimit  bool `json:"refuse_limit,omitempty"`  // rejects max_tokens, wants max_completion_tokens
	RefuseStream bool `json:"refuse_stream,omitempty"` // rejects stream_options
	RefuseEffort bool `json:"refuse_effort,omitempty"` // rejects reasoning_effort
}

// Duration is a time.Duration that reads "250ms" in JSON.
type Duration time.Duration

// UnmarshalText implements encoding.TextUnmarshaler.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	*d = Duration(v)
	return err
}

// MarshalText implements encoding.TextMarshaler.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// Player decides what the model says. Play is called once for each request that
// is well-formed, from many goroutines.
type Player interface {
	Play(r *Request) Turn
}

// PlayFunc is a Player made of a function.
type PlayFunc func(r *Request) Turn

// Play implements Player.
func (f PlayFunc) Play(r *Request) Turn { return f(r) }

// Script plays turns in order, one for each request, and repeats the last one
// at the end. A turn with a fault fails as often as it says, and then succeeds.
// It is meant for one conversation at a time; Rules know several.
func Script(turns ...Turn) Player {
	s := &script{turns: turns}
	return s
}

type script struct {
	mu     sync.Mutex
	turns  []Turn
	at     int
	failed int // times that the current turn failed
}

func (s *script) Play(*Request) Turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.turns) == 0 {
		return Turn{}
	}
	t := s.turns[min(s.at, len(s.turns)-1)]
	if t.Fault.fails(s.failed) {
		s.failed++
		return t
	}
	t.Fault = nil
	s.at, s.failed = s.at+1, 0
	return t
}

// fails reports whether the fault strikes again after n times.
func (f *Fault) fails(n int) bool {
	return f != nil && (f.Times < 0 || n < max(f.Times, 1))
}
