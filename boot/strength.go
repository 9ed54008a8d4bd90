package boot

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/app/mutate"
	"matrixos/sys"
)

// mutantsAtMost bounds a measurement: each costs about a second.
const mutantsAtMost = 60

// strength measures how many small wrong changes of an app its contract finds.
func (c *contracts) strength(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.StrengthReport, error) {
	if c.browser == nil {
		return nil, &sys.Error{Op: "measure the contract of", Path: string(folder), Kind: sys.Unavailable, Err: c.why, Hint: sys.HintOf(c.why)}
	}
	first, err := c.check(ctx, tree, folder)
	if err != nil {
		return nil, err
	}
	if !first.Green {
		return nil, &sys.Error{Op: "measure the contract of", Path: string(folder), Kind: sys.NotVerified, Err: errors.New("the app does not keep it as it is:\n" + first.Text())}
	}
	all, err := mutants(tree, folder, c.columns(first.App))
	if err != nil {
		return nil, err
	}
	r := &sys.StrengthReport{App: first.App, Mutants: len(all), Operators: map[string]sys.Found{}}
	list := sample(all, mutantsAtMost)
	start := time.Now()
	killed, errs := make([]string, len(list)), make([]error, len(list))
	next := make(chan int)
	var work sync.WaitGroup
	for range 3 {
		work.Go(func() {
			for i := range next {
				killed[i], errs[i] = c.kill(ctx, edited{tree, list[i].file, list[i].text}, folder)
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	work.Wait()
	for i, m := range list {
		r.Count(m.Operator, killed[i], path.Base(m.file)+" "+m.String())
	}
	r.Millis = float64(time.Since(start).Milliseconds())
	return r, errors.Join(errs...)
}

// columns are those of all tables of an app.
func (c *contracts) columns(slug sys.Slug) (out []string) {
	for _, t := range c.runtime.Tables(slug) {
		for name := range t {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// The ways in which a mutant ends.
const (
	notValid = "invalid" // it does not compile: found without a contract
	found    = "found"
	survived = "survived"
)

// kill tries one mutant.
func (c *contracts) kill(ctx context.Context, tree fs.FS, folder sys.Path) (string, error) {
	t, err := c.runtime.Try(ctx, tree, folder)
	if err != nil {
		return "", err
	}
	if len(t.Faults) > 0 {
		return notValid, t.Close()
	}
	r := sys.ContractReport{}
	r.Scenarios, err = c.browser.Run(ctx, t, true)
	r.Settle()
	if err = errors.Join(err, t.Close()); err != nil {
		return "", err
	}
	if !r.Green {
		return found, nil
	}
	return survived, nil
}

// wrong is a mutant of one file of an app.
type wrong struct {
	mutate.Mutant
	file, text string
}

func mutants(tree fs.FS, folder sys.Path, columns []string) (out []wrong, err error) {
	err = fs.WalkDir(tree, string(folder), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".ts", ".tsx", ".js", ".jsx"}, path.Ext(p)) || strings.HasSuffix(p, ".d.ts") || strings.HasPrefix(path.Base(p), "main.") {
			return err
		}
		raw, err := fs.ReadFile(tree, p)
		if err != nil {
			return err
		}
		for _, m := range mutate.Of(string(raw), columns) {
			out = append(out, wrong{m, p, m.Apply(string(raw))})
		}
		return nil
	})
	return out, err
}

// sample takes most of all, evenly over the files and always the same.
func sample(all []wrong, most int) []wrong {
	if len(all) <= most {
		return all
	}
	out := make([]wrong, 0, most)
	for i := range most {
		out = append(out, all[i*len(all)/most])
	}
	return out
}

// edited is a tree in which one file has another text.
type edited struct {
	fs.FS
	file, text string
}

// Open implements fs.FS.
func (e edited) Open(name string) (fs.File, error) {
	f, err := e.FS.Open(name)
	if err != nil || name != e.file {
		return f, err
	}
	return &editedFile{f, bytes.NewReader([]byte(e.text)), int64(len(e.text))}, nil
}

// ReadFile implements fs.ReadFileFS.
func (e edited) ReadFile(name string) ([]byte, error) {
	if name == e.file {
		return []byte(e.text), nil
	}
	return fs.ReadFile(e.FS, name)
}

// ReadDir implements fs.ReadDirFS.
func (e edited) ReadDir(name string) ([]fs.DirEntry, error) { return fs.ReadDir(e.FS, name) }

type editedFile struct {
	fs.File
	text *bytes.Reader
	size int64
}

func (f *editedFile) Read(p []byte) (int, error) { return f.text.Read(p) }

func (f *editedFile) Stat() (fs.FileInfo, error) {
	i, err := f.File.Stat()
	return editedInfo{i, f.size}, err
}

type editedInfo struct {
	fs.FileInfo
	size int64
}

func (i editedInfo) Size() int64 { return i.size }
