package kernel_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"matrixos/disk"
	"matrixos/engine"
	"matrixos/sys"
	"matrixos/test/machine"
)

// A process that never gets its change in leaves it to the owner, who decides.
func TestAConflictWithoutEndIsTheOwners(t *testing.T) {
	var m *machine.Machine
	m = machine.Boot(t, machine.Script{
		"kernel": func(ctx context.Context, h engine.Host, turn int, said string) (string, error) {
			if turn > 1 && (!strings.Contains(said, "what they changed") || !strings.Contains(said, "+owner "+fmt.Sprint(turn-1)) || !strings.Contains(said, "+agent")) {
				return "", fmt.Errorf("was not shown both sides: %s", said)
			}
			if _, err := machine.Call(ctx, h, "Read", machine.Obj{"file_path": "system/soul.md"}); err != nil {
				return "", err
			}
			if _, err := machine.Call(ctx, h, "Write", machine.Obj{"file_path": "system/soul.md", "content": "agent\n"}); err != nil {
				return "", err
			}
			return "Done.", os.WriteFile(filepath.Join(m.Home, "system/soul.md"), fmt.Appendf(nil, "owner %d\n", turn), 0o644)
		},
	})
	a, _ := m.Ask("go")
	if a.OK || a.Kind != sys.Conflict || !strings.Contains(a.Hint, "matrixos resolve") {
		t.Fatalf("answer %+v", a)
	}
	list, err := m.Disk.Conflicts(t.Context(), false)
	if err != nil || len(list) != 1 || list[0].State != sys.ConflictWaiting || list[0].Tries != 3 || !strings.Contains(a.Hint, list[0].ID) {
		t.Fatalf("%+v %v", list, err)
	}
	if m.File("system/soul.md") != "owner 3\n" {
		t.Error("the owner's edit is gone")
	}
	if _, _, err := m.Disk.Resolve(t.Context(), list[0].ID, disk.Answer{Choice: sys.ChooseTheirs}); err != nil {
		t.Fatal(err)
	}
	if m.File("system/soul.md") != "agent\n" {
		t.Error("the choice did not land")
	}
}

// What was read before the transaction began, and folders that were searched,
// count as read.
func TestReadsCountFromTheBeginning(t *testing.T) {
	var stale []sys.Path
	var m *machine.Machine
	m = machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, _ string) (string, error) {
		for _, c := range []struct {
			name string
			in   machine.Obj
		}{
			{"Read", machine.Obj{"file_path": "system/soul.md"}},
			{"Grep", machine.Obj{"pattern": "nothing has this", "path": "apps"}},
			{"Glob", machine.Obj{"pattern": "agents/*.none"}},
		} {
			if _, err := machine.Call(ctx, h, c.name, c.in); err != nil {
				return "", err
			}
		}
		_, err := m.Disk.Write(ctx, disk.Write{Kind: sys.ByOwner, Files: map[sys.Path][]byte{
			"system/soul.md": []byte("Be quick.\n"), "apps/old/new.txt": []byte("x"), "agents/new.none": []byte("x"),
		}})
		if err != nil {
			return "", err
		}
		_, err = machine.Call(ctx, h, "Write", machine.Obj{"file_path": "system/x.md", "content": "x"})
		return "Done.", err
	}})
	m.Disk.SetChecks(func(_ context.Context, c disk.Checked) error {
		if c.Kind == sys.ByAgent {
			stale = c.Stale
		}
		return nil
	})
	if a, _ := m.Ask("go"); !a.OK {
		t.Fatalf("answer %+v", a)
	}
	if !slices.Equal(stale, []sys.Path{"agents", "apps", "system/soul.md"}) {
		t.Errorf("stale: %v", stale)
	}
}
