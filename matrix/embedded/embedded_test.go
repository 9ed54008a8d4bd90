package embedded_test

import (
	"context"
	"net/http"
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/embedded"
)

// Two people of a home write to one another; what was said is there after a restart,
// and so are their devices.
func TestTwoPeopleTalk(t *testing.T) {
	o := embedded.Options{Domain: matrix.LocalDomain, Dir: t.TempDir(), Key: matrix.NewSigningKey()}
	hs := embedded.New(o)
	if got := hs.State().Phase; got != matrix.Idle {
		t.Errorf("before anybody needs it, it is %s", got)
	}
	anna, ben := client(t, hs, matrix.User{Local: "anna", Password: keyring.NewSecret("annas password")}), client(t, hs, matrix.User{Local: "ben"})
	room, err := anna.CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat", Invite: []id.UserID{ben.UserID}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ben.JoinRoomByID(t.Context(), room.RoomID); err != nil {
		t.Fatal(err)
	}
	sent, err := anna.SendText(t.Context(), room.RoomID, "hello")
	if err != nil {
		t.Fatal(err)
	}
	until(t, "the message arrives", func(ctx context.Context) bool {
		e, err := ben.GetEvent(ctx, room.RoomID, sent.EventID)
		return err == nil && e.Sender == anna.UserID && e.Type == event.EventMessage
	})
	if err := hs.Close(); err != nil {
		t.Fatal(err)
	}

	hs = embedded.New(o)
	t.Cleanup(func() {
		if err := hs.Close(); err != nil {
			t.Error(err)
		}
	})
	again, err := hs.EnsureUser(t.Context(), matrix.User{Local: "ben", Token: keyring.NewSecret(ben.AccessToken)})
	if err != nil || again.Token.Reveal() != ben.AccessToken {
		t.Fatalf("the device is another one: %v", err)
	}
	ben.Client = &http.Client{Transport: hs.Transport()}
	if e, err := ben.GetEvent(t.Context(), room.RoomID, sent.EventID); err != nil || e.Content.Raw["body"] != "hello" {
		t.Errorf("after the restart: %v %v", e, err)
	}
	signIn(t, hs)
}

// A password signs in any client; somebody without one cannot be signed in to.
func signIn(t *testing.T, hs matrix.Homeserver) {
	t.Helper()
	for user, want := range map[string]bool{"anna": true, "ben": false} {
		c, err := mautrix.NewClient(hs.BaseURL(), "", "")
		if err != nil {
			t.Fatal(err)
		}
		c.Client = matrix.Client(hs)
		for _, password := range []string{"annas password", ""} {
			_, err = c.Login(t.Context(), &mautrix.ReqLogin{
				Type: mautrix.AuthTypePassword, Password: password, Identifier: mautrix.UserIdentifier{Type: mautrix.IdentifierTypeUser, User: user},
			})
			if ok := err == nil; ok != (want && password != "") {
				t.Errorf("%s signs in with %q: %v", user, password, err)
			}
		}
	}
}

func client(t *testing.T, hs matrix.Homeserver, u matrix.User) *mautrix.Client {
	t.Helper()
	a, err := hs.EnsureUser(t.Context(), u)
	if err != nil {
		t.Fatal(err)
	}
	c, err := mautrix.NewClient(hs.BaseURL(), id.UserID(a.ID), a.Token.Reveal())
	if err != nil {
		t.Fatal(err)
	}
	c.Client = matrix.Client(hs)
	c.DeviceID = id.DeviceID(a.Device)
	return c
}

// until asks again and again.
func until(t *testing.T, what string, ok func(context.Context) bool) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for !ok(ctx) {
		select {
		case <-ctx.Done():
			t.Fatalf("waited in vain: %s", what)
		case <-time.After(20 * time.Millisecond):
		}
	}
}
