package test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"

	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/client"
	"matrixos/sys"
)

// window is an open window of an app, which calls as the app's code does.
type window struct {
	t          testing.TB
	c          *client.Client
	capability string
}

// api is a client of the home's gateway.
func (w *World) api() *client.Client {
	w.t.Helper()
	text, err := os.ReadFile(client.DaemonFile(w.Home))
	var d client.Daemon
	if err == nil {
		err = json.Unmarshal(text, &d)
	}
	if err != nil {
		w.t.Fatal(err)
	}
	c := client.New(client.Options{Base: d.Base, Token: d.Token})
	w.t.Cleanup(c.Close)
	return c
}

// sharing opens an app whose owner lets it share with others.
func (s *server) sharing(t testing.TB, app sys.Slug) *window {
	t.Helper()
	c := s.api()
	l, err := c.Launch(t.Context(), app)
	if err != nil {
		t.Fatal(err)
	}
	w := &window{t, c, l.Capability}
	if _, err := c.Bridge(t.Context(), l.Capability, "room.create", map[string]any{"title": "Not yet"}); sys.KindOf(err) != sys.NeedsApproval {
		t.Errorf("%s shares unasked: %v", app, err)
	}
	if err := c.Grant(t.Context(), app, "room", true); err != nil {
		t.Fatal(err)
	}
	return w
}

// call is one call, which has to succeed; into may be nil.
func (w *window) call(method string, params map[string]any, into any) {
	w.t.Helper()
	raw, err := w.c.Bridge(w.t.Context(), w.capability, method, params)
	if err == nil && into != nil {
		err = json.Unmarshal(raw, into)
	}
	if err != nil {
		w.t.Fatalf("%s %v: %v", method, params, err)
	}
}

type sharedView struct {
	Members []struct {
		ID     sys.Handle
		Joined bool
	}
	Values []struct {
		Key   string
		Value json.RawMessage
		By    sys.Handle
		Lost  []struct{ By sys.Handle }
	}
	Log, Lost []struct {
		ID    string
		By    sys.Handle
		Value json.RawMessage
	}
	Scores []sharedScore
	Unsent int
}

type sharedScore struct {
	By       sys.Handle
	Score    int64
	Key, Sig string
}

func (w *window) show(room string) (v sharedView) {
	w.t.Helper()
	w.call("room.show", map[string]any{"room": room}, &v)
	return v
}

