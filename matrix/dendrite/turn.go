package dendrite

import (
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"

	rooms "github.com/element-hq/dendrite/roomserver/api"
	"github.com/matrix-org/gomatrixserverlib/fclient"
	"github.com/matrix-org/gomatrixserverlib/spec"
)

// joinWithin is how long a server that has asked how to join a room may take to join it,
// before the next one is let in.
const joinWithin = 10 * time.Second

// turn is somebody joining a room. Two joins that begin at the same state of a room do not
// know of each other: either server is sent that state, and neither is told of
// the other until somebody says something. So one begins when the one before has
// been stored.
//
// It delays and does not decide: whoever has waited for joinWithin goes on without a turn,
// so that a server that asks and does not come keeps others waiting, and no more.
type turn struct {
	who  string // a server, or a user of this one
	done chan struct{}
}

// begin takes the turn of a room for who, when it is free. There is none to end, nil, if
// who has it already, and for one who has waited long enough.
func (g *guard) begin(ctx context.Context, room, who string) *turn {
	late := time.NewTimer(joinWithin)
	defer late.Stop()
	for {
		g.mu.Lock()
		before := g.turns[room]
		if before == nil {
			t := &turn{who, make(chan struct{})}
			g.turns[room] = t
			g.mu.Unlock()
			return t
		}
		g.mu.Unlock()
		if before.who == who {
			return nil
		}
		select {
		case <-before.done:
		case <-late.C:
			return nil
		case <-ctx.Done():
			return nil
		}
	}
}

// end lets the next one in, if t is still the turn of the room.
func (g *guard) end(room string, t *turn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if t != nil && g.turns[room] == t {
		delete(g.turns, room)
		close(t.done)
	}
}

// joined ends the turn of a server whose join of a room is stored.
func (g *guard) joined(room, server string) {
	g.mu.Lock()
	t := g.turns[room]
	g.mu.Unlock()
	if t != nil && t.who == server {
		g.end(room, t)
	}
}

// makeJoin lets a server ask how to join a room, when the invitations to it have been
// stored and it is the server's turn. Only who was answered keeps the turn: that is one whom
// Dendrite knows and the room lets in.
func (g *guard) makeJoin(w http.ResponseWriter, r *http.Request, next http.Handler) {
	room, user := roomAnd(r, joinPath)
	give, ok := g.take(0)
	if !ok {
		comeAgain(w)
		return
	}
	if ok = g.wait(r.Context(), inviteKey(room)); !ok {
		give()
		comeAgain(w)
		return
	}
	_, server, _ := strings.Cut(user, ":")
	t := g.begin(r.Context(), room, server)
	give()
	seen := &status{ResponseWriter: w}
	defer func() { // also of a goroutine that crash ends
		if seen.code != http.StatusOK {
			g.end(room, t)
			return
		}
		time.AfterFunc(joinWithin, func() { g.end(room, t) })
	}()
	next.ServeHTTP(seen, r)
}

// sendJoin takes a join, and ends the turn of the server that it comes from.
func (g *guard) sendJoin(w http.ResponseWriter, r *http.Request, next http.Handler, prefix string) {
	seen := &status{ResponseWriter: w}
	next.ServeHTTP(seen, r)
	if seen.code != http.StatusOK { // then nobody has shown who it is from
		return
	}
	room, _ := roomAnd(r, prefix)
	_, server, _, _, _ := fclient.ParseAuthorization(r.Header.Get("Authorization"))
	g.joined(room, string(server))
}

// status remembers what was answered, 0 while nothing was.
type status struct {
	http.ResponseWriter
	code int
}

func (s *status) WriteHeader(code int) {
	s.code = code
	s.ResponseWriter.WriteHeader(code)
}

func (s *status) Write(b []byte) (int, error) {
	if s.code == 0 {
		s.code = http.StatusOK
	}
	return s.ResponseWriter.Write(b)
}

// roomAnd is what a path names behind a prefix: a room, and a user or an event.
func roomAnd(r *http.Request, prefix string) (room, other string) {
	room, other, _ = strings.Cut(strings.TrimPrefix(r.URL.EscapedPath(), prefix), "/")
	return plain(room), plain(other)
}

// plain is a part of a path as it was before it was escaped; one that is nonsense names nothing.
func plain(part string) string {
	s, err := url.PathUnescape(part)
	if err != nil {
		return ""
	}
	return s
}

// PerformJoin is a join of a user of this server.
func (r guardedRooms) PerformJoin(ctx context.Context, req *rooms.PerformJoinRequest) (string, spec.ServerName, error) {
	if room := r.named(ctx, req.RoomIDOrAlias); room != "" {
		defer r.g.end(room, r.g.begin(ctx, room, req.UserID))
	}
	return r.RoomserverInternalAPI.PerformJoin(ctx, req)
}

// named is the room of an id, or of an alias of this server. One of another server's is
// empty: it is looked up there, and who lets in is most likely that server, with turns of
// its own.
func (r guardedRooms) named(ctx context.Context, name string) string {
	if strings.HasPrefix(name, "!") {
		return name
	}
	var known rooms.GetRoomIDForAliasResponse
	if err := r.GetRoomIDForAlias(ctx, &rooms.GetRoomIDForAliasRequest{Alias: name}, &known); err != nil {
		return "" // Dendrite asks the same, and says what is wrong
	}
	return known.RoomID
}
