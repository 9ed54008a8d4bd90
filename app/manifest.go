package app

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"matrixos/app/internal/store"
	"matrixos/app/server"
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

var (
	runtimes   = []string{RuntimeStatic, RuntimeVite, RuntimeNode}
	scopes     = []string{"personal", "shared"}
	categories = []string{"utility", "productivity", "social", "dev", "games", "entertainment", "education", "finance", "health", "communication"}
	semver     = regexp.MustCompile(`^\d+\.\d+\.\d+(?:[-+][0-9A-Za-z.+-]+)?$`)
	versions   = regexp.MustCompile(`^(?:[\^~]|[<>]=?|=)?\s*\d+(?:\.(?:\d+|x|\*)){0,2}`)
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
	found []sys.Diagnostic
}

func (p *parser) decode(m *Manifest) {
	d := json.NewDecoder(bytes.NewReader(p.raw))
	err := d.Decode(m)
	if err == nil {
		if _, more := d.Token(); !errors.Is(more, io.EOF) {
			p.fail("", "there is text after the manifest's closing brace")
		}
		return
	}
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case errors.As(err, &syntax):
		p.at(int(syntax.Offset), "not JSON: "+syntax.Error())
	case errors.As(err, &kind):
		p.at(int(kind.Offset), fmt.Sprintf("%s is %s, but has to be %s", kind.Field, article(kind.Value), article(jsonType(kind.Type.Kind().String()))))
	default:
		p.fail("", "not JSON: %v", err)
	}
}

func jsonType(kind string) string {
	switch kind {
	case "slice", "array":
		return "array"
	case "struct", "map":
		return "object"
	case "bool":
		return "boolean"
	}
	return kind
}

func article(noun string) string {
	if strings.ContainsRune("aeiou", rune((noun + " ")[0])) {
		return "an " + noun
	}
	return "a " + noun
}

func (p *parser) defaults(m *Manifest, folder sys.Path, hasSource bool) {
	var set []string
	def := func(field string, value *string, to string) {
		if *value == "" {
			*value = to
			set = append(set, fmt.Sprintf("%s %q", field, to))
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

func (p *parser) judge(m *Manifest) {
	oneOf := func(field, value string, allowed []string) {
		if value != "" && !slices.Contains(allowed, value) {
			p.fail(field, "%s is %q; it may be %s", field, value, strings.Join(allowed, ", "))
		}
	}
	if !m.Slug.Valid() {
		p.fail("slug", "slug is %q; it may have 1 to 64 of a-z, 0-9 and -, and begins with a letter or digit", m.Slug)
	}
	if len(m.Name) > 120 {
		p.fail("name", "name has %d bytes; it may have at most 120", len(m.Name))
	}
	if !semver.MatchString(m.Version) {
		p.fail("version", "version is %q; it has to be three numbers such as 1.0.0", m.Version)
	}
	if m.RuntimeVersion != "" && !versions.MatchString(m.RuntimeVersion) {
		p.fail("runtimeVersion", "runtimeVersion is %q; it has to be a range such as ^1.0.0", m.RuntimeVersion)
	}
	oneOf("runtime", m.Runtime, runtimes)
	oneOf("scope", m.Scope, scopes)
	if m.Category != "" && !slices.Contains(categories, m.Category) {
		p.add("warning", "category", fmt.Sprintf("category is %q; known are %s", m.Category, strings.Join(categories, ", ")))
	}
	p.judgeServer(m)
	for _, problem := range store.CheckTables(m.Storage.Tables) {
		p.add("error", problem.Word, problem.Text)
	}
}

// judgeServer checks what only the runtime node looks at.
func (p *parser) judgeServer(m *Manifest) {
	within := func(word, field string, value, least, most float64) {
		if value != 0 && (value < least || value > most) {
			p.fail(word, "%s is %v; it may be %v to %v", field, value, least, most)
		}
	}
	within("startTimeout", "serve.startTimeout", m.Serve.StartTimeout, 1, 300)
	within("idleShutdown", "serve.idleShutdown", m.Serve.IdleShutdown, 1, 86400)
	within("memoryMb", "resources.memoryMb", m.Resources.MemoryMb, 64, server.MostMemory>>20)
	within("cpuShares", "resources.cpuShares", m.Resources.CPUShares, 1, 1<<18)
	within("maxFileHandles", "resources.maxFileHandles", m.Resources.MaxFileHandles, 16, 1<<20)
	if h := m.Serve.HealthCheck; h != "" && (!strings.HasPrefix(h, "/") || strings.ContainsAny(h, " \n")) {
		p.fail("healthCheck", "serve.healthCheck is %q; it has to be a path such as /health", h)
	}
	if len(m.Serve.Start) > 1000 {
		p.fail("start", "serve.start has %d bytes; it may have at most 1000", len(m.Serve.Start))
	}
	if m.Runtime == RuntimeNode && m.Serve.Start == "" {
		m.Serve.Start = "node server.js"
		p.add("warning", "runtime", `the manifest leaves out serve.start; "node server.js" is used`)
	}
}

func (p *parser) fail(word, format string, args ...any) {
	p.add("error", word, fmt.Sprintf(format, args...))
}

// add reports text at the line where word first stands as a key.
func (p *parser) add(severity, word, text string) {
	d := sys.Diagnostic{Severity: severity, Text: text, File: p.file, Line: 1}
	if i := bytes.Index(p.raw, []byte(`"`+word+`"`)); word != "" && i >= 0 {
		d.Line, d.Column, d.Source = place(p.raw, i)
	}
	p.found = append(p.found, d)
}

func (p *parser) at(offset int, text string) {
	d := sys.Diagnostic{Severity: "error", Text: text, File: p.file}
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
