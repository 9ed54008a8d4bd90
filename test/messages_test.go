package test

import (
	"bytes"
	"context"
	"image"
	"image/png"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"
	"testing"

	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/proto"

	"matrixos/journal"
	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// friend is somebody else on the owner's homeserver, with a client of their own.
type friend struct {
	t  *testing.T
	c  *talk.Client
	j  *journal.Journal
	mu sync.Mutex

	heard []talk.Message
	keys  map[string]keyring.Secret
}

func (f *friend) Get(name string) (keyring.Secret, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	s, ok := f.keys[name]
	if !ok {
		return s, &sys.Error{Op: "get", Path: name, Kind: sys.NotFound}
	}
	return s, nil
}

func (f *friend) Set(name string, s keyring.Secret) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.keys[name] = s
	return nil
}

func (f *friend) Receive(_ context.Context, tx *journal.Tx, m talk.Message) error {
	tx.OnCommit(func() {
		f.mu.Lock()
		defer f.mu.Unlock()
		f.heard = append(f.heard, m)
	})
	return nil
}

func (f *friend) Invited(context.Context, talk.Invitation) (bool, error) { return true, nil }
func (f *friend) Seen(context.Context, talk.Sign)                        {}

// friendOf adds somebody to the homeserver of a home and signs them in.
func friendOf(t *testing.T, w *World, name string) *friend {
	t.Helper()
	var p struct{ Handle, Password string }
	w.Do("handle", "add", "@"+name, "--json").JSON(t, &p)
	signed := signIn(t, w.Addr, p.Handle, p.Password)
	f := &friend{t: t, keys: map[string]keyring.Secret{}}
	dir := t.TempDir()
	var err error
	if f.j, err = journal.Open(t.Context(), filepath.Join(dir, "kernel.db")); err != nil {
		t.Fatal(err)
	}
	f.c, err = talk.Open(t.Context(), talk.Options{
		Base: w.Addr, HTTP: http.DefaultClient, Dir: dir, Keys: f, Journal: f.j, Handler: f, Log: slog.New(slog.DiscardHandler),
		Account: matrix.Account{ID: sys.Handle(p.Handle), Device: string(signed.DeviceID), Token: keyring.NewSecret(signed.AccessToken)},
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); f.c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-ended
		if err := f.c.Close(); err != nil {
			t.Error(err)
		}
		if err := f.j.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

// hears waits for a message of which the words are known.
func (f *friend) hears(what string, is func(talk.Message) bool) (out talk.Message) {
	f.t.Helper()
	Eventually(f.t, 4*patience, what, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, m := range f.heard {
			if is(m) {
				out = m
				return true
			}
		}
		return false
	})
	return out
}

// says sends something, and returns its event.
func (f *friend) says(once, room, kind string, content map[string]any) (event string) {
	f.t.Helper()
	if err := f.j.Update(f.t.Context(), func(tx *journal.Tx) error {
		return f.c.Post(f.t.Context(), tx, talk.Letter{Once: once, Room: room, Type: kind, Content: content})
	}); err != nil {
		f.t.Fatal(err)
	}
	Eventually(f.t, 4*patience, once+" is sent", func() bool {
		var err error
		event, err = f.c.Sent(f.t.Context(), once)
		return err == nil
	})
	return event
}

func (d *Desk) click(selector, text string) {
	d.t.Helper()
	d.must(d.named(d.page, selector, text).Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
}

func (d *Desk) enter(selector, text string) {
	d.t.Helper()
	field := d.find(d.page, selector).Timeout(patience)
	d.must(field.Input(text))
	d.must(field.Type(input.Enter))
}

// Two people of one homeserver write to each other, one at the desktop and one with
// another client, in an encrypted chat.
func TestMessages(t *testing.T) {
	t.Parallel()
	w := NewWorld(t)
	w.untried = true
	w.Up()
	ben := friendOf(t, w, "ben")
	d := w.SignIn(Chromium(t), 1280, 860)
	d.must(d.find(d.page, `.dock button[aria-label="Messages"]`).Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
	d.click(".about-messages button", "Start a chat")
	d.enter(`.new-room input[name="people"]`, "ben")
	d.enter(`.write-line textarea`, "Shall we meet in the orchard?")
	asked := ben.hears("the question arrives", func(m talk.Message) bool { return m.Body == "Shall we meet in the orchard?" })
	if !asked.Encrypted || !asked.Verified {
		t.Errorf("it came as %+v", asked)
	}
	d.named(d.page, ".said .said-text", "orchard")

	answer := talk.Text("Yes, at noon", false)
	answer["m.relates_to"] = map[string]any{"m.in_reply_to": map[string]any{"event_id": asked.Event}}
	answered := ben.says("answer", asked.Room, "", answer)
	d.named(d.page, ".said .quoted", "orchard")
	d.named(d.page, ".said .said-text", "at noon")

	ben.says("reaction", asked.Room, "m.reaction", map[string]any{"m.relates_to": map[string]any{"rel_type": "m.annotation", "event_id": asked.Event, "key": "👍"}})
	d.named(d.page, ".reaction", "👍")

	edit := talk.Text("* Yes, at one", false)
	edit["m.new_content"] = talk.Text("Yes, at one", false)
	edit["m.relates_to"] = map[string]any{"rel_type": "m.replace", "event_id": answered}
	ben.says("edit", asked.Room, "", edit)
	d.named(d.page, ".said .said-text", "at one[^$]*edited")

	var picture bytes.Buffer
	if err := png.Encode(&picture, image.NewGray(image.Rect(0, 0, 40, 30))); err != nil {
		t.Fatal(err)
	}
	shown, err := ben.c.Attach(t.Context(), asked.Room, talk.File{Name: "tree.png", Type: "image/png", Content: picture.Bytes()})
	if err != nil {
		t.Fatal(err)
	}
	if shown["file"] == nil || shown["url"] != nil {
		t.Errorf("in an encrypted room a picture is sent as %v", shown)
	}
	ben.says("picture", asked.Room, "", shown)
	d.find(d.page, ".media img")
	Eventually(t, patience, "the picture is shown", func() bool {
		r, err := d.page.Eval(`() => document.querySelector(".media img")?.naturalWidth`)
		return err == nil && r.Value.Int() == 40
	})
	d.Shot("light")

	if _, err := ben.c.Create(t.Context(), "Cider press", []sys.Handle{asked.Sender}); err != nil {
		t.Fatal(err)
	}
	d.click(`.rooms section[aria-label="Invitations"] .room-item`, "Cider press")
	d.named(d.page, ".about-messages h2", "^ben invites you to “Cider press”$")

	d.must(d.find(d.page, `.rooms-search input`).Timeout(patience).Input("orch"))
	d.named(d.page, ".rooms .room-gist", "orchard")
	d.Scheme("dark")
	d.Shot("search-dark")
}
