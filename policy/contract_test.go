package policy

import (
	"testing"

	"matrixos/sys"
)

// Failure mode 39: whoever builds an app does not say what it has to do.
func TestABuilderCannotChangeAContract(t *testing.T) {
	builder := Subject{Program: "builder", Grant: Grant{Writes: []string{"apps/", "data/"}}, App: "x"}
	if err := Write(builder, "apps/x/contract.json"); sys.KindOf(err) != sys.Refused {
		t.Errorf("a contract is written: %v", err)
	}
	if err := Write(builder, "apps/x/src/App.tsx"); err != nil {
		t.Error(err)
	}
	gone := []sys.Change{{Path: "apps/x/contract.json", Op: sys.Deleted}}
	if err := Landing(builder, gone); sys.KindOf(err) != sys.Refused {
		t.Errorf("a contract is dropped: %v", err)
	}
	if err := Landing(builder, append(gone, sys.Change{Path: "apps/x/matrix.json", Op: sys.Deleted})); err != nil {
		t.Errorf("an app is not removed with its contract: %v", err)
	}
}
