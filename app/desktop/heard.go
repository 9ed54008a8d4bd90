package desktop

import (
	"fmt"

	"matrixos/app/contract"
	"matrixos/sys"
)

// The most of what a desktop says that is kept.
const (
	mostTexts = 20
	mostText  = 2000
)

// heard is the result of a desktop as far as it is one of s: a step that was not played
// does not hold, and nothing is longer than it has to be.
func heard(s contract.Scenario, r sys.ScenarioResult) sys.ScenarioResult {
	out := sys.ScenarioResult{Name: s.Name, Recorded: s.Recorded, Millis: r.Millis, Errors: texts(r.Errors), Console: texts(r.Console)}
	green := true
	for i, step := range r.Steps {
		if i > len(s.Steps) {
			break
		}
		name := "open the app"
		if i > 0 {
			name = s.Steps[i-1].String()
		}
		out.Steps = append(out.Steps, sys.StepResult{Step: name, Green: step.Green, Expected: cut(step.Expected), Seen: cut(step.Seen), Millis: step.Millis})
		green = green && step.Green
	}
	if missing := len(s.Steps) + 1 - len(out.Steps); green && missing > 0 && len(out.Errors) == 0 {
		out.Errors = append(out.Errors, fmt.Sprintf("%d of its steps were not played", missing))
	}
	for i, p := range r.Properties {
		if i == mostTexts {
			break
		}
		out.Properties = append(out.Properties, sys.CheckResult{Name: cut(p.Name), Green: p.Green, Skipped: p.Skipped, Expected: cut(p.Expected), Seen: cut(p.Seen)})
	}
	return out
}

func texts(list []string) (out []string) {
	for _, s := range list[:min(len(list), mostTexts)] {
		out = append(out, cut(s))
	}
	return out
}

func cut(s string) string {
	if r := []rune(s); len(r) > mostText {
		return string(r[:mostText-1]) + "…"
	}
	return s
}
