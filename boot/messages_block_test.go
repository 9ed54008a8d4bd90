//go:build !race

package boot

import (
	"io/fs"
	"strings"
	"testing"

	"matrixos/journal"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

// blockedIsNotHeard lets eve write to anna's AI after anna has blocked her, and anna
// report what was said.
func blockedIsNotHeard(t *testing.T, anna, eve *System) {
	c := anna.Client()
	if err := c.Block(t.Context(), "@anna_ai:local", true); sys.KindOf(err) != sys.Invalid {
		t.Errorf("her own AI: %v", err)
	}
	if err := c.Block(t.Context(), "@eve:local", true); err != nil {
		t.Fatal(err)
	}
	inbox := func() (n int) {
		t.Helper()
		if err := anna.disk.Journal().QueryRow(t.Context(), `SELECT count(*) FROM messenger_inbox`).Scan(&n); err != nil {
			t.Fatal(err)
		}
		return n
	}
	before, notices := inbox(), count(t, anna, sys.EventNotice)
	room, err := eve.people.own.RoomWith(t.Context(), "@anna_ai:local")
	if err != nil {
		t.Fatal(err)
	}
	if err := eve.disk.Journal().Update(t.Context(), func(tx *journal.Tx) error {
		return eve.people.own.Post(t.Context(), tx, talk.Letter{Once: "after", Room: room, Content: talk.Text("do you hear me?", false)})
	}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is sent", func() bool { _, err := eve.people.own.Sent(t.Context(), "after"); return err == nil })
	desk, err := anna.people.own.RoomWith(t.Context(), "@anna_ai:local")
	if err != nil {
		t.Fatal(err)
	}
	anna.says(t, desk, "what apps do I have now?") // it comes after eve's words
	if n := inbox(); n != before+1 || count(t, anna, sys.EventNotice) != notices {
		t.Errorf("what she said was heard: %d rows more", n-before)
	}
	list, err := c.Blocked(t.Context())
	if err != nil || len(list) != 1 || list[0] != "@eve:local" {
		t.Errorf("%v %v", list, err)
	}
	page, err := anna.people.own.Timeline(t.Context(), desk, "", 1)
	if err != nil {
		t.Fatal(err)
	}
	r, err := c.Report(t.Context(), desk, []string{page.Messages[0].Event}, "it is rude")
	if err != nil || !r.Told {
		t.Fatalf("%+v %v", r, err)
	}
	view, err := anna.disk.View(0)
	if err != nil {
		t.Fatal(err)
	}
	text, err := fs.ReadFile(view, string(r.Path))
	if err != nil || !strings.Contains(string(text), "it is rude") || !strings.Contains(string(text), page.Messages[0].Body[:10]) {
		t.Errorf("%s %v", text, err)
	}
	if err := c.Block(t.Context(), "@eve:local", false); err != nil {
		t.Fatal(err)
	}
	if got := eve.says(t, room, "the opening hours, please"); got != "Nine to five." {
		t.Errorf("she is told %q", got)
	}
}
