package test

import (
	"testing"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/id"
)

// Three homes, each in a network namespace of its own, talk over a network that loses
// packets and sends some twice. One is cut off while all go on writing; when the cut
// is over, everybody has everything, once. Then two of them agree on a meeting, through
// a cut as well.
func TestFederationInTrouble(t *testing.T) {
	t.Parallel()
	net := newNetwork(t, 3)
	a := newAuthority(t)
	var homes []*server
	var people []*person
	for i, name := range []string{"anna", "ben", "cleo"} {
		s := newServerAt(t, a, name, net.ports[i])
		who := s.password("")
		p := signInBy(t, net.ports[i].client(), s.Addr, string(who.Handle), who.Password)
		p.listen(t)
		homes, people = append(homes, s), append(people, p)
	}
	net.bad(0.03, 0.03)
	room := assembly(t, people)
	sent := make([][]id.EventID, len(people))
	write := func(what string) {
		for i := range 8 {
			for n, p := range people {
				e, err := p.SendText(t.Context(), room, sprint(what, i))
				if err != nil {
					t.Fatalf("%s writes: %v", p.UserID, err)
				}
				sent[n] = append(sent[n], e.EventID)
			}
		}
	}
	write("on a bad line")
	net.part(0)
	write("while anna is cut off")
	heard := []map[string]int{{}, {}, {}}
	for i := 1; i < 3; i++ { // who are on one side hear each other
		people[i].awaitAlso(t, heard[i], sent[3-i])
	}
	net.part()
	for i, p := range people {
		var want []id.EventID
		for n := range people {
			if n != i {
				want = append(want, sent[n]...)
			}
		}
		p.awaitAlso(t, heard[i], want)
		for e, n := range heard[i] {
			if n > 1 {
				t.Errorf("%s heard %s %d times", p.UserID, e, n)
			}
		}
	}
	t.Run("meeting", func(t *testing.T) {
		agreeOnAMeeting(t, homes[0], homes[1], func() {
			net.part(0)
			time.AfterFunc(2*time.Second, func() { net.part() })
		})
	})
}

// assembly makes a room that all join at the same instant, and returns when each homeserver
// knows that all are in it; nobody has said anything by then.
func assembly(t *testing.T, people []*person) id.RoomID {
	t.Helper()
	var others []id.UserID
	for _, p := range people[1:] {
		others = append(others, p.UserID)
	}
	room, err := people[0].CreateRoom(t.Context(), &mautrix.ReqCreateRoom{Preset: "private_chat", Invite: others})
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range people {
		Eventually(t, 2*time.Minute, "all are known to "+string(p.UserID), func() bool {
			m, err := p.JoinedMembers(t.Context(), room.RoomID)
			return err == nil && len(m.Joined) == len(people)
		})
	}
	return room.RoomID
}
