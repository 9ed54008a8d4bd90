package browser

import (
	"context"
	"strings"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/proto"

	"matrixos/app"
	"matrixos/sys"
)

// Trace says which places of an app's code ran in one scenario.
type Trace struct {
	loads []*proto.ProfilerScriptCoverage // one for each time that the window was opened
}

// Trace runs the scenarios of a trial, one after the other, and records what each of
// them reaches. It is slower than Run, and takes nothing as red that fails once.
func (b *Browser) Trace(ctx context.Context, t *app.Trial) ([]sys.ScenarioResult, []Trace, error) {
	var results []sys.ScenarioResult
	var traces []Trace
	for _, s := range t.Contract.Scenarios {
		trace := Trace{}
		watch := func(p *rod.Page) (func() error, error) { return trace.watch(p) }
		r, err := b.scenario(ctx, t, s, watch)
		if err != nil {
			return nil, nil, err
		}
		results, traces = append(results, r), append(traces, trace)
	}
	return results, traces, nil
}

// watch begins to record what runs in a page; the function that it returns ends that.
func (tr *Trace) watch(p *rod.Page) (func() error, error) {
	tr.loads = nil // of an attempt that failed
	if err := (proto.ProfilerEnable{}).Call(p); err != nil {
		return nil, err
	}
	if _, err := (proto.ProfilerStartPreciseCoverage{CallCount: true, Detailed: true}).Call(p); err != nil {
		return nil, err
	}
	return func() error {
		all, err := (proto.ProfilerTakePreciseCoverage{}).Call(p)
		if err != nil {
			return err
		}
		for _, s := range all.Result {
			if strings.Contains(s.URL, "/app/") {
				tr.loads = append(tr.loads, s)
			}
		}
		if err := (proto.ProfilerStopPreciseCoverage{}).Call(p); err != nil {
			return err
		}
		return (proto.ProfilerDisable{}).Call(p)
	}, nil
}

// Reaches reports whether the place at, in UTF-16 units, of a file that the app is
// served as has run.
func (tr Trace) Reaches(file string, at int) bool {
	for _, load := range tr.loads {
		if strings.HasSuffix(load.URL, "/"+file) && ran(load, at) {
			return true
		}
	}
	return false
}

// ran looks for the narrowest range that has at in it: its count is that of the place.
func ran(s *proto.ProfilerScriptCoverage, at int) bool {
	width, count := -1, 0
	for _, f := range s.Functions {
		for _, r := range f.Ranges {
			if at < r.StartOffset || at >= r.EndOffset {
				continue
			}
			if w := r.EndOffset - r.StartOffset; width < 0 || w <= width {
				width, count = w, r.Count
			}
		}
	}
	return count > 0
}
