package kernel

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"matrixos/driver"
	"matrixos/policy"
	"matrixos/sys"
)

// Program is an agent definition: a markdown file with front matter, in the
// sub-agent format of Claude Code. agents/<name>.md and agents/custom/<name>.md
// of the home are looked at, in that order.
type Program struct {
	Name        sys.Program `yaml:"name"`
	Description string      `yaml:"description"`
	Tools       names       `yaml:"tools"`
	MCP         names       `yaml:"mcp"`    // attached servers whose tools it may call; "*": all
	Writes      names       `yaml:"writes"` // path prefixes its landings may change
	Scope       names       `yaml:"scope"`  // all of the home that its calls see, beside system/; {app} is the app it works on
	Model       string      `yaml:"model"`  // empty or "inherit": the parent's
	MaxTurns    int         `yaml:"maxTurns"`
	Budget      budget      `yaml:"budget"` // per process: dollars, or a table; nothing means five dollars
	Effect      string      `yaml:"effect"` // "landing": it is not done before it has landed something
	Inject      names       `yaml:"inject"` // files whose text belongs to its prompt
	Trial       *Trial      `yaml:"trial"`  // what a program that a process has written must pass
	Prompt      string      `yaml:"-"`

	// A program whose conversations another program runs, in a folder: see engine.Command.
	Command words             `yaml:"command"` // its name as it is installed, and its arguments
	Again   words             `yaml:"again"`   // its arguments to go on in the same conversation
	Env     map[string]string `yaml:"env"`
	Files   map[string]string `yaml:"files"`
}

// names is a YAML list, or one string with commas.
type names []string

// UnmarshalYAML reads either form.
func (n *names) UnmarshalYAML(node *yaml.Node) error {
	var list []string
	if node.Kind == yaml.SequenceNode {
		if err := node.Decode(&list); err != nil {
			return err
		}
	} else {
		for s := range strings.SplitSeq(node.Value, ",") {
			list = append(list, strings.TrimSpace(s))
		}
	}
	*n = list
	return nil
}

// words is a YAML list, or one string with spaces.
type words []string

// UnmarshalYAML reads either form.
func (w *words) UnmarshalYAML(node *yaml.Node) error {
	var list []string
	if node.Kind == yaml.SequenceNode {
		if err := node.Decode(&list); err != nil {
			return err
		}
	} else {
		list = strings.Fields(node.Value)
	}
	*w = list
	return nil
}

// budget is a number of dollars, or a table of limits.
type budget struct{ sys.Budget }

// UnmarshalYAML reads either form.
func (b *budget) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.MappingNode {
		return node.Decode(&b.Budget)
	}
	return node.Decode(&b.USD)
}

// Grant is what policy lets the program do.
func (p Program) Grant() policy.Grant {
	calls := slices.Clone(p.Tools)
	for _, server := range p.MCP {
		if server == "*" {
			calls = append(calls, "mcp__*")
		} else {
			calls = append(calls, driver.FullName(server, "*"))
		}
	}
	return policy.Grant{Calls: calls, Writes: p.Writes}
}

// scope is what its transaction's folder holds when it works on app: nothing
// means the whole home.
func (p Program) scope(app sys.Slug) []sys.Path {
	var out []sys.Path
	for _, s := range p.Scope {
		out = append(out, sys.Path(path.Clean(strings.ReplaceAll(s, "{app}", string(app)))))
	}
	return out
}

// ParseProgram reads a definition; name is the file's base name, for a file
// that does not name itself.
func ParseProgram(name string, text []byte) (Program, error) {
	bad := func(err error) (Program, error) {
		return Program{}, &sys.Error{
			Op: "read program", Path: name, Kind: sys.Invalid, Err: err,
			Hint: "a program is markdown that begins with front matter: ---, name, description, tools, ---",
		}
	}
	body, ok := strings.CutPrefix(string(text), "---\n")
	if !ok {
		return bad(errors.New("no front matter"))
	}
	front, body, ok := strings.Cut(body, "\n---\n")
	if !ok {
		return bad(errors.New("the front matter does not end"))
	}
	p := Program{Name: sys.Program(name)}
	if err := yaml.Unmarshal([]byte(front), &p); err != nil {
		return bad(err)
	}
	if p.Description == "" {
		return bad(errors.New("description is missing"))
	}
	if b := p.Budget; b.USD < 0 || b.Tokens < 0 || b.Minutes < 0 || b.Calls < 0 || b.Files < 0 || p.MaxTurns < 0 {
		return bad(fmt.Errorf("budget %v and maxTurns %d may not be negative", p.Budget, p.MaxTurns))
	}
	if p.Effect != "" && p.Effect != "landing" {
		return bad(fmt.Errorf("effect %q: the only one is landing", p.Effect))
	}
	for _, s := range p.Scope {
		if _, err := sys.ParsePath(path.Clean(strings.ReplaceAll(s, "{app}", "app"))); err != nil {
			return bad(fmt.Errorf("scope %q: name folders of the home, such as apps/{app}: %w", s, err))
		}
	}
	if err := p.checkCommand(); err != nil {
		return bad(err)
	}
	if p.Budget == (budget{}) {
		p.Budget.USD = 5
	}
	p.Prompt = strings.TrimSpace(body)
	return p, nil
}

// checkCommand looks at what a program says of the one that runs its conversations.
// That one is named as it is installed, never by a path: what a file of the home says
// must not decide which files beside it a sandbox shows.
func (p Program) checkCommand() error {
	if len(p.Command) == 0 {
		if len(p.Again)+len(p.Env)+len(p.Files) > 0 {
			return errors.New("again, env and files belong to a command")
		}
		return nil
	}
	if name := p.Command[0]; !commandName.MatchString(name) {
		return fmt.Errorf("command %q: name a program that is installed, such as codex, without a folder", name)
	}
	for name := range p.Env {
		if !envName.MatchString(name) {
			return fmt.Errorf("env %q is no name of a variable", name)
		}
	}
	for file := range p.Files {
		if _, err := sys.ParsePath(file); err != nil || path.Clean(file) != file {
			return fmt.Errorf("files %q: name files below the program's private folder", file)
		}
	}
	return nil
}

var (
	commandName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._+-]*$`)
	envName     = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)
)

// findProgram reads a definition from a tree of the home.
func findProgram(tree fs.FS, name sys.Program) (Program, error) {
	if !sys.Slug(name).Valid() {
		return Program{}, &sys.Error{Op: "find program", Path: string(name), Kind: sys.Invalid, Hint: "a program's name is made of a-z, 0-9 and -"}
	}
	for _, dir := range []string{"agents/", "agents/custom/"} {
		text, err := fs.ReadFile(tree, dir+string(name)+".md")
		if err == nil {
			return ParseProgram(string(name), text)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return Program{}, err
		}
	}
	return Program{}, &sys.Error{
		Op: "find program", Path: string(name), Kind: sys.NotFound,
		Hint: "programs are agents/*.md of the home; builder is one",
	}
}
