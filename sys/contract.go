package sys

import (
	"fmt"
	"slices"
	"strings"
	"time"
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
	Recorded   string        `json:"recorded,omitempty"` // the day on which the owner showed it
	Green      bool          `json:"green"`
	Steps      []StepResult  `json:"steps,omitempty"`
	Properties []CheckResult `json:"properties,omitempty"`
	Errors     []string      `json:"errors,omitempty"`  // exceptions and rejections that nobody caught
	Console    []string      `json:"console,omitempty"` // what the app wrote as errors
	Millis     float64       `json:"millis"`
}

// DidNotEnd is the error of a scenario that was ended because it went on and on.
const DidNotEnd = "it did not come to an end; the app hangs, or calls itself without rest"

// Hangs reports whether the scenario was ended because it went on and on.
func (r ScenarioResult) Hangs() bool { return slices.Contains(r.Errors, DidNotEnd) }

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

// Settled is Settle, and whether it is green.
func (r *ContractReport) Settled() bool {
	r.Settle()
	return r.Green
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
		place := string(d.File)
		if d.Line > 0 { // else it is about the whole file
			place += fmt.Sprint(":", d.Line)
		}
		out = append(out, place+": "+d.Text)
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

// StrengthReport is how many small wrong changes of an app its contract finds. Changes
// that do not compile, that compile to the same code, or whose place no scenario
// reaches are counted apart: Tried is those that could be found.
type StrengthReport struct {
	App       Slug             `json:"app"`
	Mutants   int              `json:"mutants"` // that there are
	Tried     int              `json:"tried"`
	Killed    int              `json:"killed"`    // of those tried, that the contract finds
	Invalid   int              `json:"invalid"`   // of the sample, that do not compile
	Same      int              `json:"same"`      // of the sample, that change nothing
	Unreached int              `json:"unreached"` // of the sample, whose place no scenario runs
	Operators map[string]Found `json:"operators"`
	Survivors []string         `json:"survivors"` // what was not found, in words
	Beyond    []string         `json:"beyond"`    // what was not reached, in words
	Millis    float64          `json:"millis"`
}

// Found counts the changes of one kind.
type Found struct {
	Tried  int `json:"tried"`
	Killed int `json:"killed"`
}

// The ways in which a mutant ends.
const (
	MutantInvalid   = "invalid"
	MutantSame      = "same"
	MutantUnreached = "unreached"
	MutantFound     = "found"
	MutantSurvived  = "survived"
)

// Count adds the end of one mutant, which words describe.
func (r *StrengthReport) Count(operator, end, words string) {
	f := r.Operators[operator]
	switch end {
	case MutantInvalid:
		r.Invalid++
		return
	case MutantSame:
		r.Same++
		return
	case MutantUnreached:
		r.Unreached++
		r.Beyond = append(r.Beyond, words)
		return
	case MutantFound:
		r.Killed++
		f.Killed++
	default:
		r.Survivors = append(r.Survivors, words)
	}
	r.Tried++
	f.Tried++
	r.Operators[operator] = f
}

// Recording is a use of an app that is being recorded, with the owner's consent.
type Recording struct {
	ID  string `json:"id"`
	App Slug   `json:"app"`
}

// RecordingDraft is what a recorded use would make: a scenario in words, for the owner to
// look over. Nothing of it is kept yet.
type RecordingDraft struct {
	ID    string      `json:"id"`
	App   Slug        `json:"app"`
	Name  string      `json:"name"`
	Steps []DraftStep `json:"steps"`
	// Entries is how many of the owner's entries it begins with.
	Entries int      `json:"entries"`
	Left    []string `json:"left"`              // what is not expected, and why, in words
	Trouble string   `json:"trouble,omitempty"` // why it does not play back
}

// DraftStep is one step of a draft.
type DraftStep struct {
	Words string `json:"words"`
	Check bool   `json:"check"` // it looks; else it does
}

// RecordingKept is a recorded use that has become part of the contract.
type RecordingKept struct {
	Landing LandingInfo    `json:"landing"`
	Name    string         `json:"name"`
	Result  ScenarioResult `json:"result"`
}

// StrengthFile keeps what was last measured of contracts, app by app.
const StrengthFile Path = "system/strength.json"

// Strength is what was last measured of an app's contract, in short.
type Strength struct {
	At     time.Time `json:"at"`
	Tried  int       `json:"tried"` // small wrong changes
	Found  int       `json:"found"` // of these, by the contract
	Beyond int       `json:"beyond,omitempty" doc:"Further changes, in places that no scenario runs"`
	Missed []string  `json:"missed,omitempty" doc:"Changes that nothing finds, in words"`
	Stale  bool      `json:"stale,omitempty" doc:"The app or its contract is another since"`
}

const (
	strongFrom = 80 // percent found from which on a contract is not weak
	fewTried   = 5  // so few changes say nothing
)

// Percent is the share that the contract finds.
func (s Strength) Percent() int { return 100 * s.Found / max(1, s.Tried) }

// Weak reports whether the contract finds too little of what its scenarios run, or runs
// less than half of the app.
func (s Strength) Weak() bool {
	return s.Tried+s.Beyond >= fewTried && (s.Percent() < strongFrom || s.Beyond > s.Tried)
}
