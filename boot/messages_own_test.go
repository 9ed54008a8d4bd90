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
	c := &copied{t: t, a: &social{}, b: &social{}, ben: ben}
	c.a.at.Store(anna.people)
	c.b.at.Store(ben.people)
	var err error
	if c.room, err = c.a.MakeRoom(c.t.Context(), gateway.NewRoom{People: []sys.Handle{"@ben:local"}}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the invitation comes", func() bool { return c.of().State == "invited" && c.of().Direct })
	if err := c.b.Attend(c.t.Context(), c.room, gateway.Attendance{Act: "join"}); err != nil {
		t.Fatal(err)
	}
	said := c.unreadThenRead()
	c.searched(said)
	c.mutedElsewhere(said)
	if _, err := c.a.Attach(c.t.Context(), c.room, "", gateway.RoomFile{Name: "big", Content: make([]byte, 11<<20)}); err == nil || !strings.Contains(err.Error(), "larger than 10 MB") {
		t.Errorf("a file that is too large: %v", err)
	}
	c.write(gateway.Writing{Redact: said})
	eventually(t, "what is taken back is not found", func() bool { return c.found("medlar") == 0 })
}

// copied is a room of Anna's and Ben's, and what Ben's home keeps of it.
type copied struct {
	t    *testing.T
	a, b *social
	ben  *System
	room string
}

// of is the room as Ben's home lists it.
func (c *copied) of() (r gateway.RoomInfo) {
	list, err := c.b.Rooms(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	for _, one := range list {
		if one.ID == c.room {
			return one
		}
	}
	return r
}

func (c *copied) write(w gateway.Writing) {
	c.t.Helper()
	if _, err := c.a.Write(c.t.Context(), c.room, w); err != nil {
		c.t.Fatal(err)
	}
}

func (c *copied) found(q string) int {
	list, err := c.b.SearchRooms(c.t.Context(), q, "", 10)
	if err != nil {
		c.t.Fatal(err)
	}
	return len(list)
}

// unreadThenRead has a message come that is meant for Ben, who reads it.
func (c *copied) unreadThenRead() (event string) {
	t := c.t
	c.write(gateway.Writing{Text: "The quince is ripe, @ben:local"})
	eventually(t, "it is unread", func() bool { return c.of().Unread == 1 && c.of().Meant == 1 && c.of().Direct })
	page, err := c.b.Timeline(c.t.Context(), c.room, "", 20)
	if err != nil || len(page.Messages) == 0 {
		t.Fatalf("%v %v", page, err)
	}
	event = page.Messages[len(page.Messages)-1].ID
	var told int
	if err := c.ben.disk.Journal().QueryRow(c.t.Context(), `SELECT count(*) FROM event WHERE kind = 'room' AND CAST(data AS TEXT) LIKE '%' || ? || '%"notify":true%'`, c.room).Scan(&told); err != nil || told != 1 {
		t.Errorf("the owner is told %d times %v", told, err)
	}
	if err := c.b.Attend(c.t.Context(), c.room, gateway.Attendance{Act: "read", Event: event}); err != nil || c.of().Unread != 0 {
		t.Errorf("it stays unread: %+v %v", c.of(), err)
	}
	return event
}

// searched finds the message by its words, and by those that it has after an edit.
func (c *copied) searched(event string) {
	if c.found("quin") != 1 || c.found(`"quince" OR (`) != 0 || c.found("*") != 0 {
		c.t.Errorf("the search finds %d %d", c.found("quin"), c.found("*"))
	}
	c.write(gateway.Writing{Text: "The medlar is ripe", Edits: event})
	eventually(c.t, "the edit is found", func() bool { return c.found("medlar") == 1 && c.found("quince") == 0 })
}

// mutedElsewhere mutes the room here, and has another client of his take that back.
func (c *copied) mutedElsewhere(read string) {
	t := c.t
	if err := c.b.Attend(c.t.Context(), c.room, gateway.Attendance{Act: "mute"}); err != nil || !c.of().Muted {
		t.Errorf("it is not muted: %v", err)
	}
	if err := c.ben.people.own.Mute(c.t.Context(), c.room, false); err != nil {
		t.Fatal(err)
	}
	eventually(t, "what another client unmutes is not muted here", func() bool { return !c.of().Muted })
	page, err := c.b.Timeline(c.t.Context(), c.room, "", 20)
	if err != nil || page.Read["@ben:local"] != read {
		t.Errorf("read: %v %v", page.Read, err)
	}
}

func TestHandlesInText(t *testing.T) {
	got := handlesIn("ask @ben:example.org, or @ada:localhost:8448. Not me@example.org; @ben:example.org.")
	if len(got) != 2 || got[0] != "@ben:example.org" || got[1] != "@ada:localhost:8448" {
		t.Errorf("%q", got)
	}
}
