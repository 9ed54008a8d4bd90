package dendrite

import (
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// reached is a homeserver that others reach over TLS, also when it has been started again.
type reached struct {
	*served
	o     Options
	dir   string
	now   atomic.Pointer[Server]
	since string
	heard map[string]int // what a sync that goes on has brought, by event
}

// reach starts one on loopback, and lets this process believe its certificate.
func reach(t *testing.T, name string) *reached {
	t.Helper()
	r := &reached{dir: filepath.Join(t.TempDir(), name), heard: map[string]int{}}
	srv := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		if s := r.now.Load(); s != nil {
			s.Handler().ServeHTTP(w, q)
			return
		}
		w.WriteHeader(http.StatusBadGateway)
	}))
	t.Cleanup(srv.Close)
	roots := filepath.Join(t.TempDir(), "roots.pem")
	if err := os.WriteFile(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: srv.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("SSL_CERT_FILE", roots) // the same certificate for all
	r.o = options(t, srv.Listener.Addr().String())
	r.up(t)
	return r
}

func (r *reached) up(t *testing.T) {
	t.Helper()
	r.served = serve(t, r.dir, r.o)
	r.now.Store(r.Server)
}

func (r *reached) down(t *testing.T) {
	t.Helper()
	r.now.Store(nil)
	if err := r.Close(); err != nil {
		t.Fatal(err)
	}
}

// invites makes a room that another joins; both are called anna at home.
func (r *reached) invites(t *testing.T, other *reached) string {
	t.Helper()
	var room struct {
		ID string `json:"room_id"`
	}
	r.call(t, http.MethodPost, "createRoom", fmt.Sprintf(`{"preset":"private_chat","invite":["@anna:%s"],"power_level_content_override":{"events":{"m.room.topic":0}}}`, other.o.Domain), &room)
	other.call(t, http.MethodPost, "join/"+url.PathEscape(room.ID), "{}", &struct{}{})
	return room.ID
}

// listen syncs until all of want have been heard.
func (r *reached) listen(t *testing.T, want ...string) {
	t.Helper()
	late := time.Now().Add(2 * time.Minute)
	for {
		missing := 0
		for _, w := range want {
			if r.heard[w] == 0 {
				missing++
			}
		}
		if missing == 0 {
			return
		}
		if time.Now().After(late) {
			t.Fatalf("%s has not heard %d of %d", r.o.Domain, missing, len(want))
		}
		var res struct {
			Next  string `json:"next_batch"`
			Rooms struct {
				Join map[string]struct {
					Timeline struct {
						Events []struct {
							ID string `json:"event_id"`
						}
					}
				}
			}
		}
		q := url.Values{"timeout": {"500"}, "filter": {`{"room":{"timeline":{"limit":1000}}}`}}
		if r.since != "" {
			q.Set("since", r.since)
		}
		r.call(t, http.MethodGet, "sync?"+q.Encode(), "", &res)
		r.since = res.Next
		for _, room := range res.Rooms.Join {
			for _, e := range room.Timeline.Events {
				r.heard[e.ID]++
			}
		}
	}
}

// A homeserver that is restored from a backup is behind what others know of it. It speaks and
// hears as before, is told what it has forgotten, its own words included, and nobody
// hears anything twice.
func TestARestoredHomeserverGoesOn(t *testing.T) {
	anna, ben := reach(t, "anna"), reach(t, "ben")
	room := anna.invites(t, ben)
	var all []string
	n := 0
	talk := func() {
		t.Helper()
		for _, who := range []*reached{anna, ben} {
			n++
			all = append(all, who.say(t, room, fmt.Sprint(n), fmt.Sprintf(`{"msgtype":"m.text","body":"message %d"}`, n)))
			anna.listen(t, all[len(all)-1])
			ben.listen(t, all[len(all)-1])
		}
	}
	talk()
	anna.down(t)
	backup := filepath.Join(t.TempDir(), "backup")
	if err := os.CopyFS(backup, os.DirFS(anna.dir)); err != nil {
		t.Fatal(err)
	}
	anna.up(t)
	talk()
	later := ben.invites(t, anna)
	ben.call(t, http.MethodPut, "rooms/"+url.PathEscape(room)+"/state/m.room.topic/", `{"topic":"pears"}`, &struct{}{})
	talk()
	anna.down(t)
	anna.dir = backup
	anna.up(t)
	anna.since, anna.heard = "", map[string]int{} // its clients begin anew
	talk()
	anna.listen(t, all...)
	ben.listen(t, all...)
	talk()
	var state struct{ Topic string }
	if anna.call(t, http.MethodGet, "rooms/"+url.PathEscape(room)+"/state/m.room.topic/", "", &state); state.Topic != "pears" {
		t.Errorf("what it has forgotten of the room's state is %q", state.Topic)
	}
	anna.call(t, http.MethodPost, "join/"+url.PathEscape(later)+"?server_name="+url.QueryEscape(ben.o.Domain), "{}", &struct{}{})
	again := ben.say(t, later, "again", `{"msgtype":"m.text","body":"again"}`)
	anna.listen(t, again)
	back := anna.say(t, later, "back", `{"msgtype":"m.text","body":"back"}`)
	ben.listen(t, back)
	for _, who := range []*reached{anna, ben} {
		for e, times := range who.heard {
			if times != 1 {
				t.Errorf("%s has heard %s %d times", who.o.Domain, e, times)
			}
		}
		who.down(t)
	}
}
