package engine

import (
	"fmt"
	"strings"

	"matrixos/model"
	"matrixos/sys"
)

const (
	maxBad    = 3  // steps in a row in which no call could be run
	maxSame   = 3  // equal steps among the newest, before the turn ends
	maxFailed = 10 // steps in a row in which every call failed
	lookBack  = 12 // steps that are looked back at
)

// Guard notices a model that has lost its way. The zero value is ready for a turn.
type Guard struct {
	steps  []string // calls and results of the newest steps
	bad    int
	failed int
}

// Step looks at the calls of one reply and their results, bad of which could not
// be run. What a model is about to do for the last time gets a warning in its
// last result. Equal results stand for an equal state of what was looked at.
func (g *Guard) Step(calls, results []model.Block, bad int) (Lost, error) {
	g.bad++
	if bad < len(calls) {
		g.bad = 0
	}
	g.failed++
	for _, r := range results {
		if !r.IsError {
			g.failed = 0
		}
	}
	key := signature(calls, results)
	same := 1
	for _, s := range g.steps {
		if s == key {
			same++
		}
	}
	g.steps = append(g.steps, key)
	if len(g.steps) > lookBack {
		g.steps = g.steps[1:]
	}
	last := results[len(results)-1]
	switch {
	case g.bad >= maxBad:
		return WrongCalls, lost(fmt.Errorf("the model called tools wrongly %d times in a row, at last: %s", g.bad, Head(last.Text, 300)))
	case same >= maxSame:
		return Loop, lost(fmt.Errorf("the model made the same call %d times and got the same result: %s %s",
			same, last.Name, Head(string(calls[len(calls)-1].Input), 200)))
	case g.failed >= maxFailed:
		return NoProgress, lost(fmt.Errorf("nothing that the model tried in %d steps worked, at last: %s", g.failed, Head(last.Text, 300)))
	case same == maxSame-1:
		results[len(results)-1].Text += "\n\n[You made this same call before, with the same result. Do something else, or say what stops you.]"
	}
	return "", nil
}

func lost(err error) error {
	return &sys.Error{Op: op, Kind: sys.Invalid, Err: err, Hint: "say it in other words, or choose a stronger model"}
}

func signature(calls, results []model.Block) string {
	var b strings.Builder
	for i, c := range calls {
		fmt.Fprintf(&b, "%s\x00%s\x00%s\x00", c.Name, c.Input, results[i].Text)
	}
	return b.String()
}
