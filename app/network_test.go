package app

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/sys"
)

// TestAnAppReadsOnlyFromWhatItsManifestNamesAndTheOwnerGrants goes through the
// answers that proxyFetch has.
func TestAnAppReadsOnlyFromWhatItsManifestNamesAndTheOwnerGrants(t *testing.T) {
	tree := fstest.MapFS{
		"apps/sky/matrix.json": {Data: []byte(`{"name":"Sky","slug":"sky","version":"1.0.0","runtime":"static","permissions":["net:api.example.org"]}`)},
		"apps/sky/index.html":  {Data: []byte("<p>sky")},
	}
	granted := false
	var asked []string
	r := newRuntime(t)
	r.network = Network{
		Fetch: func(_ context.Context, address string) (json.RawMessage, error) {
			asked = append(asked, address)
			return json.RawMessage(`{"warm":true}`), nil
		},
		Granted: func(app sys.Slug, permission string) bool {
			return granted && app == "sky" && permission == "net:api.example.org"
		},
	}
	if err := r.Use(t.Context(), tree, 1, nil); err != nil {
		t.Fatal(err)
	}
	l, err := r.Launch("sky", nil)
	if err != nil {
		t.Fatal(err)
	}
	call := func(url string) (string, error) {
		raw, err := r.Call(t.Context(), l.Capability, "proxyFetch", json.RawMessage(`{"url":"`+url+`"}`))
		return string(raw), err
	}
	if _, err := call("https://api.example.org/now"); sys.KindOf(err) != sys.NeedsApproval {
		t.Errorf("without a grant: %v", err)
	}
	granted = true
	if got, err := call("https://api.example.org/now?q=a"); err != nil || got != `{"warm":true}` {
		t.Errorf("granted: %s, %v", got, err)
	}
	for _, c := range []struct {
		url  string
		kind sys.Kind
	}{
		{"https://evil.example.org/now", sys.Refused},
		{"https://api.example.org:8443/now", sys.Refused},
		{"https://api.example.org.evil.org/", sys.Refused},
		{"http://api.example.org/now", sys.Invalid},
		{"https://me:secret@api.example.org/", sys.Invalid},
		{"file:///etc/passwd", sys.Invalid},
		{"", sys.Invalid},
	} {
		if _, err := call(c.url); sys.KindOf(err) != c.kind {
			t.Errorf("%q: %v, want %s", c.url, err, c.kind)
		}
	}
	if len(asked) != 1 || !strings.HasSuffix(asked[0], "q=a") {
		t.Errorf("fetched %q", asked)
	}
}
