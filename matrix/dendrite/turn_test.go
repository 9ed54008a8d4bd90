package dendrite

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	rooms "github.com/element-hq/dendrite/roomserver/api"
	"github.com/matrix-org/gomatrixserverlib/spec"
)

// door is a guard before a server that refuses strangers and takes everybody else's joins.
type door struct {
	*guard
	http.Handler
}

func newDoor() door {
	g := newGuard()
	return door{g, g.wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(r.URL.Path, "stranger") || strings.Contains(r.Header.Get("Authorization"), "forged") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		_, _ = w.Write([]byte("{}"))
	}))}
}

// asks reports how a request to join was answered, when it was.
func (d door) asks(user string) chan int {
	done := make(chan int, 1)
	go func() {
		w := httptest.NewRecorder()
		d.ServeHTTP(w, httptest.NewRequest(http.MethodGet, joinPath+"%21a%3Ax/"+user, nil))
		done <- w.Code
	}()
	synctest.Wait()
	return done
}

func (d door) joins(path, from string) {
	r := httptest.NewRequest(http.MethodPut, path+"%21a%3Ax/$event", nil)
	r.Header.Set("Authorization", `X-Matrix origin="`+from+`",key="ed25519:1",sig="s"`)
	d.ServeHTTP(httptest.NewRecorder(), r)
	synctest.Wait()
}

// Who would join a room at the same instant as another comes after them; whoever asks and does
// not come, is refused, or pretends to have come, changes nothing for the others.
func TestJoinsOfARoomWaitForEachOther(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		waits := func(c chan int, what string) {
			t.Helper()
			if len(c) != 0 {
				t.Errorf("%s does not wait", what)
			}
		}
		goesOn := func(c chan int, what string) {
			t.Helper()
			synctest.Wait()
			if len(c) != 1 {
				t.Fatalf("%s still waits", what)
			}
			<-c
		}
		goesOn(d.asks("@stranger:y"), "one who is refused")
		goesOn(d.asks("@ben:y"), "the first")
		goesOn(d.asks("@ben:y"), "the first, who asks again,")
		second := d.asks("@cleo:z")
		waits(second, "the second")
		d.joins(joinedPath, "x-forged:y")
		d.joins(joinedPath, "z")
		waits(second, "after joins of others, the second")
		d.joins(joinedPath, "y")
		goesOn(second, "the second")
		third := d.asks("@dora:q")
		waits(third, "the third")
		d.joins(oldJoinedPath, "z")
		goesOn(third, "the third")
		begun := time.Now()
		last := d.asks("@eve:p") // dora never comes
		waits(last, "the last")
		if <-last; time.Since(begun) != joinWithin {
			t.Errorf("the last waited %s", time.Since(begun))
		}
		time.Sleep(2 * joinWithin)
		if len(d.turns) != 0 || d.waiting != 0 {
			t.Errorf("left behind: %d turns, %d requests", len(d.turns), d.waiting)
		}
	})
}

// A user of this server has their turn as servers have.
func TestAJoinFromHereHasItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		mine := d.begin(t.Context(), "!a:x", "@anna:x")
		theirs := d.asks("@ben:y")
		if len(theirs) != 0 {
			t.Error("ben's server does not wait")
		}
		d.end("!a:x", mine)
		<-theirs
		begun := time.Now()
		if again := d.begin(t.Context(), "!a:x", "@carl:x"); time.Since(begun) == 0 {
			t.Errorf("carl does not wait for ben: %v", again)
		}
		time.Sleep(joinWithin)
	})
}

// aliased is the rooms of a server, of which one has a name and is joined at once.
type aliased struct{ rooms.RoomserverInternalAPI }

func (aliased) GetRoomIDForAlias(_ context.Context, req *rooms.GetRoomIDForAliasRequest, res *rooms.GetRoomIDForAliasResponse) error {
	if req.Alias == "#a:x" {
		res.RoomID = "!a:x"
	}
	return nil
}

func (aliased) PerformJoin(_ context.Context, req *rooms.PerformJoinRequest) (string, spec.ServerName, error) {
	return req.RoomIDOrAlias, "", nil
}

// Who joins by an alias waits as who joins by the id does; an alias of another server's is
// no room here.
func TestAJoinByAliasHasItsTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := newDoor()
		joins := func(name string) chan string {
			done := make(chan string, 1)
			go func() {
				room, _, err := guardedRooms{aliased{}, d.guard}.PerformJoin(t.Context(), &rooms.PerformJoinRequest{RoomIDOrAlias: name, UserID: "@anna:x"})
				if err != nil {
					t.Error(err)
				}
				done <- room
			}()
			synctest.Wait()
			return done
		}
		<-d.asks("@ben:y")
		for _, name := range []string{"#a:x", "!a:x"} {
			if len(joins(name)) != 0 {
				t.Errorf("who joins %s does not wait", name)
			}
		}
		if len(joins("#a:z")) != 1 {
			t.Error("who joins a room of another server waits")
		}
		d.joins(joinedPath, "y")
		if len(d.turns) != 0 {
			t.Errorf("%d turns are left behind", len(d.turns))
		}
		time.Sleep(joinWithin)
	})
}

// Two who join a room from two other servers at the same instant are known to each other's
// server, though nobody says anything.
func TestWhoJoinsAtTheSameInstantIsKnownToAll(t *testing.T) {
	all := []*reached{reach(t, "anna"), reach(t, "ben"), reach(t, "cleo")}
	anna := all[0]
	var room struct {
		ID string `json:"room_id"`
	}
	anna.call(t, http.MethodPost, "createRoom", fmt.Sprintf(`{"preset":"private_chat","room_alias_name":"orchard","invite":["@anna:%s","@anna:%s"]}`, all[1].o.Domain, all[2].o.Domain), &room)
	var joins sync.WaitGroup
	for i, who := range all[1:] { // by its id, and by its alias
		joins.Go(func() {
			name := []string{room.ID, "#orchard:" + all[0].o.Domain}[i]
			who.call(t, http.MethodPost, "join/"+url.PathEscape(name), "{}", &struct{}{})
		})
	}
	joins.Wait()
	for _, who := range all {
		for n := 0; ; n++ {
			var members struct{ Joined map[string]any }
			if who.call(t, http.MethodGet, "rooms/"+url.PathEscape(room.ID)+"/joined_members", "", &members); len(members.Joined) == len(all) {
				break
			}
			if n == 600 {
				t.Fatalf("%s knows of %d", who.o.Domain, len(members.Joined))
			}
			time.Sleep(50 * time.Millisecond)
		}
	}
	for _, who := range all {
		who.down(t)
	}
}
