package front

import (
	"encoding/json"
	"strconv"
)

// syncAnswer is what of the homeserver's sync is used.
type syncAnswer struct {
	Next     string `json:"next_batch"`
	Global   events `json:"account_data"`
	ToDevice struct {
		Events []json.RawMessage `json:"events"`
	} `json:"to_device"`
	Lists    json.RawMessage `json:"device_lists"`
	OneTime  json.RawMessage `json:"device_one_time_keys_count"`
	Fallback json.RawMessage `json:"device_unused_fallback_key_types"`
	Rooms    struct {
		Join   map[string]*joinedRoom `json:"join"`
		Invite map[string]struct {
			State events `json:"invite_state"`
		} `json:"invite"`
		Leave map[string]struct {
			State    events   `json:"state"`
			Timeline timeline `json:"timeline"`
		} `json:"leave"`
	} `json:"rooms"`
}

type events struct {
	Events []event `json:"events"`
}

type timeline struct {
	Events  []event `json:"events"`
	Limited bool    `json:"limited"`
	Before  string  `json:"prev_batch"`
}

type joinedRoom struct {
	Summary struct {
		Heroes  []string `json:"m.heroes"`
		Joined  *int     `json:"m.joined_member_count"`
		Invited *int     `json:"m.invited_member_count"`
	} `json:"summary"`
	State     events   `json:"state"`
	Timeline  timeline `json:"timeline"`
	Ephemeral events   `json:"ephemeral"`
	Data      events   `json:"account_data"`
	Unread    struct {
		All       int `json:"notification_count"`
		Highlight int `json:"highlight_count"`
	} `json:"unread_notifications"`
}

// answer makes of what is new the answer of sliding sync, and moves the stream on. The
// caller holds c.mu.
func (c *connection) answer(q *slidingRequest, got *syncAnswer, box *inbox) map[string]any {
	c.readDirect(got.Global.Events)
	rooms := map[string]any{}
	typing, receipts, data := map[string]any{}, map[string]any{}, map[string]any{}
	for id, room := range got.Rooms.Join {
		rooms[id] = c.joined(id, room)
		for _, e := range room.Ephemeral.Events {
			switch e["type"] {
			case "m.typing":
				typing[id] = event{"type": "m.typing", "content": e["content"]}
			case "m.receipt":
				receipts[id] = event{"type": "m.receipt", "content": e["content"]}
			}
		}
		if len(room.Data.Events) > 0 {
			data[id] = room.Data.Events
		}
	}
	for id, room := range got.Rooms.Invite {
		state := list(room.State.Events)
		rooms[id] = event{"initial": true, "invite_state": state, "stripped_state": state, "required_state": []event{}, "timeline": []event{}, "is_dm": c.direct[id]}
	}
	for id, room := range got.Rooms.Leave {
		delete(c.known, id)
		rooms[id] = event{"required_state": currentState(room.State.Events, room.Timeline.Events), "timeline": list(room.Timeline.Events)}
	}
	c.pos++
	c.since[c.pos] = got.Next
	delete(c.since, c.pos-2)
	lists := map[string]any{}
	for name := range q.Lists {
		lists[name] = map[string]int{"count": len(c.known)}
	}
	extensions := map[string]any{}
	for name, x := range q.Extensions {
		if x.Enabled == nil || !*x.Enabled {
			continue
		}
		switch name {
		case "to_device":
			events, next := box.page(x.Limit)
			extensions[name] = map[string]any{"next_batch": next, "events": events}
		case "e2ee":
			extensions[name] = map[string]any{
				"device_lists": raw(got.Lists, `{}`), "device_one_time_keys_count": raw(got.OneTime, `{}`), "device_unused_fallback_key_types": raw(got.Fallback, `[]`),
			}
		case "account_data":
			extensions[name] = map[string]any{"global": list(got.Global.Events), "rooms": data}
		case "typing":
			extensions[name] = map[string]any{"rooms": typing}
		case "receipts":
			extensions[name] = map[string]any{"rooms": receipts}
		}
	}
	answer := map[string]any{"pos": strconv.Itoa(c.pos), "lists": lists, "rooms": rooms, "extensions": extensions}
	if q.Txn != "" {
		answer["txn_id"] = q.Txn
	}
	return answer
}

// readDirect keeps which rooms are direct chats.
func (c *connection) readDirect(global []event) {
	for _, e := range global {
		if e["type"] != "m.direct" {
			continue
		}
		clear(c.direct)
		people, _ := e["content"].(map[string]any)
		for _, rooms := range people {
			ids, _ := rooms.([]any)
			for _, id := range ids {
				if s, ok := id.(string); ok {
					c.direct[s] = true
				}
			}
		}
	}
}

// joined is one room of which something is new. Clients take its state from
// required_state only, so the timeline's is there as well.
func (c *connection) joined(id string, room *joinedRoom) event {
	initial := !c.known[id]
	c.known[id] = true
	state := currentState(room.State.Events, room.Timeline.Events)
	out := event{
		"initial": initial, "required_state": state, "timeline": list(room.Timeline.Events), "limited": room.Timeline.Limited,
		"prev_batch": room.Timeline.Before, "notification_count": room.Unread.All, "highlight_count": room.Unread.Highlight, "is_dm": c.direct[id],
	}
	if !initial {
		out["num_live"] = len(room.Timeline.Events)
	}
	if room.Summary.Joined != nil {
		out["joined_count"] = *room.Summary.Joined
	}
	if room.Summary.Invited != nil {
		out["invited_count"] = *room.Summary.Invited
	}
	newest := 0.0
	for _, e := range room.Timeline.Events {
		if at, ok := e["origin_server_ts"].(float64); ok {
			newest = max(newest, at)
		}
	}
	if newest > 0 {
		out["bump_stamp"] = int64(newest)
	}
	members := map[string]map[string]any{}
	for _, e := range state {
		content, _ := e["content"].(map[string]any)
		switch e["type"] {
		case "m.room.name":
			out["name"] = content["name"]
		case "m.room.avatar":
			out["avatar"] = content["url"]
		case "m.room.member":
			if who, ok := e["state_key"].(string); ok {
				members[who] = content
			}
		}
	}
	var heroes []event
	for _, h := range room.Summary.Heroes {
		hero := event{"user_id": h}
		for _, field := range []string{"displayname", "avatar_url"} {
			if v := members[h][field]; v != nil {
				hero[field] = v
			}
		}
		heroes = append(heroes, hero)
	}
	if heroes != nil {
		out["heroes"] = heroes
	}
	return out
}

// currentState is the newest state event of each type and key.
func currentState(state, timeline []event) []event {
	at := map[string]int{}
	out := []event{}
	for _, part := range [][]event{state, timeline} {
		for _, e := range part {
			key, ok := e["state_key"].(string)
			if !ok {
				continue
			}
			kind, _ := e["type"].(string)
			name := kind + "\x00" + key
			if i, known := at[name]; known {
				out[i] = e
				continue
			}
			at[name] = len(out)
			out = append(out, e)
		}
	}
	return out
}

// list is never null in JSON.
func list(e []event) []event {
	if e == nil {
		return []event{}
	}
	return e
}
