package boot

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"matrixos/egress"
	"matrixos/sys"
)

// TestFetchingForAnApp covers what a host may answer, and that an address inside is
// not reached at all.
func TestFetchingForAnApp(t *testing.T) {
	host := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/json":
			_, _ = w.Write([]byte(` {"a":1}`))
		case "/text":
			_, _ = w.Write([]byte("plain \"words\""))
		case "/large":
			_, _ = w.Write(make([]byte, mostFetched+1))
		default:
			http.Error(w, "no", http.StatusTeapot)
		}
	}))
	defer host.Close()
	for path, want := range map[string]string{"/json": `{"a":1}`, "/text": `"plain \"words\""`} {
		got, err := fetch(t.Context(), host.Client(), host.URL+path)
		if err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%s: %s, %v", path, got, err)
		}
	}
	for _, path := range []string{"/large", "/none"} {
		if _, err := fetch(t.Context(), host.Client(), host.URL+path); sys.KindOf(err) != sys.Unavailable || strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v", path, err)
		}
	}
	gate := egress.New(egress.Options{})
	if _, err := fetch(t.Context(), gate.Client(), host.URL+"/json"); sys.KindOf(err) != sys.Refused {
		t.Errorf("an address inside: %v", err)
	}
}
