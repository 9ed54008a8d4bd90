package web

import (
	"io/fs"
	"strings"
	"testing"
)

func TestShellMatchesBuilt(t *testing.T) {
	shell, err := Shell()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := fs.Stat(shell, ".keep"); err != nil {
		t.Errorf("dist/.keep is what lets a fresh checkout build: %v", err)
	}
	page, err := fs.ReadFile(shell, "index.html")
	if Built() != (err == nil) {
		t.Fatalf("Built() = %v, but reading index.html gives %v", Built(), err)
	}
	if Built() && !strings.Contains(string(page), `id="root"`) {
		t.Error("index.html has no root element")
	}
}
