package contract

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"matrixos/sys"
)

// The bounds of a recorded use. What a window says is untrusted: it is small, or nothing.
const (
	maxUse   = 128 << 10
	maxActs  = 100
	maxLines = 200
	maxLine  = 120
)

// acts are the steps that a use may have: what a person does, and no expectation.
var acts = []string{"fill", "choose", "click", "press", "drag"}

// Use is what a person did in a window of an app, as that window tells it.
type Use struct {
	Steps  []Step   `json:"steps"`
	Seen   []string `json:"seen,omitempty"`   // lines that were to be seen at the end and not at the beginning
	Gone   []string `json:"gone,omitempty"`   // lines of the beginning that were not to be seen at the end
	Secret bool     `json:"secret,omitempty"` // something was typed into a field for secrets; it is not in Steps
}

// ParseUse reads a use and refuses what no recording can hold.
func ParseUse(raw []byte) (Use, error) {
	refuse := func(err error) (Use, error) {
		return Use{}, &sys.Error{Op: "remember", Path: "what was done", Kind: sys.Invalid, Err: err, Hint: "record it again, in fewer steps"}
	}
	if len(raw) > maxUse {
		return refuse(fmt.Errorf("it has %d bytes; at most %d are allowed", len(raw), maxUse))
	}
	var u Use
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&u); err != nil {
		return refuse(err)
	}
	if len(u.Steps) == 0 {
		return refuse(errors.New("nothing was done in the window"))
	}
	if len(u.Steps) > maxActs {
		return refuse(fmt.Errorf("there are %d steps; at most %d are allowed", len(u.Steps), maxActs))
	}
	for i, s := range u.Steps {
		if !slices.Contains(acts, s.Verb()) {
			return refuse(fmt.Errorf("step %d is nothing that a person does", i+1))
		}
	}
	u.Seen, u.Gone = lines(u.Seen), lines(u.Gone)
	if found := faults(Scenario{Name: "a use", Steps: append(slices.Clone(u.Steps), Step{See: "x"})}); len(found) > 0 {
		return refuse(errors.New(found[0].Text))
	}
	return u, nil
}

// faults is what is wrong with one scenario.
func faults(s Scenario) []sys.Diagnostic {
	raw, err := json.Marshal(Contract{Version: 1, Scenarios: []Scenario{s}})
	if err != nil {
		return []sys.Diagnostic{{Text: err.Error()}}
	}
	_, found := Parse(raw, Name)
	return found
}

// lines drops what no check could be made of.
func lines(all []string) (out []string) {
	for _, l := range all {
		l = strings.Join(strings.Fields(l), " ")
		if l != "" && len(l) <= maxLine && utf8.ValidString(l) && !slices.Contains(out, l) && len(out) < maxLines {
			out = append(out, l)
		}
	}
	return out
}
