package boot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"strings"
	"time"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/disk"
	"matrixos/sys"
)

const (
	ruleTime = 3 * time.Second // for one rule: meanwhile nobody lands, and no window writes to the database
	mostOdd  = 100_000         // rows against one rule that are compared; beyond, it is not held
	oddShown = 3               // rows that a refusal shows
)

// rules holds what an agent lands in the database of an app to the rules of the app's
// contract: no row may break one that did not break it before. Rows of the owner's that
// broke one already stand in nobody's way, and the owner's windows are never asked.
func (a *apps) rules(ctx context.Context, c disk.RowsChecked) (func(context.Context) error, error) {
	slug := appOf(sys.DataChange{Path: c.Path})
	if c.Kind != sys.ByAgent || string(c.Path) != fmt.Sprintf("data/%s/%s.sqlite", slug, slug) {
		return nil, nil
	}
	of, rules, err := app.Rules(c.Tree, slug)
	if err != nil || len(rules) == 0 {
		return nil, err
	}
	before := make([]*odd, len(rules))
	for i, r := range rules {
		if before[i], err = a.oddRows(ctx, c, r); err != nil {
			return nil, err
		}
	}
	return func(ctx context.Context) error {
		var broken []string
		kept := &sys.ContractReport{}
		for i, r := range rules {
			now, err := a.oddRows(ctx, c, r)
			if err != nil {
				return err
			}
			if words := now.since(before[i]); words != "" {
				broken = append(broken, fmt.Sprintf("“%s”: %s", r.Name, words))
				kept.Invariants = append(kept.Invariants, sys.CheckResult{Name: r.Name, Expected: "no such row", Seen: words})
			}
		}
		if len(broken) == 0 {
			return nil
		}
		a.countRefused(ctx, of, kept, false)
		return &sys.Error{
			Op: "land", Path: string(c.Path), Kind: sys.NotVerified,
			Err:  fmt.Errorf("these rows break what the contract of %s says of its data:\n%s", of.Manifest.Name, strings.Join(broken, "\n")),
			Hint: fmt.Sprintf("correct them or leave them out; the rule stands in %s and is the owner's: if it seems wrong, ask them", contract.Path(of.Folder)),
		}
	}, nil
}

// odd is what a rule finds at one moment.
type odd struct {
	fault   string // why it could not be asked
	skipped bool   // it took too long, or found too much
	rows    []oddRow
}

type oddRow struct {
	sum   [32]byte
	words string
}

func (a *apps) oddRows(ctx context.Context, c disk.RowsChecked, r contract.Invariant) (*odd, error) {
	if err := contract.ReadOnly(r.SQL); err != nil {
		return &odd{fault: err.Error()}, nil
	}
	limited, cancel := context.WithTimeout(ctx, ruleTime)
	defer cancel()
	out := &odd{}
	err := c.Ask(limited, r.SQL, func(columns []string, row []any) bool {
		words := app.RowWords(columns, row)
		out.rows = append(out.rows, oddRow{sha256.Sum256(fmt.Append(nil, words, len(row))), words})
		if len(out.rows) > oddShown { // only what may be shown is kept in words
			out.rows[len(out.rows)-1].words = words[:min(len(words), 200)]
		}
		out.skipped = len(out.rows) >= mostOdd
		return !out.skipped
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) || limited.Err() != nil:
		out.skipped = true
	case err != nil:
		out.fault = err.Error()
	}
	if out.skipped {
		a.log.WarnContext(ctx, "a landing of rows is not held to a rule that takes too long or finds too much", "app", path.Base(path.Dir(string(c.Path))), "rule", r.Name)
	}
	return out, nil
}

// since says what o finds and before did not; "" if that is nothing.
func (o *odd) since(before *odd) string {
	switch {
	case o.skipped || before.skipped:
		return ""
	case o.fault != "" && before.fault != "":
		return "" // the landing did not make it so; it is told where the app is tried
	case o.fault != "":
		return "it can no longer be asked: " + o.fault
	}
	had := map[[32]byte]int{}
	for _, r := range before.rows {
		had[r.sum]++
	}
	var shown []string
	more := 0
	for _, r := range o.rows {
		if had[r.sum]--; had[r.sum] >= 0 {
			continue
		}
		if len(shown) < oddShown {
			shown = append(shown, r.words)
		} else {
			more++
		}
	}
	if len(shown) == 0 {
		return ""
	}
	text := "found " + strings.Join(shown, "; ")
	if more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}
