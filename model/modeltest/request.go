package modeltest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"matrixos/sys"
)

// Protocol names a wire protocol.
type Protocol string

// The protocols.
const (
	Anthropic Protocol = "anthropic"
	OpenAI    Protocol = "openai"
)

// Request is what the server received, in the words of neither protocol.
type Request struct {
	Protocol  Protocol
	Model     string
	System    string
	Tools     []string // names as they were offered
	Messages  []Message
	MaxTokens int64
	Stream    bool
	Header    http.Header     // without keys
	Body      json.RawMessage // as it was sent
	Usage     Usage           // what the answer was said to use; set once it is known

	blocks []block // for the cache simulator
}

// Message is one message of a Request.
type Message struct {
	Role    string // user or assistant
	Text    string
	Calls   []Call
	Results []Result
}

// Result is what a tool is said to have returned.
type Result struct {
	ID, Text string
	Failed   bool
}

// Words returns the last thing that was said to the model, instead of returned
// by a tool, and how many answers it has given since. An owner's state block is
// part of the words.
func (r *Request) Words() (text string, answers int) {
	for _, m := range slices.Backward(r.Messages) {
		if m.Role == "assistant" {
			answers++
		} else if m.Text != "" && len(m.Results) == 0 {
			return m.Text, answers
		}
	}
	return "", answers
}

// Program guesses who asks by the tools offered: only the main agent may spawn,
// and only programs that build may write.
func (r *Request) Program() sys.Program {
	switch {
	case r.Tool("spawn") != "":
		return sys.ProgramKernel
	case r.Tool("Write") != "":
		return sys.ProgramBuilder
	}
	return ""
}

// Tool returns the name under which a tool was offered, which may carry a prefix
// such as mcp__kernel__, or "".
func (r *Request) Tool(name string) string {
	for _, t := range r.Tools {
		if t == name || strings.HasSuffix(t, "__"+name) {
			return t
		}
	}
	return ""
}

// Results returns what the tools returned in the newest message.
func (r *Request) Results() []Result {
	if len(r.Messages) == 0 {
		return nil
	}
	return r.Messages[len(r.Messages)-1].Results
}
