package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"time"

	"matrixos/model"
	"matrixos/sys"
)

// Section is one part of a system prompt, with the file it comes from.
type Section struct {
	Name sys.Path `json:"name"`
	Text string   `json:"text"`
}

// about are the files that tell the main agent who it is and whom it serves.
var about = []sys.Path{"agents/system-prompt.md", "system/soul.md", "system/identity.md", "system/user.md", BootstrapFile}

// promptOf assembles a program's system prompt from files of the home. It holds
// nothing that changes during a conversation, so that it can be cached.
func promptOf(tree fs.FS, p Program) ([]Section, error) {
	out := []Section{{sys.Path("agents/" + string(p.Name) + ".md"), p.Prompt}}
	for _, f := range promptFiles(p)[1:] {
		if _, err := sys.ParsePath(string(f)); err != nil {
			return nil, err
		}
		text, err := fs.ReadFile(tree, string(f))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the owner may delete any of them
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Section{f, strings.TrimSpace(string(text))})
	}
	skills, err := skillList(tree, p)
	if err != nil {
		return nil, err
	}
	if skills != "" {
		out = append(out, Section{skillFolder, skills})
	}
	rules, err := instructions(tree, p)
	if err != nil {
		return nil, err
	}
	if len(rules) > 0 {
		out = append(out, Section{memoryFolder, "What the owner told you to always do:\n\n" + strings.Join(rules, "\n\n")})
	}
	return out, nil
}

const memoryFolder sys.Path = "agents/memory"

// instructions are the memories of that category, which are rules: they belong to
// the main agent's prompt.
func instructions(tree fs.FS, p Program) (out []string, err error) {
	if p.Name != sys.ProgramKernel {
		return nil, nil
	}
	all, err := readMemories(tree)
	for _, m := range slices.Backward(all) { // the oldest first, so that a new one changes the prompt at its end
		if m.Category == "instruction" && m.Text != "" {
			out = append(out, m.Text)
		}
	}
	return out, err
}

// Prompt is what a program's model is sent before any conversation: the exact
// text, by section, and the tools. Tokens are estimated.
type Prompt struct {
	Program  sys.Program `json:"program"`
	Sections []Part      `json:"sections"`
	Tools    []Part      `json:"tools"`
	State    Part        `json:"state"` // in front of the newest message, not cached
	Tokens   int         `json:"tokens"`
}

// Part is a piece of a prompt.
type Part struct {
	Name   string `json:"name"`
	Text   string `json:"text"`
	Tokens int    `json:"tokens"`
}

// tokensOf estimates rather too high: English prose has more than four bytes per
// token, code and JSON about three and a half.
func tokensOf(text string) int { return (len(text)*2 + 6) / 7 }

// Prompt assembles a program's prompt as its next process gets it.
func (k *Kernel) Prompt(_ context.Context, name sys.Program) (Prompt, error) {
	view, err := k.disk.View(0)
	if err != nil {
		return Prompt{}, err
	}
	program, err := findProgram(view, name)
	if err != nil {
		return Prompt{}, err
	}
	sections, err := k.sections(view, program)
	if err != nil {
		return Prompt{}, err
	}
	out := Prompt{Program: name, Sections: []Part{}, Tools: []Part{}}
	add := func(into *[]Part, name, text string) {
		part := Part{name, text, tokensOf(text)}
		*into = append(*into, part)
		out.Tokens += part.Tokens
	}
	for _, s := range sections {
		add(&out.Sections, string(s.Name), s.Text)
	}
	for _, t := range append(k.toolsOf(program), k.attachedTools(program)...) {
		add(&out.Tools, t.Name, t.Description+"\n"+string(t.Schema))
	}
	raw, err := json.Marshal(State{Now: k.now().Truncate(time.Second), Program: name, Handle: k.handle(), Model: k.models.Default(), Apps: k.apps.State(k.withheld)})
	if err != nil {
		return Prompt{}, err
	}
	out.State = Part{"state", string(raw), tokensOf(string(raw))}
	return out, nil
}

// promptFiles names the files that a program's prompt is made of, its own first.
func promptFiles(p Program) []sys.Path {
	out := []sys.Path{sys.Path("agents/" + string(p.Name) + ".md")}
	if p.Name == sys.ProgramKernel {
		out = append(out, about...)
	}
	for _, f := range p.Inject {
		out = append(out, sys.Path(strings.TrimPrefix(f, "~/")))
	}
	return out
}

// join makes one text of sections.
func join(sections []Section) string {
	var b strings.Builder
	for i, s := range sections {
		if i > 0 {
			b.WriteString("\n\n")
		}
		b.WriteString(s.Text)
	}
	return b.String()
}

// opening is the newest user message: the state of the system, then the words.
func opening(s State, text string) ([]model.Block, error) {
	raw, err := json.Marshal(s)
	if err != nil {
		return nil, err
	}
	return []model.Block{
		{Kind: model.Text, Text: "<state>" + string(raw) + "</state>"},
		{Kind: model.Text, Text: text},
	}, nil
}
