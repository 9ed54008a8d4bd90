package play

import (
	"context"
	"slices"
	"testing"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/sys"
)

// What takes long begins early, and what is told keeps the order of the contract.
func TestTheLongestFirst(t *testing.T) {
	trial := &app.Trial{}
	for i, name := range []string{"short", "long", "middle", "short too"} {
		trial.Contract.Scenarios = append(trial.Contract.Scenarios, contract.Scenario{Name: name, Steps: make([]contract.Step, []int{1, 9, 4, 1}[i])})
	}
	var played []string
	stage := Stage(func(_ context.Context, _ *app.Trial, s contract.Scenario) (sys.ScenarioResult, error) {
		played = append(played, s.Name)
		return sys.ScenarioResult{Name: s.Name, Green: true, Steps: []sys.StepResult{{Green: true}}}, nil
	})
	for _, run := range []func(context.Context, *app.Trial, int) ([]sys.ScenarioResult, error){stage.Run, stage.First} {
		played = nil
		out, err := run(t.Context(), trial, 1)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, r := range out {
			told = append(told, r.Name)
		}
		if !slices.Equal(played, []string{"long", "middle", "short", "short too"}) || !slices.Equal(told, []string{"short", "long", "middle", "short too"}) {
			t.Errorf("played %q, told %q", played, told)
		}
	}
}
