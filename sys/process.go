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

// WaitFor says what a waiting process waits for.
type WaitFor string

// What a process can wait for.
const (
	ForModel    WaitFor = "model"
	ForTool     WaitFor = "tool"
	ForChild    WaitFor = "child"
	ForApproval WaitFor = "approval" // the owner's answer
	ForTimer    WaitFor = "timer"
	ForMessage  WaitFor = "message"
)

// Class is how urgent a process is; a smaller one goes first.
type Class int8

// The classes.
const (
	Interactive Class = iota // the owner waits for the answer
	Background               // the owner asked, and does not wait
	Scheduled                // a schedule of the owner's
	Heartbeat                // the system's own look around
)

// Park says why a process is parked.
type Park string

// The reasons.
const (
	ForBudget  Park = "budget"  // what it may spend is spent
	ForStop    Park = "stop"    // the owner stopped it
	ForCrashes Park = "crashes" // Matrix OS died with it again and again
	ForNoModel Park = "model"   // no model answers
)

// Budget limits what something may use. Zero fields set no limit.
type Budget struct {
	USD     float64 `json:"usd,omitempty" yaml:"usd"`
	Tokens  int64   `json:"tokens,omitempty" yaml:"tokens"`
	Minutes float64 `json:"minutes,omitempty" yaml:"minutes"` // of wall time
	Calls   int     `json:"calls,omitempty" yaml:"calls"`     // system calls
	Files   int     `json:"files,omitempty" yaml:"files"`     // files changed in one landing
}

// Tokens is the sum of all tokens, cached ones included.
func (c Cost) Tokens() int64 { return c.Input + c.Output + c.CacheRead + c.CacheWrite }

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
	Since        time.Time    `json:"since,omitzero"` // when it entered the state
	WaitingFor   WaitFor      `json:"waiting_for,omitempty"`
	WaitingOn    string       `json:"waiting_on,omitempty"` // which one: the tool, the child, the question
	Parked       Park         `json:"parked,omitempty"`
	Class        Class        `json:"class,omitempty"`
	App          Slug         `json:"app,omitempty"` // the app it works for
	Model        string       `json:"model"`
	Label        Label        `json:"label"`
	Cost         Cost         `json:"cost"`
	Budget       Budget       `json:"budget,omitzero"`
	Reserved     float64      `json:"reserved,omitempty"` // dollars of the model request under way
	Steps        int          `json:"steps"`              // model requests so far
	Calls        int          `json:"calls"`              // system calls so far
	Started      time.Time    `json:"started"`
	Ended        time.Time    `json:"ended,omitzero"`
	RunMillis    int64        `json:"run_millis,omitempty"`   // time at work so far
	WaitMillis   int64        `json:"wait_millis,omitempty"`  // time in waiting so far
	ReadyMillis  int64        `json:"ready_millis,omitempty"` // time in the queues so far
	Resumed      int          `json:"resumed,omitempty"`      // how often it was taken up again
	Error        string       `json:"error,omitempty"`
}
