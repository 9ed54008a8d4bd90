package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/disk"
	"matrixos/heal"
	"matrixos/policy"
	"matrixos/sys"
)

// openHealer joins the healer with what judges apps and settings.
func (s *System) openHealer(ctx context.Context) (err error) {
	s.healer, err = heal.New(ctx, heal.Options{
		Disk: s.disk, Judge: judge{s.apps.promise}, Level: s.apps.promise.level, Settings: wrongSettings,
		Judged: s.apps.Judged, Idle: s.apps.measureOne, Logger: s.log,
	})
	if err == nil {
		s.apps.held, s.apps.refused = s.healer.Again, s.healer.Refused
	}
	return err
}

// detectors are what the healer calls what windows notice.
var detectors = map[app.Failure]string{app.Threw: heal.ByBeacon, app.Stuck: heal.ByPulse, app.Heavy: heal.ByWeight}

// report hands on what was noticed of an app, once there is a healer.
func (s *System) report(app sys.Slug, by, told string) {
	if s.healer != nil {
		s.healer.Report(app, by, told)
	}
}

// reportBroken hands on which apps do not compile, after a start.
func (s *System) reportBroken() {
	for _, a := range s.apps.runtime.Known() {
		if !a.OK {
			s.report(a.Slug, heal.ByFiles, "")
		}
	}
}

// judge holds apps to their contracts, for the healer.
type judge struct{ c *contracts }

// Whole implements heal.Judge.
func (j judge) Whole(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	if r, err := noManifest(tree, folder); r != nil || err != nil {
		return r, err
	}
	return j.c.settled(ctx, tree, folder)
}

// First implements heal.Judge.
func (j judge) First(ctx context.Context, tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	if r, err := noManifest(tree, folder); r != nil || err != nil {
		return r, err
	}
	return j.c.settledBy(ctx, tree, folder, host.First, nil)
}

// once plays the first scenario of a trial, and not again if it fails.
func once(h host, ctx context.Context, t *app.Trial) ([]sys.ScenarioResult, error) {
	if len(t.Contract.Scenarios) == 0 {
		return nil, nil
	}
	return h.Try(ctx, t, []int{0})
}

// Part implements heal.Judge.
func (j judge) Part(ctx context.Context, tree fs.FS, folder sys.Path, check string) (*sys.ContractReport, error) {
	if r, err := noManifest(tree, folder); r != nil || err != nil {
		return r, err
	}
	t, err := j.c.runtime.Try(ctx, tree, folder)
	if err != nil {
		return nil, err
	}
	r, err := j.c.part(ctx, t, check)
	if err = errors.Join(err, t.Close()); err != nil {
		return nil, err
	}
	r.Settle()
	return r, nil
}

// part tries one check of t: a scenario with the rules of its data, as whole contracts
// do, or a rule on the owner's data.
func (c *contracts) part(ctx context.Context, t *app.Trial, check string) (*sys.ContractReport, error) {
	all, r := t.Contract, reportOf(t)
	if check == "" || len(t.Faults) > 0 {
		return r, nil
	}
	t.Contract.Scenarios = slices.DeleteFunc(slices.Clone(all.Scenarios), func(s contract.Scenario) bool { return s.Name != check })
	if len(t.Contract.Scenarios) > 0 {
		return r, c.scenes(ctx, t, c.remembering(once), r)
	}
	t.Contract.Invariants = slices.DeleteFunc(slices.Clone(all.Invariants), func(v contract.Invariant) bool { return v.Name != check })
	var err error
	r.Invariants, err = t.OwnData(ctx)
	return r, err
}

// Print implements heal.Judge.
func (j judge) Print(ctx context.Context, tree fs.FS, folder sys.Path, check string) (print string, held bool, err error) {
	if r, err := noManifest(tree, folder); r != nil || err != nil {
		return "", false, err
	}
	t, err := j.c.runtime.Try(ctx, tree, folder)
	if err != nil {
		return "", false, err
	}
	var asked contract.Scenario // none, for a rule of the data
	for _, s := range t.Contract.Scenarios {
		if s.Name == check {
			asked = s
		}
	}
	print, err = t.Print(asked)
	_, held = j.c.plays.of(print)
	return print, held, errors.Join(err, t.Close())
}

// noManifest is the report of an app whose manifest is gone; nil for any other.
func noManifest(tree fs.FS, folder sys.Path) (*sys.ContractReport, error) {
	name := folder + "/" + app.ManifestName
	_, err := fs.Stat(tree, string(name))
	if !missing(err) {
		return nil, err
	}
	return &sys.ContractReport{
		App: sys.Slug(folder.Base()), Level: sys.VerifiedStatic,
		Faults: []sys.Diagnostic{{Severity: "error", File: name, Line: 1, Text: "the app has no " + app.ManifestName}},
	}, nil
}

// level is how far apps can be tried now, and why not further.
func (c *contracts) level() (string, error) {
	if c.browser != nil {
		return sys.VerifiedBrowser, nil
	}
	if err := c.desks.Able(); err != nil {
		return sys.VerifiedStatic, unplayed([]error{c.why, err})
	}
	return sys.VerifiedBrowser, nil
}

// wrongSettings says what is wrong with a file of the settings; "" if nothing is.
func wrongSettings(file sys.Path, text []byte) string {
	var err error
	switch file {
	case configFile:
		var c config
		if err = json.Unmarshal(text, &c); err == nil && c.Model != "" {
			if provider, _, _ := strings.Cut(c.Model, ":"); !slices.Contains([]string{offlineModel, anthropicName, openaiName, claudeCode, codexName}, provider) {
				return fmt.Sprintf("there is no provider of models %q", provider)
			}
		}
	case policy.RulesFile:
		_, err = policy.ParseRules(text)
	default:
		var any json.RawMessage
		err = json.Unmarshal(text, &any)
	}
	if err != nil {
		return "it cannot be read: " + err.Error()
	}
	return ""
}

// betterOnly holds what the healer lands to making nothing worse: an app with two
// faults is mended one by one.
func (c *contracts) betterOnly(ctx context.Context, checked disk.Checked, head fs.FS, touched []app.App) error {
	level := sys.VerifiedBrowser
	for _, a := range touched {
		r, err := judge{c}.Whole(ctx, checked.Tree, a.Folder)
		if err != nil {
			return err
		}
		level = lower(level, r.Level)
		if r.Green {
			continue
		}
		before, err := judge{c}.Whole(ctx, head, a.Folder)
		if err != nil {
			return err
		}
		if level = ""; !heal.Better(before, r) {
			return &sys.Error{Op: "check", Path: string(a.Folder), Kind: sys.NotVerified, Err: errors.New("the repair does not make it better:\n" + r.Text())}
		}
	}
	if len(touched) > 0 {
		checked.Attest(level, "")
	}
	return nil
}

func lower(a, b string) string {
	if a == "" || b == sys.VerifiedStatic {
		return b
	}
	return a
}
