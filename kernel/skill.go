package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"

	"matrixos/sys"
)

// skillFolder holds skills by the Agent Skills standard: a folder each, named as
// the skill is, with SKILL.md and what that refers to.
const skillFolder sys.Path = "agents/skills"

// Skill is one of them. What is wrong with it is said in Problem; then it is not
// offered to a model.
type Skill struct {
	Name        string     `json:"name" yaml:"name"`
	Description string     `json:"description" yaml:"description"`
	Path        sys.Path   `json:"path" yaml:"-"`
	Files       []sys.Path `json:"files,omitempty" yaml:"-"` // beside SKILL.md
	Problem     string     `json:"problem,omitempty" yaml:"-"`
	Made        Origin     `json:"made,omitzero" yaml:"-"`
	Text        string     `json:"-" yaml:"-"`
	front       skillFront
}

// skillFront is the front matter beyond name and description.
type skillFront struct {
	License       string            `yaml:"license"`
	Compatibility string            `yaml:"compatibility"`
	Metadata      map[string]string `yaml:"metadata"`
	AllowedTools  names             `yaml:"allowed-tools"`
}

var skillName = regexp.MustCompile(`^[a-z0-9]+(-[a-z0-9]+)*$`)

// ParseSkill reads a SKILL.md; folder is the name of its folder. The error names
// the field and what is wrong with it.
func ParseSkill(folder string, text []byte) (Skill, error) {
	bad := func(field, why string) (Skill, error) {
		return Skill{}, &sys.Error{
			Op: "read skill", Path: folder, Kind: sys.Invalid, Err: fmt.Errorf("%s: %s", field, why),
			Hint: "SKILL.md begins with front matter: ---, name, description, ---",
		}
	}
	body, ok := strings.CutPrefix(strings.ReplaceAll(string(text), "\r\n", "\n"), "---\n")
	if !ok {
		return bad("front matter", "there is none")
	}
	front, body, ok := strings.Cut(body, "\n---\n")
	if !ok {
		return bad("front matter", "it does not end")
	}
	s := Skill{Text: strings.TrimSpace(body)}
	if err := yaml.Unmarshal([]byte(front), &s); err != nil {
		return bad("front matter", err.Error())
	}
	if err := yaml.Unmarshal([]byte(front), &s.front); err != nil {
		return bad("front matter", err.Error())
	}
	switch n := len([]rune(s.Description)); {
	case s.Name == "":
		return bad("name", "it is missing")
	case len(s.Name) > 64 || !skillName.MatchString(s.Name):
		return bad("name", "it has at most 64 of a-z and 0-9, with single hyphens between them")
	case s.Name != folder:
		return bad("name", fmt.Sprintf("it is %q, and the folder is %q; they have to be the same", s.Name, folder))
	case strings.TrimSpace(s.Description) == "":
		return bad("description", "it is missing; say what the skill does and when to use it")
	case n > 1024:
		return bad("description", fmt.Sprintf("it has %d characters, 1024 are allowed", n))
	case len([]rune(s.front.Compatibility)) > 500:
		return bad("compatibility", "it has more than 500 characters")
	}
	return s, nil
}

