package sys

import (
	"fmt"
	"strings"
)

// The levels at which an app can be verified, lowest first.
const (
	VerifiedStatic  = "static"  // it compiles, its tables fit, its invariants hold
	VerifiedBrowser = "browser" // its scenarios ran green in a browser, too
)

// ContractReport is what came of running a contract.
type ContractReport struct {
	App        Slug             `json:"app"`
	Level      string           `json:"level"`          // what was run
	Green      bool             `json:"green"`          // all of it holds
	None       bool             `json:"none,omitempty"` // the app has no contract; only that it opens was tried
	Scenarios  []ScenarioResult `json:"scenarios,omitempty"`
	Invariants []CheckResult    `json:"invariants,omitempty"`
	Faults     []Diagnostic     `json:"faults,omitempty"` // of its files
	Millis     float64          `json:"millis"`
	Note       string           `json:"note,omitempty"` // why not at a higher level
}

// ScenarioResult is what came of one scenario.
type ScenarioResult struct {
	Name       string        `json:"name"`
	Green      bool          `json:"green"`
	Steps      []StepResult  `json:"steps,omitempty"`
	Properties []CheckResult `json:"properties,omitempty"`
	Errors     []string      `json:"errors,omitempty"`  // exceptions and rejections that nobody caught
	Console    []string      `json:"console,omitempty"` // what the app wrote as errors
	Millis     float64       `json:"millis"`
}

// StepResult is what came of one step.
type StepResult struct {
	Step     string  `json:"step"` // in words
	Green    bool    `json:"green"`
	Expected string  `json:"expected,omitempty"`
	Seen     string  `json:"seen,omitempty"`
	Millis   float64 `json:"millis"`
}

// CheckResult is what came of an invariant or a property.
type CheckResult struct {
	Name     string `json:"name"`
	Green    bool   `json:"green"`
	Skipped  bool   `json:"skipped,omitempty"` // what it speaks of was not to be seen
	Expected string `json:"expected,omitempty"`
	Seen     string `json:"seen,omitempty"`
}

// Settle works Green out from the parts.
func (r *ContractReport) Settle() {
	r.Green = len(r.Faults) == 0
	for i := range r.Scenarios {
		s := &r.Scenarios[i]
		s.Green = len(s.Errors) == 0
		for _, st := range s.Steps {
			s.Green = s.Green && st.Green
		}
		for _, p := range s.Properties {
			s.Green = s.Green && (p.Green || p.Skipped)
		}
		r.Green = r.Green && s.Green
	}
	for _, v := range r.Invariants {
		r.Green = r.Green && (v.Green || v.Skipped)
	}
}

// Failures says in lines what does not hold, for whoever has to mend it.
func (r *ContractReport) Failures() []string {
	var out []string
	for _, d := range r.Faults {
		out = append(out, fmt.Sprintf("%s:%d: %s", d.File, d.Line, d.Text))
	}
	for _, s := range r.Scenarios {
		if s.Green {
			continue
		}
		for i, st := range s.Steps {
			if !st.Green {
				out = append(out, fmt.Sprintf("%q, step %d: %s. Expected %s; seen: %s", s.Name, i, st.Step, either(st.Expected, "it to work"), either(st.Seen, "nothing")))
			}
		}
		for _, p := range s.Properties {
			if !p.Green && !p.Skipped {
				out = append(out, fmt.Sprintf("%q: %s. Expected %s; seen: %s", s.Name, p.Name, p.Expected, p.Seen))
			}
		}
		for _, e := range s.Errors {
			out = append(out, fmt.Sprintf("%q: the app failed: %s", s.Name, e))
		}
	}
	for _, v := range r.Invariants {
		if !v.Green && !v.Skipped {
			out = append(out, fmt.Sprintf("data: %s. %s", v.Name, v.Seen))
		}
	}
	return out
}

// Text is Failures as one text, cut to what an agent needs.
func (r *ContractReport) Text() string {
	lines := r.Failures()
	if len(lines) > 8 {
		lines = append(lines[:8:8], fmt.Sprintf("and %d more", len(lines)-8))
	}
	return strings.Join(lines, "\n")
}

func either(s, or string) string {
	if s == "" {
		return or
	}
	return s
}
