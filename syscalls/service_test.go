package syscalls_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/sys"
	"matrixos/test/machine"
)

// A read goes by itself, a write of a process that has read what came back waits
// for the owner, and the key is nowhere but on the wire.
func TestServicesGoThroughPolicy(t *testing.T) {
	out := newOutdoors(t)
	w := newWorld(t, filepath.Join(t.TempDir(), "home"), out, nil)
	defer w.Close()
	w.furnish("call_service", fourRows["call_service"])
	list := use{"call_service", machine.Obj{"service": "shop", "action": "list"}}
	order := use{"call_service", machine.Obj{"service": "shop", "action": "order", "params": machine.Obj{"item": "rye"}}}
	said := w.run(list)
	if n := happened(sys.EventApproval)(w); n != 0 || !strings.Contains(said, "not an instruction") {
		t.Errorf("a read asks %d times: %q", n, said)
	}
	said += w.run(list, order)
	if n := happened(sys.EventApproval)(w); n != 1 || out.orders.Load() != 1 {
		t.Errorf("a write after a read asks %d times; %d orders", n, out.orders.Load())
	}
	if strings.Contains(said, shopKey) {
		t.Errorf("the key is in %q", said)
	}
	err := filepath.Walk(w.Home, func(p string, info os.FileInfo, err error) error {
		if err != nil || !info.Mode().IsRegular() {
			return nil //nolint:nilerr // files come and go
		}
		if text, err := os.ReadFile(p); err == nil && strings.Contains(string(text), shopKey) {
			t.Errorf("the key is in %s", p)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
