package boot

import (
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/disk"
	"matrixos/egress"
	"matrixos/keyring"
	"matrixos/sys"
)

// TestAnAppCallsAConnectedService has the key go to the service and nowhere else, and
// the call into the journal.
func TestAnAppCallsAConnectedService(t *testing.T) {
	const secret = "k-canary-4711"
	shop := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil || r.Header.Get("Authorization") != "Bearer "+secret || string(body) != `{"item":"rye"}` {
			http.Error(w, "no", http.StatusForbidden)
			return
		}
		_, _ = io.WriteString(w, `{"ordered":true,"key":"`+secret+`"}`)
	}))
	defer shop.Close()
	d, err := disk.Open(t.Context(), filepath.Join(t.TempDir(), "home"), disk.Options{Template: fstest.MapFS{
		"system/services/shop.json": {Data: []byte(`{"title":"The shop","base_url":"` + shop.URL + `","auth":{"style":"bearer"},"actions":{"order":{"method":"POST","path":"/orders"}}}`)},
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	keys, err := keyring.Open(filepath.Join(t.TempDir(), "keys.json"), keyring.Options{Env: func(name string) string {
		return map[string]string{"MATRIXOS_KEYRING_PASSPHRASE": "test"}[name]
	}})
	if err != nil {
		t.Fatal(err)
	}
	c := &connected{disk: d, keys: keys}
	if list, err := c.list(); err != nil || len(list) != 1 || list[0].Status != "needs_key" || list[0].Label != "The shop" {
		t.Errorf("without a key: %+v %v", list, err)
	}
	if err := keys.Set("service/shop", keyring.NewSecret(secret)); err != nil {
		t.Fatal(err)
	}
	if list, err := c.list(); err != nil || list[0].Status != "active" {
		t.Errorf("with a key: %+v %v", list, err)
	}
	c.caller.Store(egress.NewCaller(egress.New(egress.Options{Allow: func(a netip.AddrPort) bool { return a.Addr().IsLoopback() }}), keys))
	got, err := c.call(t.Context(), "bread", "shop", "order", json.RawMessage(`{"item":"rye"}`))
	if err != nil || !strings.Contains(string(got), `"ordered":true`) || strings.Contains(string(got), secret) {
		t.Errorf("answer %s %v", got, err)
	}
	for _, name := range []string{"none", "../policy", ""} {
		if _, err := c.call(t.Context(), "bread", name, "order", nil); sys.KindOf(err) != sys.NotFound {
			t.Errorf("service %q: %v", name, err)
		}
	}
	events, err := d.Journal().Read(t.Context(), 0, 1000)
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, e := range events {
		var a sys.AuditData
		if e.Kind == sys.EventAudit && json.Unmarshal(e.Data, &a) == nil && a.By == "app bread" && a.Target == "shop" {
			n++
		}
	}
	if n != 1 {
		t.Errorf("%d calls in the journal", n)
	}
}
