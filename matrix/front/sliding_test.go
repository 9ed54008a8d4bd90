package front_test

import (
	"net/http"
	"net/url"
	"testing"
)

const syncPath = "/_matrix/client/unstable/org.matrix.simplified_msc3575/sync"

// slide asks once; pos "" begins anew.
func (w *world) slide(who, pos string, q object) object {
	w.t.Helper()
	path := syncPath + "?timeout=20000"
	if pos != "" {
		path += "&pos=" + pos
	}
	return w.must(who, "POST", path, q)
}

func position(o object) string { s, _ := o["pos"].(string); return s }

// find looks for an event with a body in a room of an answer.
func find(o object, room, body string) bool {
	rooms, _ := o["rooms"].(object)
	r, _ := rooms[room].(object)
	list, _ := r["timeline"].([]any)
	for _, e := range list {
		content, _ := e.(object)["content"].(object)
		if content["body"] == body {
			return true
		}
	}
	return false
}

// A client gets its rooms, then what is new; an answer that got lost comes again; after
// a restart it is told to begin anew.
func sliding(t *testing.T, w *world) {
	room := w.room("anna", object{"preset": "private_chat", "name": "Slide"})
	q := object{"conn_id": "rooms", "lists": object{"all": object{"ranges": [][]int{{0, 19}}, "timeline_limit": 10, "required_state": [][]string{{"*", "*"}}}}}
	first := w.slide("anna", "", q)
	rooms, _ := first["rooms"].(object)
	got, _ := rooms[room].(object)
	if got["initial"] != true || got["name"] != "Slide" || len(got["required_state"].([]any)) == 0 {
		t.Fatalf("the room is %v", got)
	}
	w.say("anna", room, "s1", object{"msgtype": "m.text", "body": "news"})
	second := w.slide("anna", position(first), q)
	for range 5 { // the message may come one answer later
		if find(second, room, "news") {
			break
		}
		first, second = second, w.slide("anna", position(second), q)
	}
	if again := w.slide("anna", position(first), q); !find(again, room, "news") {
		t.Errorf("the lost answer does not come again: %v", again)
	}
	w.open()
	if status, got := w.call("anna", "POST", syncPath+"?pos="+position(second), q); status != http.StatusBadRequest || got["errcode"] != "M_UNKNOWN_POS" {
		t.Errorf("after a restart: %d %v", status, got)
	}
}

// A message to a device reaches it, although another connection of it has gone on, and
// although the front is restarted between; and it comes once when it is acknowledged.
func devices(t *testing.T, w *world) {
	on := true
	rooms := object{"conn_id": "room-list", "lists": object{"all": object{"ranges": [][]int{{0, 19}}}}}
	crypto := func(since string) object {
		x := object{"enabled": on}
		if since != "" {
			x["since"] = since
		}
		return object{"conn_id": "encryption", "extensions": object{"to_device": x, "e2ee": object{"enabled": on}}}
	}
	list := w.slide("ben", "", rooms)
	w.must("anna", "PUT", "/_matrix/client/v3/sendToDevice/m.test/1", object{"messages": object{"@ben:local": object{"MATRIXOS": object{"n": 1}}}})
	room := w.room("ben", object{"preset": "private_chat"})
	for range 3 { // the other connection goes on
		list = w.slide("ben", position(list), rooms)
		w.say("ben", room, position(list), object{"msgtype": "m.text", "body": url.QueryEscape(position(list))})
	}
	w.open()
	inbox := func(o object) ([]any, string) {
		x, _ := o["extensions"].(object)
		d, _ := x["to_device"].(object)
		events, _ := d["events"].([]any)
		next, _ := d["next_batch"].(string)
		return events, next
	}
	got := w.slide("ben", "", crypto(""))
	events, next := inbox(got)
	if len(events) != 1 {
		t.Fatalf("the device got %v", events)
	}
	again := w.slide("ben", "", crypto("")) // it did not say that it has it
	if events, _ := inbox(again); len(events) != 1 {
		t.Errorf("it does not come again: %v", events)
	}
	w.say("ben", room, "last", object{"msgtype": "m.text", "body": "last"})
	if events, _ := inbox(w.slide("ben", position(again), crypto(next))); len(events) != 0 {
		t.Errorf("it comes again: %v", events)
	}
}
