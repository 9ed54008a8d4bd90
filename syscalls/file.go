package syscalls

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"matrixos/kernel"
	"matrixos/sys"
)

// Root is a folder that nothing leads out of; *os.Root is one.
type Root = *os.Root

// Limits of what one result carries.
const (
	maxLines = 2000
	maxLine  = 2000    // bytes
	maxFile  = 8 << 20 // bytes
)

type readIn struct {
	File   string `json:"file_path"`
	Offset int    `json:"offset"`
	Limit  int    `json:"limit"`
}

func read() kernel.Syscall {
	return define("Read", true, []string{"file_path"}, `
		"file_path":{"type":"string"},
		"offset":{"type":"integer","minimum":1,"description":"first line, from 1"},
		"limit":{"type":"integer","minimum":1,"description":"number of lines"}`,
		func(in readIn) string { return "Reading " + code(path.Base(in.File)) },
		func(ctx context.Context, c *kernel.Call, in readIn) (string, error) {
			p, err := sys.ParsePath(in.File)
			if err != nil {
				return "", err
			}
			tree, err := c.Tree(ctx)
			if err != nil {
				return "", err
			}
			text, err := load(tree, p)
			if err != nil {
				return "", err
			}
			c.Saw(p, text)
			return numbered(string(text), in.Offset, in.Limit), nil
		})
}

// load reads a text file of the tree.
func load(tree fs.FS, p sys.Path) ([]byte, error) {
	info, err := fs.Stat(tree, string(p))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &sys.Error{Op: "read", Path: string(p), Kind: sys.NotFound, Hint: near(tree, p)}
	case err != nil:
		return nil, err
	case info.IsDir():
		return nil, &sys.Error{Op: "read", Path: string(p), Kind: sys.Invalid, Err: errors.New("it is a folder"), Hint: "list it with Glob " + string(p) + "/*"}
	case info.Size() > maxFile:
		return nil, &sys.Error{Op: "read", Path: string(p), Kind: sys.Invalid, Err: fmt.Errorf("it has %d bytes", info.Size()), Hint: "search it with Grep"}
	}
	text, err := fs.ReadFile(tree, string(p))
	if err == nil && !utf8.Valid(text) {
		err = &sys.Error{Op: "read", Path: string(p), Kind: sys.Invalid, Err: errors.New("it is not text")}
	}
	return text, err
}

// near names what stands where p was looked for.
func near(tree fs.FS, p sys.Path) string {
	dir := path.Dir(string(p))
	list, err := fs.ReadDir(tree, dir)
	if err != nil {
		return "there is no folder " + dir
	}
	var have []string
	for _, e := range list {
		if len(have) < 12 && !strings.HasPrefix(e.Name(), ".") {
			have = append(have, e.Name())
		}
	}
	if len(have) == 0 {
		return dir + " is empty"
	}
	return dir + " has " + strings.Join(have, ", ")
}

// numbered prints lines as cat -n does.
func numbered(text string, offset, limit int) string {
	if text == "" {
		return "(the file is empty)"
	}
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	from := max(offset, 1)
	if from > len(lines) {
		return fmt.Sprintf("(the file has %s)", count(len(lines), "line"))
	}
	if limit <= 0 || limit > maxLines {
		limit = maxLines
	}
	to := min(from-1+limit, len(lines))
	var b strings.Builder
	for i, l := range lines[from-1 : to] {
		if len(l) > maxLine {
			l = strings.ToValidUTF8(l[:maxLine], "") + "… (cut)"
		}
		fmt.Fprintf(&b, "%6d\t%s\n", from+i, l)
	}
	if to < len(lines) {
		fmt.Fprintf(&b, "(lines %d to %d of %d; go on with offset %d)\n", from, to, len(lines), to+1)
	}
	return b.String()
}

type writeIn struct {
	File    string `json:"file_path"`
	Content string `json:"content"`
}

func write(o Options) kernel.Syscall {
	return define("Write", false, []string{"file_path", "content"}, `
		"file_path":{"type":"string"},
		"content":{"type":"string","description":"the whole new text"}`,
		func(in writeIn) string { return "Writing " + code(path.Base(in.File)) },
		func(ctx context.Context, c *kernel.Call, in writeIn) (string, error) {
			p, root, err := target(ctx, c, in.File)
			if err != nil {
				return "", err
			}
			defer root.Close()
			old, err := root.ReadFile(string(p))
			exists := err == nil
			if exists && !c.Fresh(p, old) {
				return "", stale("write", p)
			}
			if err := put(root, p, []byte(in.Content)); err != nil {
				return "", err
			}
			c.Saw(p, []byte(in.Content))
			verb := "Created"
			if exists {
				verb = "Wrote"
			}
			lines := strings.Count(in.Content, "\n")
			return fmt.Sprintf("%s %s (%s).%s", verb, p, count(lines, "line"), findings(ctx, c, o, root, p)), nil
		})
}

// target opens the transaction at a path that the process may write.
func target(ctx context.Context, c *kernel.Call, file string) (sys.Path, Root, error) {
	p, err := sys.ParsePath(file)
	if err != nil {
		return "", nil, err
	}
	if err := c.MayWrite(p); err != nil {
		return "", nil, err
	}
	c.Shows() // writing shows nothing
	root, err := c.Root(ctx)
	return p, root, err
}

func put(root Root, p sys.Path, text []byte) error {
	if dir := path.Dir(string(p)); dir != "." {
		if err := root.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return root.WriteFile(string(p), text, 0o644)
}

// stale refuses to overwrite what the process does not know.
func stale(op string, p sys.Path) error {
	return &sys.Error{
		Op: op, Path: string(p), Kind: sys.Conflict,
		Err: errors.New("it exists, and you have not read it as it is now"), Hint: "Read it first",
	}
}

// findings reports what the compiler has to say about the app that p is part of.
func findings(ctx context.Context, c *kernel.Call, o Options, root Root, p sys.Path) string {
	if o.Check == nil {
		return ""
	}
	list := o.Check(ctx, root, p)
	if len(list) == 0 {
		return ""
	}
	if slug, ok := p.App(); ok { // findings quote the app's other files
		c.ShowsBelow("apps/" + sys.Path(slug))
	}
	return "\n" + Diagnostics(list)
}

// Diagnostics prints findings as compilers do, one after another.
func Diagnostics(list []sys.Diagnostic) string {
	var b strings.Builder
	for _, d := range list {
		if d.File != "" {
			fmt.Fprintf(&b, "%s:%d:%d: ", d.File, d.Line, d.Column)
		}
		fmt.Fprintf(&b, "%s: %s\n", d.Severity, d.Text)
		if d.Source != "" {
			fmt.Fprintf(&b, "    %s\n", d.Source)
		}
		if d.Hint != "" {
			fmt.Fprintf(&b, "    %s\n", d.Hint)
		}
	}
	return strings.TrimRight(b.String(), "\n")
}
