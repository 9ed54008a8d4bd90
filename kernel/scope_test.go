package kernel_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/engine"
	"matrixos/test/machine"
)

// A program that declares a scope sees no more of the home, from its first call
// on, and lands in it as any other.
func TestAProgramSeesItsScope(t *testing.T) {
	m := machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			return machine.Call(ctx, h, "spawn", machine.Obj{"program": "tidy", "task": "tidy up", "app": "diary", "contract": machine.Contract})
		},
		"tidy": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
			if out, err := machine.Call(ctx, h, "Read", machine.Obj{"file_path": "projects/plan.md"}); err == nil {
				return "", fmt.Errorf("it has read %q", out)
			}
			out, err := machine.Call(ctx, h, "Read", machine.Obj{"file_path": "projects/diary/today.md"})
			if err != nil || !strings.Contains(out, "dear") {
				return "", fmt.Errorf("%q, %w", out, err)
			}
			if out, err := machine.Call(ctx, h, "Glob", machine.Obj{"pattern": "projects/**"}); err != nil || strings.Contains(out, "plan") || !strings.Contains(out, "today") {
				return "", fmt.Errorf("it sees %q, %w", out, err)
			}
			return machine.Call(ctx, h, "Write", machine.Obj{"file_path": "projects/diary/tomorrow.md", "content": "tidy\n"})
		},
	})
	for path, text := range map[string]string{
		"projects/plan.md":        "secret plan\n",
		"projects/diary/today.md": "dear diary\n",
		"agents/custom/tidy.md":   "---\nname: tidy\ndescription: Tidies.\ntools: Read, Write, Glob\nwrites: projects/\nscope: projects/{app}\n---\nTidy up.\n",
	} {
		file := filepath.Join(m.Home, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := m.Disk.Capture(t.Context()); err != nil {
		t.Fatal(err)
	}
	if a, _ := m.Ask("go"); !a.OK {
		t.Fatalf("answer %+v", a)
	}
	if m.File("projects/diary/tomorrow.md") != "tidy\n" || m.File("projects/plan.md") != "secret plan\n" {
		t.Error("the home is not as it was, with the new file")
	}
}
