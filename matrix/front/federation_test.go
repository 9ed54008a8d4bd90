package front_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// Other servers reach their API and our keys, within limits, and nothing else.
func TestOtherServers(t *testing.T) {
	w := newWorld(t)
	h := w.front.Federation()
	ask := func(method, path string, size int, from string) int {
		r := httptest.NewRequest(method, path, strings.NewReader(strings.Repeat("x", size)))
		r.Header.Set("Authorization", `X-Matrix origin="`+from+`",destination="local",key="ed25519:1",sig="AAAA"`)
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		return rec.Code
	}
	for path, want := range map[string]int{
		"/_matrix/key/v2/server": http.StatusOK, "/_matrix/client/versions": http.StatusNotFound, "/_matrix/media/v3/config": http.StatusNotFound,
		"/_matrixos/ensure": http.StatusNotFound, "/": http.StatusNotFound, "/_dendrite/admin/x": http.StatusNotFound, "/_synapse/admin/x": http.StatusNotFound,
	} {
		if got := ask(http.MethodGet, path, 0, "a.example"); got != want {
			t.Errorf("%s: %d, not %d", path, got, want)
		}
	}
	if got := ask(http.MethodPut, "/_matrix/federation/v1/send/1", 13<<20, "a.example"); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a giant transaction: %d", got)
	}
	if got := ask(http.MethodPut, "/_matrix/federation/v2/send_join/!a:b/$c", 2<<20, "a.example"); got != http.StatusRequestEntityTooLarge {
		t.Errorf("a giant event: %d", got)
	}
	limited := 0
	for range 30 {
		if ask(http.MethodPut, "/_matrix/federation/v2/invite/!a:b/$c", 10, "flood.example") == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited != 10 {
		t.Errorf("of 30 invitations %d were put off", limited)
	}
	if got := ask(http.MethodPut, "/_matrix/federation/v2/invite/!a:b/$c", 10, "other.example"); got == http.StatusTooManyRequests {
		t.Error("another server pays for it")
	}
}
