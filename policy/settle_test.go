package policy

import (
	"encoding/json"
	"strings"
	"testing"

	"matrixos/sys"
)

func TestWhatALandingSettlesIsAsked(t *testing.T) {
	files := map[sys.Path]string{
		HandleFile:                     `{"handle":"@anna:local","display_name":"Anna"}`,
		"system/services/weather.json": `{"base_url":"https://api.example.org","auth":{"style":"bearer"}}`,
		"system/services/odd.json":     `nonsense`,
	}
	content := func(p sys.Path) ([]byte, error) { return []byte(files[p]), nil }
	changes := []sys.Change{
		{Path: "system/soul.md", Op: sys.Modified},
		{Path: HandleFile, Op: sys.Modified},
		{Path: "system/services/weather.json", Op: sys.Added},
		{Path: "system/services/odd.json", Op: sys.Added},
		{Path: "system/services/old.json", Op: sys.Deleted},
		{Path: "system/services/notes.md", Op: sys.Added},
	}
	got, err := Settles(changes, content)
	if err != nil || len(got) != 3 {
		t.Fatalf("%+v %v", got, err)
	}
	for i, want := range []string{"Be known to others as @anna:local (Anna).", `Let your agents call the service weather at https://api.example.org, with a key that you enter for it.`, "Let your agents call the service odd."} {
		if got[i].Text != want || !json.Valid(got[i].Args) {
			t.Errorf("%+v, want %q", got[i], want)
		}
		if d := Decide(labelled(sys.FromOwner, sys.Public), got[i], Rules{}); d.Verdict != Asks {
			t.Errorf("%s: %+v", got[i].Target, d)
		}
	}
	before := got[0].Hash()
	files[HandleFile] = `{"handle":"@anna:local","display_name":"Anna","claimed":true}`
	if again, _ := Settles(changes, content); again[0].Hash() == before {
		t.Error("an approval of one text would do for another")
	}
	gone, err := Settles([]sys.Change{{Path: HandleFile, Op: sys.Deleted}}, content)
	if err != nil || len(gone) != 1 || !strings.Contains(gone[0].Text, "handle.json") {
		t.Errorf("%+v %v", gone, err)
	}
}
