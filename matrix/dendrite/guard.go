package dendrite

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	peers "github.com/element-hq/dendrite/federationapi/api"
	rooms "github.com/element-hq/dendrite/roomserver/api"
	"github.com/matrix-org/gomatrixserverlib/spec"
	"github.com/matrix-org/util"
)

// guard closes races of Dendrite. Two of them whoever joins at once and writes at once
// nearly always meets (a third is in turn.go):
//
//   - an event of a room that arrives while the answer to our own join of it is
//     being stored, is taken between the room's creation and our membership. The
//     room's state is rejected then, and may stay broken even after another join.
//   - the invited server's make_join may arrive before the invitation has been
//     stored here, and is refused.
//
// So what concerns a room in which one of these is under way, waits. Waiting costs
// memory and a connection, and anybody may send: at most mostHeld bytes and
// mostWaiting requests wait, each for at most longestWait. What is beyond is answered
// with 503, after which servers try again; nothing is lost by it.
type guard struct {
	mu      sync.Mutex
	busy    map[string]*gate
	turns   map[string]*turn // by room
	held    int64
	waiting int
}

// gate is something under way: how many times, and done when none is left.
type gate struct {
	n    int
	done chan struct{}
}

const (
	mostHeld    = 32 << 20
	mostBody    = 8 << 20 // of a transaction: 50 events and 100 notices
	mostWaiting = 128
	longestWait = 30 * time.Second
)

func newGuard() *guard { return &guard{busy: map[string]*gate{}, turns: map[string]*turn{}} }

// enter says that key is under way until the function is called that it returns.
func (g *guard) enter(key string) (leave func()) {
	g.mu.Lock()
	defer g.mu.Unlock()
	b := g.busy[key]
	if b == nil {
		b = &gate{done: make(chan struct{})}
		g.busy[key] = b
	}
	b.n++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		if b.n--; b.n == 0 {
			close(b.done)
			delete(g.busy, key)
		}
	}
}

// wait returns when none of keys is under way, false if that takes too long.
func (g *guard) wait(ctx context.Context, keys ...string) bool {
	ctx, cancel := context.WithTimeout(ctx, longestWait)
	defer cancel()
	for _, k := range keys {
		for {
			g.mu.Lock()
			b := g.busy[k]
			g.mu.Unlock()
			if b == nil {
				break
			}
			select {
			case <-b.done:
			case <-ctx.Done():
				return false
			}
		}
	}
	return true
}

// idle reports that nothing is under way, so that nothing need wait.
func (g *guard) idle() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return len(g.busy) == 0
}

// take reserves a place for a request of n bytes, if there is one.
func (g *guard) take(n int64) (give func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.waiting >= mostWaiting || g.held+n > mostHeld {
		return nil, false
	}
	g.waiting++
	g.held += n
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.waiting--
		g.held -= n
	}, true
}

const (
	sendPath      = "/_matrix/federation/v1/send/"
	joinPath      = "/_matrix/federation/v1/make_join/"
	joinedPath    = "/_matrix/federation/v2/send_join/"
	oldJoinedPath = "/_matrix/federation/v1/send_join/"
)

// wrap makes requests wait on their way to next.
func (g *guard) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch path := r.URL.EscapedPath(); {
		case strings.HasPrefix(path, joinPath):
			g.makeJoin(w, r, next)
		case strings.HasPrefix(path, joinedPath):
			g.sendJoin(w, r, next, joinedPath)
		case strings.HasPrefix(path, oldJoinedPath):
			g.sendJoin(w, r, next, oldJoinedPath)
		case r.Method == http.MethodPut && strings.HasPrefix(path, sendPath) && !g.idle() && !g.holdTransaction(w, r):
			comeAgain(w)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

// comeAgain refuses a request for now; else they see a broken answer.
func comeAgain(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Retry-After", "5")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = io.WriteString(w, `{"errcode":"M_LIMIT_EXCEEDED","error":"a room of this request is just being joined; try again"}`) // they have gone
}

// holdTransaction reads a transaction, and waits until none of its rooms is being
// joined. One that cannot be read goes on to Dendrite, which says why.
func (g *guard) holdTransaction(w http.ResponseWriter, r *http.Request) bool {
	size := r.ContentLength
	if size < 0 || size > mostBody {
		size = mostBody
	}
	give, ok := g.take(size)
	if !ok {
		return false
	}
	defer give()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, mostBody))
	if err != nil {
		r.Body = io.NopCloser(io.MultiReader(bytes.NewReader(body), broken{err}))
		return true
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	var t struct {
		PDUs []struct {
			Room string `json:"room_id"`
		} `json:"pdus"`
	}
	if json.Unmarshal(body, &t) != nil {
		return true
	}
	keys := make([]string, 0, len(t.PDUs))
	for _, e := range t.PDUs {
		keys = append(keys, joinKey(e.Room))
	}
	return g.wait(r.Context(), keys...)
}

// broken reads as an error.
type broken struct{ err error }

func (b broken) Read([]byte) (int, error) { return 0, b.err }

func joinKey(room string) string   { return "join " + room }
func inviteKey(room string) string { return "invite " + room }

// guardedPeers says when a room of another server is being joined.
type guardedPeers struct {
	peers.FederationInternalAPI
	g *guard
}

func (p guardedPeers) PerformJoin(ctx context.Context, req *peers.PerformJoinRequest, res *peers.PerformJoinResponse) {
	defer p.g.enter(joinKey(req.RoomID))()
	p.FederationInternalAPI.PerformJoin(ctx, req, res)
}

// guardedRooms says when somebody is being invited.
type guardedRooms struct {
	rooms.RoomserverInternalAPI
	g *guard
}

func (r guardedRooms) PerformInvite(ctx context.Context, req *rooms.PerformInviteRequest) error {
	defer r.g.enter(inviteKey(req.InviteInput.RoomID.String()))()
	return r.RoomserverInternalAPI.PerformInvite(ctx, req)
}

func (r guardedRooms) PerformCreateRoom(ctx context.Context, user spec.UserID, room spec.RoomID, req *rooms.PerformCreateRoomRequest) (string, *util.JSONResponse) {
	defer r.g.enter(inviteKey(room.String()))()
	return r.RoomserverInternalAPI.PerformCreateRoom(ctx, user, room, req)
}
