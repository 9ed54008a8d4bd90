package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/app/contract"
	"matrixos/app/internal/compile"
	"matrixos/app/internal/store"
	"matrixos/sys"
)

// Trial is an app that is tried against its contract: the code that a tree has, and
// for each window data of its own, which begin as a scenario says and end with it.
// It is safe for concurrent use. The owner's data are only ever copied.
type Trial struct {
	r      *Runtime
	app    App
	tree   fs.FS
	result *compile.Result
	dir    string
	// Contract is what the app has to do; None says that the app has no file of it and
	// that this is contract.Probe.
	Contract contract.Contract
	None     bool
	// Faults are what is wrong with manifest, code, schema or contract: with one of
	// them there is nothing to run.
	Faults []sys.Diagnostic
	// Left, if set, is shown each window at the end of its scenario, with the data that it
	// leaves.
	Left func(context.Context, *Window)
	// Carry, if set, brings the rows that land with the app into a copy of the owner's
	// database at p.
	Carry func(ctx context.Context, p sys.Path, copy string) error
}

// CheckContract reports what is wrong with the text of a contract at file.
func CheckContract(raw []byte, file sys.Path) []sys.Diagnostic {
	_, found := contract.Parse(raw, file)
	return found
}

// Slug is the app's.
func (t *Trial) Slug() sys.Slug { return t.app.Manifest.Slug }

// Name is the app's, for people.
func (t *Trial) Name() string { return t.app.Manifest.Name }

// Code is what the app's scripts are compiled to, by the name that they are served under.
func (t *Trial) Code() map[string][]byte {
	out := map[string][]byte{}
	for name, raw := range t.result.Files {
		if path.Ext(name) == ".js" {
			out[name] = raw
		}
	}
	return out
}

// Fingerprint names the app as it is tried; see Runtime.Fingerprint.
func (t *Trial) Fingerprint() (string, error) { return t.r.Fingerprint(t.tree, t.app.Folder) }

