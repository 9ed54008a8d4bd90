package gateway_test

import (
	"context"
	"encoding/json"
	"net/http"
	"sync"
	"testing"
	"time"

	"matrixos/gateway"
	"matrixos/sys"
)

// desks notes what desktops say.
type desks struct {
	mu      sync.Mutex
	said    []string
	outcome sys.TrialOutcome
	here    int
}

func (d *desks) note(what string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.said = append(d.said, what)
}

func (d *desks) Take(id string) (sys.TrialJob, error) {
	d.note("take " + id)
	if id != "j1" {
		return sys.TrialJob{}, &sys.Error{Op: "take", Path: "this trial", Kind: sys.Exists}
	}
	return sys.TrialJob{ID: id, Nonce: "n1", Version: "v1", Work: json.RawMessage(`{"app":"Notes"}`)}, nil
}

func (d *desks) Call(_ context.Context, id, nonce, method string, params json.RawMessage, _ float64) (sys.TrialAnswer, error) {
	d.note("call " + id + " " + nonce + " " + method + " " + string(params))
	return sys.TrialAnswer{Value: json.RawMessage(`[1]`)}, nil
}

func (d *desks) Beat(id, nonce string) error {
	d.note("beat " + id + " " + nonce)
	return nil
}

func (d *desks) Settle(id string, o sys.TrialOutcome) error {
	d.note("settle " + id)
	d.mu.Lock()
	defer d.mu.Unlock()
	d.outcome = o
	return nil
}

func (d *desks) Here() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.here++
}

func TestTrialsAreTheOwnersDesktops(t *testing.T) {
	d := &desks{}
	w := newWorld(t, func(o *gateway.Options) { o.Desks = d })
	cookie := w.signIn()
	for _, path := range []string{"here", "j1/take", "j1/call", "j1/beat", "j1/outcome"} {
		for name, h := range map[string][]string{"nobody": nil, "an app's frame": {cookie, "Origin: null"}, "another page": {cookie, "Origin: https://evil.example"}} {
			if a := w.do(http.MethodPost, "/api/trials/"+path, `{"nonce":"n1","version":"v1","method":"db.find","now":1}`, h...); a.StatusCode < 400 {
				t.Errorf("%s reaches %s", name, path)
			}
		}
	}
	if len(d.said) > 0 || d.here > 0 {
		t.Fatal("heard:", d.said, d.here)
	}
	own := []string{cookie, w.origin()}
	if a := w.do(http.MethodPost, "/api/trials/j1/take", "", own...); a.body != `{"id":"j1","nonce":"n1","version":"v1","work":{"app":"Notes"}}`+"\n" {
		t.Error(a.Status, a.body)
	}
	if a := w.do(http.MethodPost, "/api/trials/j2/take", "", own...); a.StatusCode != http.StatusConflict {
		t.Error(a.Status, a.body)
	}
	if a := w.do(http.MethodPost, "/api/trials/j1/call", `{"nonce":"n1","method":"db.find","params":{"table":"t"},"now":5}`, own...); a.body != `{"value":[1]}`+"\n" {
		t.Error(a.Status, a.body)
	}
	result := `{"name":"one","green":true,"steps":[{"step":"open the app","green":true,"millis":3}],"properties":[],"errors":[],"console":[],"millis":4}`
	if a := w.do(http.MethodPost, "/api/trials/j1/outcome", `{"nonce":"n1","version":"v1","result":`+result+`}`, own...); a.StatusCode >= 400 {
		t.Error(a.Status, a.body)
	}
	if o := d.outcome; o.Nonce != "n1" || o.Version != "v1" || o.Result == nil || len(o.Result.Steps) != 1 {
		t.Errorf("%+v", o)
	}
}

// The command line listens as well, and is no desktop.
func TestDesktopsAreCounted(t *testing.T) {
	w := newWorld(t)
	if _, _, err := w.dial("", bearer); err != nil {
		t.Fatal(err)
	}
	c, _, err := w.dial("", w.signIn(), w.origin())
	if err != nil {
		t.Fatal(err)
	}
	counted := func(n int) {
		t.Helper()
		for deadline := time.Now().Add(10 * time.Second); w.g.Desktops() != n; time.Sleep(time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d desktops, not %d", w.g.Desktops(), n)
			}
		}
	}
	counted(1)
	c.CloseNow()
	counted(0)
}
