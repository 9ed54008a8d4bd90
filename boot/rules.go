package boot

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/disk"
	"matrixos/sys"
)

const (
	ruleTime = 3 * time.Second // for one rule: meanwhile nobody lands, and no window writes to the database
	mostOdd  = 100_000         // rows against one rule that are compared
	oddShown = 3               // rows that a refusal shows
)

// rules holds what an agent lands in the database of an app, and what the owner imports,
// to the rules of the app's contract: no row may break one that did not break it before.
// Rows of the owner's that broke one already stand in nobody's way, and the owner's windows
// are never asked.
func (a *apps) rules(ctx context.Context, c disk.RowsChecked) (func(context.Context) error, error) {
	slug := appOf(sys.DataChange{Path: c.Path})
	if c.Kind != sys.ByAgent && !c.Held || string(c.Path) != fmt.Sprintf("data/%s/%s.sqlite", slug, slug) {
		return nil, nil
	}
	of, rules, err := rulesFor(c, slug)
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
		broken := &brokenRules{of: of}
		for i, r := range rules {
			now, err := a.oddRows(ctx, c, r)
			if err != nil {
				return err
			}
			if one := now.since(before[i]); one.said() != "" {
				one.rule = r.Name
				broken.rules = append(broken.rules, one)
			}
		}
		if len(broken.rules) == 0 {
			return nil
		}
		if c.Kind == sys.ByAgent { // what the owner brings is told them, and nobody's fault
			a.countRefused(ctx, of, broken.report(), false)
		}
		broken.path = string(c.Path)
		return broken
	}, nil
}

// rulesFor are the rules of the contract that lands, which may come with the rows; a change
// of a rule is judged where it lands. One that is not in it any more holds the rows that
// land with it all the same: nobody drops a rule and breaks it in one go.
func rulesFor(c disk.RowsChecked, slug sys.Slug) (app.App, []contract.Invariant, error) {
	of, rules, err := app.Rules(c.Tree, slug)
	if err != nil || of.Folder == "" {
		return of, nil, err
	}
	_, before, err := app.Rules(c.Before, slug)
	if err != nil {
		return of, nil, err
	}
	for _, old := range before {
		if !slices.ContainsFunc(rules, func(r contract.Invariant) bool { return r.Name == old.Name || r.SQL == old.SQL }) {
			rules = append(rules, old)
		}
	}
	return of, rules, nil
}

// brokenRules refuses rows: what they break, and which they are.
type brokenRules struct {
	of    app.App
	path  string
	rules []brokenRule
}

// brokenRule is one rule with the rows that break it now and did not before.
type brokenRule struct {
	rule  string
	fault string // why it can no longer be asked, or what else there is to say
	rows  []oddRow
}

// Error implements error.
func (b *brokenRules) Error() string { return b.told().Error() }

// Unwrap yields the error as everybody knows it.
func (b *brokenRules) Unwrap() error { return b.told() }

func (b *brokenRules) told() *sys.Error {
	var words []string
	for _, r := range b.rules {
		words = append(words, fmt.Sprintf("“%s”: %s", r.rule, r.said()))
	}
	return &sys.Error{
		Op: "land", Path: b.path, Kind: sys.NotVerified,
		Err:  fmt.Errorf("these rows break what the contract of %s says of its data:\n%s", b.of.Manifest.Name, strings.Join(words, "\n")),
		Hint: fmt.Sprintf("correct them or leave them out; the rule stands in %s and is the owner's: if it seems wrong, ask them", contract.Path(b.of.Folder)),
	}
}

// report is b as the healer counts it.
func (b *brokenRules) report() *sys.ContractReport {
	out := &sys.ContractReport{}
	for _, r := range b.rules {
		out.Invariants = append(out.Invariants, sys.CheckResult{Name: r.rule, Expected: "no such row", Seen: r.said()})
	}
	return out
}

// said is what is found, for people; "" if that is nothing.
func (b brokenRule) said() string {
	if len(b.rows) == 0 {
		return b.fault
	}
	var shown []string
	for _, r := range b.rows[:min(len(b.rows), oddShown)] {
		shown = append(shown, r.words)
	}
	text := "found " + strings.Join(shown, "; ")
	if more := len(b.rows) - len(shown); more > 0 {
		text += fmt.Sprintf("; and %d more", more)
	}
	return text
}

// odd is what a rule finds at one moment.
type odd struct {
	fault string // why it could not be asked
	slow  bool   // it took too long
	many  bool   // it found more than is compared
	rows  []oddRow
}

type oddRow struct {
	sum   [32]byte
	words string
	cells map[string]any // by column, of what is held though the owner brings it
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
		one := oddRow{sum: sha256.Sum256(fmt.Append(nil, words, len(row))), words: words}
		if c.Held {
			one.cells = map[string]any{}
			for i, name := range columns {
				one.cells[name] = row[i]
			}
		}
		if len(out.rows) >= oddShown { // only what may be shown is kept in words
			one.words = words[:min(len(words), 200)]
		}
		out.rows = append(out.rows, one)
		out.many = len(out.rows) >= mostOdd
		return !out.many
	})
	switch {
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case errors.Is(err, context.DeadlineExceeded) || limited.Err() != nil:
		out.slow = true
	case err != nil:
		out.fault = err.Error()
	}
	if out.slow {
		a.log.WarnContext(ctx, "a landing of rows is not held to a rule that takes too long", "app", path.Base(path.Dir(string(c.Path))), "rule", r.Name)
	}
	return out, nil
}

// since is what o finds and before did not. Where there was too much to compare before, it
// is nothing.
func (o *odd) since(before *odd) brokenRule {
	switch {
	case o.slow || before.slow || before.many:
		return brokenRule{}
	case o.fault != "" && before.fault != "":
		return brokenRule{} // the landing did not make it so; it is told where the app is tried
	case o.fault != "":
		return brokenRule{fault: "it can no longer be asked: " + o.fault}
	}
	had := map[[32]byte]int{}
	for _, r := range before.rows {
		had[r.sum]++
	}
	var out brokenRule
	for _, r := range o.rows {
		if had[r.sum]--; had[r.sum] < 0 {
			out.rows = append(out.rows, r)
		}
	}
	return out
}
