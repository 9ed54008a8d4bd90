package matrix

import (
	"errors"
	"strings"
	"testing"

	"matrixos/keyring"
	"matrixos/sys"
)

func TestThePersonAndTheAI(t *testing.T) {
	anna := sys.Handle("@anna:example.org")
	ai := AI(anna)
	if ai != "@anna_ai:example.org" || !IsAI(ai) || IsAI(anna) || Person(ai) != anna || Person(anna) != anna {
		t.Errorf("the AI of %s is %s, whose person is %s", anna, ai, Person(ai))
	}
	if !IsLocal("@you:local") || !IsLocal("@you:localhost") || IsLocal(anna) || IsLocal("@you:localhost:8448") {
		t.Error("what is local is not told from what federates")
	}
}

func FuzzParseUser(f *testing.F) {
	for _, s := range []string{"@anna:example.org", "@anna_ai:[::1]:8448", "anna", "@:x", "@x:", "@a b:c", "@a\x00:b", strings.Repeat("@a:", 200)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseUser(s)
		if err != nil {
			if !errors.Is(err, sys.Invalid) {
				t.Fatalf("%q: %v", s, err)
			}
			return
		}
		if local, domain := h.Parts(); string(h) != s || local == "" || domain == "" || "@"+local+":"+domain != s {
			t.Fatalf("%q is %q", s, h)
		}
	})
}

// The key that a domain signs with is made once, and one that is damaged is not
// replaced: that would take the domain its word.
func TestASigningKeyIsMadeOnce(t *testing.T) {
	keys, err := keyring.Open(t.TempDir()+"/keys.json", keyring.Options{Env: func(name string) string {
		if name == "MATRIXOS_KEYRING_PASSPHRASE" {
			return "a passphrase of the test"
		}
		return ""
	}})
	if err != nil {
		t.Fatal(err)
	}
	first, err := LoadSigningKey(keys, "example.org")
	if err != nil {
		t.Fatal(err)
	}
	again, err := LoadSigningKey(keys, "example.org")
	if err != nil || again.ID != first.ID || again.Seed.Reveal() != first.Seed.Reveal() {
		t.Errorf("the key was made twice: %v", err)
	}
	if other, err := LoadSigningKey(keys, "example.com"); err != nil || other.Seed.Reveal() == first.Seed.Reveal() {
		t.Errorf("two domains share a key: %v", err)
	}
	if err := keys.Set("matrix/signing/"+keyName("example.org"), keyring.NewSecret("broken")); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadSigningKey(keys, "example.org"); !errors.Is(err, sys.Invalid) {
		t.Errorf("a damaged key: %v", err)
	}
}
