package matrixos_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// What the documents quote in backticks exists: folders and files, names of
// Go declarations, commands, flags and make targets. Other quotes (settings,
// addresses, words) are left alone.
func TestDocumentsQuoteWhatExists(t *testing.T) {
	c := newCatalogue(t)
	for _, doc := range []string{"ARCHITECTURE.md", "README.md"} {
		text, err := os.ReadFile(doc)
		if err != nil {
			t.Fatal(err)
		}
		checked := 0
		for _, q := range quotes(string(text)) {
			known, ok := c.exists(q)
			if known {
				checked++
			}
			if !ok {
				t.Errorf("%s quotes `%s`, which does not exist", doc, q)
			}
		}
		if checked < 10 { // a check that understands nothing must not pass
			t.Errorf("only %d quotes of %s could be checked", checked, doc)
		}
	}
}

// The check itself is tried against quotes that are wrong.
func TestDocumentCheckBites(t *testing.T) {
	c := newCatalogue(t)
	for _, q := range []string{
		"sys/nothing.go", "model/nobody", "nowhere_test.go", "sys.Nothing", "disk.Disk.Nothing", "NoSuchDeclaration",
		"matrixos bake", "matrixos up --colour", "--colour", "make coffee", "doc/decisions/999-none.md",
	} {
		if known, ok := c.exists(q); !known || ok {
			t.Errorf("`%s`: understood %v, exists %v", q, known, ok)
		}
	}
	for _, q := range []string{
		"sys/", "sys/error.go", "layout_test.go", "sys.Error", "sys.Error.Hint", "gateway.New", "matrixos undo L12", "matrixos up --listen 127.0.0.1:4000", "--home DIR", "make test",
	} {
		if known, ok := c.exists(q); !known || !ok {
			t.Errorf("`%s`: understood %v, exists %v", q, known, ok)
		}
	}
	for _, q := range []string{"~/matrixos", "http://127.0.0.1:4000", "system/conversations/", "OPENAI_API_KEY", "anthropic:claude-opus-4-6", "offline", "stop"} {
		if known, ok := c.exists(q); known || !ok {
			t.Errorf("`%s`: understood %v, exists %v", q, known, ok)
		}
	}
}

var (
	fence    = regexp.MustCompile("(?ms)^```.*?^```")
	quote    = regexp.MustCompile("`([^`\n]+)`")
	pathForm = regexp.MustCompile(`^[A-Za-z0-9_.-]+(/[A-Za-z0-9_.@-]+)*/?$`)
	nameForm = regexp.MustCompile(`^([a-z]+\.)?[A-Z][A-Za-z0-9]*(\.[A-Z][A-Za-z0-9]*)*$`)
	flagForm = regexp.MustCompile(`(?:^|\s)--([a-z-]+)`)
)

func quotes(text string) []string {
	var list []string
	for _, m := range quote.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
		list = append(list, m[1])
	}
	return list
}

// homeFolders are where paths of a home begin; they are not in this tree.
var homeFolders = []string{"apps", "data", "system", "agents", "docs", "bin"}

// catalogue is what there is to be quoted.
type catalogue struct {
	names    map[string]map[string]bool // package → what it declares
	anywhere map[string]bool            // every declaration, field and string of the tree
	commands map[string]bool
	flags    map[string]bool
	targets  map[string]bool
}

// exists reports whether q is of a form that can be checked, and whether it
// stands for something; what cannot be checked counts as existing.
func (c *catalogue) exists(q string) (known, ok bool) {
	if cmd, rest, isCommand := strings.Cut(q, " "); isCommand && (cmd == "matrixos" || cmd == "bin/matrixos") {
		verb, _, _ := strings.Cut(rest, " ")
		return true, c.commands[verb] && c.allFlags(rest)
	}
	if target, isMake := strings.CutPrefix(q, "make "); isMake {
		return true, c.targets[target]
	}
	if strings.HasPrefix(q, "--") {
		return true, c.allFlags(q)
	}
	if nameForm.MatchString(q) && !strings.HasSuffix(q, ".md") && strings.ToUpper(q) != q {
		pkg, name, inPackage := strings.Cut(q, ".")
		if !inPackage || c.names[pkg] == nil {
			return true, c.anywhere[q]
		}
		return true, c.names[pkg][name] || slices.ContainsFunc(c.methods(pkg), func(m string) bool { return strings.HasSuffix(m, "."+name) })
	}
	first, _, nested := strings.Cut(q, "/")
	if !pathForm.MatchString(q) || (!nested && !slices.Contains([]string{".go", ".md", ".mjs"}, filepath.Ext(q))) || slices.Contains(homeFolders, first) {
		return false, true
	}
	_, err := os.Stat(q)
	return true, err == nil
}

