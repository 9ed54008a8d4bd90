package gateway_test

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"matrixos/gateway"
	"matrixos/sys"
)

// owner stands for what the owner decides, and for the keyring.
type owner struct {
	verdicts []gateway.Verdict
	trusted  []sys.Path
	keys     map[string]string
	marked   []sys.Path
}

func (o *owner) Approvals(context.Context) ([]gateway.Approval, error) {
	return []gateway.Approval{{ID: "a1", Text: "Read the page https://evil.example", Kind: "fetch", Target: "evil.example", Args: []byte(`"x"`)}}, nil
}

func (o *owner) Approve(_ context.Context, id string, v gateway.Verdict) error {
	if id != "a1" {
		return &sys.Error{Op: "approve", Path: id, Kind: sys.NotFound}
	}
	o.verdicts = append(o.verdicts, v)
	return nil
}

func (o *owner) Untrusted(context.Context) ([]gateway.Labelled, error) {
	return []gateway.Labelled{{Path: "projects/a.md", Label: sys.Label{Integrity: sys.Untrusted}}}, nil
}

func (o *owner) Trust(_ context.Context, p sys.Path) error {
	o.trusted = append(o.trusted, p)
	return nil
}

func (o *owner) LabelBelow(context.Context, sys.Path) (sys.Label, error) { return sys.Label{}, nil }

func (o *owner) Mark(_ context.Context, l sys.Label, paths ...sys.Path) error {
	if l.Integrity == sys.Untrusted {
		o.marked = append(o.marked, paths...)
	}
	return nil
}

func (o *owner) Status() string { return "encrypted" }

func (o *owner) Names() []string { return slices.Sorted(maps.Keys(o.keys)) }

func (o *owner) Set(name, value string) error {
	o.keys[name] = value
	return nil
}

func (o *owner) Delete(name string) error {
	delete(o.keys, name)
	return nil
}

func TestTheOwnerDecides(t *testing.T) {
	w := newWorld(t)
	ctx := t.Context()
	list, err := w.client.Approvals(ctx)
	if err != nil || len(list) != 1 || list[0].Target != "evil.example" {
		t.Fatalf("%+v %v", list, err)
	}
	if err := w.client.Approve(ctx, "a1", true, false); err != nil {
		t.Error(err)
	}
	if err := w.client.Approve(ctx, "a2", false, true); !errors.Is(err, sys.NotFound) {
		t.Error(err)
	}
	if len(w.policy.verdicts) != 1 || w.policy.verdicts[0] != (gateway.Verdict{Allow: true, From: "cli"}) {
		t.Errorf("%+v", w.policy.verdicts)
	}
	if l, err := w.client.Untrusted(ctx); err != nil || len(l) != 1 || l[0].Path != "projects/a.md" || l[0].Label.Integrity != sys.Untrusted {
		t.Errorf("%v %v", l, err)
	}
	if err := w.client.Trust(ctx, "~/projects/a.md"); err != nil || w.policy.trusted[0] != "projects/a.md" {
		t.Errorf("%v %v", w.policy.trusted, err)
	}
}

// A key goes in and never comes out.
func TestKeysGoInOnly(t *testing.T) {
	w := newWorld(t)
	const canary = "canary-4711"
	if err := w.client.SetKey(t.Context(), "brave", canary); err != nil {
		t.Fatal(err)
	}
	names, err := w.client.Keys(t.Context())
	if err != nil || !slices.Equal(names, []string{"brave"}) || w.policy.keys["brave"] != canary {
		t.Errorf("%v %v", names, err)
	}
	if s, err := w.client.Keyring(t.Context()); err != nil || s != "encrypted" {
		t.Errorf("%q %v", s, err)
	}
	for _, path := range []string{"/api/keys", "/api/keys/brave"} {
		res := w.do(http.MethodGet, path, "")
		if strings.Contains(res.body, canary) {
			t.Errorf("%s shows it", path)
		}
	}
	if err := w.client.DeleteKey(t.Context(), "brave"); err != nil || len(w.policy.keys) != 0 {
		t.Error(err)
	}
}