// gist is what both sides have to show alike.
func (v sharedView) gist() string {
	out, err := json.Marshal([]any{v.Values, v.Log, v.Lost})
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// shareApps lets two people on two servers share a list and a game: what both do at once
// comes to the same on both sides, and what is forged reaches neither.
func shareApps(t *testing.T, anna, ben *server) {
	names := map[*server]sys.Handle{anna: sys.Handle("@anna:" + anna.domain), ben: sys.Handle("@ben:" + ben.domain)}
	annas, bens := anna.sharing(t, "shared-list"), ben.sharing(t, "shared-list")
	room := shareRoom(t, annas, bens, names[ben], "Groceries", false)
	both := func(method string, params func(who string) map[string]any) {
		var done sync.WaitGroup
		for who, w := range map[string]*window{"anna": annas, "ben": bens} {
			done.Go(func() { w.call(method, params(who), nil) })
		}
		done.Wait()
	}
	same := func(what string, is func(v sharedView) bool) (v sharedView) {
		t.Helper()
		Eventually(t, patience, what, func() bool {
			v = annas.show(room)
			return is(v) && v.Unsent == 0 && v.gist() == bens.show(room).gist()
		})
		return v
	}
	same("ben reads what was written before he came", func(v sharedView) bool { return len(v.Values) == 1 && v.Values[0].Key == "item/before" })
	both("room.set", func(who string) map[string]any {
		return map[string]any{"room": room, "key": "item/milk", "value": map[string]any{"text": who}}
	})
	for i := range 5 {
		both("room.set", func(who string) map[string]any {
			return map[string]any{"room": room, "key": fmt.Sprint("item/", who, i), "value": i}
		})
	}
	same("both lists are the same", func(v sharedView) bool { return len(v.Values) == 12 })

	annas, bens = anna.sharing(t, "four-in-a-row"), ben.sharing(t, "four-in-a-row")
	if _, err := annas.c.Bridge(t.Context(), annas.capability, "room.show", map[string]any{"room": room}); sys.KindOf(err) != sys.NotFound {
		t.Errorf("a game sees the list: %v", err)
	}
	room = shareRoom(t, annas, bens, names[ben], "A game", true)
	both("room.append", func(string) map[string]any { return map[string]any{"room": room, "value": map[string]any{"column": 3}} })
	v := same("one of two first moves counts", func(v sharedView) bool { return len(v.Log) == 1 && len(v.Lost) == 1 })
	loser := map[sys.Handle]*window{names[anna]: annas, names[ben]: bens}[v.Lost[0].By]
	loser.call("room.append", map[string]any{"room": room, "value": map[string]any{"column": 4}, "after": v.Log[0].ID}, nil)
	same("the other one goes on from it", func(v sharedView) bool { return len(v.Log) == 2 })

	annas.call("room.score", map[string]any{"room": room, "key": "wins", "value": 3}, nil)
	bens.call("room.score", map[string]any{"room": room, "key": "wins", "value": 2}, nil)
	Eventually(t, patience, "both scores are believed", func() bool { return len(annas.show(room).Scores) == 2 && len(bens.show(room).Scores) == 2 })
	forgeEntries(t, ben, annas, room)
}

// shareRoom makes a room of an app and has somebody accept the invitation.
func shareRoom(t *testing.T, maker, guest *window, who sys.Handle, title string, turns bool) string {
	t.Helper()
	var made struct{ ID string }
	maker.call("room.create", map[string]any{"title": title, "turns": turns}, &made)
	if !turns {
		maker.call("room.set", map[string]any{"room": made.ID, "key": "item/before", "value": map[string]any{"text": "tea"}}, nil)
	}
	maker.call("room.act", map[string]any{"room": made.ID, "action": "invite", "who": who}, nil)
	Eventually(t, patience, "the invitation says which app it is of", func() bool {
		type listed struct{ ID, Title, State string }
		var list struct{ Rooms []listed }
		guest.call("room.list", nil, &list)
		return slices.Contains(list.Rooms, listed{made.ID, title, "invited"})
	})
	guest.call("room.act", map[string]any{"room": made.ID, "action": "join"}, nil)
	Eventually(t, patience, "both are in it", func() bool {
		v := maker.show(made.ID)
		return len(v.Members) == 2 && v.Members[0].Joined && v.Members[1].Joined
	})
	return made.ID
}

// forgeEntries writes into a room, as ben by another client, what nobody has to believe; then
// something honest, behind which it is known that the rest has come.
func forgeEntries(t *testing.T, ben *server, annas *window, room string) {
	before := annas.show(room)
	i := slices.IndexFunc(before.Scores, func(s sharedScore) bool { return strings.HasPrefix(string(s.By), "@anna:") })
	who := ben.password("")
	p := signIn(t, ben.Addr, string(who.Handle), who.Password)
	say := func(content map[string]any) {
		t.Helper()
		if _, err := p.SendMessageEvent(t.Context(), id.RoomID(room), event.Type{Type: "os.matrix.app.entry", Class: event.MessageEventType}, content); err != nil {
			t.Fatal(err)
		}
	}
	proof := map[string]any{"at": 1, "key": before.Scores[i].Key, "sig": before.Scores[i].Sig}
	say(map[string]any{"v": 1, "n": 900, "kind": "score", "key": "wins", "value": "3", "proof": proof})
	say(map[string]any{"v": 1, "n": 901, "kind": "score", "key": "wins", "value": "99", "proof": proof})
	say(map[string]any{"v": 1, "n": 902, "kind": "set", "key": "big", "value": `"` + strings.Repeat("x", 20<<10) + `"`})
	say(map[string]any{"v": 1, "n": -1, "kind": "set", "key": "odd", "value": "1"})
	say(map[string]any{"v": "one", "kind": 7})
	honest := map[string]any{"v": 1, "n": 903, "kind": "set", "key": "honest", "value": "1"}
	say(honest)
	say(honest)
	Eventually(t, patience, "what is honest comes", func() bool { return len(annas.show(room).Values) > 0 })
	after := annas.show(room)
	if len(after.Values) != 1 || after.Values[0].Key != "honest" || len(after.Scores) != len(before.Scores) || len(after.Log) != len(before.Log) {
		t.Errorf("it shows %+v", after)
	}
}
