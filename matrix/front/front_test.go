package front_test

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/embedded"
	"matrixos/matrix/front"
)

// world is a homeserver behind a front, and people on it.
type world struct {
	t      *testing.T // of the subtest
	root   *testing.T
	hs     matrix.Homeserver
	front  *front.Front
	server *httptest.Server
	dir    string
	tokens map[string]string
}

func newWorld(t *testing.T) *world {
	t.Helper()
	hs := embedded.New(embedded.Options{Domain: matrix.LocalDomain, Dir: t.TempDir(), Key: matrix.NewSigningKey()})
	w := &world{t: t, root: t, hs: hs, dir: t.TempDir(), tokens: map[string]string{}}
	t.Cleanup(func() {
		if err := hs.Close(); err != nil {
			t.Error(err)
		}
	})
	w.open()
	for _, who := range []string{"anna", "ben"} {
		a, err := hs.EnsureUser(t.Context(), matrix.User{Local: who, Password: keyring.NewSecret("a password of " + who)})
		if err != nil {
			t.Fatal(err)
		}
		w.tokens[who] = a.Token.Reveal()
	}
	return w
}

// open makes a new front, as a restart of the home does.
func (w *world) open() {
	w.t.Helper()
	f, err := front.New(front.Options{Backend: w.hs, Dir: w.dir, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		w.t.Fatal(err)
	}
	w.front, w.server = f, httptest.NewServer(f.Client())
	w.root.Cleanup(w.server.Close)
}

type object = map[string]any

// call makes a request as somebody, and reads what comes back.
func (w *world) call(who, method, path string, body any) (int, object) {
	w.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		w.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(w.t.Context(), method, w.server.URL+path, bytes.NewReader(b))
	if err != nil {
		w.t.Fatal(err)
	}
	if who != "" {
		r.Header.Set("Authorization", "Bearer "+w.tokens[who])
	}
	res, err := http.DefaultClient.Do(r)
	if err != nil {
		w.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		w.t.Fatal(err)
	}
	var got object
	if err := json.Unmarshal(text, &got); err != nil && len(text) > 0 {
		w.t.Fatalf("%s %s: %d %s", method, path, res.StatusCode, text)
	}
	return res.StatusCode, got
}

// must is call that has to succeed.
func (w *world) must(who, method, path string, body any) object {
	w.t.Helper()
	status, got := w.call(who, method, path, body)
	if status != http.StatusOK {
		w.t.Fatalf("%s %s: %d %v", method, path, status, got)
	}
	return got
}

func (w *world) room(who string, body object) string {
	w.t.Helper()
	id, _ := w.must(who, "POST", "/_matrix/client/v3/createRoom", body)["room_id"].(string)
	return id
}

func (w *world) say(who, room, txn string, content object) string {
	w.t.Helper()
	id, _ := w.must(who, "PUT", "/_matrix/client/v3/rooms/"+url.PathEscape(room)+"/send/m.room.message/"+txn, content)["event_id"].(string)
	return id
}

// What clients expect and the homeserver lacks; one server for all.
func TestClients(t *testing.T) {
	w := newWorld(t)
	for name, fn := range map[string]func(*testing.T, *world){
		"versions": versions, "threads": threads, "profiles": profiles, "summary": summary, "sliding": sliding, "devices": devices,
		"sign-in": signIn, "cookies": cookies,
	} {
		t.Run(name, func(t *testing.T) {
			old := w.t
			w.t = t
			defer func() { w.t = old }()
			fn(t, w)
		})
	}
}

func versions(t *testing.T, w *world) {
	got := w.must("", "GET", "/_matrix/client/versions", nil)
	features, _ := got["unstable_features"].(object)
	if features["org.matrix.simplified_msc3575"] != true || features["uk.tcpip.msc4133"] != true {
		t.Errorf("it does not say what it has: %v", got)
	}
	if text, _ := json.Marshal(got["versions"]); !strings.Contains(string(text), "v1.2") || strings.Contains(string(text), "v1.3") {
		t.Errorf("it says %s", text)
	}
}

func threads(t *testing.T, w *world) {
	room := w.room("anna", object{"preset": "private_chat", "invite": []string{"@ben:local"}})
	w.must("ben", "POST", "/_matrix/client/v3/join/"+url.PathEscape(room), object{})
	about := func(root string) object {
		return object{"msgtype": "m.text", "body": "about it", "m.relates_to": object{"rel_type": "m.thread", "event_id": root}}
	}
	first := w.say("anna", room, "1", object{"msgtype": "m.text", "body": "one"})
	second := w.say("anna", room, "2", object{"msgtype": "m.text", "body": "two"})
	w.say("anna", room, "3", about(second))
	w.say("ben", room, "4", about(first))
	last := w.say("anna", room, "5", about(first))
	list := func(who, query string) []object {
		var out []object
		chunk, _ := w.must(who, "GET", "/_matrix/client/v1/rooms/"+url.PathEscape(room)+"/threads"+query, nil)["chunk"].([]any)
		for _, e := range chunk {
			out = append(out, e.(object))
		}
		return out
	}
	all := list("anna", "")
	for range 3000 { // what was said is shown a moment later
		if text, _ := json.Marshal(all); strings.Contains(string(text), last) && len(all) == 2 {
			break
		}
		time.Sleep(10 * time.Millisecond)
		all = list("anna", "")
	}
	if len(all) != 2 || all[0]["event_id"] != first || all[1]["event_id"] != second {
		t.Fatalf("the threads are %v", all)
	}
	text, _ := json.Marshal(all[0]["unsigned"])
	for _, part := range []string{`"count":2`, `"current_user_participated":true`, last} {
		if !strings.Contains(string(text), part) {
			t.Errorf("its root lacks %s: %s", part, text)
		}
	}
	if mine := list("ben", "?include=participated"); len(mine) != 1 || mine[0]["event_id"] != first {
		t.Errorf("ben took part in %v", mine)
	}
	w.tokens["nobody"] = "wrong"
	if status, got := w.call("nobody", "GET", "/_matrix/client/v1/rooms/"+url.PathEscape(room)+"/threads", nil); status != http.StatusUnauthorized {
		t.Errorf("a stranger gets %d %v", status, got)
	}
}

func profiles(t *testing.T, w *world) {
	path := "/_matrix/client/v3/profile/@anna:local"
	if status, got := w.call("ben", "PUT", path+"/os.matrix.role", object{"os.matrix.role": "owner"}); status != http.StatusForbidden {
		t.Errorf("ben changed it: %d %v", status, got)
	}
	w.must("anna", "PUT", path+"/os.matrix.role", object{"os.matrix.role": "owner"})
	w.must("anna", "PUT", path+"/displayname", object{"displayname": "Anna"})
	w.open() // it is kept
	if got := w.must("ben", "GET", path, nil); got["os.matrix.role"] != "owner" || got["displayname"] != "Anna" {
		t.Errorf("the profile is %v", got)
	}
	if got := w.must("ben", "GET", "/_matrix/client/unstable/uk.tcpip.msc4133/profile/@anna:local/os.matrix.role", nil); got["os.matrix.role"] != "owner" {
		t.Errorf("the field is %v", got)
	}
	if status, _ := w.call("anna", "PUT", path+"/big", object{"big": strings.Repeat("x", 65<<10)}); status != http.StatusBadRequest {
		t.Errorf("a large field: %d", status)
	}
	w.must("anna", "DELETE", path+"/os.matrix.role", nil)
	if status, _ := w.call("ben", "GET", path+"/os.matrix.role", nil); status != http.StatusNotFound {
		t.Errorf("a field that was deleted: %d", status)
	}
}

func summary(t *testing.T, w *world) {
	room := w.room("anna", object{"preset": "private_chat", "name": "Garden", "initial_state": []object{{"type": "m.room.encryption", "state_key": "", "content": object{"algorithm": "m.megolm.v1.aes-sha2"}}}})
	got := w.must("anna", "GET", "/_matrix/client/v1/room_summary/"+url.PathEscape(room), nil)
	if got["name"] != "Garden" || got["membership"] != "join" || got["encryption"] != "m.megolm.v1.aes-sha2" || got["room_version"] != "11" {
		t.Errorf("the summary is %v", got)
	}
	if status, _ := w.call("ben", "GET", "/_matrix/client/v1/room_summary/"+url.PathEscape(room), nil); status == http.StatusOK {
		t.Error("ben sees a room that he is not in")
	}
}

// signIn guesses a password until it is stopped; somebody else may go on.
func signIn(t *testing.T, w *world) {
	try := func(user, password string) int {
		status, _ := w.call("", "POST", "/_matrix/client/v3/login", object{"type": "m.login.password", "password": password, "identifier": object{"type": "m.id.user", "user": user}})
		return status
	}
	if got := try("ben", "a password of ben"); got != http.StatusOK {
		t.Errorf("ben signs in: %d", got)
	}
	stopped := false
	for range 12 {
		stopped = stopped || try("@anna:local", "a guess") == http.StatusTooManyRequests
	}
	if !stopped || try("anna", "a password of anna") != http.StatusTooManyRequests {
		t.Error("guessing goes on")
	}
	if got := try("ben", "a password of ben"); got != http.StatusOK {
		t.Errorf("ben signs in: %d", got)
	}
}

// cookies mean nothing here, whatever they are.
func cookies(t *testing.T, w *world) {
	seen := make(chan http.Header, 1)
	f, err := front.New(front.Options{Backend: spy{w.hs, seen}, Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodGet, "/_matrix/client/v3/account/whoami", nil)
	r.AddCookie(&http.Cookie{Name: "matrixos_session", Value: "secret"})
	res := httptest.NewRecorder()
	f.Client().ServeHTTP(res, r)
	if h := <-seen; h.Get("Cookie") != "" || res.Code != http.StatusUnauthorized {
		t.Errorf("a cookie came through: %d %v", res.Code, h)
	}
}

// spy sees what reaches the homeserver.
type spy struct {
	matrix.Homeserver
	seen chan http.Header
}

func (s spy) Transport() http.RoundTripper { return s }

func (s spy) RoundTrip(r *http.Request) (*http.Response, error) {
	s.seen <- r.Header.Clone()
	return s.Homeserver.Transport().RoundTrip(r)
}
