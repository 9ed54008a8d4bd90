package gateway_test

import (
	"net/http"
	"strings"
	"testing"

	"matrixos/client"
)

// What else stands in the settings stays, and a cap of nothing is no cap.
func TestCapsAreSetBesideTheRest(t *testing.T) {
	w := newWorld(t)
	w.do(http.MethodPut, "/api/file", `{"path":"system/config.json","content":"{\"model\":\"offline\",\"caps\":{\"day\":{\"usd\":5,\"tokens\":7},\"programs\":{\"builder\":{\"usd\":1}}}}"}`, bearer)
	if res := w.do(http.MethodPut, "/api/caps", `{"day":12.5}`, bearer); res.StatusCode >= 300 {
		t.Fatal(res.body)
	}
	got := strings.Join(strings.Fields(w.do(http.MethodGet, "/api/file?path=system/config.json", "", bearer).body), "")
	for _, want := range []string{`\"model\":`, `\"usd\":12.5`, `\"tokens\":7`, `\"builder\":`} {
		if !strings.Contains(got, want) {
			t.Errorf("%s is not in %s", want, got)
		}
	}
	if res := w.do(http.MethodPut, "/api/caps", `{"day":-1}`, bearer); res.StatusCode < 400 {
		t.Error("a cap below nothing is taken")
	}
}

func TestKeysAreBoundToHosts(t *testing.T) {
	w := newWorld(t)
	if err := w.client.SetKey(t.Context(), "git.hub", "canary-4711"); err != nil {
		t.Fatal(err)
	}
	for _, bad := range []string{"", "a b", "*.example.com", "https://x/path", "ftp://x", "u@x"} {
		if res := w.do(http.MethodPut, "/api/keys/git.hub/hosts", `{"hosts":["`+bad+`"]}`, bearer); res.StatusCode < 400 {
			t.Errorf("%q is taken for a host", bad)
		}
	}
	if res := w.do(http.MethodPut, "/api/keys/git.hub/hosts", `{"hosts":["api.github.com","http://192.168.1.5:80"]}`, bearer); res.StatusCode >= 300 {
		t.Fatal(res.body)
	}
	res := w.do(http.MethodGet, "/api/bindings", "", bearer)
	if !strings.Contains(res.body, `{"name":"git.hub","hosts":["api.github.com","http://192.168.1.5:80"]}`) || strings.Contains(res.body, "canary") {
		t.Error(res.body)
	}
	w.do(http.MethodPut, "/api/keys/git.hub/hosts", `{"hosts":[]}`, bearer)
	if res := w.do(http.MethodGet, "/api/bindings", "", bearer); !strings.Contains(res.body, `"hosts":[]`) {
		t.Error(res.body)
	}
}

func TestJobsAreAddedRunAndRemoved(t *testing.T) {
	w := newWorld(t)
	j, err := w.client.AddJob(t.Context(), client.NewJob{Message: "Water the plants", Every: "day 08:00", Missed: "once"})
	if err != nil || j.ID != "new" || j.Message != "Water the plants" || j.Missed != "once" {
		t.Errorf("%+v %v", j, err)
	}
	if _, err := w.client.AddJob(t.Context(), client.NewJob{Message: "Water", Every: "blue moon"}); err == nil {
		t.Error("a job without a time is taken")
	}
	if err := w.client.RunJob(t.Context(), "a b"); err != nil {
		t.Error(err)
	}
	if err := w.client.RemoveJob(t.Context(), "other"); err == nil {
		t.Error("a job that is not there is removed")
	}
}
