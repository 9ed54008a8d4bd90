package audit_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"matrixos/audit"
	"matrixos/disk"
	"matrixos/kernel"
	"matrixos/sys"
)

type fake struct {
	files    []kernel.Labelled
	refusals []kernel.Refusal
}

func (f *fake) Untrusted(context.Context) ([]kernel.Labelled, error) { return f.files, nil }
func (f *fake) Refusals(context.Context, time.Time) ([]kernel.Refusal, error) {
	return f.refusals, nil
}

var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

// calm is a home in which nothing is wrong.
func calm(t *testing.T, files map[string]string) audit.Options {
	t.Helper()
	tree := fstest.MapFS{}
	for p, text := range files {
		tree[p] = &fstest.MapFile{Data: []byte(text)}
	}
	d, err := disk.Open(t.Context(), filepath.Join(t.TempDir(), "home"), disk.Options{NoWatch: true, Template: tree, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
	return audit.Options{
		Disk: d, Kernel: &fake{}, Secrets: []string{filepath.Join(d.Root(), sys.Store), "/none/such"}, Listen: "127.0.0.1:4000",
		Keyring: func() (string, bool) { return "encrypted", false },
		Apps:    func() (map[sys.Slug][]string, error) { return map[sys.Slug][]string{"notes": nil}, nil },
		Backup:  func(context.Context) (time.Time, bool, string, error) { return now.Add(-time.Hour), true, "", nil },
		Now:     func() time.Time { return now },
	}
}

func report(t *testing.T, o audit.Options) audit.Report {
	t.Helper()
	r, err := audit.New(o).Report(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestACalmHome(t *testing.T) {
	o := calm(t, map[string]string{"system/policy.json": `{"rules":[{"effect":"fetch","target":"a.example","then":"allow"}]}`})
	r := report(t, o)
	if r.Worst != audit.Fine || r.Outside || len(r.Findings) < 9 {
		t.Errorf("%+v", r)
	}
}

// Each check sees what it is there for, and says the way out.
func TestWhatEachCheckFinds(t *testing.T) {
	loose := filepath.Join(t.TempDir(), "keys.json")
	if err := os.WriteFile(loose, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		files  map[string]string
		change func(*audit.Options)
		check  string
		level  string
		says   string
	}{
		"a rule for everything":        {map[string]string{"system/policy.json": `{"rules":[{"effect":"*","target":"*","then":"allow"}]}`}, nil, "rules", audit.Warning, "every kind"},
		"a rule for text from outside": {map[string]string{"system/policy.json": `{"rules":[{"effect":"push","target":"origin","then":"allow","untrusted":true}]}`}, nil, "rules", audit.Warning, "from outside"},
		"rules that cannot be read":    {map[string]string{"system/policy.json": `{`}, nil, "rules", audit.Bad, "could not be checked"},
		"an open file":                 {nil, func(o *audit.Options) { o.Secrets = []string{loose} }, "files", audit.Bad, "0644"},
		"a closed keyring":             {nil, func(o *audit.Options) { o.Keyring = func() (string, bool) { return "closed: no", true } }, "keyring", audit.Bad, "closed"},
		"no sandbox":                   {nil, func(o *audit.Options) { o.Sandbox = errors.New("no bubblewrap") }, "sandbox", audit.Warning, "no bubblewrap"},
		"a network address":            {nil, func(o *audit.Options) { o.Listen = "0.0.0.0:4000" }, "address", audit.Warning, "your network"},
		"any address":                  {nil, func(o *audit.Options) { o.Listen = ":4000" }, "address", audit.Warning, "your network"},
		"an origin in plain":           {nil, func(o *audit.Options) { o.Origins = []string{"http://desk.example"} }, "address", audit.Warning, "desk.example"},
		"instructions from outside":    {nil, func(o *audit.Options) { o.Kernel = &fake{files: []kernel.Labelled{{Path: "agents/custom/x.md"}}} }, "outside", audit.Warning, "agents/custom/x.md"},
		"a file from outside":          {nil, func(o *audit.Options) { o.Kernel = &fake{files: []kernel.Labelled{{Path: "projects/x.md"}}} }, "outside", audit.Note, "projects/x.md"},
		"an app that asks": {nil, func(o *audit.Options) {
			o.Apps = func() (map[sys.Slug][]string, error) { return map[sys.Slug][]string{"spy": {"network"}}, nil }
		}, "apps", audit.Note, "spy asks for: network"},
		"refusals again and again": {nil, func(o *audit.Options) {
			r := kernel.Refusal{Program: "kernel", Kind: "fetch", Target: "evil.example", How: "refused"}
			o.Kernel = &fake{refusals: []kernel.Refusal{r, r, r}}
		}, "approvals", audit.Warning, "3 times"},
		"a key in plain": {map[string]string{"system/keys.json": `{"hosts":{"git":["http://git.home"]}}`}, nil, "keys", audit.Warning, "without encryption"},
		"no backup": {nil, func(o *audit.Options) {
			o.Backup = func(context.Context) (time.Time, bool, string, error) { return time.Time{}, false, "", nil }
		}, "backup", audit.Warning, "no backup"},
		"an old backup": {nil, func(o *audit.Options) {
			o.Backup = func(context.Context) (time.Time, bool, string, error) { return now.AddDate(0, 0, -9), true, "", nil }
		}, "backup", audit.Warning, "23 February"},
		"a failed backup": {nil, func(o *audit.Options) {
			o.Backup = func(context.Context) (time.Time, bool, string, error) { return now, true, "the disk is full", nil }
		}, "backup", audit.Bad, "the disk is full"},
	} {
		t.Run(name, func(t *testing.T) {
			o := calm(t, c.files)
			if c.change != nil {
				c.change(&o)
			}
			r := report(t, o)
			if r.Worst != c.level {
				t.Errorf("the worst is %s, want %s", r.Worst, c.level)
			}
			for _, f := range r.Findings {
				if f.Check == c.check && f.Level == c.level && strings.Contains(f.Text, c.says) {
					return
				}
			}
			t.Errorf("%+v", r.Findings)
		})
	}
}
