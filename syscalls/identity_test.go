package syscalls_test

import (
	"context"
	"strings"
	"testing"

	"matrixos/disk"
	"matrixos/engine"
	"matrixos/kernel"
	"matrixos/sys"
	"matrixos/test/machine"
)

// Who the owner is to others is the owner's word, by whichever call the file is
// written; a no leaves it as it was, and what else was done lands.
func TestTheHandleIsTheOwnersWord(t *testing.T) {
	const was = `{"handle":"@you:local","display_name":""}`
	for name, c := range map[string]struct {
		call string
		args machine.Obj
		say  string
		want string
	}{
		"yes":   {"set_handle", machine.Obj{"handle": "anna", "display_name": "Anna"}, "yes", `{"handle":"@anna:local","display_name":"Anna"}`},
		"no":    {"set_handle", machine.Obj{"handle": "anna"}, "no", was},
		"write": {"Write", machine.Obj{"file_path": "system/handle.json", "content": `{"handle":"@eve:local"}`}, "no", was},
	} {
		t.Run(name, func(t *testing.T) {
			turn := 0
			m := machine.Boot(t, machine.Script{"kernel": func(ctx context.Context, h engine.Host, _ int, said string) (string, error) {
				if turn++; turn > 1 { // refused: take it back
					if !strings.Contains(said, "refused") {
						t.Errorf("it was told %q", said)
					}
					return machine.Call(ctx, h, "set_handle", machine.Obj{"handle": "you"})
				}
				if _, err := machine.Call(ctx, h, "Read", machine.Obj{"file_path": "system/handle.json"}); err != nil {
					return "", err
				}
				return machine.Call(ctx, h, c.call, c.args)
			}})
			if _, err := m.Disk.Write(t.Context(), disk.Write{Files: map[sys.Path][]byte{"system/handle.json": []byte(was + "\n")}, Kind: sys.ByOwner, Title: "x"}); err != nil {
				t.Fatal(err)
			}
			sub := m.Disk.Journal().Subscribe(m.Disk.Journal().Last())
			defer sub.Close()
			ticket, err := m.Kernel.Ask(t.Context(), kernel.Ask{Text: "call me Anna", From: "test"})
			if err != nil {
				t.Fatal(err)
			}
			go func() {
				for asked := 0; asked == 0; {
					list, err := m.Kernel.Approvals(t.Context())
					if err != nil {
						return
					}
					for _, a := range list {
						asked++
						if a.Kind != "identity" {
							t.Errorf("asked %+v", a)
						}
						if err := m.Kernel.Approve(t.Context(), a.ID, kernel.Verdict{Allow: c.say == "yes", From: "test"}); err != nil {
							t.Error(err)
						}
					}
				}
			}()
			if a, _ := m.Follow(sub, ticket); !a.OK {
				t.Errorf("answer %+v", a)
			}
			if got := strings.TrimSpace(m.File("system/handle.json")); got != c.want {
				t.Errorf("the file is %q, want %q", got, c.want)
			}
		})
	}
}
