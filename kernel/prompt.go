package kernel

import (
	"encoding/json"
	"errors"
	"io/fs"
	"strings"

	"matrixos/model"
	"matrixos/sys"
)

// Section is one part of a system prompt, with the file it comes from.
type Section struct {
	Name sys.Path `json:"name"`
	Text string   `json:"text"`
}

// about are the files that tell the main agent who it is and whom it serves.
var about = []sys.Path{"agents/system-prompt.md", "system/soul.md", "system/identity.md", "system/user.md"}

// promptOf assembles a program's system prompt from files of the home. It holds
// nothing that changes during a conversation, so that it can be cached.
func promptOf(tree fs.FS, p Program) ([]Section, error) {
	out := []Section{{sys.Path("agents/" + string(p.Name) + ".md"), p.Prompt}}
	files := make([]sys.Path, 0, len(about)+len(p.Inject))
	if p.Name == sys.ProgramKernel {
		files = append(files, about...)
	}
	for _, f := range p.Inject {
		path, err := sys.ParsePath(f)
		if err != nil {
			return nil, err
		}
		files = append(files, path)
	}
	for _, f := range files {
		text, err := fs.ReadFile(tree, string(f))
		if errors.Is(err, fs.ErrNotExist) {
			continue // the owner may delete any of them
		}
		if err != nil {
			return nil, err
		}
		out = append(out, Section{f, strings.TrimSpace(string(text))})
	}
	return out, nil
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
