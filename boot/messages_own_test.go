//go:build !race

package boot

import (
	"strings"
	"testing"

	"matrixos/gateway"
	"matrixos/sys"
)

// ownCopy is what the owner's copy of their rooms is good for: two of a family write to
// each other, and one looks.
func ownCopy(t *testing.T, anna, ben *System) {
	a, b := &social{}, &social{}
	a.at.Store(anna.people)
	b.at.Store(ben.people)
	ctx := t.Context()
	room, err := a.MakeRoom(ctx, gateway.NewRoom{People: []sys.Handle{"@ben:local"}})
	if err != nil {
		t.Fatal(err)
	}
	of := func() (r gateway.RoomInfo) {
		list, err := b.Rooms(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, one := range list {
			if one.ID == room {
				return one
			}
		}
		return r
	}
	eventually(t, "the invitation comes", func() bool { return of().State == "invited" && of().Direct })
	if err := b.Attend(ctx, room, gateway.Attendance{Act: "join"}); err != nil {
		t.Fatal(err)
	}
	write := func(w gateway.Writing) {
		t.Helper()
		if _, err := a.Write(ctx, room, w); err != nil {
			t.Fatal(err)
		}
	}
	write(gateway.Writing{Text: "The quince is ripe, @ben:local"})
	eventually(t, "it is unread", func() bool { return of().Unread == 1 && of().Meant == 1 && of().Direct })
	page, err := b.Timeline(ctx, room, "", 20)
	if err != nil || len(page.Messages) == 0 {
		t.Fatalf("%v %v", page, err)
	}
	said := page.Messages[len(page.Messages)-1]
	var told int
	if err := ben.disk.Journal().QueryRow(ctx, `SELECT count(*) FROM event WHERE kind = 'room' AND CAST(data AS TEXT) LIKE '%' || ? || '%"notify":true%'`, room).Scan(&told); err != nil || told != 1 {
		t.Errorf("the owner is told %d times %v", told, err)
	}
	if err := b.Attend(ctx, room, gateway.Attendance{Act: "read", Event: said.ID}); err != nil || of().Unread != 0 {
		t.Errorf("it stays unread: %+v %v", of(), err)
	}
	found := func(q string) int {
		list, err := b.SearchRooms(ctx, q, "", 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(list)
	}
	if found("quin") != 1 || found(`"quince" OR (`) != 0 || found("*") != 0 {
		t.Errorf("the search finds %d %d", found("quin"), found("*"))
	}
	write(gateway.Writing{Text: "The medlar is ripe", Edits: said.ID})
	eventually(t, "the edit is found", func() bool { return found("medlar") == 1 && found("quince") == 0 })
	if err := b.Attend(ctx, room, gateway.Attendance{Act: "mute"}); err != nil || !of().Muted {
		t.Errorf("it is not muted: %v", err)
	}
	if err := ben.people.own.Mute(ctx, room, false); err != nil { // as another client of his does
		t.Fatal(err)
	}
	eventually(t, "what another client unmutes is not muted here", func() bool { return !of().Muted })
	page, err = b.Timeline(ctx, room, "", 20)
	if err != nil || page.Read["@ben:local"] != said.ID {
		t.Errorf("read: %v %v", page.Read, err)
	}
	if _, err := a.Attach(ctx, room, "", gateway.RoomFile{Name: "big", Content: make([]byte, 11<<20)}); err == nil || !strings.Contains(err.Error(), "larger than 10 MB") {
		t.Errorf("a file that is too large: %v", err)
	}
	write(gateway.Writing{Redact: said.ID})
	eventually(t, "what is taken back is not found", func() bool { return found("medlar") == 0 })
}

func TestHandlesInText(t *testing.T) {
	got := handlesIn("ask @ben:example.org, or @ada:localhost:8448. Not me@example.org; @ben:example.org.")
	if len(got) != 2 || got[0] != "@ben:example.org" || got[1] != "@ada:localhost:8448" {
		t.Errorf("%q", got)
	}
}
