//go:build !race

package boot

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"matrixos/gateway"
	"matrixos/matrix"
	"matrixos/sys"
)

// familyGrows adds carl to the homeserver of anna's home: with the password that is said
// once, any client signs in as him, and a home of his own as his AI.
func familyGrows(t *testing.T, anna *System, hs matrix.Homeserver) {
	h := &homeserver{disk: anna.disk, hs: hs, base: "http://127.0.0.1:1"}
	add := func(in gateway.PasswordBody) (gateway.PasswordReply, sys.Kind) {
		t.Helper()
		r, err := h.Password(t.Context(), in)
		return r, sys.KindOf(err)
	}
	carl, kind := add(gateway.PasswordBody{Name: "@carl", New: true})
	if kind != "" || carl.Handle != "@carl:local" || len(carl.Password) < 20 || carl.URL != h.base {
		t.Fatalf("%+v %s", carl, kind)
	}
	for who, want := range map[string]int{"carl": http.StatusOK, "carl_ai": http.StatusOK, "dora": http.StatusForbidden} {
		if got := signsIn(t, hs, who, carl.Password); got != want {
			t.Errorf("%s signs in: %d", who, got)
		}
	}
	if r, err := h.Handle(t.Context()); err != nil || len(r.People) != 1 || r.People[0] != carl.Handle || r.Handle != "@anna:local" {
		t.Errorf("the home says %+v %v", r, err)
	}
	if _, kind := add(gateway.PasswordBody{Name: "@carl", New: true}); kind != sys.Exists {
		t.Errorf("carl is added again: %s", kind)
	}
	if _, kind := add(gateway.PasswordBody{Name: "@carl", Password: "short"}); kind != sys.Invalid {
		t.Errorf("a short password is taken: %s", kind)
	}
	if _, kind := add(gateway.PasswordBody{Name: "@dora"}); kind != sys.NotFound {
		t.Errorf("who is not there has a password: %s", kind)
	}
	anew, kind := add(gateway.PasswordBody{Name: "@carl"})
	if kind != "" || anew.Password == carl.Password {
		t.Fatalf("%+v %s", anew, kind)
	}
	if old, now := signsIn(t, hs, "carl", carl.Password), signsIn(t, hs, "carl", anew.Password); old != http.StatusForbidden || now != http.StatusOK {
		t.Errorf("after another password the old one gives %d, the new one %d", old, now)
	}
}

// signsIn is what a client is answered.
func signsIn(t *testing.T, hs matrix.Homeserver, user, password string) int {
	t.Helper()
	body, err := json.Marshal(map[string]any{"type": "m.login.password", "identifier": map[string]string{"type": "m.id.user", "user": user}, "password": password})
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, hs.BaseURL()+"/_matrix/client/v3/login", strings.NewReader(string(body)))
	if err != nil {
		t.Fatal(err)
	}
	res, err := matrix.Client(hs).Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	return res.StatusCode
}

// Somebody does what the README says with a client that is not ours, in a home whose
// Messages nobody has opened: the AI is there, and answers.
func TestAnyClientReachesTheAI(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	s, err := Start(t.Context(), Options{Home: home, Model: "offline"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	ctx, cancel := context.WithCancel(t.Context())
	var tending sync.WaitGroup
	tending.Go(func() { s.people.tendClaimed(ctx) }) // as a home does that serves
	t.Cleanup(func() {
		cancel()
		tending.Wait()
	})
	p, err := s.matrix.Password(t.Context(), gateway.PasswordBody{})
	if err != nil {
		t.Fatal(err)
	}
	token := ""
	call := func(method, path string, body any) (out map[string]any) {
		t.Helper()
		b, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		r, w := httptest.NewRequest(method, "/_matrix/client/v3/"+path, bytes.NewReader(b)), httptest.NewRecorder()
		r.Header.Set("Authorization", "Bearer "+token)
		if s.matrix.ServeHTTP(w, r); w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", path, w.Code, w.Body)
		}
		if err := json.Unmarshal(w.Body.Bytes(), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	in := call(http.MethodPost, "login", map[string]any{"type": "m.login.password", "identifier": map[string]string{"type": "m.id.user", "user": string(p.Handle)}, "password": p.Password})
	token, _ = in["access_token"].(string)
	made := call(http.MethodPost, "createRoom", map[string]any{"preset": "trusted_private_chat", "is_direct": true, "invite": []string{"@you_ai:local"}})
	room, _ := made["room_id"].(string)
	eventually(t, "the AI joins", func() bool {
		joined, _ := call(http.MethodGet, "rooms/"+url.PathEscape(room)+"/joined_members", nil)["joined"].(map[string]any)
		return joined["@you_ai:local"] != nil
	})
	call(http.MethodPut, "rooms/"+url.PathEscape(room)+"/send/m.room.message/1", map[string]string{"msgtype": "m.text", "body": "what apps do I have?"})
	eventually(t, "the AI answers", func() bool {
		said, _ := json.Marshal(call(http.MethodGet, "rooms/"+url.PathEscape(room)+"/messages?dir=b", nil))
		return strings.Contains(string(said), "Calendar")
	})
}
