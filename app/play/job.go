package play

import (
	"context"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/sys"
)

// Job is what the conductor of a trial (web/runtime/trial/host.ts) is handed for one
// scenario.
type Job struct {
	Name       string              `json:"name"`
	At         string              `json:"at"`
	Steps      []contract.Step     `json:"steps"`
	Words      []string            `json:"words"`
	Pauses     []int64             `json:"pauses"`
	Properties []contract.Property `json:"properties"`
	App        string              `json:"app"`
	Launch     Launch              `json:"launch"`
}

// Launch is what opens the window of a Job. Its capability stays with whoever serves it.
type Launch struct {
	URL   string `json:"url"`
	Nonce string `json:"nonce"`
}

// Work is the job of playing s in w.
func Work(t *app.Trial, s contract.Scenario, w *app.Window) Job {
	j := Job{
		Name: s.Name, At: s.Start().Format("2006-01-02T15:04:05"), Steps: s.Steps, Words: []string{}, Pauses: []int64{},
		Properties: t.Contract.Properties, App: t.Name(), Launch: Launch{URL: w.URL, Nonce: w.Nonce},
	}
	if j.Steps == nil {
		j.Steps = []contract.Step{}
	}
	if j.Properties == nil {
		j.Properties = []contract.Property{}
	}
	for _, step := range s.Steps {
		j.Words = append(j.Words, step.String())
		j.Pauses = append(j.Pauses, step.Pause().Milliseconds())
	}
	return j
}

// End completes what came of a scenario in w with what the data say, and shows the window
// to whoever the trial has for that.
func End(ctx context.Context, t *app.Trial, w *app.Window, res sys.ScenarioResult) sys.ScenarioResult {
	res.Properties = append(res.Properties, w.Invariants(ctx)...)
	if t.Left != nil {
		t.Left(ctx, w)
	}
	return res
}

// Misfit is the result of a scenario of which the data do not fit the app: that is its
// own fault.
func Misfit(s contract.Scenario, err error) sys.ScenarioResult {
	return sys.ScenarioResult{Name: s.Name, Recorded: s.Recorded, Steps: []sys.StepResult{{Step: "put in what is given", Seen: err.Error()}}}
}

// Hangs is the result of a scenario that does not come to an end.
func Hangs(s contract.Scenario, millis float64) sys.ScenarioResult {
	return sys.ScenarioResult{Name: s.Name, Recorded: s.Recorded, Millis: millis, Errors: []string{sys.DidNotEnd}}
}
