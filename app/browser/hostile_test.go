package browser

import (
	"os"
	"testing"
)

// hostile is an app that shows nothing of what its contract asks for, and tries to answer
// for the runner instead. It is tried in an open desktop as well: package test.
const hostile = "testdata/hostile.html"

func TestAnAppCannotAnswerForTheRunner(t *testing.T) {
	w := newWorld(t)
	page, err := os.ReadFile(hostile)
	if err != nil {
		t.Fatal(err)
	}
	w.static("hostile", string(page), `{"click": "button", "name": "Go"}, {"see": "the milk"}, {"rows": "notes", "count": 1}`)
	for _, s := range w.run("hostile") {
		if len(s.Steps) != 3 || !s.Steps[0].Green || !s.Steps[1].Green || s.Green || s.Steps[2].Green {
			t.Errorf("it answered: %+v", s)
		}
		if len(s.Console) > 0 {
			t.Errorf("it had a port of the runner's: %q", s.Console)
		}
	}
}
