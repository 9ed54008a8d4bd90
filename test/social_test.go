package test

import (
	"bytes"
	"errors"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/client"
)

// post waits until the feed of a home has a post of which all is as wanted.
func (s *server) post(what string, is func(client.Post) bool) (out client.Post) {
	s.t.Helper()
	var page client.PostPage
	defer func() {
		if s.t.Failed() {
			s.t.Logf("the feed is %+v", page)
		}
	}()
	Eventually(s.t, 4*patience, what, func() bool {
		page = client.PostPage{}
		s.Do("feed", "--json").JSON(s.t, &page)
		i := slices.IndexFunc(page.Posts, is)
		if i >= 0 {
			out = page.Posts[i]
		}
		return i >= 0
	})
	return out
}

func says(text string) func(client.Post) bool {
	return func(p client.Post) bool { return p.Message.Body == text }
}

// socialLife lets people of two homes follow each other, and somebody with a plain
// Matrix client take part.
func socialLife(t *testing.T, anna, ben *server) {
	an, be := "@anna:"+anna.domain, "@ben:"+ben.domain
	anna.Do("post", "The oven is warm")
	warm := anna.post("Anna's own feed has it", says("The oven is warm"))
	ben.Do("follow", an)
	if p := ben.post("Ben reads what was posted before he followed", says("The oven is warm")); string(p.Of) != an || p.Circle != "public" || p.AI {
		t.Errorf("Ben has %+v", p)
	}
	t.Run("desktop", func(t *testing.T) { socialDesktop(t, ben, "Keep me a loaf") })
	anna.post("like and comment reach Anna", func(p client.Post) bool {
		return p.Message.ID == warm.Message.ID && len(p.Likes) == 1 && p.Comments == 1
	})
	t.Run("circle", func(t *testing.T) { circleOfFriends(t, anna, ben, an, be) })
	t.Run("plain client", func(t *testing.T) { plainFollower(t, anna, ben, an, warm) })
	t.Run("profile", func(t *testing.T) {
		anna.Do("profile", "set", "--name", "Anna B.", "--about", "Bakes rye.")
		Eventually(t, 4*patience, "Ben reads who Anna is", func() bool {
			var p client.Profile
			ben.Do("profile", an, "--json").JSON(t, &p)
			return p.Name == "Anna B." && p.About == "Bakes rye." && slices.Contains(p.Follows, "friends")
		})
	})
	ben.Do("feed", "unlike", warm.Message.ID)
	anna.post("the like is taken back", func(p client.Post) bool {
		return p.Message.ID == warm.Message.ID && !slices.Contains(p.Likes, "@ben:"+sysHandle(ben.domain))
	})
	ben.Do("unfollow", an)
	var page client.PostPage
	if ben.Do("feed", "--json").JSON(t, &page); len(page.Posts) != 0 {
		t.Errorf("Ben follows Anna no longer, and reads %+v", page.Posts)
	}
	Eventually(t, 4*patience, "Anna sees that Ben is gone", func() bool { return !strings.Contains(anna.Do("circle").Stdout, be) })
	for who, status := range map[string]int{"@nobody:" + anna.domain: 1, "@anna:localhost:1": 1, "anna": 2, an + "x": 1} {
		if r := ben.Run("follow", who); r.Status != status || r.Stderr == "" {
			t.Errorf("follow %s: %d %s", who, r.Status, r.Stderr)
		}
	}
}

// socialDesktop has Ben like and comment, post a picture and take it back, by hand.
func socialDesktop(t *testing.T, ben *server, words string) {
	d := ben.SignIn(Chromium(t), 1280, 860)
	d.click(`.dock button[aria-label="Social"]`, ".*")
	d.named(d.page, ".post .said-text", "The oven is warm")
	d.click(`.post-act[aria-label^="Like,"]`, ".*")
	d.find(d.page, `.post-act[aria-pressed="true"]`)
	d.click(`.post-act[aria-expanded]`, ".*")
	d.enter(".comment-line textarea", words)
	d.named(d.page, ".comment .said-text", words)

	var picture bytes.Buffer
	file := filepath.Join(t.TempDir(), "oven.png")
	if err := errors.Join(png.Encode(&picture, image.NewGray(image.Rect(0, 0, 40, 30))), os.WriteFile(file, picture.Bytes(), 0o600)); err != nil {
		t.Fatal(err)
	}
	d.must(d.find(d.page, `.compose input[type="file"]`).SetFiles([]string{file}))
	d.named(d.page, ".compose-file", "oven.png")
	d.must(d.find(d.page, ".compose textarea").Timeout(patience).Input("My oven"))
	d.click(".compose button", "Post")
	d.find(d.page, ".post .media img")
	Eventually(t, patience, "the picture is shown", func() bool {
		r, err := d.page.Eval(`() => document.querySelector(".post .media img")?.naturalWidth`)
		return err == nil && r.Value.Int() == 40
	})
	d.Shot("feed")
	posted := ben.post("the picture is posted", says("My oven"))
	if posted.Message.Kind != "m.image" || posted.Circle != "public" {
		t.Errorf("it is posted as %+v", posted)
	}
	d.click(`.post[aria-label^="ben"] .post-more`, ".*")
	d.click(".menu button", "Take back")
	Eventually(t, patience, "it is gone", func() bool {
		is, _, err := d.page.Has(".post .media img")
		return err == nil && !is
	})
}

