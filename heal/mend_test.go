package heal

import (
	"encoding/json"
	"reflect"
	"strings"
	"testing"
)

// TestMendMakesReadable: each text becomes JSON that says what a person would read in it.
func TestMendMakesReadable(t *testing.T) {
	for name, c := range map[string][2]string{
		"comma at the end":    {`{"a": 1, "b": [1, 2,],}`, `{"a":1,"b":[1,2]}`},
		"no comma":            {"{\"a\": 1\n\"b\": 2}", `{"a":1,"b":2}`},
		"single quotes":       {`{'a': 'it is', b: 'c'}`, `{"a":"it is","b":"c"}`},
		"comments":            {"{ // mine\n \"a\": /* one */ 1 }", `{"a":1}`},
		"words without":       {`{a: yes, b: True}`, `{"a":"yes","b":true}`},
		"the end is missing":  {`{"a": [1, {"b": "c"`, `{"a":[1,{"b":"c"}]}`},
		"zeros":               {"{\"a\": 1\x00\x00}", `{"a":1}`},
		"byte order mark":     {"\xef\xbb\xbf{\"a\": 1,}", `{"a":1}`},
		"a conflict":          {"{\n<<<<<<< HEAD\n\"a\": 1\n=======\n\"a\": 2\n>>>>>>> other\n}", `{"a":1}`},
		"too many commas":     {`{"a": 1,, "b": 2}`, `{"a":1,"b":2}`},
		"a quote is missing":  {"{\"a\": \"b,\n\"c\": 1}", `{"a":"b,","c":1}`},
		"an address":          {`{"a": "http://x//y",}`, `{"a":"http://x//y"}`},
		"something is quoted": {`{"a": "say \"hi\"",}`, `{"a":"say \"hi\""}`},
	} {
		out, ok := Mend([]byte(c[0]))
		var got, want any
		if !ok || json.Unmarshal(out, &got) != nil || json.Unmarshal([]byte(c[1]), &want) != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %q became %q", name, c[0], out)
		}
	}
	for _, text := range []string{"", "   ", `{"a": 1}`} {
		if out, ok := Mend([]byte(text)); ok {
			t.Errorf("%q became %q", text, out)
		}
	}
}

// FuzzMend: whatever comes in, it ends, and what it says is JSON is JSON.
func FuzzMend(f *testing.F) {
	for _, s := range []string{`{"a":1,}`, `[1 2`, `{a:'b`, "<<<<<<< a\n{\n=======\n[\n>>>>>>> b", `"\u12`, "{\"a\\", strings.Repeat("[", 500), "/*", "//", `{:,]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		out, ok := Mend(text)
		if ok && !json.Valid(out) {
			t.Errorf("%q became %q", text, out)
		}
		if again, twice := Mend(out); ok && twice {
			t.Errorf("mended twice: %q, %q", out, again)
		}
	})
}

// TestDamageIsToldFromEdits: what a hand may have written is nobody's damage.
func TestDamageIsToldFromEdits(t *testing.T) {
	text := "const one = 1;\nconst two = 2;\nconst three = 3;\n"
	for after, damaged := range map[string]bool{
		text[:20]: true, text[:len(text)-2]: true, "": true, text[:5] + "\x00\x00\x00\x00" + text[9:]: true, text[:5] + "\xff" + text[6:]: true, text[:5] + "\x01" + text[6:]: true,
		"const one = 1;\nconst two = 2;\n": false, "const one = 1;\nconst two = 2;": false, text[:len(text)-1]: false, text + "more\n": false, "const one = 3;\nconst two = 2;\nconst three = 3;\n": false, text: false, "something else\n": false,
	} {
		if got := Damaged([]byte(text), []byte(after)); (got != "") != damaged {
			t.Errorf("%q: %q", after, got)
		}
	}
	if got := Damaged([]byte("a\x00b\xff"), []byte("a\x00c\xfe")); got != "" {
		t.Errorf("of a binary file: %q", got)
	}
}
