package test

import (
	"os/exec"
	"strings"
	"testing"

	"matrixos/client"
)

// Somebody does what the README says, with a client that is not ours, in a home that has
// no handle of its own and whose Messages nobody has opened: their AI answers. From a
// client that is not verified it says so where it cannot know who writes.
func TestAClientByTheReadme(t *testing.T) {
	t.Parallel()
	tool(t, "matrix-nio", "/usr/bin/python3", "-c", "import nio, olm")
	w := NewWorld(t)
	w.untried = true
	w.Up()
	var p client.HandleSignIn
	w.Do("handle", "password", "--json").JSON(t, &p)
	var h client.Handle
	w.Do("handle", "--json").JSON(t, &h)
	out, err := exec.CommandContext(t.Context(), "/usr/bin/python3", "testdata/matrix/ask.py", p.URL, string(p.Handle), p.Password, t.TempDir(), string(h.AI), "what apps do I have?").CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s\n%s", err, out, w.Output())
	}
	for _, want := range []string{"plain: You have ", "encrypted: You write from a client that is not verified yet"} {
		if !strings.Contains(string(out), want) {
			t.Errorf("it does not say %q:\n%s", want, out)
		}
	}
}
