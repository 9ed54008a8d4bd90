package syscalls_test

import (
	"context"
	"sync"
	"time"

	"matrixos/sys"
	"matrixos/syscalls"
)

// others are the people outside, whom a crash leaves as they are.
type others struct {
	mu    sync.Mutex
	said  map[string]bool // by the name of the message
	moves int
}

func (o *others) Say(_ context.Context, _ sys.Handle, _, once string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.said == nil {
		o.said = map[string]bool{}
	}
	o.said[once] = true
	return nil
}

func (o *others) Heard(context.Context, sys.Handle, int) ([]syscalls.Said, error) {
	return []syscalls.Said{{By: "@bob:b.example", At: time.Now(), Text: "See you."}}, nil
}

func (o *others) Post(_ context.Context, circle, text, once string) error {
	if circle != "friends" {
		return &sys.Error{Op: "find circle", Path: circle, Kind: sys.NotFound}
	}
	return o.Say(context.Background(), "", text, once)
}

func (o *others) Feed(context.Context, sys.Handle, int) ([]syscalls.Said, error) {
	return []syscalls.Said{{By: "@bob:b.example", At: time.Now(), Text: "[public, liked by 2, 0 comments] Rye!"}}, nil
}

func (o *others) Propose(context.Context, syscalls.Proposal) (string, error) { return o.moved() }
func (o *others) Move(context.Context, string, string, string, time.Time) (string, error) {
	return o.moved()
}

func (o *others) moved() (string, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.moves++
	return "aaaaaaaa meeting “Lunch”", nil
}

func (o *others) Deals(context.Context) (string, error) { return "aaaaaaaa meeting “Lunch”", nil }

func (o *others) With(_ context.Context, id string) (sys.Handle, error) {
	if id != "aaaaaaaa" {
		return "", &sys.Error{Op: "find deal", Path: id, Kind: sys.NotFound}
	}
	return "@bob:b.example", nil
}

func (o *others) count() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.said) + o.moves
}
