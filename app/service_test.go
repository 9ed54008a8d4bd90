package app

import (
	"context"
	"encoding/json"
	"testing"
	"testing/fstest"

	"matrixos/sys"
)

// An app sees and calls the services that its manifest names, once the owner has
// said yes, and a preview of it calls none.
func TestAnAppCallsOnlyServicesThatItIsGranted(t *testing.T) {
	tree := fstest.MapFS{
		"apps/shop/matrix.json": {Data: []byte(`{"name":"Shop","slug":"shop","version":"1.0.0","runtime":"static","permissions":["service:orders"]}`)},
		"apps/shop/index.html":  {Data: []byte("<p>shop")},
	}
	granted, called := false, ""
	r := newRuntime(t)
	r.network = Network{
		Granted: func(a sys.Slug, p string) bool { return granted && a == "shop" && p == "service:orders" },
		Connected: func() ([]Integration, error) {
			return []Integration{{Service: "bank", Status: "active"}, {Service: "orders", Label: "Orders", Status: "active"}}, nil
		},
		Service: func(_ context.Context, a sys.Slug, service, action string, params json.RawMessage) (json.RawMessage, error) {
			called += string(a) + " " + service + " " + action + " " + string(params)
			return json.RawMessage(`{"n":1}`), nil
		},
	}
	if err := r.Use(t.Context(), tree, 1, nil); err != nil {
		t.Fatal(err)
	}
	launch := func(p *Preview) func(method, params string) (string, error) {
		l, err := r.Launch("shop", p)
		if err != nil {
			t.Fatal(err)
		}
		return func(method, params string) (string, error) {
			raw, err := r.Call(t.Context(), l.Capability, method, json.RawMessage(params))
			return string(raw), err
		}
	}
	call := launch(nil)
	const order = `{"service":"orders","action":"add","params":{"item":"rye"}}`
	if got, err := call("integrations", `{}`); err != nil || got != `[{"service":"orders","account_label":"Orders","account_email":"","status":"not_allowed"}]` {
		t.Errorf("before the grant: %s %v", got, err)
	}
	if _, err := call("service", order); sys.KindOf(err) != sys.NeedsApproval {
		t.Errorf("before the grant: %v", err)
	}
	granted = true
	if _, err := call("service", `{"service":"bank","action":"pay"}`); sys.KindOf(err) != sys.Refused {
		t.Errorf("one that the manifest does not name: %v", err)
	}
	if _, err := launch(&Preview{Tree: tree})("service", order); sys.KindOf(err) != sys.Refused {
		t.Errorf("a preview: %v", err)
	}
	if called != "" {
		t.Fatalf("called %s", called)
	}
	if got, err := call("service", order); err != nil || got != `{"action":"add","data":{"n":1},"service":"orders"}` || called != `shop orders add {"item":"rye"}` {
		t.Errorf("granted: %s %v, called %s", got, err, called)
	}
}
