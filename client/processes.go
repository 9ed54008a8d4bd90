package client

import (
	"context"
	"net/http"
	"net/url"
	"strconv"

	"matrixos/sys"
)

// Spent is what one thing has cost.
type Spent struct {
	Name     string   `json:"name"`
	Requests int      `json:"requests"`
	Cost     sys.Cost `json:"cost"`
}

// Spending is what was spent in a span of days.
type Spending struct {
	From     string  `json:"from"`
	To       string  `json:"to"`
	Total    Spent   `json:"total"`
	Days     []Spent `json:"days"`
	Programs []Spent `json:"programs"`
	Apps     []Spent `json:"apps"`
	Models   []Spent `json:"models"`
	Requests []Spent `json:"requests"`
	Today    struct {
		USD      float64  `json:"usd"`
		Reserved float64  `json:"reserved"`
		Cap      *float64 `json:"cap,omitempty"`
	} `json:"today"`
}

// Part is a piece of a prompt.
type Part struct {
	Name   string `json:"name"`
	Text   string `json:"text"`
	Tokens int    `json:"tokens"`
}

// Prompt is what a program's model is sent before any conversation.
type Prompt struct {
	Program  sys.Program `json:"program"`
	Sections []Part      `json:"sections"`
	Tools    []Part      `json:"tools"`
	State    Part        `json:"state"`
	Tokens   int         `json:"tokens"`
}

// Processes returns the process table.
func (c *Client) Processes(ctx context.Context) (list []sys.Process, err error) {
	err = c.call(ctx, "list processes", http.MethodGet, "/api/processes", nil, &list)
	return list, err
}

// Signal sends "interrupt", "stop", "cont" or "kill" to a process.
func (c *Client) Signal(ctx context.Context, pid sys.PID, signal string) error {
	return c.call(ctx, signal+" process", http.MethodPost, processPath(pid)+"/signal", map[string]string{"signal": signal}, nil)
}

func processPath(pid sys.PID) string { return "/api/processes/" + strconv.FormatInt(int64(pid), 10) }

// Continue lets a parked process go on under a new request. A budget, in dollars,
// comes on top of what it had; 0 gives as much again. Model names another one.
func (c *Client) Continue(ctx context.Context, pid sys.PID, budget float64, model string) (t Ticket, err error) {
	in := map[string]any{}
	if budget > 0 {
		in["budget"] = budget
	}
	if model != "" {
		in["model"] = model
	}
	err = c.call(ctx, "continue process", http.MethodPost, processPath(pid)+"/continue", in, &t)
	return t, err
}

// StopAll stops everything that runs, until ContinueAll.
func (c *Client) StopAll(ctx context.Context) error {
	return c.call(ctx, "stop everything", http.MethodPost, "/api/stop", struct{}{}, nil)
}

// ContinueAll lifts a stop of everything.
func (c *Client) ContinueAll(ctx context.Context) (list []Ticket, err error) {
	err = c.call(ctx, "continue everything", http.MethodPost, "/api/continue", struct{}{}, &list)
	return list, err
}

// Spending sums up what was spent in the last days.
func (c *Client) Spending(ctx context.Context, days int) (s Spending, err error) {
	err = c.call(ctx, "read spending", http.MethodGet, "/api/spending?"+url.Values{"days": {strconv.Itoa(days)}}.Encode(), nil, &s)
	return s, err
}

// Prompt returns a program's exact prompt.
func (c *Client) Prompt(ctx context.Context, program sys.Program) (p Prompt, err error) {
	err = c.call(ctx, "read prompt", http.MethodGet, "/api/prompt?"+url.Values{"program": {string(program)}}.Encode(), nil, &p)
	return p, err
}

// Fork begins a conversation with the past of another, up to entry at.
func (c *Client) Fork(ctx context.Context, id sys.Conversation, at string) (sys.Conversation, error) {
	in := map[string]string{}
	if at != "" {
		in["at"] = at
	}
	var out struct {
		ID sys.Conversation `json:"id"`
	}
	err := c.call(ctx, "fork conversation", http.MethodPost, "/api/conversations/"+url.PathEscape(string(id))+"/fork", in, &out)
	return out.ID, err
}