// Columns are the columns of all tables of the app.
func (t *Trial) Columns() (out []string) {
	for _, table := range t.app.Manifest.Storage.Tables {
		for name := range table.Columns {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// Try makes the app in folder of tree ready to be tried. What is wrong with it is
// in Faults and no error. Close it.
func (r *Runtime) Try(ctx context.Context, tree fs.FS, folder sys.Path) (*Trial, error) {
	a, err := load(tree, folder)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, notFound("try", sys.Slug(folder.Base()))
	}
	if err != nil {
		return nil, &sys.Error{Op: "try", Path: string(folder), Kind: sys.Internal, Err: err}
	}
	t := &Trial{r: r, app: a, tree: tree}
	result, found := r.judge(ctx, tree, a)
	t.result = result
	for _, d := range found {
		if d.Severity == "error" {
			t.Faults = append(t.Faults, d)
		}
	}
	if err := t.read(tree); err != nil {
		return nil, err
	}
	if t.dir, err = os.MkdirTemp("", "matrixos-trial-"); err != nil {
		return nil, &sys.Error{Op: "try", Path: string(folder), Kind: sys.Internal, Err: err}
	}
	return t, nil
}

func (t *Trial) read(tree fs.FS) error {
	file := contract.Path(t.app.Folder)
	if isLink(tree, file) {
		t.Contract, t.Faults = contract.Probe(), append(t.Faults, compile.Link("error", file))
		return nil
	}
	raw, err := fs.ReadFile(tree, string(file))
	switch {
	case errors.Is(err, fs.ErrNotExist):
		t.Contract, t.None = contract.Probe(), true
		return nil
	case err != nil:
		return &sys.Error{Op: "read the contract", Path: string(file), Kind: sys.Internal, Err: err}
	}
	c, found := contract.Parse(raw, file)
	t.Contract, t.Faults = c, append(t.Faults, found...)
	return nil
}

// Close ends all windows of the trial and removes their data.
func (t *Trial) Close() error { return os.RemoveAll(t.dir) }

// Window is one window of a trial.
type Window struct {
	Launch
	t *Trial
	l *launch
	c *clock
}

// SetNow says what time it is in the window, in milliseconds: what is written from
// now on is of that time.
func (w *Window) SetNow(ms float64) { w.c.set(time.UnixMilli(int64(ms))) }

// clock is the time of a trial's data. Two writes are never of one moment, so that
// what came first can be told.
type clock struct {
	mu   sync.Mutex
	base time.Time
	last time.Time
}

func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !t.Equal(c.base) {
		c.base, c.last = t, t.Add(-time.Millisecond)
	}
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last = c.last.Add(time.Millisecond)
	return c.last
}

// Open makes a window with the data of a scenario, as of a time. Close it.
func (t *Trial) Open(ctx context.Context, given contract.Given, at time.Time) (*Window, error) {
	return t.open(ctx, given, at, false)
}

// OpenHanded is Open for a desktop, which hands the libraries over to the window.
func (t *Trial) OpenHanded(ctx context.Context, given contract.Given, at time.Time) (*Window, error) {
	return t.open(ctx, given, at, true)
}

func (t *Trial) open(ctx context.Context, given contract.Given, at time.Time, handed bool) (*Window, error) {
	dir, err := os.MkdirTemp(t.dir, "window-")
	if err != nil {
		return nil, &sys.Error{Op: "try", Path: string(t.Slug()), Kind: sys.Internal, Err: err}
	}
	c := &clock{}
	c.set(at)
	data := store.NewScratch(dir, c.now)
	if err := t.fill(ctx, data, given, c); err != nil {
		return nil, errors.Join(err, data.Close(), os.RemoveAll(dir))
	}
	p := &preview{app: t.app, result: t.result, data: data, dir: dir}
	if err := t.r.beside(p, t.tree, ""); err != nil {
		return nil, errors.Join(err, data.Close(), os.RemoveAll(dir))
	}
	l := &launch{slug: t.Slug(), ticket: rand.Text(), used: time.Now(), trial: true, handed: handed, net: given.Net, rooms: newTrialRooms(given.Rooms, c.now), preview: p}
	l.Launch = Launch{URL: "/app/" + l.ticket + "/", Nonce: rand.Text(), Capability: rand.Text() + rand.Text()}
	t.r.mu.Lock()
	defer t.r.mu.Unlock()
	if t.r.closed {
		return nil, errors.Join(notFound("try", t.Slug()), l.end())
	}
	t.r.tickets[l.ticket], t.r.byRight[l.Capability] = l, l
	return &Window{Launch: l.Launch, t: t, l: l, c: c}, nil
}

func (t *Trial) fill(ctx context.Context, data *store.Store, given contract.Given, c *clock) error {
	tables := t.app.Manifest.Storage.Tables
	if _, problems, err := data.Migrate(ctx, t.Slug(), tables); err != nil || len(problems) > 0 {
		return errors.Join(err, asError(problems))
	}
	for name, rows := range given.Rows {
		if err := insert(ctx, data.Tables(t.Slug(), tables), name, rows, c); err != nil {
			return err
		}
	}
	for key, value := range given.Keys {
		if err := data.WriteKey(t.Slug(), key, value); err != nil {
			return err
		}
	}
	return nil
}

// insert puts rows in, each as of its created_at if it has one, else one after the other
// just before the trial begins.
func insert(ctx context.Context, tables *store.Tables, name string, rows []json.RawMessage, c *clock) error {
	at := c.now()
	defer c.set(at)
	for i, raw := range rows {
		c.set(at.Add(time.Duration(i-len(rows)) * time.Millisecond))
		row := map[string]json.RawMessage{}
		if err := json.Unmarshal(raw, &row); err != nil {
			return &sys.Error{Op: "put in what is given", Path: name, Kind: sys.Invalid, Err: err}
		}
		if own, ok := row["created_at"]; ok {
			var of time.Time
			if err := json.Unmarshal(own, &of); err != nil {
				return &sys.Error{Op: "put in what is given", Path: name, Kind: sys.Invalid, Err: fmt.Errorf("created_at is %s; write a time such as \"2026-03-01T08:00:00Z\"", own)}
			}
			c.set(of)
			delete(row, "created_at")
		}
		plain, err := json.Marshal(row)
		if err != nil {
			return &sys.Error{Op: "put in what is given", Path: name, Kind: sys.Internal, Err: err}
		}
		if _, err := tables.Insert(ctx, name, []json.RawMessage{plain}); err != nil {
			return err
		}
	}
	return nil
}

func asError(problems []store.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &sys.Error{Op: "make the tables", Kind: sys.Invalid, Err: errors.New(problems[0].Text)}
}

// Close ends the window and removes its data.
func (w *Window) Close() error {
	w.t.r.mu.Lock()
	w.t.r.dropLocked(w.l)
	w.t.r.mu.Unlock()
	return w.l.end()
}

// Invariants looks at the window's data.
func (w *Window) Invariants(ctx context.Context) []sys.CheckResult {
	return invariants(ctx, w.l.preview.data, w.t.Slug(), w.t.Contract.Invariants)
}

// query yields the one figure of a property, for whoever conducts a trial.
func (c *call) query(ctx context.Context) (any, error) {
	if !c.launch.trial {
		return nil, &sys.Error{Op: "call", Path: "trial.query", Kind: sys.NotFound, Err: errors.New(`apps have no method "trial.query"`)}
	}
	if err := contract.ReadOnly(c.params.SQL); err != nil {
		return nil, &sys.Error{Op: "ask the data of", Path: string(c.launch.slug), Kind: sys.Invalid, Err: err}
	}
	_, rows, err := c.data.Query(ctx, c.launch.slug, c.params.SQL, 1)
	if err != nil || len(rows) == 0 || len(rows[0]) == 0 {
		return nil, err
	}
	return rows[0][0], nil
}

// OwnData looks at a copy of the owner's data as the app would have them, with the rows
// that land with it: the invariants of the static level.
func (t *Trial) OwnData(ctx context.Context) ([]sys.CheckResult, error) {
	if len(t.Contract.Invariants) == 0 {
		return nil, nil
	}
	dir, err := os.MkdirTemp(t.dir, "own-")
	if err != nil {
		return nil, &sys.Error{Op: "check the data of", Path: string(t.Slug()), Kind: sys.Internal, Err: err}
	}
	data := store.NewScratch(dir, nil)
	err = t.r.data.CopyTo(ctx, t.Slug(), data)
	if err == nil && t.Carry != nil {
		err = t.Carry(ctx, sys.Path(fmt.Sprintf("data/%s/%s.sqlite", t.Slug(), t.Slug())), data.Path(t.Slug()))
	}
	if err == nil {
		err = t.fill(ctx, data, contract.Given{}, nil)
	}
	var out []sys.CheckResult
	if err == nil {
		out = invariants(ctx, data, t.Slug(), t.Contract.Invariants)
	}
	return out, errors.Join(err, data.Close(), os.RemoveAll(dir))
}

func invariants(ctx context.Context, data *store.Store, slug sys.Slug, list []contract.Invariant) []sys.CheckResult {
	var out []sys.CheckResult
	for _, v := range list {
		res := sys.CheckResult{Name: v.Name}
		columns, rows, err := data.Query(ctx, slug, v.SQL, 3)
		switch {
		case err != nil:
			res.Seen = err.Error()
		case len(rows) == 0:
			res.Green = true
		default:
			res.Expected, res.Seen = "no such row", "found "+words(columns, rows)
		}
		out = append(out, res)
	}
	return out
}

// words says rows in the columns that people fill in: what every row has of itself is left out, unless there is nothing else.
func words(columns []string, rows [][]any) string {
	var kept []int
	for i, name := range columns {
		if name != "id" && name != "created_at" && name != "updated_at" {
			kept = append(kept, i)
		}
	}
	var all []string
	for _, row := range rows {
		names, values := columns, row
		if len(kept) > 0 {
			names, values = pick(columns, kept), pick(row, kept)
		}
		all = append(all, RowWords(names, values))
	}
	return strings.Join(all, "; ")
}

func pick[T any](all []T, at []int) []T {
	out := make([]T, len(at))
	for i, n := range at {
		out[i] = all[n]
	}
	return out
}

// TrialPage is the page around the frame of a trial; see web/runtime/trial. ok is
// false where the web runtime has not been built.
func (r *Runtime) TrialPage() (script []byte, ok bool) {
	return []byte(r.libs.TrialPage), r.libs.TrialPage != "" && r.libs.TrialFrame != ""
}
