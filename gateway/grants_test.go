package gateway_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/client"
	"matrixos/sys"
)

// What an app was granted goes with it: another one of its name asks for itself.
func TestRemovedAppLeavesNoGrants(t *testing.T) {
	w := newWorld(t)
	for path, text := range map[sys.Path]string{
		"apps/notes/matrix.json": `{"name":"Notes","slug":"notes","version":"1.0.0","runtime":"static"}`,
		"apps/notes/index.html":  "<h1>Sky</h1>",
		"system/grants.json":     `{"notes":["net:api.example.org"],"other":["net:b.example.org"]}`,
	} {
		if _, err := w.client.WriteFile(t.Context(), client.Text{Path: path, Content: text}); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
	}
	if a := w.do("DELETE", "/api/apps/notes", "", bearer); a.StatusCode != http.StatusOK {
		t.Fatalf("%d %s", a.StatusCode, a.body)
	}
	got, err := os.ReadFile(filepath.Join(w.home, "system/grants.json"))
	if err != nil || strings.Contains(string(got), "notes") || !strings.Contains(string(got), "b.example.org") {
		t.Errorf("%s %v", got, err)
	}
}
