package front

import (
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// How far back one page of threads looks, and how many threads it has at most.
const (
	threadsScan = 1000
	threadsStep = 200
	threadsMost = 100
)

// event is one event as clients get it; fields that are not looked at stay as they are.
type event = map[string]any

// thread is what was found of one thread, the newest event first.
type thread struct {
	root   string
	latest event
	count  int
	mine   bool
}

// threads lists a room's threads, newest first, with their root events, which carry
// how many answers the scanned part of the room has. A thread that goes on in
// older parts may come again on a later page: clients know it by its root.
func (f *Front) threads(w http.ResponseWriter, r *http.Request) {
	who, status, body, err := f.caller(r)
	if err != nil || status != http.StatusOK {
		f.pass(w, r, status, body, err)
		return
	}
	q := r.URL.Query()
	limit, err := strconv.Atoi(q.Get("limit"))
	if err != nil || limit < 1 || limit > threadsMost {
		limit = threadsMost / 5
	}
	room := url.PathEscape(r.PathValue("room"))
	from := q.Get("from")
	var list []*thread
	by := map[string]*thread{}
	for scanned := 0; scanned < threadsScan && len(list) < limit; scanned += threadsStep {
		page := url.Values{"dir": {"b"}, "limit": {strconv.Itoa(threadsStep)}}
		if from != "" {
			page.Set("from", from)
		}
		var got struct {
			Chunk []event `json:"chunk"`
			End   string  `json:"end"`
		}
		if status, body, err = f.ask(r.Context(), r, "/_matrix/client/v3/rooms/"+room+"/messages", page, &got); err != nil || status != http.StatusOK {
			f.pass(w, r, status, body, err)
			return
		}
		for _, e := range got.Chunk {
			list = collect(list, by, e, who.User)
		}
		if from = got.End; from == "" || len(got.Chunk) == 0 {
			from = ""
			break
		}
	}
	roots := []event{}
	for _, t := range list {
		if q.Get("include") == "participated" && !t.mine {
			continue
		}
		var root event
		if status, _, err := f.ask(r.Context(), r, "/_matrix/client/v3/rooms/"+room+"/event/"+url.PathEscape(t.root), nil, &root); err != nil || status != http.StatusOK {
			continue // the caller may not see it
		}
		bundle(root, t)
		roots = append(roots, root)
	}
	answer := map[string]any{"chunk": roots}
	if from != "" {
		answer["next_batch"] = from
	}
	write(w, answer)
}

// collect adds e to the thread that it belongs to, if it does.
func collect(list []*thread, by map[string]*thread, e event, user string) []*thread {
	content, _ := e["content"].(map[string]any)
	relation, _ := content["m.relates_to"].(map[string]any)
	root, _ := relation["event_id"].(string)
	if relation["rel_type"] != "m.thread" || root == "" {
		return list
	}
	t := by[root]
	if t == nil {
		t = &thread{root: root, latest: e}
		by[root] = t
		list = append(list, t)
	}
	t.count++
	t.mine = t.mine || e["sender"] == user
	return list
}

// bundle puts what is known of a thread into its root, where clients look for it.
func bundle(root event, t *thread) {
	unsigned, _ := root["unsigned"].(map[string]any)
	if unsigned == nil {
		unsigned = map[string]any{}
	}
	relations, _ := unsigned["m.relations"].(map[string]any)
	if relations == nil {
		relations = map[string]any{}
	}
	relations["m.thread"] = map[string]any{"latest_event": t.latest, "count": t.count, "current_user_participated": t.mine}
	unsigned["m.relations"] = relations
	root["unsigned"] = unsigned
}

// summary tells what a room is before one joins it, from the hierarchy of spaces, of
// which every room is one without children.
func (f *Front) summary(w http.ResponseWriter, r *http.Request) {
	room := r.PathValue("room")
	if room != "" && room[0] == '#' {
		var alias struct {
			Room string `json:"room_id"`
		}
		if status, body, err := f.ask(r.Context(), r, "/_matrix/client/v3/directory/room/"+url.PathEscape(room), nil, &alias); err != nil || status != http.StatusOK {
			f.pass(w, r, status, body, err)
			return
		}
		room = alias.Room
	}
	path := url.PathEscape(room)
	var got struct {
		Rooms []map[string]any `json:"rooms"`
	}
	status, body, err := f.ask(r.Context(), r, "/_matrix/client/v1/rooms/"+path+"/hierarchy", url.Values{"limit": {"1"}, "max_depth": {"1"}}, &got)
	if err != nil || status != http.StatusOK {
		f.pass(w, r, status, body, err)
		return
	}
	if len(got.Rooms) == 0 {
		refuse(w, http.StatusNotFound, "M_NOT_FOUND", "there is no such room, or you may not see it")
		return
	}
	s := got.Rooms[0]
	delete(s, "children_state")
	s["membership"] = "leave"
	var state []event
	if status, _, err := f.ask(r.Context(), r, "/_matrix/client/v3/rooms/"+path+"/state", nil, &state); err == nil && status == http.StatusOK {
		who, _, _, err := f.caller(r)
		if err != nil {
			f.pass(w, r, 0, nil, err)
			return
		}
		fromState(s, state, who.User)
	}
	write(w, s)
}

// fromState adds what only the room's state tells.
func fromState(s map[string]any, state []event, user string) {
	for _, e := range state {
		content, _ := e["content"].(map[string]any)
		switch e["type"] {
		case "m.room.encryption":
			s["encryption"], s["im.nheko.summary.encryption"] = content["algorithm"], content["algorithm"]
		case "m.room.create":
			if v, ok := content["room_version"].(string); ok {
				s["room_version"], s["im.nheko.summary.room_version"] = v, v
			}
		case "m.room.member":
			if e["state_key"] == user {
				s["membership"] = content["membership"]
			}
		}
	}
}

// raw is r, or other if there is nothing in it.
func raw(r json.RawMessage, other string) json.RawMessage {
	if len(r) == 0 || string(r) == "null" {
		return json.RawMessage(other)
	}
	return r
}
