package sys

import "time"

// State is where a process stands in its life.
type State string

// The process states; kernel holds the table of legal transitions.
const (
	Created State = "created"
	Ready   State = "ready"
	Running State = "running"
	Waiting State = "waiting" // for a model, a tool, a child, an approval, a timer or a message
	Landing State = "landing"
	Done    State = "done"
	Failed  State = "failed"
	Killed  State = "killed"
	Parked  State = "parked" // budget spent, STOP, or crash loop
)

// Ended reports whether a process in s will never run again.
func (s State) Ended() bool { return s == Done || s == Failed || s == Killed }

// Cost is what model requests have used. USD is an estimate where Estimated.
type Cost struct {
	Input      int64   `json:"input"`       // tokens, cached ones not counted
	Output     int64   `json:"output"`      // tokens
	CacheRead  int64   `json:"cache_read"`  // tokens
	CacheWrite int64   `json:"cache_write"` // tokens
	USD        float64 `json:"usd"`
	Estimated  bool    `json:"estimated,omitempty"`
}

// Add returns the sum of both.
func (c Cost) Add(d Cost) Cost {
	return Cost{
		c.Input + d.Input, c.Output + d.Output, c.CacheRead + d.CacheRead, c.CacheWrite + d.CacheWrite,
		c.USD + d.USD, c.Estimated || d.Estimated,
	}
}

// Sub returns c without d, nothing below zero.
func (c Cost) Sub(d Cost) Cost {
	return Cost{
		max(c.Input-d.Input, 0), max(c.Output-d.Output, 0), max(c.CacheRead-d.CacheRead, 0), max(c.CacheWrite-d.CacheWrite, 0),
		max(c.USD-d.USD, 0), c.Estimated,
	}
}

// Process is one row of the process table, as everybody outside the kernel
// sees it.
type Process struct {
	PID          PID          `json:"pid"`
	Parent       PID          `json:"parent,omitempty"`
	Program      Program      `json:"program"`
	Conversation Conversation `json:"conversation"`
	Request      RequestID    `json:"request"`
	Task         string       `json:"task"` // the first line of what it was asked
	State        State        `json:"state"`
	WaitingFor   string       `json:"waiting_for,omitempty"`
	Model        string       `json:"model"`
	Label        Label        `json:"label"`
	Cost         Cost         `json:"cost"`
	Steps        int          `json:"steps"` // model requests so far
	Calls        int          `json:"calls"` // system calls so far
	Started      time.Time    `json:"started"`
	Ended        time.Time    `json:"ended,omitzero"`
	Error        string       `json:"error,omitempty"`
}
