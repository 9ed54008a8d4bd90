package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"

	"matrixos/sys"
)

// notes is the log as people read it: a time, what happened, and why, a line
// each. A hint of an error comes on a line of its own.
type notes struct {
	w     io.Writer
	style style
	level slog.Level
	with  []slog.Attr
	group string
	mu    *sync.Mutex // shared by all that With makes; above w
}

var _ slog.Handler = (*notes)(nil)

// Enabled implements slog.Handler.
func (n *notes) Enabled(_ context.Context, l slog.Level) bool { return l >= n.level }

// WithAttrs implements slog.Handler.
func (n *notes) WithAttrs(as []slog.Attr) slog.Handler {
	c := *n
	c.with = append([]slog.Attr(nil), n.with...)
	for _, a := range as {
		a.Key = n.group + a.Key
		c.with = append(c.with, a)
	}
	return &c
}

// WithGroup implements slog.Handler.
func (n *notes) WithGroup(name string) slog.Handler {
	c := *n
	c.group += name + "."
	return &c
}

// Handle implements slog.Handler.
func (n *notes) Handle(_ context.Context, r slog.Record) error {
	var b bytes.Buffer
	text := printable(r.Message)
	switch {
	case r.Level >= slog.LevelError:
		text = n.style.bad(text)
	case r.Level < slog.LevelInfo:
		text = n.style.dim(text)
	}
	fmt.Fprintf(&b, "%s %s", n.style.dim(r.Time.Format("15:04:05")), text)
	hint := ""
	note := func(a slog.Attr) {
		v := a.Value.Resolve()
		s := v.String()
		if err, ok := v.Any().(error); ok {
			s, hint = explain(err)
			fmt.Fprintf(&b, ": %s", oneLine(s, 300))
			return
		}
		fmt.Fprintf(&b, "  %s", n.style.dim(a.Key+"="+oneLine(s, 200)))
	}
	for _, a := range n.with {
		note(a)
	}
	r.Attrs(func(a slog.Attr) bool {
		a.Key = n.group + a.Key
		note(a)
		return true
	})
	b.WriteByte('\n')
	for line := range strings.SplitSeq(hint, "\n") {
		if line != "" {
			fmt.Fprintf(&b, "         %s\n", n.style.dim(printable(line)))
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if _, err := n.w.Write(b.Bytes()); err != nil {
		return &sys.Error{Op: "write log", Kind: sys.Unavailable, Err: err}
	}
	return nil
}
