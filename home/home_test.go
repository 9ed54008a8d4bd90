package home_test

import (
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"

	"matrixos/home"
)

var update = flag.Bool("update", false, "write the golden file of prompts anew")

// TestPrompts holds every text that a model is told to what was last looked at:
// a change of a prompt is a change of behaviour, and is made on purpose. Run with
// -update after one.
func TestPrompts(t *testing.T) {
	var b strings.Builder
	err := fs.WalkDir(home.Template(), "agents", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(home.Template(), p)
		fmt.Fprintf(&b, "%x  %5d  %s\n", sha256.Sum256(text), len(text), p)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/prompts.golden"
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != b.String() {
		t.Errorf("prompts are not as they were looked at; if that is meant, run go test ./home -update\n%s", b.String())
	}
}
