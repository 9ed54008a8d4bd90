// Package audit looks at a home's own safety and says what it finds: whether the
// journal is as it was written, what the owner's rules open, who may read the
// files that hold secrets, whether commands are confined, who can reach the
// desktop, what came from outside, what apps ask for, what was refused, and how
// old the backups are. It is deterministic and costs no model anything.
//
// It only reads. It mends nothing, decides nothing, and shows no secret.
package audit

import (
	"context"
	"time"

	"matrixos/disk"
	"matrixos/kernel"
	"matrixos/sys"
)

// Levels of a Finding, the calmest first.
const (
	Fine    = "ok"
	Note    = "note"    // worth knowing
	Warning = "warning" // weaker than it has to be
	Bad     = "bad"     // wrong: do something
)

// Finding is what one check has found.
type Finding struct {
	Check string `json:"check"` // "journal", "rules", …
	Level string `json:"level" enum:"ok,note,warning,bad"`
	Text  string `json:"text"`           // what is so, for people
	Hint  string `json:"hint,omitempty"` // the way out
}

// Report is all of them, in the order of the checks.
type Report struct {
	Time     time.Time `json:"time"`
	Worst    string    `json:"worst" enum:"ok,note,warning,bad"`
	Findings []Finding `json:"findings" nullable:"false"`
	// Outside says that a text in it holds names that came from outside.
	Outside bool `json:"outside" doc:"Names that came from outside are in it"`
}

// Kernel is what is asked of the kernel.
type Kernel interface {
	Untrusted(ctx context.Context) ([]kernel.Labelled, error)
	Refusals(ctx context.Context, since time.Time) ([]kernel.Refusal, error)
}

// Options are where to look. All fields are required but Listen.
type Options struct {
	Disk   *disk.Disk
	Kernel Kernel
	// Secrets are files and folders that only the owner's account may read; those
	// that are not there are fine.
	Secrets []string
	// Keyring says how the keys are protected; closed means that they cannot be read.
	Keyring func() (status string, closed bool)
	// Sandbox is why commands are not confined, and so refused; nil if they are.
	Sandbox error
	// Listen is the desktop's host and port; empty if none is served.
	Listen  string
	Origins []string
	// Apps lists what the manifests of apps ask for, by slug.
	Apps func() (map[sys.Slug][]string, error)
	// Backup says when the last good backup was (zero: never), whether a place is
	// set, and what the newest failure says.
	Backup func(ctx context.Context) (last time.Time, placed bool, failed string, err error)
	Now    func() time.Time
}

// Auditor makes reports. It may be used from any goroutine.
type Auditor struct{ o Options }

// New makes an Auditor.
func New(o Options) *Auditor { return &Auditor{o} }

// look is one report in the making.
type look struct {
	Options
	out Report
}

func (l *look) add(check, level, text, hint string) {
	l.out.Findings = append(l.out.Findings, Finding{check, level, text, hint})
}

// Report runs every check. A check that fails is a finding; the error is only of
// a context that ended.
func (a *Auditor) Report(ctx context.Context) (Report, error) {
	l := &look{Options: a.o, out: Report{Time: a.o.Now().UTC(), Worst: Fine, Findings: []Finding{}}}
	for _, c := range []struct {
		name string
		run  func(context.Context) error
	}{
		{"journal", l.journal},
		{"rules", l.rules},
		{"files", l.files},
		{"keyring", l.keyring},
		{"sandbox", l.sandbox},
		{"address", l.address},
		{"outside", l.untrusted},
		{"trust", l.trusted},
		{"apps", l.apps},
		{"approvals", l.approvals},
		{"keys", l.bindings},
		{"backup", l.backup},
	} {
		if err := c.run(ctx); err != nil {
			l.add(c.name, Bad, "This could not be checked: "+err.Error(), sys.HintOf(err))
		}
		if err := ctx.Err(); err != nil {
			return Report{}, err
		}
	}
	rank := map[string]int{Fine: 0, Note: 1, Warning: 2, Bad: 3}
	for _, f := range l.out.Findings {
		if rank[f.Level] > rank[l.out.Worst] {
			l.out.Worst = f.Level
		}
	}
	return l.out, nil
}
