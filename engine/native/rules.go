package native

import (
	"slices"
	"strings"

	"matrixos/model"
)

// The owner's rules in a summary stand between these lines, one each.
const (
	rulesBegin = "<rules-of-the-owner>"
	rulesEnd   = "</rules-of-the-owner>"
)

// rulesOf collects what has to reach the model whatever is cut: the rules that
// the Host pins, and those that the owner has marked in the conversation.
func rulesOf(pinned []string, msgs []model.Message) []string {
	rules := slices.Clone(pinned)
	for _, m := range msgs {
		if m.Role == model.User {
			rules = addRules(rules, m.Blocks)
		}
	}
	return rules
}

// addRules adds the rules in the owner's words: lines that begin with "Rule:",
// and what an earlier summary carries. Results of tools have no say in this.
func addRules(rules []string, blocks []model.Block) []string {
	for _, b := range blocks {
		if b.Kind != model.Text {
			continue
		}
		carried := false
		for line := range strings.Lines(b.Text) {
			line = strings.TrimRight(line, "\r\n")
			switch {
			case line == rulesBegin:
				carried = true
			case line == rulesEnd:
				carried = false
			case (carried && line != "" || isRule(line)) && !slices.Contains(rules, line):
				rules = append(rules, line)
			}
		}
	}
	return rules
}

func isRule(line string) bool {
	const mark = "rule:"
	line = strings.TrimSpace(line)
	return len(line) > len(mark) && strings.EqualFold(line[:len(mark)], mark)
}

// sheet is the rules as a summary carries them, or "".
func sheet(rules []string) string {
	if len(rules) == 0 {
		return ""
	}
	return rulesBegin + "\n" + strings.Join(rules, "\n") + "\n" + rulesEnd
}

// pin makes sure that the request that is about to be sent carries every rule
// word for word, and puts back those that are missing.
func (t *turn) pin() {
	var missing []string
	for _, r := range t.rules {
		if !t.carries(r) {
			missing = append(missing, r)
		}
	}
	if len(missing) == 0 {
		return
	}
	t.logger.Warn("rules of the owner had been lost from the conversation, and are back", "rules", len(missing))
	first := t.msgs[0]
	first.Blocks = append([]model.Block{{Kind: model.Text, Text: sheet(missing)}}, first.Blocks...)
	t.msgs[0] = first
	t.prev = -1
}

func (t *turn) carries(rule string) bool {
	for _, part := range t.o.System {
		if strings.Contains(part, rule) {
			return true
		}
	}
	for _, m := range t.msgs {
		if m.Role != model.User {
			continue
		}
		for _, b := range m.Blocks {
			if b.Kind == model.Text && strings.Contains(b.Text, rule) {
				return true
			}
		}
	}
	return false
}

// harmless keeps words of a model from passing as the owner's rules.
func harmless(text string) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		bare := strings.TrimRight(line, "\r\n")
		switch {
		case bare == rulesBegin || bare == rulesEnd:
			continue
		case isRule(bare):
			line = "- " + strings.TrimLeft(line, " \t")
		}
		b.WriteString(line)
	}
	return b.String()
}
