package sys

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// TaskID numbers the tasks of a home, from 1; numbers may be left out.
type TaskID int64

// String returns the form that people and models read, such as "T12".
func (t TaskID) String() string { return "T" + strconv.FormatInt(int64(t), 10) }

// ParseTaskID reads "T12", "t12" or "12".
func ParseTaskID(s string) (TaskID, error) {
	n, err := strconv.ParseInt(strings.TrimLeft(s, "Tt"), 10, 64)
	if err != nil || n < 1 {
		return 0, &Error{Op: "read task", Path: s, Kind: Invalid, Hint: "tasks are named T1, T2, …; list them to see which there are"}
	}
	return TaskID(n), nil
}

// Epoch tells the holders of one thing apart: it grows with each claim, and
// whoever comes with an old one is refused.
type Epoch int64

// TaskState is where a task stands; package ipc holds the table of legal
// transitions.
type TaskState string

// The task states.
const (
	TaskBlocked   TaskState = "blocked" // tasks it depends on are not done
	TaskReady     TaskState = "ready"
	TaskClaimed   TaskState = "claimed"
	TaskDone      TaskState = "done"
	TaskFailed    TaskState = "failed"
	TaskCancelled TaskState = "cancelled"
)

// Ended reports whether a task in s will never change again.
func (s TaskState) Ended() bool { return s == TaskDone || s == TaskFailed || s == TaskCancelled }

// Task is one piece of work that processes hand to each other.
type Task struct {
	ID        TaskID          `json:"id"`
	Type      string          `json:"type"`
	Input     json.RawMessage `json:"input,omitempty"`
	Priority  int             `json:"priority,omitempty"` // higher goes first
	DependsOn []TaskID        `json:"depends_on,omitempty"`
	Label     Label           `json:"label"`
	Creator   PID             `json:"creator,omitempty"`
	State     TaskState       `json:"state"`
	Owner     PID             `json:"owner,omitempty"` // who has claimed it
	Epoch     Epoch           `json:"epoch,omitempty"` // of the newest claim
	Lease     time.Time       `json:"lease,omitzero"`  // until when the claim holds
	Expired   int             `json:"expired,omitempty"`
	Output    json.RawMessage `json:"output,omitempty"`
	Reason    string          `json:"reason,omitempty"` // why it failed or was cancelled
	Created   time.Time       `json:"created"`
	Changed   time.Time       `json:"changed"`
}

// MailID numbers the messages between processes, from 1.
type MailID int64

// Address is where mail comes from or goes to: one process, or any process of a
// program. In From both may be set.
type Address struct {
	Process PID     `json:"process,omitempty"`
	Program Program `json:"program,omitempty"`
}

// String returns "12" for a process, else the program's name.
func (a Address) String() string {
	if a.Process != 0 {
		return strconv.FormatInt(int64(a.Process), 10)
	}
	return string(a.Program)
}

// ParseAddress reads the number of a process or the name of a program.
func ParseAddress(s string) (Address, error) {
	s = strings.TrimSpace(s)
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 0 {
		return Address{Process: PID(n)}, nil
	}
	if s == "" || len(s) > 64 || !slugForm.MatchString(s) {
		return Address{}, &Error{Op: "read address", Path: s, Kind: Invalid, Hint: "mail goes to the number of a process, such as 12, or to a program, such as kernel"}
	}
	return Address{Program: Program(s)}, nil
}

// MailState is where a message stands; package ipc holds the table of legal
// transitions.
type MailState string

// The states of a message.
const (
	MailSent      MailState = "sent"
	MailDelivered MailState = "delivered" // handed to a reader that has not confirmed it
	MailRead      MailState = "read"
	MailExpired   MailState = "expired" // nobody read it in time
)

// Mail is one message from a process to another.
type Mail struct {
	ID      MailID    `json:"id"`
	From    Address   `json:"from"`
	To      Address   `json:"to"`
	Content string    `json:"content"`
	Label   Label     `json:"label"`
	State   MailState `json:"state"`
	Reader  PID       `json:"reader,omitempty"`
	Sent    time.Time `json:"sent"`
	Expires time.Time `json:"expires"`
}

// EffectID numbers the effects in the outbox, from 1.
type EffectID int64

// EffectState is where an effect stands; package ipc holds the table of legal
// transitions.
type EffectState string

// The states of an effect.
const (
	EffectPending EffectState = "pending" // due, or waiting for its next attempt
	EffectClaimed EffectState = "claimed" // being delivered
	EffectDone    EffectState = "done"
	EffectDead    EffectState = "dead" // given up; the owner decides
)

// Effect is one act on the outside world that was decided and is carried out
// after its transaction has committed.
type Effect struct {
	ID       EffectID    `json:"id"`
	Kind     string      `json:"kind"`   // which deliverer: "telegram", "http"
	Target   string      `json:"target"` // deliveries to one target keep their order
	Payload  []byte      `json:"payload,omitempty"`
	Key      string      `json:"key"` // the idempotency key, the same at every attempt
	Label    Label       `json:"label"`
	Approval string      `json:"approval,omitempty"` // what allows it
	Process  PID         `json:"process,omitempty"`  // who wants it
	State    EffectState `json:"state"`
	Epoch    Epoch       `json:"epoch,omitempty"`
	Attempts int         `json:"attempts,omitempty"`
	Due      time.Time   `json:"due"`             // not before; while claimed, until when
	Error    string      `json:"error,omitempty"` // of the newest attempt
	Created  time.Time   `json:"created"`
}

// TaskData is the payload of EventTask.
type TaskData struct {
	ID      TaskID    `json:"id"`
	Type    string    `json:"type"`
	State   TaskState `json:"state"`
	Creator PID       `json:"creator,omitempty"`
	Owner   PID       `json:"owner,omitempty"`
	Reason  string    `json:"reason,omitempty"`
}

// MailData is the payload of EventMail; the content stays in its table.
type MailData struct {
	ID    MailID    `json:"id"`
	From  Address   `json:"from"`
	To    Address   `json:"to"`
	State MailState `json:"state"`
	Label Label     `json:"label"`
}

// EffectData is the payload of EventEffect; what it carries stays in its table.
type EffectData struct {
	ID       EffectID    `json:"id"`
	Kind     string      `json:"kind"`
	Target   string      `json:"target"`
	State    EffectState `json:"state"`
	Attempts int         `json:"attempts,omitempty"`
	Error    string      `json:"error,omitempty"`
}
