package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"matrixos/app/contract"
	"matrixos/app/internal/store"
	"matrixos/sys"
)

// ManifestName is the file that makes a folder an app.
const ManifestName = "matrix.json"

// Manifest is what an app says of itself in matrix.json.
type Manifest struct {
	Name           string          `json:"name"`
	Slug           sys.Slug        `json:"slug"`
	Version        string          `json:"version"`
	Runtime        string          `json:"runtime"`
	RuntimeVersion string          `json:"runtimeVersion,omitempty"`
	Description    string          `json:"description,omitempty"`
	Category       string          `json:"category,omitempty"`
	Icon           string          `json:"icon,omitempty"`
	Author         string          `json:"author,omitempty"`
	Scope          string          `json:"scope,omitempty"`
	Permissions    []string        `json:"permissions,omitempty"`
	Hidden         bool            `json:"hidden,omitempty"`
	Designs        []string        `json:"designs,omitempty"`
	ForkedFrom     *Origin         `json:"forkedFrom,omitempty"` // the app that it is a copy of
	Storage        Storage         `json:"storage,omitzero"`
	Build          json.RawMessage `json:"build,omitempty"`    // ignored: we compile in process
	Serve          Serve           `json:"serve,omitzero"`     // of the node runtime
	Resources      Resources       `json:"resources,omitzero"` // of the node runtime
}

// Serve says how an app with the runtime node is served.
type Serve struct {
	Start        string  `json:"start,omitempty"`        // a command line
	HealthCheck  string  `json:"healthCheck,omitempty"`  // a path that answers when it is up
	StartTimeout float64 `json:"startTimeout,omitempty"` // seconds
	IdleShutdown float64 `json:"idleShutdown,omitempty"` // seconds
}

// Resources are what the server of an app may use.
type Resources struct {
	MemoryMb       float64 `json:"memoryMb,omitempty"`
	CPUShares      float64 `json:"cpuShares,omitempty"`      // taken note of only: servers go behind the owner's own programs
	MaxFileHandles float64 `json:"maxFileHandles,omitempty"` // taken note of only
}

// Storage declares an app's tables.
type Storage struct {
	Tables map[string]store.Table `json:"tables,omitempty"`
}

// The runtimes an app can ask for.
const (
	RuntimeStatic = "static" // index.html, served as it is
	RuntimeVite   = "vite"   // React and TypeScript, compiled here
	RuntimeNode   = "node"   // a server process, confined
)

// maxManifest bounds what is parsed: a manifest is a page, not a database.
const maxManifest = 256 << 10

// ParseManifest reads the matrix.json of the app in folder. Fields that the wild
// leaves out get their defaults from the folder, each with a warning; a wrong
// field is an error that names its value and what is allowed. hasSource says
// whether the folder has TypeScript sources, which decides the default runtime.
func ParseManifest(raw []byte, folder sys.Path, hasSource bool) (Manifest, []sys.Diagnostic) {
	p := parser{file: folder + "/" + ManifestName, raw: raw}
	var m Manifest
	if len(raw) > maxManifest {
		p.fail("", "the manifest has %d bytes, which is more than %d", len(raw), maxManifest)
	} else {
		p.decode(&m)
	}
	p.defaults(&m, folder, hasSource)
	p.judge(&m)
	return m, p.found
}

type parser struct {
	file  sys.Path
	raw   []byte
	at    map[string]int // where each value is
	found []sys.Diagnostic
}

// decode reads what is right of the manifest into m, and tells of the rest.
func (p *parser) decode(m *Manifest) {
	d := json.NewDecoder(bytes.NewReader(p.raw))
	var whole any
	err := d.Decode(&whole)
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		p.put("error", int(syntax.Offset), "not JSON: "+syntax.Error(), "")
		return
	case err != nil:
		p.fail("", "not JSON: %v", err)
		return
	}
	if _, more := d.Token(); !errors.Is(more, io.EOF) {
		p.fail("", "there is text after the manifest's closing brace")
	}
	tree, ok := whole.(map[string]any)
	if !ok {
		p.fail("", "the manifest is %s; it has to be an object such as {\"name\": \"Habits\"}", shown(whole))
		return
	}
	p.at = contract.Offsets(p.raw)
	p.fields(tree)
	clean, err := json.Marshal(tree)
	if err == nil {
		err = json.Unmarshal(clean, m)
	}
	if err != nil {
		p.fail("", "the manifest does not fit: %v", err)
	}
}

