package gateway_test

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	gotoken "go/token"
	"strconv"
	"strings"
	"testing"

	"matrixos/gateway"
)

type document struct {
	OpenAPI    string                                `json:"openapi"`
	Paths      map[string]map[string]json.RawMessage `json:"paths"`
	Components struct {
		Schemas map[string]struct {
			OneOf []struct {
				Ref string `json:"$ref"`
			} `json:"oneOf"`
			Discriminator struct{ Mapping map[string]string }
			Properties    map[string]json.RawMessage
		} `json:"schemas"`
	} `json:"components"`
}

func read(t *testing.T) (document, string) {
	t.Helper()
	b, err := gateway.OpenAPI("test")
	if err != nil {
		t.Fatal(err)
	}
	var d document
	if err := json.Unmarshal(b, &d); err != nil {
		t.Fatal(err)
	}
	return d, string(b)
}

// Every kind of event that sys knows is described with its payload, so that a
// client generated from the document understands them all.
func TestEveryEventIsDescribed(t *testing.T) {
	d, _ := read(t)
	f, err := parser.ParseFile(gotoken.NewFileSet(), "../sys/event.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	kinds := 0
	ast.Inspect(f, func(n ast.Node) bool {
		v, ok := n.(*ast.ValueSpec)
		if !ok || len(v.Values) != 1 {
			return true
		}
		if id, ok := v.Type.(*ast.Ident); !ok || id.Name != "EventKind" {
			return true
		}
		kind, err := strconv.Unquote(v.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		kinds++
		name := strings.TrimPrefix(d.Components.Schemas["Event"].Discriminator.Mapping[kind], "#/components/schemas/")
		s, ok := d.Components.Schemas[name]
		if !ok || !strings.Contains(string(s.Properties["data"]), "$ref") || !strings.Contains(string(s.Properties["kind"]), `"`+kind+`"`) {
			t.Errorf("event %q is not described (%q)", kind, name)
		}
		return true
	})
	if kinds < 10 || kinds != len(d.Components.Schemas["Event"].OneOf) {
		t.Errorf("%d kinds, %d described", kinds, len(d.Components.Schemas["Event"].OneOf))
	}
}

func TestDocument(t *testing.T) {
	d, text := read(t)
	if !strings.HasPrefix(d.OpenAPI, "3.1") {
		t.Errorf("version %s", d.OpenAPI)
	}
	for _, call := range []string{
		"get /api/session", "post /api/ask", "get /api/conversations", "get /api/conversations/{id}", "get /api/processes",
		"post /api/processes/{pid}/signal", "post /api/stop", "post /api/questions/{id}", "get /api/apps", "post /api/apps/{slug}/launch",
		"delete /api/apps/{slug}", "post /api/bridge", "get /api/landings", "get /api/landings/{id}",
		"get /api/moment", "get /api/why", "get /api/diff", "post /api/restore", "get /api/snapshots", "post /api/snapshots",
		"delete /api/snapshots/{name}", "post /api/views", "post /api/landings/{id}/undo",
		"get /api/files", "get /api/file", "put /api/file", "get /api/layout", "put /api/layout", "get /api/theme", "put /api/theme",
		"get /api/models", "put /api/models", "get /api/events", "post /api/signin",
	} {
		method, path, _ := strings.Cut(call, " ")
		if d.Paths[path][method] == nil {
			t.Errorf("%s is missing", call)
		}
	}
	for i := 0; ; {
		j := strings.Index(text[i:], `"$ref": "#/components/schemas/`)
		if j < 0 {
			break
		}
		i += j + len(`"$ref": "#/components/schemas/`)
		name, _, _ := strings.Cut(text[i:], `"`)
		if _, ok := d.Components.Schemas[name]; !ok {
			t.Errorf("%s is referred to and missing", name)
		}
	}
	for name := range map[string]bool{"hint": true, "kind": true} {
		if d.Components.Schemas["ErrorModel"].Properties[name] == nil {
			t.Errorf("errors are described without %s", name)
		}
	}
}
