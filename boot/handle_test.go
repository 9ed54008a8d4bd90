package boot

import (
	"testing"

	"matrixos/sys"
)

// The account of an AI is never given to a person.
func TestWhoMayBeAdded(t *testing.T) {
	id := identity{Handle: "@you:home", People: []sys.Handle{"@ben:home"}}
	for who, c := range map[sys.Handle]struct {
		fresh bool
		kind  sys.Kind
	}{
		"@eve:home":    {true, ""},
		"@ben:home":    {false, ""},
		"@you:home":    {true, sys.Exists},
		"@you_ai:home": {true, sys.Invalid},
		"@ben_ai:home": {false, sys.NotFound},
		"@eve:other":   {true, sys.Invalid},
	} {
		if err := (&homeserver{}).known(id, who, "home", c.fresh); sys.KindOf(err) != c.kind {
			t.Errorf("%s: %v", who, err)
		}
	}
}