func (p *parser) fields(tree map[string]any) {
	strangers(tree, "", "", func(place, meant string) {
		p.add("warning", place, fmt.Sprintf("%s is not a field of a manifest", place), fmt.Sprintf("did you mean %q?", meant))
	})
	walkFields(tree, func(f field, place string, v any) {
		severity, why := "error", ""
		if f.mild {
			severity, why = "warning", "the app runs all the same; "
		}
		p.add(severity, place, fmt.Sprintf("%s is %s; it may be %s", place, shown(v), f.allowed), fmt.Sprintf("%swrite for instance %s, or leave it out", why, f.right))
	})
}

func (p *parser) defaults(m *Manifest, folder sys.Path, hasSource bool) {
	var set []string
	def := func(field string, value *string, to string) {
		if *value == "" {
			*value = to
			if _, wrong := p.at[field]; !wrong {
				set = append(set, fmt.Sprintf("%s %q", field, to))
			}
		}
	}
	slug := string(m.Slug)
	def("slug", &slug, folder.Base())
	m.Slug = sys.Slug(slug)
	def("name", &m.Name, title(folder.Base()))
	def("version", &m.Version, "1.0.0")
	runtime := RuntimeStatic
	if hasSource {
		runtime = RuntimeVite
	}
	def("runtime", &m.Runtime, runtime)
	if len(set) > 0 {
		p.found = append(p.found, sys.Diagnostic{Severity: "warning", File: p.file, Line: 1, Text: "the manifest leaves out " + strings.Join(set, ", "), Hint: "these defaults are used; write them down to be sure"})
	}
}

func title(slug string) string {
	words := strings.ReplaceAll(slug, "-", " ")
	if words == "" {
		return "App"
	}
	return strings.ToUpper(words[:1]) + words[1:]
}

// judge checks what no field shows by itself.
func (p *parser) judge(m *Manifest) {
	if !m.Slug.Valid() { // of the folder
		p.fail("slug", "slug is %q; it may be %s", m.Slug, slugForm)
	}
	for _, problem := range store.CheckTables(m.Storage.Tables) {
		p.fail(problem.Place, "%s", problem.Text)
	}
	if m.Runtime == RuntimeNode && m.Serve.Start == "" {
		m.Serve.Start = "node server.js"
		p.add("warning", "runtime", `the manifest leaves out serve.start; "node server.js" is used`, "")
	}
}

func (p *parser) fail(place, format string, args ...any) {
	p.add("error", place, fmt.Sprintf(format, args...), "")
}

// add reports text at the value of a place, such as storage.tables.entries.
func (p *parser) add(severity, place, text, hint string) {
	at, ok := p.at[place]
	if !ok || place == "" {
		p.found = append(p.found, sys.Diagnostic{Severity: severity, Text: text, File: p.file, Line: 1, Hint: hint})
		return
	}
	p.put(severity, at, text, hint)
}

func (p *parser) put(severity string, offset int, text, hint string) {
	d := sys.Diagnostic{Severity: severity, Text: text, File: p.file, Hint: hint}
	d.Line, d.Column, d.Source = place(p.raw, offset)
	p.found = append(p.found, d)
}

// place finds line, column (both from 1) and the text of the line at offset.
func place(raw []byte, offset int) (line, column int, source string) {
	offset = max(0, min(offset, len(raw)))
	start := bytes.LastIndexByte(raw[:offset], '\n') + 1
	end := bytes.IndexByte(raw[offset:], '\n')
	if end < 0 {
		end = len(raw) - offset
	}
	return bytes.Count(raw[:offset], []byte{'\n'}) + 1, offset - start + 1, strings.TrimRight(string(raw[start:offset+end]), "\r")
}
