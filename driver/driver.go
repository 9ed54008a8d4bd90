// Package driver is the contract for attached things: programs and services that
// nobody here wrote, with tools that agents may call, and texts that they may read.
// driver/mcp attaches servers of the Model Context Protocol; driver/drivertest is
// the judge that every adapter has to pass.
//
// What a driver says is text from outside, whoever attached it: names are checked,
// descriptions bounded and cleaned (vet.go), a list of tools is pinned and a change
// of it blocked until the owner has seen the difference (pin.go), results bounded.
// The Rack keeps the attached ones alive: it opens one when it is first needed,
// opens it anew after it broke, more and more patiently, and says how it is.
//
// The package decides nothing about who may call what; the kernel asks policy before
// it calls. It reads no files: boot hands it what the owner's files say.
package driver

import (
	"context"
	"encoding/json"
)

// Driver is one attached thing. Its methods may be called from any goroutine, and
// return soon after ctx ends.
type Driver interface {
	// Tools lists what can be called now, as the thing itself describes it.
	Tools(ctx context.Context) ([]Tool, error)
	// Call calls one tool with arguments that are a JSON object. A tool that fails is
	// a Result; the error is that the thing did not answer at all.
	Call(ctx context.Context, tool string, args json.RawMessage, host Host) (Result, error)
	// Close ends it and waits for that. It may be called twice.
	Close() error
}

// Watched is a Driver that can end by itself.
type Watched interface {
	Done() <-chan struct{} // closed when it has ended
	Err() error            // why, once Done is closed
}

// Librarian is a Driver that has texts to read.
type Librarian interface {
	Resources(ctx context.Context) ([]Resource, error)
	Resource(ctx context.Context, uri string) (Result, error)
}

// Prompter is a Driver that has prompts: texts with holes to fill.
type Prompter interface {
	Prompts(ctx context.Context) ([]Prompt, error)
	Prompt(ctx context.Context, name string, args map[string]string) (Result, error)
}

// Tool is one thing that can be called. Everything in it is the driver's own word.
type Tool struct {
	Name        string          `json:"name"`
	Title       string          `json:"title,omitempty"`
	Description string          `json:"description,omitempty"`
	Schema      json.RawMessage `json:"schema"`
	// Output, if present, is the schema of a Result's Data.
	Output json.RawMessage `json:"output,omitempty"`
	// ReadOnly is a claim, which nobody relies on.
	ReadOnly bool `json:"read_only,omitempty"`
}

// Result is what a call came to.
type Result struct {
	Text   string
	Data   json.RawMessage // the same for programs, if the tool says so
	Failed bool
}

// Resource is a text that can be read by its address; with Template, the address has
// holes such as {path}.
type Resource struct {
	URI         string
	Name        string
	Description string
	Type        string // of its content
	Template    bool
}

// Prompt is a text with holes to fill.
type Prompt struct {
	Name        string
	Description string
	Args        []PromptArg
}

// PromptArg is one of the holes.
type PromptArg struct {
	Name, Description string
	Required          bool
}

// Host is what a driver may ask for while it serves a call. An error says no.
type Host interface {
	// Ask puts a question to the owner, to be answered by one value for each field.
	Ask(ctx context.Context, q Question) (map[string]any, error)
	// Sample lets the process's model answer a text, at the process's cost.
	Sample(ctx context.Context, s Sampling) (string, error)
}

// Question is what a driver wants to know of the owner.
type Question struct {
	Text   string
	Fields []Field
}

// Field is one value of an answer.
type Field struct {
	Name, Text string
	Type       string   // string, number, integer or boolean
	Choices    []string // if only these may be chosen
	Required   bool
}

// Sampling is a text that a driver wants a model to answer.
type Sampling struct {
	System    string
	Text      string
	MaxTokens int64
}
