package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/disk"
	"matrixos/home"
	"matrixos/keyring"
)

// A key that a test sets is opened with a key in the tests' own folder, and a new
// home lends it to no host.
func TestKeysOfTestsStayApart(t *testing.T) {
	path := filepath.Join(t.TempDir(), "home")
	d, err := disk.Open(t.Context(), path, disk.Options{Template: home.Template()})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	keys, err := keyring.Open(filepath.Join(path, ".disk", "keys.json"), keyring.Options{Outside: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := keys.Set("forge", keyring.NewSecret("canary-0815")); err != nil {
		t.Fatal(err)
	}
	state := os.Getenv("XDG_STATE_HOME")
	if found, err := filepath.Glob(filepath.Join(state, "matrixos", "keys", "*.key")); err != nil || len(found) == 0 || !strings.HasPrefix(state, os.TempDir()) {
		t.Errorf("the key of the keyring is not below %s: %v %v", state, found, err)
	}
	b := boundKeys{d, keys}
	if hosts, err := b.hosts(); err != nil || hosts == nil || len(hosts) != 0 || b.Bound("https", "api.github.com:443") {
		t.Errorf("hosts %v %v", hosts, err)
	}
	if _, err := b.Secret("forge", "https", "api.github.com:443"); err == nil {
		t.Error("a key that is bound to nothing was lent")
	}
}
