package policy

import (
	"errors"
	"testing"

	"matrixos/sys"
)

func builder(app sys.Slug) Subject {
	return Subject{PID: 2, Program: "builder", App: app, Grant: Grant{
		Calls: []string{"Read", "Write"}, Writes: []string{"apps/", "system/state.md"},
	}}
}

func TestCallIsRefusedUnlessGranted(t *testing.T) {
	if err := Call(builder(""), "Read"); err != nil {
		t.Fatal(err)
	}
	err := Call(builder(""), "spawn")
	if !errors.Is(err, sys.Refused) {
		t.Fatalf("spawn: %v, want refused", err)
	}
	if sys.HintOf(err) == "" {
		t.Error("a refusal must say what is allowed")
	}
}

func TestWriteStaysInItsPlaces(t *testing.T) {
	for _, c := range []struct {
		app  sys.Slug
		path sys.Path
		ok   bool
	}{
		{"", "apps/notes/index.html", true},
		{"", "apps", true},
		{"", "appsx/notes", false},
		{"", "system/state.md", true},
		{"", "system/state.md/x", true},
		{"", "system/soul.md", false},
		{"", "agents/builder.md", false},
		{"notes", "apps/notes/a", true},
		{"notes", "apps/notes2/a", false},
		{"notes", "apps/other/a", false},
	} {
		err := Write(builder(c.app), c.path)
		if (err == nil) != c.ok {
			t.Errorf("app %q path %q: %v", c.app, c.path, err)
		}
	}
	if err := Write(Subject{Program: "reader"}, "apps/x/y"); !errors.Is(err, sys.Refused) {
		t.Errorf("a program without places wrote: %v", err)
	}
}

func TestLandingHoldsEveryChange(t *testing.T) {
	changes := []sys.Change{{Path: "apps/notes/a", Op: sys.Added}, {Path: "agents/builder.md", Op: sys.Modified}}
	if err := Landing(builder(""), changes); !errors.Is(err, sys.Refused) {
		t.Fatalf("got %v, want refused", err)
	}
	if err := Landing(builder(""), changes[:1]); err != nil {
		t.Fatal(err)
	}
}