// readSkills reads all skills of a tree by name, also those with problems.
func readSkills(tree fs.FS) ([]Skill, error) {
	dirs, err := fs.ReadDir(tree, string(skillFolder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var out []Skill
	for _, d := range dirs {
		if !d.IsDir() {
			continue
		}
		s, err := readSkill(tree, d.Name())
		if err != nil && sys.KindOf(err) == sys.Internal {
			return nil, err
		}
		if err != nil {
			s = Skill{Name: d.Name(), Path: skillFolder + sys.Path("/"+d.Name()+"/SKILL.md"), Problem: plain(err)}
		}
		out = append(out, s)
	}
	slices.SortFunc(out, func(a, b Skill) int { return strings.Compare(a.Name, b.Name) })
	return out, nil
}

// readSkill reads one skill and names its other files.
func readSkill(tree fs.FS, name string) (Skill, error) {
	if !skillName.MatchString(name) {
		return Skill{}, &sys.Error{Op: "read skill", Path: name, Kind: sys.Invalid, Err: errors.New("name: it has a-z and 0-9, with single hyphens between them")}
	}
	folder := string(skillFolder) + "/" + name
	text, err := fs.ReadFile(tree, folder+"/SKILL.md")
	if errors.Is(err, fs.ErrNotExist) {
		return Skill{}, &sys.Error{Op: "read skill", Path: name, Kind: sys.NotFound, Err: errors.New("it has no SKILL.md"), Hint: "the prompt lists the skills"}
	}
	if err != nil {
		return Skill{}, err
	}
	s, err := ParseSkill(name, text)
	if err != nil {
		return Skill{}, err
	}
	s.Path = sys.Path(folder + "/SKILL.md")
	err = fs.WalkDir(tree, folder, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path.Base(p) != "SKILL.md" && p != folder+"/"+trialFile {
			s.Files = append(s.Files, sys.Path(p))
		}
		return err
	})
	return s, err
}

// skillList is what a prompt says of the skills; it changes only with them.
func skillList(tree fs.FS, p Program) (string, error) {
	if !slices.Contains(p.Tools, "load_skill") {
		return "", nil
	}
	all, err := readSkills(tree)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, s := range all {
		if s.Problem == "" {
			fmt.Fprintf(&b, "\n- %s: %s", s.Name, strings.Join(strings.Fields(s.Description), " "))
		}
	}
	if b.Len() == 0 {
		return "", nil
	}
	return "Skills. Before a task that one of them fits, `load_skill` it and follow it:\n" + b.String(), nil
}

// skillFiles are the files whose words skillList has.
func skillFiles(tree fs.FS, p Program) ([]sys.Path, error) {
	if !slices.Contains(p.Tools, "load_skill") {
		return nil, nil
	}
	all, err := readSkills(tree)
	var out []sys.Path
	for _, s := range all {
		out = append(out, s.Path)
	}
	return out, err
}

// Skills lists the skills of the live home, with what is wrong with the bad ones
// and where each comes from.
func (k *Kernel) Skills(ctx context.Context) ([]Skill, error) {
	view, err := k.disk.View(0)
	if err != nil {
		return nil, err
	}
	list, err := readSkills(view)
	if err != nil {
		return nil, err
	}
	for i, s := range list {
		t, err := skillTrial(view, s.Name)
		if err != nil {
			t = nil // its author has broken it since; the skill is what it is
		}
		if list[i].Made, err = k.made(ctx, s.Path, t); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// Skill loads one skill as the process sees it, and shows it.
func (c *Call) Skill(ctx context.Context, name string) (Skill, error) {
	tree, err := c.p.homeTree(ctx)
	if err != nil {
		return Skill{}, err
	}
	s, err := readSkill(tree, name)
	if err != nil {
		return Skill{}, err
	}
	c.Saw(s.Path, []byte(s.Text))
	return s, nil
}

// Agent is a program as its owner sees it.
type Agent struct {
	Name        sys.Program `json:"name"`
	Description string      `json:"description"`
	Path        sys.Path    `json:"path"`
	Tools       []string    `json:"tools"`
	Writes      []string    `json:"writes"`
	Model       string      `json:"model,omitempty"`
	MaxTurns    int         `json:"max_turns,omitempty"`
	Budget      sys.Budget  `json:"budget"`
	Problem     string      `json:"problem,omitempty"`
	Made        Origin      `json:"made"`
}

// Agents lists the programs of the live home, also those that cannot be read.
func (k *Kernel) Agents(ctx context.Context) ([]Agent, error) {
	view, err := k.disk.View(0)
	if err != nil {
		return nil, err
	}
	var out []Agent
	seen := map[sys.Program]bool{}
	for _, dir := range []string{"agents", "agents/custom"} {
		files, err := fs.Glob(view, dir+"/*.md")
		if err != nil {
			return nil, err
		}
		for _, f := range files {
			text, err := fs.ReadFile(view, f)
			if err != nil {
				return nil, err
			}
			if dir == "agents" && !isProgram(text) {
				continue // a text, such as system-prompt.md
			}
			name := sys.Program(strings.TrimSuffix(path.Base(f), ".md"))
			a := Agent{Name: name, Path: sys.Path(f), Tools: []string{}, Writes: []string{}}
			p, err := ParseProgram(string(name), text)
			switch {
			case err != nil:
				a.Problem = plain(err)
			case seen[name]:
				a.Problem = "agents/" + string(name) + ".md has the same name and comes first"
			}
			if err == nil {
				a.Description, a.Tools, a.Writes, a.Model, a.MaxTurns, a.Budget = p.Description, append(a.Tools, p.Tools...), append(a.Writes, p.Writes...), p.Model, p.MaxTurns, p.Budget.Budget
			}
			if a.Made, err = k.made(ctx, a.Path, p.Trial); err != nil {
				return nil, err
			}
			seen[name] = true
			out = append(out, a)
		}
	}
	return out, nil
}

func isProgram(text []byte) bool { return strings.HasPrefix(string(text), "---\n") }
