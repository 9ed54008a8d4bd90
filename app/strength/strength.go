package strength

import (
	"bytes"
	"cmp"
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

// side is how many changes are tried side by side, unless it is said how many.
const side = 3

// Bench is where contracts are measured.
type Bench struct {
	Runtime *app.Runtime
	Browser *browser.Browser
	Most    int // how many changes are tried; AtMost if 0
	Side    int // how many at once; three if 0
}

// Measure measures the contract of the app in folder of tree. The app has to keep it
// as it is.
func (b Bench) Measure(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.StrengthReport, error) {
	start := time.Now()
	m, list, err := b.begin(ctx, tree, folder)
	if err != nil {
		return nil, err
	}
	r := &sys.StrengthReport{App: m.slug, Mutants: m.mutants, Operators: map[string]sys.Found{}, Survivors: []string{}, Beyond: []string{}}
	ends, err := each(b.Side, list, func(w Wrong) (string, error) { return m.end(ctx, w) })
	for i, w := range list {
		r.Count(w.Operator, ends[i], path.Base(w.File)+" "+w.String())
	}
	r.Millis = float64(time.Since(start).Milliseconds())
	return r, err
}

// Reached lists the changes that could be found: those that compile, to something
// else than the app as it is, in a place that a scenario runs.
func (b Bench) Reached(ctx context.Context, tree fs.FS, folder sys.Path) (out []Wrong, err error) {
	m, list, err := b.begin(ctx, tree, folder)
	if err != nil {
		return nil, err
	}
	places, err := each(b.Side, list, func(w Wrong) ([]int, error) {
		t, end, places, err := m.place(ctx, w)
		if err != nil || end != "" {
			return nil, err
		}
		return places, t.Close()
	})
	for i, w := range list {
		if len(places[i]) > 0 {
			out = append(out, w)
		}
	}
	return out, err
}

// measuring is one measurement.
type measuring struct {
	Bench
	slug    sys.Slug
	tree    fs.FS
	folder  sys.Path
	code    map[string][]byte // of the app as it is
	traces  []browser.Trace   // by scenario
	mutants int               // that there are
}

// begin runs the app as it is, and chooses the changes.
func (b Bench) begin(ctx context.Context, tree fs.FS, folder sys.Path) (m measuring, list []Wrong, err error) {
	t, err := b.Runtime.Try(ctx, tree, folder)
	if err != nil {
		return m, nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	m = measuring{Bench: b, slug: t.Slug(), tree: tree, folder: folder, code: t.Code()}
	first := sys.ContractReport{App: m.slug, Faults: t.Faults}
	if len(t.Faults) == 0 {
		if first.Scenarios, m.traces, err = b.Browser.Trace(ctx, t); err != nil {
			return m, nil, err
		}
	}
	if !first.Settled() {
		return m, nil, &sys.Error{Op: "measure the contract of", Path: string(folder), Kind: sys.NotVerified, Err: errors.New("the app does not keep it as it is:\n" + first.Text())}
	}
	all, err := mutants(tree, folder, t.Columns())
	m.mutants = len(all)
	most := b.Most
	if most == 0 {
		most = AtMost
	}
	return m, sample(all, most), err
}

// each does work on all changes, some side by side, and gives what came of each.
func each[R any](at int, list []Wrong, work func(Wrong) (R, error)) ([]R, error) {
	out, errs := make([]R, len(list)), make([]error, len(list))
	next := make(chan int)
	var hands sync.WaitGroup
	for range cmp.Or(at, side) {
		hands.Go(func() {
			for i := range next {
				out[i], errs[i] = work(list[i])
			}
		})
	}
	for i := range list {
		next <- i
	}
	close(next)
	hands.Wait()
	return out, errors.Join(errs...)
}

// end tries a changed app, and says how it ends.
func (m measuring) end(ctx context.Context, w Wrong) (end string, err error) {
	t, end, places, err := m.place(ctx, w)
	if err != nil || end != "" {
		return end, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	r := sys.ContractReport{}
	if r.Scenarios, err = m.Browser.Try(ctx, t, places); err != nil {
		return "", err
	}
	if !r.Settled() {
		return sys.MutantFound, nil
	}
	return sys.MutantSurvived, nil
}

// place makes a changed app ready, and says which scenarios run the changed place. Where
// there is nothing to try it says how the change ends instead; else the trial is to be
// closed.
func (m measuring) place(ctx context.Context, w Wrong) (_ *app.Trial, end string, places []int, err error) {
	if ctx.Err() != nil {
		return nil, "", nil, ctx.Err()
	}
	t, err := m.Runtime.Try(ctx, edited{m.tree, w.File, w.Text}, m.folder)
	if err != nil {
		return nil, "", nil, err
	}
	file, at, changed := difference(m.code, t.Code())
	for i, trace := range m.traces {
		// V8 counts an operator to what stands behind it, which may not run where what stands
		// before it does.
		if changed && (trace.Reaches(file, at) || trace.Reaches(file, at-1)) {
			places = append(places, i)
		}
	}
	switch {
	case len(t.Faults) > 0:
		end = sys.MutantInvalid
	case !changed:
		end = sys.MutantSame
	case len(places) == 0:
		end = sys.MutantUnreached
	default:
		return t, "", places, nil
	}
	return nil, end, nil, t.Close()
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

// Wrong is a small wrong change of one file of an app.
type Wrong struct {
	mutate.Mutant
	File string
	Text string // of the changed file
}

func mutants(tree fs.FS, folder sys.Path, columns []string) (out []Wrong, err error) {
	err = fs.WalkDir(tree, string(folder), func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !slices.Contains([]string{".ts", ".tsx", ".js", ".jsx"}, path.Ext(p)) || strings.HasSuffix(p, ".d.ts") || strings.HasPrefix(path.Base(p), "main.") {
			return err
		}
		raw, err := fs.ReadFile(tree, p)
		if err != nil {
			return fmt.Errorf("read %s: %w", p, err)
		}
		for _, m := range mutate.Of(string(raw), columns) {
			out = append(out, Wrong{m, p, m.Apply(string(raw))})
		}
		return nil
	})
	return out, err
}

// sample takes most of all, evenly over the files and always the same.
func sample(all []Wrong, most int) []Wrong {
	if len(all) <= most {
		return all
	}
	out := make([]Wrong, 0, most)
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
