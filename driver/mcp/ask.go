package mcp

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/driver"
)

// asker is who serves what the server asks for now: the newest call. A server that
// asks without being called is not heard.
func (s *server) asker() driver.Host {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.hosts) == 0 {
		return nil
	}
	return s.hosts[len(s.hosts)-1]
}

// elicit puts a server's question to the owner.
func (s *server) elicit(ctx context.Context, r *mcp.ElicitRequest) (*mcp.ElicitResult, error) {
	h := s.asker()
	if h == nil || r.Params.Mode == "url" {
		return &mcp.ElicitResult{Action: "decline"}, nil
	}
	q, err := question(r.Params)
	if err != nil {
		return nil, err
	}
	answer, err := h.Ask(ctx, q)
	if err != nil {
		return &mcp.ElicitResult{Action: "decline"}, nil //nolint:nilerr // a no is an answer
	}
	return &mcp.ElicitResult{Action: "accept", Content: answer}, nil
}

// fieldsMost is how many values one question may ask for.
const fieldsMost = 20

func question(p *mcp.ElicitParams) (driver.Question, error) {
	q := driver.Question{Text: driver.Clean(p.Message, 1000)}
	raw, err := json.Marshal(p.RequestedSchema)
	if err != nil {
		return q, err
	}
	var form struct {
		Properties map[string]struct {
			Type        string   `json:"type"`
			Title       string   `json:"title"`
			Description string   `json:"description"`
			Enum        []string `json:"enum"`
			OneOf       []struct {
				Const string `json:"const"`
			} `json:"oneOf"`
		} `json:"properties"`
		Required []string `json:"required"`
	}
	if err := json.Unmarshal(raw, &form); err != nil {
		return q, fmt.Errorf("the form of the question: %w", err)
	}
	if len(form.Properties) > fieldsMost {
		return q, fmt.Errorf("the question has %d fields, %d are allowed", len(form.Properties), fieldsMost)
	}
	for _, name := range slices.Sorted(maps.Keys(form.Properties)) {
		f := form.Properties[name]
		if !slices.Contains([]string{"string", "number", "integer", "boolean"}, f.Type) {
			continue // lists and the like cannot be asked for in a line
		}
		for _, o := range f.OneOf {
			f.Enum = append(f.Enum, o.Const)
		}
		text := driver.Clean(f.Title, 200)
		if text == "" {
			text = driver.Clean(name, 200)
		}
		if f.Description != "" {
			text += ": " + driver.Clean(f.Description, 300)
		}
		q.Fields = append(q.Fields, driver.Field{Name: name, Text: text, Type: f.Type, Choices: f.Enum, Required: slices.Contains(form.Required, name)})
	}
	return q, nil
}

// sample lets the process's model answer a server.
//
//nolint:staticcheck // deprecated in the newest protocol, and in use
func (s *server) sample(ctx context.Context, r *mcp.CreateMessageRequest) (*mcp.CreateMessageResult, error) {
	h := s.asker()
	if h == nil {
		return nil, errors.New("nobody has called this server")
	}
	var text []string
	for _, m := range r.Params.Messages {
		text = append(text, string(m.Role)+": "+textOf([]mcp.Content{m.Content}))
	}
	answer, err := h.Sample(ctx, driver.Sampling{System: r.Params.SystemPrompt, Text: strings.Join(text, "\n\n"), MaxTokens: r.Params.MaxTokens})
	if err != nil {
		return nil, err
	}
	return &mcp.CreateMessageResult{Content: &mcp.TextContent{Text: answer}, Model: "matrixos", Role: "assistant"}, nil
}
