package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"matrixos/sys"
)

// Memory is one thing that is remembered. Against are others that say otherwise.
type Memory struct {
	ID           string           `json:"id"`
	Category     string           `json:"category"`
	Date         string           `json:"date"`
	Text         string           `json:"text"`
	Label        sys.Label        `json:"label"`
	By           string           `json:"by,omitempty"`
	Time         time.Time        `json:"time,omitzero"`
	Conversation sys.Conversation `json:"conversation,omitempty"`
	Landing      sys.LandingID    `json:"landing,omitempty"`
	Against      []string         `json:"against,omitempty"`
}

// Forgot says what was forgotten, and what still has it.
type Forgot struct {
	ID   string `json:"id"`
	Left string `json:"left"`
}

// Agent is a program and what it may do.
type Agent struct {
	Name        sys.Program `json:"name"`
	Description string      `json:"description"`
	Path        sys.Path    `json:"path"`
	Tools       []string    `json:"tools"`
	Writes      []string    `json:"writes"`
	Model       string      `json:"model,omitempty"`
	MaxTurns    int         `json:"max_turns,omitempty"`
	Budget      sys.Budget  `json:"budget"`
	Problem     string      `json:"problem,omitempty"`
}

// Skill is a skill; Problem says why it is not offered.
type Skill struct {
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Path        sys.Path   `json:"path"`
	Files       []sys.Path `json:"files,omitempty"`
	Problem     string     `json:"problem,omitempty"`
}

// Memories lists what is remembered; with a query the best match comes first.
func (c *Client) Memories(ctx context.Context, query string) (list []Memory, err error) {
	err = c.call(ctx, "list memories", http.MethodGet, "/api/memories?query="+url.QueryEscape(query), nil, &list)
	return list, err
}

// Forget forgets a memory.
func (c *Client) Forget(ctx context.Context, id string) (f Forgot, err error) {
	err = c.call(ctx, "forget", http.MethodDelete, "/api/memories/"+url.PathEscape(id), nil, &f)
	return f, err
}

// Agents lists the programs.
func (c *Client) Agents(ctx context.Context) (list []Agent, err error) {
	err = c.call(ctx, "list agents", http.MethodGet, "/api/agents", nil, &list)
	return list, err
}

// Skills lists the skills.
func (c *Client) Skills(ctx context.Context) (list []Skill, err error) {
	err = c.call(ctx, "list skills", http.MethodGet, "/api/skills", nil, &list)
	return list, err
}
