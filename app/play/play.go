// Package play says how the scenarios of a trial are played, wherever that is: which
// of them, in what order, and when no more. It knows no browser and no desktop; those
// are stages, each of which plays one scenario.
package play

import (
	"context"
	"errors"
	"slices"
	"sync"
	"sync/atomic"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/sys"
)

// Stage plays one scenario. Its error is of the stage, not the app's. It waits for
// its turn itself.
type Stage func(ctx context.Context, t *app.Trial, s contract.Scenario) (sys.ScenarioResult, error)

// Run runs all scenarios of a trial, so many side by side, each with a window and data
// of its own. A scenario that fails is run once more, and only what fails twice is red.
func (stage Stage) Run(ctx context.Context, t *app.Trial, side int) ([]sys.ScenarioResult, error) {
	twice := func(ctx context.Context, t *app.Trial, s contract.Scenario) (sys.ScenarioResult, error) {
		r, err := stage(ctx, t, s)
		if err != nil || settled(r) {
			return r, err
		}
		return stage(ctx, t, s)
	}
	return Stage(twice).over(ctx, t, side, false)
}

// First runs scenarios as Run does, but each once, and begins none after the first that is
// red: what it returns are those that were run, in the order of the contract. Who acts on
// what is red tries it again.
func (stage Stage) First(ctx context.Context, t *app.Trial, side int) ([]sys.ScenarioResult, error) {
	return stage.over(ctx, t, side, true)
}

// over plays scenarios side by side, those with the most steps first, so that no window is
// left alone with a long one at the end. It begins none after one that could not be played,
// nor, if first says so, after one that is red.
func (stage Stage) over(ctx context.Context, t *app.Trial, side int, first bool) (out []sys.ScenarioResult, err error) {
	list := t.Contract.Scenarios
	results, errs := make([]*sys.ScenarioResult, len(list)), make([]error, len(list))
	order := make([]int, len(list))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return len(list[b].Steps) - len(list[a].Steps) })
	var next atomic.Int64
	var end atomic.Bool
	var all sync.WaitGroup
	for range side {
		all.Go(func() {
			for n := next.Add(1) - 1; int(n) < len(list) && !end.Load(); n = next.Add(1) - 1 {
				i := order[n]
				r, err := stage(ctx, t, list[i])
				results[i], errs[i] = &r, err
				if err != nil || first && !settled(r) {
					end.Store(true)
				}
			}
		})
	}
	all.Wait()
	for _, r := range results {
		if r != nil {
			out = append(out, *r)
		}
	}
	return out, errors.Join(errs...)
}

// Try runs some scenarios of a trial, by their places in the contract, one after the
// other and once. It runs none after the first that is red.
func (stage Stage) Try(ctx context.Context, t *app.Trial, places []int) (out []sys.ScenarioResult, err error) {
	for _, i := range places {
		r, err := stage(ctx, t, t.Contract.Scenarios[i])
		if err != nil {
			return out, err
		}
		out = append(out, r)
		if !settled(r) {
			break
		}
	}
	return out, nil
}

// settled reports whether all of a scenario holds, with the rules of data.
func settled(r sys.ScenarioResult) bool {
	one := sys.ContractReport{Scenarios: []sys.ScenarioResult{r}}
	return one.Settled()
}
