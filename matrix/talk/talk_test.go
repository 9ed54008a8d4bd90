package talk

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/journal"
	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/embedded"
	"matrixos/sys"
)

// person is a client with what it heard.
type person struct {
	t    *testing.T
	dir  string
	keys *keyring.Keyring
	j    *journal.Journal
	c    *Client

	mu    sync.Mutex
	heard []Message
	shy   bool // joins nothing
	fails int  // how often Receive is still to fail

	device  string
	changed []sys.Handle
	stop    func()
}

func (p *person) Receive(_ context.Context, tx *journal.Tx, m Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if m.Sender == p.c.Me() {
		return nil
	}
	if p.fails > 0 {
		p.fails--
		return fmt.Errorf("the disk is full")
	}
	tx.OnCommit(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.heard = append(p.heard, m)
	})
	return nil
}

func (p *person) Invited(context.Context, Invitation) (bool, error) { return !p.shy, nil }
func (p *person) Seen(context.Context, Sign)                        {}

func (p *person) bodies() (out []string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, m := range p.heard {
		out = append(out, m.Body)
	}
	return out
}

func newPerson(t *testing.T, hs matrix.Homeserver, local string) *person {
	t.Helper()
	p := &person{t: t, dir: t.TempDir(), keys: newKeys(t), device: "HOME" + local}
	p.start(hs, local)
	return p
}

