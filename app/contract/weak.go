package contract

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
)

// Weak says in words why a contract would find next to nothing, whatever the app does: it
// would be green with everything. tables are those of the app, if it has any. It is no
// measure of what a contract finds (package strength is): what it says is certain, and it
// runs nothing.
func (c Contract) Weak(tables []string) (out []string) {
	if len(c.Properties) > 0 {
		return nil
	}
	if !slices.ContainsFunc(c.Scenarios, func(s Scenario) bool { return slices.ContainsFunc(s.Steps, Step.expects) }) {
		return []string{"no scenario expects anything to be there: an app that shows nothing would do"}
	}
	acting := slices.DeleteFunc(slices.Clone(c.Scenarios), func(s Scenario) bool { return !slices.ContainsFunc(s.Steps, Step.acts) })
	switch {
	case len(acting) == 0 && len(tables) > 0 && !slices.ContainsFunc(c.Scenarios, Scenario.shows):
		out = append(out, fmt.Sprintf("no scenario enters or changes anything, and none begins with data, though the app keeps %s", tables[0]))
	case len(acting) > 0 && !slices.ContainsFunc(acting, Scenario.looksAfter):
		out = append(out, fmt.Sprintf("no scenario looks at what came of what it did: %q, say, ends with its last act", acting[0].Name))
	}
	return out
}

// acts reports whether the step does something with the app, as its owner would.
func (s Step) acts() bool { return s.Fill+s.Choose+s.Click+s.Press+s.Drag != "" }

// expects reports whether the step wants something to be there: that something is not, an
// app that does nothing gives as well.
func (s Step) expects() bool {
	switch {
	case s.See+s.Value != "" || len(s.Order) > 0:
		return true
	case s.Find != "" || s.Rows != "":
		return s.Count == nil || *s.Count > 0
	case s.Key != "":
		return !empty(s.Is)
	}
	return false
}

// empty reports whether a value is what an app has that has kept nothing.
func empty(raw json.RawMessage) bool {
	return slices.ContainsFunc([]string{"", "null", "[]", "{}", `""`, "0", "false"}, func(v string) bool { return string(bytes.TrimSpace(raw)) == v })
}

// looks reports whether the scenario expects anything beyond that the app opens.
func (s Scenario) looks() bool {
	return slices.ContainsFunc(s.Steps, func(s Step) bool {
		return s.See+s.SeeNot+s.Find+s.Value+s.Rows+s.Key != "" || len(s.Order) > 0
	})
}

// looksAfter reports whether the scenario looks at anything once it has acted: what is
// there, or, having been there, is not any more.
func (s Scenario) looksAfter() bool {
	i := slices.IndexFunc(s.Steps, Step.acts)
	return i >= 0 && Scenario{Steps: s.Steps[i:]}.looks()
}

// shows reports whether the scenario begins with data and expects something of them.
func (s Scenario) shows() bool {
	return len(s.Given.Rows)+len(s.Given.Keys)+len(s.Given.Rooms) > 0 && slices.ContainsFunc(s.Steps, Step.expects)
}
