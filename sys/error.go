package sys

import (
	"context"
	"errors"
	"strings"
)

// Kind says what went wrong, from a closed set; callers decide by it, and the
// command line derives its exit code from it. A Kind is itself an error, so
// that errors.Is(err, sys.NotFound) works on anything wrapped.
type Kind string

// The closed set of error kinds.
const (
	Internal      Kind = "internal"       // a fault of ours
	Invalid       Kind = "invalid"        // the caller's words are off
	NotFound      Kind = "not found"      // no such thing
	Exists        Kind = "exists"         // there is one already
	Conflict      Kind = "conflict"       // somebody else changed it first
	Refused       Kind = "refused"        // policy says no
	NeedsApproval Kind = "needs approval" // the owner has to say yes
	OverBudget    Kind = "over budget"    // the reservation was not granted
	NotVerified   Kind = "not verified"   // done, but a check is not green
	Held          Kind = "held"           // another process holds it
	TooNew        Kind = "too new"        // written by a newer version
	NoSpace       Kind = "no space"       // the disk is full
	Unavailable   Kind = "unavailable"    // something outside does not answer
	Unauthorized  Kind = "unauthorized"   // a key or token is wrong
	Canceled      Kind = "canceled"       // stopped on request
)

func (k Kind) Error() string { return string(k) }

// ExitCode is the process exit status for k; see the README's table.
func (k Kind) ExitCode() int {
	switch k {
	case Invalid:
		return 2
	case NeedsApproval:
		return 3
	case Refused:
		return 4
	case OverBudget:
		return 5
	case Conflict:
		return 6
	case NotVerified:
		return 7
	case Internal, NotFound, Exists, Held, TooNew, NoSpace, Unavailable, Unauthorized, Canceled:
		return 1
	}
	return 1
}

// Error is how failures travel between packages: what was attempted, on what,
// which kind of failure, why, and the way out in words that an owner can act on.
type Error struct {
	Op   string // a verb and its object: "open home"
	Path string // the thing: a path, an id, an address; may be empty
	Kind Kind
	Err  error  // the cause; may be nil
	Hint string // the way out; may be empty
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Path != "" {
		b.WriteString(" " + e.Path)
	}
	b.WriteString(": ")
	if e.Err != nil {
		b.WriteString(e.Err.Error())
	} else {
		b.WriteString(string(e.Kind))
	}
	if e.Hint != "" {
		b.WriteString("; " + e.Hint)
	}
	return b.String()
}

// Unwrap yields the kind and the cause.
func (e *Error) Unwrap() []error {
	if e.Err == nil {
		return []error{e.Kind}
	}
	return []error{e.Kind, e.Err}
}

// KindOf finds the outermost Kind in err; Internal if it has none, and "" for nil.
func KindOf(err error) Kind {
	if err == nil {
		return ""
	}
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Kind
	}
	var k Kind
	switch {
	case errors.As(err, &k):
		return k
	case errors.Is(err, context.Canceled):
		return Canceled
	}
	return Internal
}

// HintOf finds the outermost hint in err, or "".
func HintOf(err error) string {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.Hint
	}
	return ""
}