func newKeys(t *testing.T) *keyring.Keyring {
	t.Helper()
	dir, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	k, err := keyring.Open(filepath.Join(dir, "keyring.json"), keyring.Options{Outside: dir, Env: func(name string) string {
		if name == "XDG_STATE_HOME" {
			return state
		}
		return ""
	}})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// start runs the client; a second time it is another life of the same.
func (p *person) start(hs matrix.Homeserver, local string) {
	p.t.Helper()
	var err error
	if p.j, err = journal.Open(p.t.Context(), filepath.Join(p.dir, "kernel.db")); err != nil {
		p.t.Fatal(err)
	}
	account, err := matrix.SignIn(p.t.Context(), hs, p.keys, matrix.User{Local: local, Device: p.device})
	if err != nil {
		p.t.Fatal(err)
	}
	p.c, err = Open(p.t.Context(), Options{
		Base: hs.BaseURL(), HTTP: matrix.Client(hs), Account: account, Dir: filepath.Join(p.dir, "m"), Keys: p.keys, Journal: p.j, Handler: p, Log: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); p.c.Run(ctx) }()
	p.stop = sync.OnceFunc(func() {
		cancel()
		<-ended
		if err := p.c.Close(); err != nil {
			p.t.Error(err)
		}
		if err := p.j.Close(); err != nil {
			p.t.Error(err)
		}
	})
	p.t.Cleanup(func() { p.stop() })
}

func (p *person) post(l Letter) {
	p.t.Helper()
	if err := p.j.Update(p.t.Context(), func(tx *journal.Tx) error { return p.c.Post(p.t.Context(), tx, l) }); err != nil {
		p.t.Fatal(err)
	}
}

func until(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("%s: it never happened", what)
}

// One server and two people serve all of it: starting them is what costs.
func TestClients(t *testing.T) {
	hs := embedded.New(embedded.Options{Domain: matrix.LocalDomain, Dir: t.TempDir(), Key: matrix.NewSigningKey()})
	t.Cleanup(func() {
		if err := hs.Close(); err != nil {
			t.Error(err)
		}
	})
	anna, ben := newPerson(t, hs, "anna"), newPerson(t, hs, "ben")
	t.Run("a direct room is encrypted, and the first words arrive", func(t *testing.T) {
		anna.post(Letter{Once: "1", Person: ben.c.Me(), Content: Text("hello", false)})
		until(t, "hello arrives", func() bool { return len(ben.bodies()) == 1 })
		m := ben.heard[0]
		if m.Body != "hello" || m.Sender != "@anna:local" || !m.Encrypted || !m.Verified || m.Kind != "m.text" {
			t.Errorf("%+v", m)
		}
		ben.post(Letter{Once: "1", Person: anna.c.Me(), Content: Text("hello yourself", false)})
		until(t, "the answer arrives", func() bool { return slices.Contains(anna.bodies(), "hello yourself") })
		members, err := ben.c.Members(t.Context(), m.Room)
		if err != nil || !slices.Equal(members, []sys.Handle{"@anna:local", "@ben:local"}) {
			t.Errorf("%v %v", members, err)
		}
	})
	room := ben.heard[0].Room
	t.Run("posted twice is sent once", func(t *testing.T) {
		for range 3 {
			anna.post(Letter{Once: "twice", Room: room, Content: Text("once only", false)})
		}
		anna.post(Letter{Once: "after", Room: room, Content: Text("after it", false)})
		until(t, "both arrive", func() bool { return slices.Contains(ben.bodies(), "after it") })
		if got := ben.bodies(); !slices.Equal(got, []string{"hello", "once only", "after it"}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("what could not be kept comes again", func(t *testing.T) {
		ben.mu.Lock()
		ben.fails = 2
		ben.mu.Unlock()
		anna.post(Letter{Once: "again", Room: room, Content: Text("try again", false)})
		until(t, "it arrives", func() bool { return slices.Contains(ben.bodies(), "try again") })
	})
	t.Run("a crash between sending and noting it", func(t *testing.T) {
		anna.stop()
		ben.stop()
		anna.start(hs, "anna")
		if err := anna.j.Update(t.Context(), func(tx *journal.Tx) error {
			_, err := tx.Exec(t.Context(), `UPDATE matrix_out SET state = 'sending' WHERE once IN ('after', 'again')`)
			return err
		}); err != nil {
			t.Fatal(err)
		}
		for i := range 3 {
			anna.post(Letter{Once: fmt.Sprint("late", i), Room: room, Content: Text(fmt.Sprint("late ", i), false)})
		}
		until(t, "all is sent", func() bool { _, err := anna.c.Sent(t.Context(), "late2"); return err == nil })
		ben.heard = nil
		ben.start(hs, "ben")
		until(t, "what was said meanwhile arrives", func() bool { return slices.Contains(ben.bodies(), "late 2") })
		if got := ben.bodies(); !slices.Equal(got, []string{"late 0", "late 1", "late 2"}) {
			t.Errorf("%q", got)
		}
	})
	t.Run("a refused letter does not hold up others", func(t *testing.T) {
		anna.post(Letter{Once: "nowhere", Room: "!nowhere:local", Content: Text("x", false)})
		anna.post(Letter{Once: "somewhere", Room: room, Content: Text("still here", false)})
		until(t, "the other one arrives", func() bool { return slices.Contains(ben.bodies(), "still here") })
		until(t, "the other is given up", func() bool { _, err := anna.c.Sent(t.Context(), "nowhere"); return sys.KindOf(err) == sys.Refused })
	})
	t.Run("what was said before the invitation is not for the invited", func(t *testing.T) {
		ben.heard = nil
		resp, err := anna.c.api.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat"})
		if err != nil {
			t.Fatal(err)
		}
		say := func(text string) {
			if _, err := anna.c.api.SendMessageEvent(t.Context(), resp.RoomID, event.EventMessage, Text(text, false)); err != nil {
				t.Fatal(err)
			}
		}
		say("secret plans")
		if _, err := anna.c.api.InviteUser(t.Context(), resp.RoomID, &mautrix.ReqInviteUser{UserID: id.UserID(ben.c.Me())}); err != nil {
			t.Fatal(err)
		}
		say("welcome")
		until(t, "the welcome arrives", func() bool { return slices.Contains(ben.bodies(), "welcome") })
		if slices.Contains(ben.bodies(), "secret plans") {
			t.Error("it heard what was said before")
		}
	})
	t.Run("a room that is joined before its join is to be seen", func(t *testing.T) { tooEarly(t, ben) })
	t.Run("pictures come small", func(t *testing.T) { smallPictures(t, anna, ben, room) })
	t.Run("emoji are compared in a room", func(t *testing.T) { inRoomVerification(t, anna, ben) })
	t.Run("verifications that there are not", func(t *testing.T) { foreignVerification(t, anna, ben) })
	t.Run("keys that were lost come back", func(t *testing.T) { lostKeys(t, hs, anna, ben, room) })
	t.Run("an identity that has changed", func(t *testing.T) { replacedIdentity(t, hs, anna, ben, room) })
}
