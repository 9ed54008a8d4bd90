package boot

import (
	"context"
	"sync"

	"matrixos/app"
	"matrixos/app/contract"
	"matrixos/sys"
)

// plays remembers, for as long as the system runs, which scenarios held, by what their
// windows ran (app.Trial.Print). It is safe for concurrent use.
type plays struct {
	mu    sync.Mutex
	held  map[string]sys.ScenarioResult // without its steps
	order []string                      // the oldest first
}

// keptPlays bounds the memory: some 50 builds of apps with 40 scenarios.
const keptPlays = 2000

// note remembers those of res that hold in t.
func (p *plays) note(t *app.Trial, res []sys.ScenarioResult) error {
	for _, r := range res {
		one := sys.ContractReport{Scenarios: []sys.ScenarioResult{r}}
		if !one.Settled() {
			continue
		}
		for _, s := range t.Contract.Scenarios {
			if s.Name != r.Name {
				continue
			}
			print, err := t.Print(s)
			if err != nil {
				return err
			}
			r.Steps = nil
			p.keep(print, r)
		}
	}
	return nil
}

func (p *plays) keep(print string, r sys.ScenarioResult) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if _, ok := p.held[print]; ok || print == "" {
		return
	}
	if p.held == nil {
		p.held = map[string]sys.ScenarioResult{}
	}
	p.held[print] = r
	if p.order = append(p.order, print); len(p.order) > keptPlays {
		delete(p.held, p.order[0])
		p.order = p.order[1:]
	}
}

// of is the result of the scenario with a print, if it held.
func (p *plays) of(print string) (sys.ScenarioResult, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	r, ok := p.held[print]
	return r, ok
}

// known parts the scenarios of t into those that held, by name, and the rest.
func (p *plays) known(t *app.Trial) (held map[string]sys.ScenarioResult, rest []contract.Scenario, err error) {
	held = map[string]sys.ScenarioResult{}
	for _, s := range t.Contract.Scenarios {
		print, err := t.Print(s)
		if err != nil {
			return nil, nil, err
		}
		if r, ok := p.of(print); ok {
			held[s.Name] = r
		} else {
			rest = append(rest, s)
		}
	}
	return held, rest, nil
}

// remembering has only those scenarios played of which it is not known that they hold.
func (c *contracts) remembering(play player) player {
	return func(h host, ctx context.Context, t *app.Trial) ([]sys.ScenarioResult, error) {
		all := t.Contract.Scenarios
		held, rest, err := c.plays.known(t)
		if err != nil {
			return nil, err
		}
		var played []sys.ScenarioResult
		if len(rest) > 0 {
			t.Contract.Scenarios = rest
			played, err = play(h, ctx, t)
			t.Contract.Scenarios = all
		}
		for _, r := range played {
			held[r.Name] = r
		}
		var out []sys.ScenarioResult
		for _, s := range all {
			if r, ok := held[s.Name]; ok {
				out = append(out, r)
			}
		}
		return out, err
	}
}
