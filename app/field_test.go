package app

import (
	"strings"
	"testing"
)

// The libraries that apps of the field import are in the binary, Tailwind in its
// three forms among them.
func TestLibrariesOfTheField(t *testing.T) {
	chromium(t)
	found := newWorld(t, "testdata/field").drive("field")
	for name, want := range map[string]string{
		"facts": "20 moves; 26/11 10:00; 2function; 8/36; 2 lines; false; Invalid input: expected number, received string; translate3d(1px, 2px, 0) scaleX(1) scaleY(1); function,function,object,function",
		"pill":  "16px", "motion": "moved", "query": "fetched", "markdown": "<strong>bold</strong>", "toast": "Hello Ada", "dialog": "Details of the shelf",
		"route": "About this shelf", "retro": "11px rgb(51, 119, 153) 16px", "poster": "16px", "errors": "",
	} {
		if !strings.Contains(found[name], want) || want == "" && found[name] != "" {
			t.Errorf("%s: %q, want %q", name, found[name], want)
		}
	}
}

// Two windows that change a row: other fields are merged, the same field is a visible
// conflict, and nothing is lost in silence.
func TestTwoWindowsChangeARow(t *testing.T) {
	chromium(t)
	found := newWorld(t).drive("windows")
	for name, want := range map[string]string{"merged": "30.00", "clash": "amount is now 40", "typed": "50", "kept": "40.00", "again": "50.00", "errors": ""} {
		if !strings.Contains(found[name], want) || want == "" && found[name] != "" {
			t.Errorf("%s: %q, want %q", name, found[name], want)
		}
	}
}
