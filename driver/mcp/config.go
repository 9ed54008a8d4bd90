package mcp

import (
	"bytes"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"matrixos/sys"
)

// Folder is where the files of servers are.
const Folder sys.Path = "system/mcp"

// Config is one server, as its file says.
type Config struct {
	Name string `json:"-"`
	// A program: its command line, and what it is given.
	Command string            `json:"command,omitempty"`
	Args    []string          `json:"args,omitempty"`
	Env     map[string]string `json:"env,omitempty"` // may hold {{key:name}}
	Lend    []string          `json:"lend,omitempty"`
	Folders []Granted         `json:"folders,omitempty"`
	Network []string          `json:"network,omitempty"` // hosts, or *.example.org
	Memory  int               `json:"memory_mb,omitempty"`
	// A service: its address, and what is said to it.
	URL     string            `json:"url,omitempty"`
	Headers map[string]string `json:"headers,omitempty"` // may hold {{key:name}}

	Capabilities []string          `json:"capabilities,omitempty"` // read, write, external
	Tools        map[string]string `json:"tools,omitempty"`
	Timeout      int               `json:"timeout,omitempty"` // of one call, in seconds
	Sampling     bool              `json:"sampling,omitempty"`
	Off          bool              `json:"off,omitempty"`
	Disabled     bool              `json:"disabled,omitempty"` // what others call off
	Type         string            `json:"type,omitempty"`
	Description  string            `json:"description,omitempty"`
}

// Granted is a folder of the owner's that a program sees. "~/" is the home.
type Granted struct {
	Path  string `json:"path"`
	Write bool   `json:"write,omitempty"`
}

// UnmarshalJSON reads a path, or an object.
func (g *Granted) UnmarshalJSON(raw []byte) error {
	if json.Unmarshal(raw, &g.Path) == nil {
		return nil
	}
	type plain Granted
	return json.Unmarshal(raw, (*plain)(g))
}

//go:embed config.schema.json
var schemaText []byte

var schema = sync.OnceValue(func() *jsonschema.Schema {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schemaText))
	if err == nil {
		c := jsonschema.NewCompiler()
		if err = c.AddResource("mcp.json", doc); err == nil {
			return c.MustCompile("mcp.json")
		}
	}
	panic("mcp: " + err.Error()) // it is ours, and tested
})

var keyForm = regexp.MustCompile(`\{\{key:([a-z0-9][a-z0-9._/-]{0,99})\}\}`)

// ParseConfig reads a server's file; name is the file's, without .json. A file that
// other programs wrote, with mcpServers in it, has as many servers as it names. The
// error names the field and what may stand there.
func ParseConfig(name string, text []byte) ([]Config, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		return nil, bad(name, fmt.Errorf("it is not JSON: %w", err))
	}
	top, ok := doc.(map[string]any)
	if !ok {
		return nil, bad(name, errors.New("it is not an object"))
	}
	servers, several := top["mcpServers"].(map[string]any)
	if !several {
		c, err := parseOne(name, doc)
		return []Config{c}, err
	}
	if len(top) > 1 {
		return nil, bad(name, errors.New("beside mcpServers nothing else may stand there"))
	}
	var out []Config
	for _, n := range slices.Sorted(maps.Keys(servers)) {
		c, err := parseOne(n, servers[n])
		if err != nil {
			return nil, err
		}
		out = append(out, c)
	}
	return out, nil
}

func bad(name string, err error) error {
	return &sys.Error{
		Op: "read the server", Path: string(Folder) + "/" + name + ".json", Kind: sys.Invalid, Err: err,
		Hint: `write {"command": "…", "args": […]} or {"url": "https://…"}; doc/recipes/driver.md has every field`,
	}
}

func parseOne(name string, doc any) (Config, error) {
	if !sys.Slug(name).Valid() {
		return Config{}, bad(name, errors.New("a server's name is made of a-z, 0-9 and -"))
	}
	if m, ok := doc.(map[string]any); ok { // what others add for themselves; here the owner's rules say it
		m = maps.Clone(m)
		delete(m, "autoApprove")
		delete(m, "alwaysAllow")
		doc = m
	}
	if err := schema().Validate(doc); err != nil {
		return Config{}, bad(name, errors.New(fault(err)))
	}
	raw, err := json.Marshal(doc)
	if err != nil {
		return Config{}, bad(name, err)
	}
	c := Config{}
	if err := json.Unmarshal(raw, &c); err != nil {
		return Config{}, bad(name, err)
	}
	c.Name, c.Off = name, c.Off || c.Disabled
	return c, c.check()
}

// check holds the fields against one another.
func (c *Config) check() error {
	if c.URL != "" {
		if c.Env != nil || c.Args != nil || c.Folders != nil || c.Network != nil || c.Lend != nil {
			return bad(c.Name, errors.New("args, env, lend, folders and network belong to a program, not to an address"))
		}
		if c.Capabilities == nil {
			c.Capabilities = []string{"read", "write", "external"}
		}
		if !c.may("external") {
			return bad(c.Name, errors.New("capabilities: what is at an address is external"))
		}
		return nil
	}
	if c.Headers != nil {
		return bad(c.Name, errors.New("headers belong to an address, not to a program"))
	}
	if c.Capabilities == nil {
		c.Capabilities = []string{"read"}
		if slices.ContainsFunc(c.Folders, func(g Granted) bool { return g.Write }) {
			c.Capabilities = append(c.Capabilities, "write")
		}
		if len(c.Network) > 0 {
			c.Capabilities = append(c.Capabilities, "external")
		}
	}
	for _, g := range c.Folders {
		if g.Write && !c.may("write") {
			return bad(c.Name, fmt.Errorf("folders: %s may be changed, but capabilities has no write", g.Path))
		}
	}
	if len(c.Network) > 0 && !c.may("external") {
		return bad(c.Name, errors.New("network: it names hosts, but capabilities has no external"))
	}
	for _, name := range c.Lend {
		if !strings.Contains(strings.Join(slices.Collect(maps.Values(c.Env)), "\n"), "{{key:"+name+"}}") {
			return bad(c.Name, fmt.Errorf("lend: no value of env has {{key:%s}}", name))
		}
	}
	return nil
}

func (c *Config) may(what string) bool { return slices.Contains(c.Capabilities, what) }

// version changes with anything in the configuration.
func (c *Config) version() string { return digest(c) }

// program identifies what runs: not what it may do.
func (c *Config) program() string {
	return digest([]any{c.Command, c.Args, c.URL})
}

func digest(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic("mcp: " + err.Error()) // strings and maps of them
	}
	sum := sha256.Sum256(raw)
	return hex.EncodeToString(sum[:8])
}

// fault says in one line what is wrong with a file.
func fault(err error) string {
	v, ok := errors.AsType[*jsonschema.ValidationError](err)
	if !ok {
		return err.Error()
	}
	english := message.NewPrinter(language.English)
	var out []string
	var walk func(*jsonschema.ValidationError)
	walk = func(v *jsonschema.ValidationError) {
		for _, c := range v.Causes {
			walk(c)
		}
		if len(v.Causes) == 0 {
			out = append(out, strings.TrimSpace(strings.Join(v.InstanceLocation, ".")+" "+v.ErrorKind.LocalizedString(english)))
		}
	}
	walk(v)
	slices.Sort(out)
	return strings.Join(slices.Compact(out), "; ")
}
