package dendrite

import (
	"context"

	peers "github.com/element-hq/dendrite/federationapi/api"
	rooms "github.com/element-hq/dendrite/roomserver/api"
	"github.com/matrix-org/gomatrixserverlib"
	"github.com/matrix-org/gomatrixserverlib/fclient"
	"github.com/matrix-org/gomatrixserverlib/spec"
)

// gapless answers which events are missing before another with all of them, down to
// events whose state is known here, and with the room's first. Another server gives
// twenty at a time, and leaves some out.
//
// With less, Dendrite works out the state before the oldest of them. Where that event joins two
// strands, as it does when people wrote on both sides of a cut, it does so without
// the events that authorise that state, gets none, and rejects the event and all that
// follow: what was said would never be seen here. Before a room's first event there is no
// state to work out.
type gapless struct {
	peers.FederationInternalAPI
	rooms rooms.RoomserverInternalAPI
}

// What a gap may cost: rounds of requests, and events in all. A longer one is left to Dendrite.
const (
	mostRounds = 40
	mostMissed = 500
)

func (g gapless) LookupMissingEvents(
	ctx context.Context, origin, server spec.ServerName, room string, missing fclient.MissingEvents, version gomatrixserverlib.RoomVersion,
) (fclient.RespMissingEvents, error) {
	res, err := g.FederationInternalAPI.LookupMissingEvents(ctx, origin, server, room, missing, version)
	if err != nil || len(missing.LatestEvents) != 1 {
		return res, err
	}
	f := filling{gapless: g, origin: origin, server: server, room: room, version: version, have: map[string]gomatrixserverlib.PDU{}, known: map[string]gomatrixserverlib.PDU{}}
	f.add(res.Events)
	f.last = missing.LatestEvents[0]
	f.fetch(ctx, f.last)
	for range mostRounds {
		after, before := f.open(ctx)
		if len(after) == 0 || len(f.have) > mostMissed {
			break
		}
		missing.LatestEvents = after
		if more, err := g.FederationInternalAPI.LookupMissingEvents(ctx, origin, server, room, missing, version); err == nil {
			f.add(more.Events)
		}
		some := false
		for _, id := range before {
			some = f.have[id] != nil || f.fetch(ctx, id) || some
		}
		if !some {
			break
		}
	}
	return f.answer(f.create(ctx)), nil
}

// filling is one gap that is being filled.
type filling struct {
	gapless
	origin, server spec.ServerName
	room           string
	version        gomatrixserverlib.RoomVersion
	last           string                           // the event after the gap
	have           map[string]gomatrixserverlib.PDU // by id, with the last
	known          map[string]gomatrixserverlib.PDU // by id, of those before the gap that were asked for; nil if not known
}

// add takes events that another server sent; Dendrite checks their signatures.
func (f *filling) add(events gomatrixserverlib.EventJSONs) {
	for _, e := range events.UntrustedEvents(f.version) {
		if e.RoomID().String() == f.room {
			f.have[e.EventID()] = e
		}
	}
}

// fetch asks the other server for one event, and reports whether it came.
func (f *filling) fetch(ctx context.Context, id string) bool {
	if t, err := f.GetEvent(ctx, f.origin, f.server, id); err == nil {
		events := make(gomatrixserverlib.EventJSONs, len(t.PDUs))
		for i, e := range t.PDUs {
			events[i] = spec.RawJSON(e)
		}
		f.add(events)
	}
	return f.have[id] != nil
}

// open lists the events that follow what is neither there nor known, and what that is.
func (f *filling) open(ctx context.Context) (after, before []string) {
	for id, e := range f.have {
		open := false
		for _, p := range e.PrevEventIDs() {
			if f.have[p] != nil {
				continue
			}
			known, asked := f.known[p]
			if !asked {
				known = f.withState(ctx, p)
				f.known[p] = known
			}
			if known == nil {
				open, before = true, append(before, p)
			}
		}
		if open {
			after = append(after, id)
		}
	}
	return after, before
}

// withState finds an event whose state is known here; nil if there is none.
func (f *filling) withState(ctx context.Context, id string) gomatrixserverlib.PDU {
	var found rooms.QueryEventsByIDResponse
	if f.stateAfter(ctx, id) == nil { // an event may be here and have none
		return nil
	}
	if err := f.rooms.QueryEventsByID(ctx, &rooms.QueryEventsByIDRequest{RoomID: f.room, EventIDs: []string{id}}, &found); err != nil || len(found.Events) == 0 {
		return nil
	}
	return found.Events[0].PDU
}

// stateAfter is the room's first event as the state after an event has it; nil if that
// state is not known here.
func (f *filling) stateAfter(ctx context.Context, id string) gomatrixserverlib.PDU {
	var at rooms.QueryStateAfterEventsResponse
	err := f.rooms.QueryStateAfterEvents(ctx, &rooms.QueryStateAfterEventsRequest{
		RoomID: f.room, PrevEventIDs: []string{id}, StateToFetch: []gomatrixserverlib.StateKeyTuple{{EventType: spec.MRoomCreate}},
	}, &at)
	if err != nil || len(at.StateEvents) == 0 {
		return nil
	}
	return at.StateEvents[0].PDU
}

// create is the room's first event; nil if nothing before the gap is known.
func (f *filling) create(ctx context.Context) gomatrixserverlib.PDU {
	for id, e := range f.known {
		if e != nil {
			return f.stateAfter(ctx, id)
		}
	}
	return nil
}

// answer is all that was missing, what is known before, and the first.
func (f *filling) answer(first gomatrixserverlib.PDU) (res fclient.RespMissingEvents) {
	delete(f.have, f.last)
	if first != nil {
		f.have[first.EventID()] = first
	}
	for _, events := range []map[string]gomatrixserverlib.PDU{f.known, f.have} {
		for _, e := range events {
			if e != nil {
				res.Events = append(res.Events, spec.RawJSON(e.JSON()))
			}
		}
	}
	return res
}
