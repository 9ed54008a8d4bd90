package driver

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// What is shown of a driver at most.
const (
	toolsMost       = 256
	descriptionMost = 4096     // characters
	hintMost        = 1024     // characters of a text within a schema
	schemaMost      = 64 << 10 // bytes
	resultMost      = 4 << 20  // bytes
)

// prefix begins the full name of every tool of a driver.
const prefix = "mcp__"

// FullName is the name by which programs call a tool: mcp__server__tool. A server's
// name has no underscores, so the parts of a full name are never in doubt.
func FullName(server, tool string) string { return prefix + server + "__" + tool }

// SplitName is the server and the tool of a full name.
func SplitName(full string) (server, tool string, ok bool) {
	rest, ok := strings.CutPrefix(full, prefix)
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "__")
}

var toolName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)

// vet takes what can be used of a list of tools, cleaned, in its order, and says of
// the others why they are refused. Reserved are the names of system calls: a tool
// that calls itself so wants to be mistaken.
func vet(list []Tool, reserved []string) (good []Tool, refused []string) {
	seen := map[string]int{}
	for _, t := range list {
		seen[strings.ToLower(t.Name)]++
	}
	for _, r := range reserved {
		seen[strings.ToLower(r)] += 2
	}
	for i, t := range list {
		if i == toolsMost {
			return good, append(refused, fmt.Sprintf("%d more tools: a server may have %d", len(list)-i, toolsMost))
		}
		clean, err := vetTool(t)
		switch n := seen[strings.ToLower(t.Name)]; {
		case err != nil:
		case slices.ContainsFunc(reserved, func(r string) bool { return strings.EqualFold(r, t.Name) }):
			err = errors.New("a system call has this name")
		case n > 1:
			err = errors.New("another tool has the same name")
		}
		if err != nil {
			refused = append(refused, fmt.Sprintf("%s: %v", Clean(t.Name, 64), err))
			continue
		}
		good = append(good, clean)
	}
	return good, refused
}

func vetTool(t Tool) (Tool, error) {
	if !toolName.MatchString(t.Name) {
		return t, errors.New("its name is not made of 1 to 64 of A-Z, a-z, 0-9, _ and -")
	}
	t.Title, t.Description = Clean(t.Title, 100), Clean(t.Description, descriptionMost)
	var err error
	if t.Schema, err = vetSchema(t.Schema); err != nil {
		return t, fmt.Errorf("the schema of its arguments: %w", err)
	}
	var root struct {
		Type string `json:"type"`
	}
	if err := json.Unmarshal(t.Schema, &root); err != nil || root.Type != "object" {
		return t, errors.New("the schema of its arguments does not say type object")
	}
	if len(t.Output) > 0 {
		if t.Output, err = vetSchema(t.Output); err != nil {
			return t, fmt.Errorf("the schema of its results: %w", err)
		}
	}
	return t, nil
}

// vetSchema cleans the texts of a schema and checks that it is one, without
// references to other documents.
func vetSchema(raw json.RawMessage) (json.RawMessage, error) {
	if len(raw) > schemaMost {
		return nil, fmt.Errorf("it has %d bytes, %d are allowed", len(raw), schemaMost)
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	if err := vetNode(doc, 0); err != nil {
		return nil, err
	}
	if _, err := compileSchema(doc); err != nil {
		return nil, err
	}
	return json.Marshal(doc)
}

// vetNode cleans what is only said to the reader, and refuses what cannot be cleaned
// without changing its meaning.
func vetNode(node any, depth int) error {
	if depth > 32 {
		return errors.New("it is nested more than 32 deep")
	}
	switch v := node.(type) {
	case map[string]any:
		for _, k := range slices.Sorted(maps.Keys(v)) {
			text, isText := v[k].(string)
			switch {
			case hidden(k):
				return errors.New("a name in it has invisible characters")
			case isText && (k == "description" || k == "title" || k == "$comment"):
				v[k] = Clean(text, hintMost)
				continue
			case isText && k == "$ref" && !strings.HasPrefix(text, "#"):
				return errors.New("it refers to another document")
			}
			if err := vetNode(v[k], depth+1); err != nil {
				return err
			}
		}
	case []any:
		for _, e := range v {
			if err := vetNode(e, depth+1); err != nil {
				return err
			}
		}
	case string:
		if hidden(v) {
			return errors.New("a value in it has invisible characters")
		}
	}
	return nil
}

func compileSchema(doc any) (*jsonschema.Schema, error) {
	c := jsonschema.NewCompiler()
	c.UseLoader(jsonschema.SchemeURLLoader{}) // loads nothing
	if err := c.AddResource("schema.json", doc); err != nil {
		return nil, err
	}
	return c.Compile("schema.json")
}

// Clean makes a text from outside fit to be shown: without characters that a person
// does not see, and at most so many characters long.
func Clean(s string, most int) string {
	if len(s) <= most && !hidden(s) {
		return s
	}
	var b strings.Builder
	n := 0
	for _, r := range strings.ReplaceAll(s, "\r\n", "\n") {
		if invisible(r) || r == utf8.RuneError {
			continue
		}
		if n++; n > most {
			b.WriteString("…")
			break
		}
		b.WriteRune(r)
	}
	return b.String()
}

// cleanResult makes a result fit to be read: valid, bounded, and without characters
// that hide or reorder what is there. Others that are not seen belong to a language.
func cleanResult(s string) string {
	if over := len(s) - resultMost; over > 0 {
		s = fmt.Sprintf("%s\n… %d bytes left out …", s[:resultMost], over)
	}
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', r == '\r':
			return r
		case unicode.IsControl(r), r >= 0x202a && r <= 0x202e, r >= 0x2066 && r <= 0x2069, r >= 0xe0000 && r <= 0xe007f:
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
}

func hidden(s string) bool { return !utf8.ValidString(s) || strings.ContainsFunc(s, invisible) }

// invisible are characters with which text can be hidden, or shown in another order
// than it has: controls, formats, private and unassigned ones, tags, fillers.
func invisible(r rune) bool {
	switch r {
	case '\n', '\t', ' ':
		return false
	case 0x034f, 0x115f, 0x1160, 0x17b4, 0x17b5, 0x3164, 0xffa0: // fillers and joiners that are letters by category
		return true
	case 0x200d, 0xfe0f: // within pictures such as families
		return false
	}
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Co, unicode.Cs, unicode.Zl, unicode.Zp) || !unicode.In(r, unicode.L, unicode.M, unicode.N, unicode.P, unicode.S, unicode.Z) ||
		r >= 0xfe00 && r <= 0xfe0e || r >= 0xe0100 && r <= 0xe01ef
}
