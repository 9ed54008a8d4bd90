package contract

import (
	_ "embed"
	"encoding/json"
	"time"

	"matrixos/sys"
)

// Name is the file of an app's folder that holds its contract.
const Name = "contract.json"

// Schema is the JSON Schema of the file.
//
//go:embed schema.json
var Schema []byte

// Path is where the contract of the app in folder stands.
func Path(folder sys.Path) sys.Path { return folder + "/" + Name }

// Parts are the fields of a contract, in the order in which one reads them.
var Parts = []string{"version", "request", "answers", "scenarios", "invariants", "properties"}

// Contract is what an app has to do.
type Contract struct {
	Version    int         `json:"version"`
	Request    string      `json:"request,omitempty"` // the owner's words
	Answers    []Answer    `json:"answers,omitempty"` // what the owner said when asked
	Scenarios  []Scenario  `json:"scenarios,omitempty"`
	Invariants []Invariant `json:"invariants,omitempty"`
	Properties []Property  `json:"properties,omitempty"`
}

// Answer is a question that was settled before the app was built.
type Answer struct {
	Question string `json:"question"`
	Answer   string `json:"answer"`
}

// Scenario is one use of the app, from an opened window on.
type Scenario struct {
	Name  string `json:"name"`
	At    string `json:"at,omitempty"`   // the date and time it begins, in local terms
	Given Given  `json:"given,omitzero"` // the data it begins with
	Steps []Step `json:"steps"`
	// Recorded is the day on which the owner showed it, for one that was recorded.
	Recorded string `json:"recorded,omitempty"`
}

// Given is the data that a scenario begins with.
type Given struct {
	Rows map[string][]json.RawMessage `json:"rows,omitempty"`
	Keys map[string]json.RawMessage   `json:"keys,omitempty"`
	Net  []Reply                      `json:"net,omitempty"`
	// Rooms are those that the app shares with others in a trial, where nobody else is.
	Rooms []Room `json:"rooms,omitempty"`
}

// Reply is what an address answers in a trial, where nothing outside is reached.
type Reply struct {
	// URL is the address; of a query only what stands here has to be asked.
	URL  string          `json:"url"`
	JSON json.RawMessage `json:"json,omitempty"`
	Fail string          `json:"fail,omitempty"` // instead: why it cannot be reached
}

// Invariant is a query that finds what must not be in the data: one row of it
// breaks the contract.
type Invariant struct {
	Name string `json:"name"`
	SQL  string `json:"sql"`
}

// Property ties what is shown to what is stored: a figure in the part of the window
// that Shown names is the one value that SQL yields. It is looked at after every
// scenario in which that part is to be seen.
type Property struct {
	Name      string  `json:"name"`
	Shown     string  `json:"shown"`
	SQL       string  `json:"sql"`
	Tolerance float64 `json:"tolerance,omitempty"`
}

// Part names a part of the window.
type Part struct {
	Role string `json:"role"`
	Name string `json:"name,omitempty"`
}

// Point is a place or a way in the window, in pixels to the right and down.
type Point [2]float64

// Step is one act or one expectation: exactly one verb (Verbs), with what belongs
// to it.
type Step struct {
	Fill   string `json:"fill,omitempty"`
	With   string `json:"with,omitempty"`
	Choose string `json:"choose,omitempty"`
	Option string `json:"option,omitempty"`
	Click  string `json:"click,omitempty"`
	Name   string `json:"name,omitempty"`
	Nth    int    `json:"nth,omitempty"`
	Press  string `json:"press,omitempty"`
	On     string `json:"on,omitempty"`
	Times  int    `json:"times,omitempty"`
	Drag   string `json:"drag,omitempty"`
	From   *Point `json:"from,omitempty"`
	By     *Point `json:"by,omitempty"`
	Onto   *Part  `json:"onto,omitempty"`

	See    string          `json:"see,omitempty"`
	SeeNot string          `json:"see_not,omitempty"`
	Order  []string        `json:"see_order,omitempty"`
	In     *Part           `json:"in,omitempty"`
	Find   string          `json:"find,omitempty"`
	State  string          `json:"state,omitempty"`
	Value  string          `json:"value,omitempty"`
	Rows   string          `json:"rows,omitempty"`
	Where  json.RawMessage `json:"where,omitempty"`
	Count  *int            `json:"count,omitempty"`
	Key    string          `json:"key,omitempty"`
	Is     json.RawMessage `json:"is,omitempty"`

	Reload bool   `json:"reload,omitempty"`
	GoTo   string `json:"go_to,omitempty"`
	Wait   string `json:"wait,omitempty"`
}

// DefaultAt is when a scenario begins that does not say: a Wednesday.
const DefaultAt = "2026-03-11T09:30"

// Start is when the scenario begins; a date alone means nine in the morning.
func (s Scenario) Start() time.Time {
	at := s.At
	if at == "" {
		at = DefaultAt
	}
	if len(at) == len("2026-03-11") {
		at += "T09:00"
	}
	for _, form := range clocks {
		if t, err := time.Parse(form, at); err == nil {
			return t
		}
	}
	return time.Time{} // Parse has refused it
}

// Pause is how long a wait step lets pass.
func (s Step) Pause() time.Duration {
	d, err := time.ParseDuration(s.Wait)
	if err != nil {
		return 0
	}
	return d
}

// Probe is the contract of an app that has none: it opens, shows something and
// fails at nothing.
func Probe() Contract {
	return Contract{Version: 1, Scenarios: []Scenario{{Name: "it opens"}}}
}
