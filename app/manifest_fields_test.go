package app

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"matrixos/sys"
)

// wrongValues are values that each field refuses, as JSON; a field that takes
// anything has none.
var wrongValues = map[string][]string{
	"name": {`5`, `["X"]`, `"` + strings.Repeat("x", 121) + `"`}, "slug": {`"Bad_Slug"`, `"-x"`, `7`, `"` + strings.Repeat("x", 65) + `"`},
	"version": {`"1"`, `"v1.0.0"`, `1.0`}, "runtime": {`"php"`, `"Vite"`, `true`}, "runtimeVersion": {`"latest"`, `1`},
	"description": {`{}`, `"` + strings.Repeat("x", 2001) + `"`}, "category": {`"food"`, `["games"]`}, "icon": {`{"lucide":"x"}`}, "author": {`{"name":"Ada"}`},
	"scope": {`"world"`, `1`}, "permissions": {`"all"`, `{"net":true}`}, "permissions[]": {`5`, `""`, `"net:https://example.org"`, `"net:"`, `"net:a.org/path"`, `"service:"`},
	"hidden": {`"yes"`, `1`}, "designs": {`"paper"`}, "designs[]": {`5`}, "forkedFrom": {`"notes"`}, "forkedFrom.slug": {`"Notes!"`, `1`},
	"forkedFrom.landing": {`0`, `"L3"`, `1.5`}, "forkedFrom.sha256": {`"abc"`, `1`}, "dev": nil, "listingTrust": nil,
	"build": {`"npm run build"`}, "build.install": {`["pnpm","install"]`}, "build.command": {`5`}, "build.output": {`true`}, "build.timeout": {`"soon"`, `-1`},
	"build.sourceGlobs": {`"src/**"`}, "build.sourceGlobs[]": {`{}`},
	"serve": {`"node server.js"`}, "serve.start": {`["node"]`, `"` + strings.Repeat("x", 1001) + `"`}, "serve.healthCheck": {`"health"`, `"/a b"`, `5`, `"https://x.org/"`},
	"serve.startTimeout": {`0`, `301`, `"20s"`}, "serve.idleShutdown": {`0`, `86401`, `true`},
	"resources": {`512`}, "resources.memoryMb": {`32`, `4096`, `"512m"`}, "resources.cpuShares": {`0`, `300000`, `"half"`}, "resources.maxFileHandles": {`8`, `2000000`, `[]`},
	"storage": {`[]`, `"sqlite"`}, "storage.tables": {`["entries"]`}, "storage.tables.*": {`"text"`, `[]`}, "storage.tables.*.columns": {`["a"]`},
	"storage.tables.*.columns.*": {`"string"`, `"TEXT"`, `5`, `{"type":"text"}`}, "storage.tables.*.indexes": {`"day"`, `{}`}, "storage.tables.*.indexes[]": {`5`, `{"unique":true}`, `[5]`},
}

// manifestWith is a manifest with value at the path of a field, and where it is.
func manifestWith(path, value string) (raw, place string) {
	text := value
	parts := strings.Split(path, ".")
	for i := range slices.Backward(parts) {
		name, item := strings.CutSuffix(parts[i], "[]")
		if name == "*" {
			name = "day"
		}
		if item {
			text = "[" + text + "]"
		}
		text = fmt.Sprintf("{\n%q: %s}", name, text)
	}
	return text, strings.ReplaceAll(strings.ReplaceAll(path, "*", "day"), "[]", "[0]")
}

func manifestSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("matrix.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("matrix.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Each wrong value of each field is told by field, value, what is allowed and the way
// out, at its line, and the schema refuses it too; what is right passes both.
func TestManifestFieldByField(t *testing.T) {
	schema := manifestSchema(t)
	valid := func(raw string) error {
		v, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
		if err != nil {
			t.Fatalf("%s: %v", raw, err)
		}
		return schema.Validate(v)
	}
	for _, f := range fields {
		values, listed := wrongValues[f.path]
		if !listed {
			t.Errorf("%s: no wrong value is tried", f.path)
		}
		for _, value := range values {
			raw, place := manifestWith(f.path, value)
			_, found := ParseManifest([]byte(raw), "apps/x", false)
			want := shownJSON(t, value)
			i := slices.IndexFunc(found, func(d sys.Diagnostic) bool { return strings.HasPrefix(d.Text, place+" is "+want) })
			if i < 0 {
				t.Errorf("%s: not told: %+v", raw, found)
				continue
			}
			d, severity := found[i], "error"
			if f.mild {
				severity = "warning"
			}
			if d.Severity != severity || !strings.Contains(d.Text, "; it may be "+f.allowed) || d.File != "apps/x/matrix.json" || d.Line < 2 || f.path != "storage.tables.*.columns.*" && !strings.Contains(d.Hint, f.right) {
				t.Errorf("%s: %+v", raw, d)
			}
			if valid(raw) == nil {
				t.Errorf("the schema lets %s pass", raw)
			}
		}
		raw, _ := manifestWith(f.path, f.right)
		if _, found := ParseManifest([]byte(raw), "apps/x", false); len(found) > 1 || len(found) == 1 && !strings.Contains(found[0].Text, "leaves out") {
			if !strings.HasPrefix(f.path, "storage.tables.*.indexes") { // they name columns that are not there
				t.Errorf("%s: %+v", raw, found)
			}
		}
		if err := valid(raw); err != nil {
			t.Errorf("%s: %v", raw, err)
		}
	}
}

// A manifest with every field of the original, each in the form that it may have, is
// taken without a word.
func TestManifestWithEveryField(t *testing.T) {
	raw := `{
  "$schema": "https://example.org/matrix.schema.json",
  "name": "Habits", "slug": "habits", "version": "1.2.3-beta.1", "runtime": "node", "runtimeVersion": "^1.0.0",
  "description": "What I do every day.", "category": "health", "icon": "🏃", "author": "Ada", "scope": "shared",
  "permissions": ["storage", "net:api.example.org", "service:mail"], "hidden": true, "designs": ["paper", "glass"], "dev": {"port": 5173}, "listingTrust": "verified",
  "forkedFrom": {"slug": "notes", "landing": 7},
  "build": {"install": "pnpm install", "command": "pnpm build", "output": "dist", "timeout": 120, "sourceGlobs": ["src/**", "index.html"]},
  "serve": {"start": "node dist/server.js", "healthCheck": "/health", "startTimeout": 10, "idleShutdown": 600},
  "resources": {"memoryMb": 256, "cpuShares": 512, "maxFileHandles": 1024},
  "storage": {"tables": {"entries": {"columns": {"day": "text", "n": "integer", "x": "float", "done": "boolean", "at": "timestamptz", "of": "uuid", "more": "jsonb"},
    "indexes": ["day", "day,n", ["day", "done"], {"columns": ["of"], "unique": true}]}}},
  "somethingElse": {"of": "another system"}
}`
	m, found := ParseManifest([]byte(raw), "apps/habits", false)
	if len(found) > 0 {
		t.Errorf("%+v", found)
	}
	if m.Serve.IdleShutdown != 600 || m.Resources.MemoryMb != 256 || len(m.Permissions) != 3 || len(m.Storage.Tables["entries"].Indexes) != 4 || !m.Hidden || m.ForkedFrom.Landing != 7 {
		t.Errorf("%+v", m)
	}
	v, err := jsonschema.UnmarshalJSON(strings.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	if err := manifestSchema(t).Validate(v); err != nil {
		t.Error(err)
	}
}

// What is wrong in a way that is no field's.
func TestManifestThatIsNone(t *testing.T) {
	for raw, want := range map[string]string{
		`{"name": }`: "not JSON", `{} {}`: "text after", `[]`: "it has to be an object", ``: "not JSON", "\xff": "not JSON",
		`{"permisions": []}`:                                                                 `did you mean "permissions"`,
		`{"serve": {"healthcheck": "/h"}}`:                                                   `did you mean "healthCheck"`,
		`{"storage": {"tables": {"t": {"colums":{}}}}}`:                                      `did you mean "columns"`,
		`{"storage": {"tables": {"t": {"columns": {"a": "text"}, "indexes": ["b"]}}}}`:       `"b", which is not a column; there are a, created_at, id`,
		`{"storage": {"tables": {"Bad": {}}}}`:                                               "a table's name has",
		`{"storage": {"tables": {"t": {"columns": {"9": "text"}}}}}`:                         "a column's name has",
		`{"name": "` + strings.Repeat("x", maxManifest) + `"}`:                               "which is more than",
		`{"runtime": "php", "scope": "world", "storage": {"tables": {"t": {"columns": 5}}}}`: "storage.tables.t.columns is 5",
	} {
		_, found := ParseManifest([]byte(raw), "apps/x", false)
		if !slices.ContainsFunc(found, func(d sys.Diagnostic) bool { return strings.Contains(d.Text+" "+d.Hint, want) }) {
			t.Errorf("%.200q: %+v", raw, found)
		}
	}
}

// The table of doc/apps.md is made of the fields; MATRIXOS_WRITE=1 writes it anew.
func TestManifestTableIsCurrent(t *testing.T) {
	var b strings.Builder
	b.WriteString("| field | it may be | for instance |\n|---|---|---|\n")
	for _, f := range fields {
		allowed := f.allowed
		if f.mild {
			allowed += " (else a warning)"
		}
		fmt.Fprintf(&b, "| `%s` | %s | `%s` |\n", f.path, allowed, f.right)
	}
	keepCurrent(t, "../doc/apps.md", "manifest fields", b.String())
}

// keepCurrent compares what stands between two marks of a page with what has to.
func keepCurrent(t *testing.T, page, mark, want string) {
	t.Helper()
	raw, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	open, end := "<!-- "+mark+" -->\n", "<!-- end of "+mark+" -->\n"
	before, rest, ok := strings.Cut(string(raw), open)
	is, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		t.Fatalf("%s has no place for %s", page, mark)
	}
	if is == want {
		return
	}
	if os.Getenv("MATRIXOS_WRITE") == "" {
		t.Fatalf("%s of %s are not current: MATRIXOS_WRITE=1 go test . -run %s in this folder writes them anew", mark, page, t.Name())
	}
	if err := os.WriteFile(page, []byte(before+open+want+end+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

func shownJSON(t *testing.T, value string) string {
	t.Helper()
	var v any
	if err := json.Unmarshal([]byte(value), &v); err != nil {
		t.Fatal(err)
	}
	return shown(v)
}
