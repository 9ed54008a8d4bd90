package strength

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf16"

	"matrixos/app"
	"matrixos/app/browser"
	"matrixos/app/mutate"
	"matrixos/sys"
)

// AtMost bounds a measurement, unless it is said how many: each change costs about a
// second.
const AtMost = 60

// side is how many changes are tried side by side.
const side = 3

// Bench is where contracts are measured.
type Bench struct {
	Runtime *app.Runtime
	Browser *browser.Browser
	Most    int // how many changes are tried; AtMost if 0
}

// Measure measures the contract of the app in folder of tree. The app has to keep it
// as it is.
func (b Bench) Measure(ctx context.Context, tree fs.FS, folder sys.Path) (_ *sys.StrengthReport, err error) {
	start := time.Now()
	t, err := b.Runtime.Try(ctx, tree, folder)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	m := measuring{Bench: b, tree: tree, folder: folder, code: t.Code()}
	first := sys.ContractReport{App: t.Slug(), Faults: t.Faults}
	if len(t.Faults) == 0 {
		if first.Scenarios, m.traces, err = b.Browser.Trace(ctx, t); err != nil {
			return nil, err
		}
	}
	if !first.Settled() {
		return nil, &sys.Error{Op: "measure the contract of", Path: string(folder), Kind: sys.NotVerified, Err: errors.New("the app does not keep it as it is:\n" + first.Text())}
	}
	all, err := mutants(tree, folder, t.Columns())
	if err != nil {
		return nil, err
	}
	most := b.Most
	if most == 0 {
		most = AtMost
	}
	r := &sys.StrengthReport{App: t.Slug(), Mutants: len(all), Operators: map[string]sys.Found{}, Survivors: []string{}, Beyond: []string{}}
	list := sample(all, most)
	ends, err := m.all(ctx, list)
	for i, w := range list {
		r.Count(w.Operator, ends[i], path.Base(w.file)+" "+w.String())
	}
	r.Millis = float64(time.Since(start).Milliseconds())
	return r, err
}

// measuring is one measurement.
type measuring struct {
	Bench
	tree   fs.FS
	folder sys.Path
	code   map[string][]byte // of the app as it is
	traces []browser.Trace   // by scenario
}

// all tries changes side by side, and says how each ends.
func (m measuring) all(ctx context.Context, list []wrong) ([]string, error) {
	ends, errs := make([]string, len(list)), make([]error, len(list))
	next := make(chan int)
	var work sync.WaitGroup
	for range side {
		work.Go(func() {
			for i := range next {
				ends[i], errs[i] = m.one(ctx, edited{m.tree, list[i].file, list[i].text})
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	work.Wait()
	return ends, errors.Join(errs...)
}

// one tries a changed app.
func (m measuring) one(ctx context.Context, tree fs.FS) (end string, err error) {
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	t, err := m.Runtime.Try(ctx, tree, m.folder)
	if err != nil {
		return "", err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	if len(t.Faults) > 0 {
		return sys.MutantInvalid, nil
	}
	file, at, changed := difference(m.code, t.Code())
	if !changed {
		return sys.MutantSame, nil
	}
	var places []int
	for i, trace := range m.traces {
		if trace.Reaches(file, at) {
			places = append(places, i)
		}
	}
	if len(places) == 0 {
		return sys.MutantUnreached, nil
	}
	r := sys.ContractReport{}
	if r.Scenarios, err = m.Browser.Try(ctx, t, places); err != nil {
		return "", err
	}
	if !r.Settled() {
		return sys.MutantFound, nil
	}
	return sys.MutantSurvived, nil
}

// difference is the first place, in UTF-16 units, at which two builds differ.
func difference(a, b map[string][]byte) (file string, at int, changed bool) {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if bytes.Equal(a[name], b[name]) {
			continue
		}
		n := 0
		for n < min(len(a[name]), len(b[name])) && a[name][n] == b[name][n] {
			n++
		}
		return name, len(utf16.Encode([]rune(strings.ToValidUTF8(string(a[name][:n]), "")))), true
	}
	return "", 0, len(a) != len(b)
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
			return fmt.Errorf("read %s: %w", p, err)
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
