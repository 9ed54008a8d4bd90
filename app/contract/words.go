package contract

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// String says the step in words.
func (s Step) String() string {
	switch s.Verb() {
	case "fill":
		return fmt.Sprintf("fill %q with %q", s.Fill, s.With)
	case "choose":
		return fmt.Sprintf("choose %q for %q", s.Option, s.Choose)
	case "click":
		nth := ""
		if s.Nth > 1 {
			nth = fmt.Sprintf(" number %d", s.Nth)
		}
		return fmt.Sprintf("click the %s %q%s%s", s.Click, s.Name, nth, s.In.within())
	case "press":
		text := "press " + s.Press
		if s.Times > 1 {
			text += fmt.Sprintf(" %d times", s.Times)
		}
		if s.On != "" {
			text += fmt.Sprintf(" in %q", s.On)
		}
		return text
	case "drag":
		return s.dragWords()
	case "find":
		many := "a"
		if s.Count != nil {
			many = fmt.Sprint(*s.Count)
		}
		return strings.Join(strings.Fields(fmt.Sprintf("find %s %s %s %q%s", many, s.State, s.Find, s.Name, s.In.within())), " ")
	case "see":
		return fmt.Sprintf("see %q%s", s.See, s.In.within())
	case "see_not":
		return fmt.Sprintf("do not see %q%s", s.SeeNot, s.In.within())
	case "see_order":
		return fmt.Sprintf("see in this order: %s%s", strings.Join(s.Order, ", "), s.In.within())
	case "value":
		return fmt.Sprintf("the field %q holds %s", s.Value, s.Is)
	case "rows":
		return s.rowsWords()
	case "key":
		return fmt.Sprintf("the key %q is %s", s.Key, s.Is)
	case "reload":
		return "close the window and open it again"
	case "go_to":
		return "come back at " + s.GoTo
	case "wait":
		return "wait " + s.Wait
	}
	return "do nothing"
}

// rowsWords says a count of rows as a person would: values by their columns, and what is
// more than a value as it is written.
func (s Step) rowsWords() string {
	n, many := deref(s.Count), "no entry"
	switch {
	case n == 1:
		many = "one entry"
	case n > 1:
		many = fmt.Sprintf("%d entries", n)
	}
	text := many + " in " + s.Rows
	if len(s.Where) == 0 {
		return text
	}
	var where map[string]json.RawMessage
	if err := json.Unmarshal(s.Where, &where); err != nil {
		return text + " where " + string(s.Where)
	}
	for i, column := range slices.Sorted(maps.Keys(where)) {
		join := ", "
		switch {
		case i == 0:
			join = " with "
		case i == len(where)-1:
			join = " and "
		}
		text += join + strings.ReplaceAll(column, "_", " ") + " " + string(where[column])
	}
	return text
}

func (s Step) dragWords() string {
	where := ""
	if s.Onto != nil {
		where = fmt.Sprintf(" onto the %s %q", s.Onto.Role, s.Onto.Name)
	}
	if s.By != nil {
		where += fmt.Sprintf(" by %v, %v", s.By[0], s.By[1])
	}
	return fmt.Sprintf("drag the %s %q%s%s", s.Drag, s.Name, s.In.within(), where)
}

func (p *Part) within() string {
	switch {
	case p == nil:
		return ""
	case p.Name == "":
		return " in the " + p.Role
	}
	return fmt.Sprintf(" in the %s %q", p.Role, p.Name)
}

func deref(n *int) int {
	if n == nil {
		return 0
	}
	return *n
}
