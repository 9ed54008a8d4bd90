package native

import (
	"fmt"
	"strings"

	"matrixos/model"
	"matrixos/sys"
)

const (
	maxBad    = 3 // steps in a row in which no call could be run
	warnAfter = 3 // equal steps in a row, before the model is told
	stopAfter = 5 // and before the turn ends
)

// guard notices a model that has lost its way.
type guard struct {
	last string // calls and results of the last step
	same int    // how many times in a row
	bad  int
}

// step looks at the calls of one reply and their results, bad of which could not
// be run. A step that repeats the ones before gets a warning in its last result.
func (g *guard) step(calls, results []model.Block, bad int) error {
	g.bad++
	if bad < len(calls) {
		g.bad = 0
	}
	key := signature(calls, results)
	if key == g.last {
		g.same++
	} else {
		g.last, g.same = key, 1
	}
	last := results[len(results)-1]
	switch {
	case g.bad >= maxBad:
		return lost(fmt.Errorf("the model called tools wrongly %d times in a row, at last: %s", g.bad, head(last.Text, 300)))
	case g.same >= stopAfter:
		return lost(fmt.Errorf("the model made the same call %d times in a row and got the same result: %s %s",
			g.same, last.Name, head(string(calls[len(calls)-1].Input), 200)))
	case g.same >= warnAfter:
		results[len(results)-1].Text += fmt.Sprintf(
			"\n\n[You made this same call %d times in a row, with the same result. Do something else, or say what stops you.]", g.same)
	}
	return nil
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
