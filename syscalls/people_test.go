package syscalls_test

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"matrixos/disk"
	"matrixos/policy"
	"matrixos/sys"
	"matrixos/syscalls"
	"matrixos/test/machine"
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

// The AI posts for a circle only what the owner sees before, unless a rule of theirs names
// the circle; and once it has read the feed, which is text from outside, it asks again
// unless the rule says that this too may go.
func TestPostsForACircleUnderPolicy(t *testing.T) {
	const friends = `{"rules":[{"effect":"message","target":"circle:friends","then":"allow"}]}`
	for _, c := range []struct {
		rules string
		reads bool // the feed, before it posts
		asked int
	}{
		{``, false, 1},
		{friends, false, 0},
		{friends, true, 1},
		{strings.Replace(friends, `"then"`, `"untrusted":true,"then"`, 1), true, 0},
		{strings.Replace(friends, "friends", "family", 1), false, 1},
	} {
		out := &others{}
		m := machine.Boot(t, as(t, func(do func(string, machine.Obj) string, refuse func(string, machine.Obj, string)) {
			if c.reads {
				for _, what := range []string{"feed", "feed:@bob:b.example"} {
					if said := do("matrix_read", machine.Obj{"with": what}); !strings.Contains(said, "liked by 2, 0 comments] Rye!") {
						t.Errorf("%s is %q", what, said)
					}
				}
				refuse("matrix_read", machine.Obj{"with": "feed:bob"}, "user id")
			}
			if said := do("matrix_send", machine.Obj{"to": "circle:friends", "text": "A loaf"}); !strings.Contains(said, "circle friends") {
				t.Errorf("it said %q", said)
			}
		}), func(o *syscalls.Options) { o.Social = out })
		if c.rules != "" {
			if _, err := m.Disk.Write(t.Context(), disk.Write{Files: map[sys.Path][]byte{policy.RulesFile: []byte(c.rules)}, Kind: sys.ByOwner, Title: "Rules"}); err != nil {
				t.Fatal(err)
			}
		}
		asked := yes(t, m)
		if a, _ := m.Ask("go"); !a.OK {
			t.Fatalf("%+v", a)
		}
		if n := asked(); n != c.asked || out.count() != 1 {
			t.Errorf("with %q, the feed read %v: the owner is asked %d times, want %d; %d posts", c.rules, c.reads, n, c.asked, out.count())
		}
	}
}