// circleOfFriends invites Ben, who reads what is posted there from then on.
func circleOfFriends(t *testing.T, anna, ben *server, an, be string) {
	anna.Do("circle", "add", "friends", be)
	var invited client.Followed
	Eventually(t, 4*patience, "Ben is invited", func() bool {
		var list []client.Followed
		ben.Do("follow", "--json").JSON(t, &list)
		i := slices.IndexFunc(list, func(f client.Followed) bool { return f.State == "invited" })
		if i >= 0 {
			invited = list[i]
		}
		return i >= 0
	})
	if string(invited.Of) != an || invited.Circle != "friends" {
		t.Errorf("the invitation is %+v", invited)
	}
	ben.Do("follow", invited.Room)
	Eventually(t, 4*patience, "Anna knows that Ben has joined", func() bool { return strings.Contains(anna.Do("circle").Stdout, be) })
	anna.Do("post", "--circle", "friends", "Ring twice")
	if p := ben.post("Ben reads it", says("Ring twice")); p.Circle != "friends" {
		t.Errorf("it came as %+v", p)
	}
	if r := anna.Run("post", "--circle", "freinds", "Ring twice"); r.Status == 0 || !strings.Contains(r.Stderr, "circle make freinds") {
		t.Errorf("a circle that is not there: %d %s", r.Status, r.Stderr)
	}
}

// plainFollower follows, likes and comments by the client API alone, until Anna has had
// enough of him.
func plainFollower(t *testing.T, anna, ben *server, an string, warm client.Post) {
	who := ben.password("@carl")
	carl := signIn(t, ben.Addr, string(who.Handle), who.Password)
	alias := "#feed_anna:" + anna.domain
	joined, err := carl.JoinRoom(t.Context(), alias, &mautrix.ReqJoinRoom{Via: []string{anna.domain}})
	if err != nil {
		t.Fatal(err)
	}
	send := func(kind event.Type, content map[string]any) {
		if _, err := carl.SendMessageEvent(t.Context(), joined.RoomID, kind, content); err != nil {
			t.Fatal(err)
		}
	}
	root := id.EventID(warm.Message.ID)
	send(event.EventReaction, map[string]any{"m.relates_to": map[string]any{"rel_type": "m.annotation", "event_id": root, "key": "🔥"}})
	send(event.EventMessage, map[string]any{"msgtype": "m.text", "body": "Me too", "m.relates_to": map[string]any{"rel_type": "m.thread", "event_id": root}})
	send(event.EventMessage, map[string]any{"msgtype": "m.text", "body": "Hello everybody"})
	anna.post("what Carl says to it reaches Anna", func(p client.Post) bool {
		return p.Message.ID == warm.Message.ID && len(p.Likes) == 2 && p.Comments == 2
	})
	var page client.PostPage
	if anna.Do("feed", "--json").JSON(t, &page); slices.ContainsFunc(page.Posts, says("Hello everybody")) {
		t.Errorf("what a follower says outside of threads is a post: %+v", page.Posts)
	}
	if !strings.Contains(anna.Do("circle").Stdout, alias) {
		t.Errorf("the circles are %s", anna.Do("circle").Stdout)
	}
	anna.Do("people", "block", string(who.Handle))
	anna.post("Anna sees nothing of Carl", func(p client.Post) bool {
		return p.Message.ID == warm.Message.ID && len(p.Likes) == 1 && p.Comments == 1
	})
	Eventually(t, 4*patience, "Carl is shut out", func() bool {
		_, err := carl.SendText(t.Context(), joined.RoomID, "Hello?")
		return err != nil
	})
	if _, err := carl.JoinRoom(t.Context(), alias, &mautrix.ReqJoinRoom{Via: []string{anna.domain}}); err == nil {
		t.Error("Carl, who is blocked, follows again")
	}
}
