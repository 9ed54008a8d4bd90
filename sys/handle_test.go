package sys

import (
	"errors"
	"strings"
	"testing"
)

func TestParseHandle(t *testing.T) {
	for in, want := range map[string]Handle{
		"anna": "@anna:local", "@anna": "@anna:local", " @a.b=c+1-2_x ": "@a.b=c+1-2_x:local", "@anna:example.org:8448": "@anna:example.org:8448",
		"@anna:[2001:db8::1]:80": "@anna:[2001:db8::1]:80",
		"":                       "", "@": "", "Anna": "", "an na": "", "ännä": "", "a/b": "", "@anna:": "", "@anna:a b": "", "_bridge": "", "anna_ai": "",
		strings.Repeat("a", 250): "",
	} {
		h, err := ParseHandle(in, "local")
		if h != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q %v", in, h, err)
		}
		if err != nil && (!errors.Is(err, Invalid) || HintOf(err) == "") {
			t.Errorf("%q: %v has no way out", in, err)
		}
	}
}

func FuzzParseHandle(f *testing.F) {
	for _, s := range []string{"anna", "@anna:example.org", "@:", "@a:b:c", "\x00", "@_x", "x_ai"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		h, err := ParseHandle(s, "local")
		if err != nil {
			return
		}
		local, domain := h.Parts()
		again, err := ParseHandle(string(h), "elsewhere")
		if err != nil || again != h || local == "" || domain == "" || len(h) > 255 {
			t.Fatalf("%q is %q, which is %q: %v", s, h, again, err)
		}
	})
}