func (c *catalogue) methods(pkg string) []string {
	var list []string
	for n := range c.names[pkg] {
		if strings.Contains(n, ".") {
			list = append(list, n)
		}
	}
	return list
}

func (c *catalogue) allFlags(text string) bool {
	for _, m := range flagForm.FindAllStringSubmatch(text, -1) {
		if !c.flags[m[1]] {
			return false
		}
	}
	return true
}

func newCatalogue(t *testing.T) *catalogue {
	t.Helper()
	c := &catalogue{
		names: map[string]map[string]bool{}, anywhere: map[string]bool{},
		commands: map[string]bool{}, flags: map[string]bool{"help": true}, targets: map[string]bool{},
	}
	err := filepath.WalkDir(".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && slices.Contains([]string{"testdata", "node_modules", "dist", "bin", ".git"}, d.Name()):
			return fs.SkipDir
		case filepath.Ext(p) == ".go" && !strings.HasSuffix(p, "_test.go"):
			return c.read(p)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("Makefile")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^([a-z]+):`).FindAllStringSubmatch(string(text), -1) {
		c.targets[m[1]] = true
	}
	return c
}

// read notes what a Go file declares, and the command line's words.
func (c *catalogue) read(p string) error {
	f, err := parser.ParseFile(token.NewFileSet(), p, nil, 0)
	if err != nil {
		return err
	}
	pkg := f.Name.Name
	if c.names[pkg] == nil {
		c.names[pkg] = map[string]bool{}
	}
	add := func(owner, name string) {
		if owner != "" {
			c.names[pkg][owner+"."+name] = true
			c.anywhere[owner+"."+name] = true
		} else {
			c.names[pkg][name] = true
		}
		c.anywhere[name] = true
	}
	for _, d := range f.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			add(receiver(d), d.Name.Name)
		case *ast.GenDecl:
			for _, s := range d.Specs {
				addSpec(s, add)
			}
		}
	}
	ast.Inspect(f, func(n ast.Node) bool {
		if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
			s := strings.Trim(l.Value, "`\"")
			c.anywhere[s] = true // such as the name of a system call
			if strings.HasPrefix(p, "cmd/") {
				c.flags[s] = true
			}
		}
		if kv, ok := n.(*ast.KeyValueExpr); ok && strings.HasPrefix(p, "cmd/") {
			key, isName := kv.Key.(*ast.Ident)
			if v, isText := kv.Value.(*ast.BasicLit); isName && isText && key.Name == "Use" {
				verb, _, _ := strings.Cut(strings.Trim(v.Value, "`\""), " ")
				c.commands[verb] = true
			}
		}
		return true
	})
	return nil
}

func receiver(d *ast.FuncDecl) string {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return ""
	}
	t := d.Recv.List[0].Type
	if s, ok := t.(*ast.StarExpr); ok {
		t = s.X
	}
	if id, ok := t.(*ast.Ident); ok {
		return id.Name
	}
	return ""
}

// addSpec notes a declaration with its fields or methods.
func addSpec(s ast.Spec, add func(owner, name string)) {
	switch s := s.(type) {
	case *ast.ValueSpec:
		for _, n := range s.Names {
			add("", n.Name)
		}
	case *ast.TypeSpec:
		add("", s.Name.Name)
		var fields *ast.FieldList
		switch t := s.Type.(type) {
		case *ast.StructType:
			fields = t.Fields
		case *ast.InterfaceType:
			fields = t.Methods
		default:
			return
		}
		for _, f := range fields.List {
			for _, n := range f.Names {
				add(s.Name.Name, n.Name)
			}
		}
	}
}
