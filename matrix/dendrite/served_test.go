package dendrite

import (
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

// served is a homeserver of the test and one who is signed in to it.
type served struct {
	*Server
	token string
}

func options(t *testing.T, domain string) Options {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return Options{Domain: domain, KeyID: "ed25519:a1", Key: key, Federate: domain != "local", AllowPrivate: true}
}

func serve(t *testing.T, dir string, o Options) *served {
	t.Helper()
	Log(io.Discard)
	o.Dir = dir
	s, err := Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // the test closes it, unless it fails
	token, err := s.EnsureUser(t.Context(), User{Local: "anna", Device: "ONE"})
	if err != nil {
		t.Fatal(err)
	}
	return &served{s, token}
}

// call asks the client API, and reads the answer into a value.
func (s *served) call(t *testing.T, method, path, body string, into any) {
	t.Helper()
	r := httptest.NewRequest(method, "/_matrix/client/v3/"+path, strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+s.token)
	w := httptest.NewRecorder()
	s.Handler().ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatal(err)
	}
}

func (s *served) say(t *testing.T, room, transaction, content string) (event string) {
	t.Helper()
	var sent struct {
		ID string `json:"event_id"`
	}
	s.call(t, http.MethodPut, fmt.Sprintf("rooms/%s/send/m.room.message/%s", url.PathEscape(room), transaction), content, &sent)
	return sent.ID
}
