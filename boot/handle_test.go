package boot

import (
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"matrixos/disk"
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

// Somebody claims a handle with the name that they had, and clients ran before: the keys of
// the account that was are kept, and the new one does not open them.
func TestAClaimedHandleHasKeysOfItsOwn(t *testing.T) {
	d, err := disk.Open(t.Context(), filepath.Join(t.TempDir(), "home"), disk.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	for _, name := range []string{"you", "you_ai"} {
		dir := clientDir(d, name)
		if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(filepath.Join(dir, "keys.db"), []byte(name), 0o600)); err != nil {
			t.Fatal(err)
		}
	}
	m := &messenger{disk: d, log: slog.New(slog.DiscardHandler)}
	h := &homeserver{disk: d, anew: m.anew}
	during := error(nil)
	if err := h.anew(func() error {
		during = m.over
		return h.setAside("@you:local")
	}); err != nil || sys.KindOf(during) != sys.Unavailable || m.over != nil {
		t.Errorf("%v; meanwhile %v, then %v", err, during, m.over)
	}
	for _, name := range []string{"you", "you_ai"} {
		if text, err := os.ReadFile(filepath.Join(clientDir(d, name+".local"), "keys.db")); string(text) != name {
			t.Errorf("the keys of before are %q %v", text, err)
		}
		if _, err := os.Stat(clientDir(d, name)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the new account finds the keys of the old one: %v", err)
		}
	}
	if err := h.setAside("@you:local"); err != nil {
		t.Errorf("without keys of before: %v", err)
	}
}
