package app

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"

	"matrixos/app/contract"
	"matrixos/sys"
)

// mostWords bounds the owner's words in a contract.
const mostWords = 1000

// SettleContract completes the text of a sound contract with what is recorded and not
// checked: the owner's words, if it has none, and what they said when they were asked,
// now and before, and with what the owner recorded, unless the new contract has a scenario
// of the same name. before is the contract that it replaces, or nil. Its error is of a
// text that CheckContract would have refused.
func SettleContract(raw, before []byte, words string, asked []sys.Asked) (string, error) {
	var tree map[string]json.RawMessage
	var c, old contract.Contract
	for _, into := range []any{&tree, &c} {
		if err := json.Unmarshal(raw, into); err != nil {
			return "", &sys.Error{Op: "settle", Path: contract.Name, Kind: sys.Invalid, Err: err}
		}
	}
	if json.Unmarshal(before, &old) != nil {
		old = contract.Contract{} // it is replaced
	}
	answers := c.Answers
	for _, a := range slices.Concat(old.Answers, said(asked)) {
		if !slices.ContainsFunc(answers, func(have contract.Answer) bool { return have.Question == a.Question }) {
			answers = append(answers, a)
		}
	}
	fields := map[string]any{}
	if scenarios := recordedOf(c, old); scenarios != nil {
		fields["scenarios"] = scenarios
	}
	if len(answers) > 0 {
		fields["answers"] = answers
	}
	if c.Request == "" && words != "" {
		fields["request"] = cut(words, mostWords)
	}
	if len(fields) == 0 {
		return string(raw), nil
	}
	for name, v := range fields {
		text, err := json.Marshal(v)
		if err != nil {
			return "", err
		}
		tree[name] = text
	}
	return ordered(tree)
}

// recordedOf are the scenarios of c with those that old has recorded, or nil if c may stay
// as it is. That the owner showed something, only the system says.
func recordedOf(c, old contract.Contract) []contract.Scenario {
	out, changed := slices.Clone(c.Scenarios), false
	for i := range out {
		if out[i].Recorded != "" {
			out[i].Recorded, changed = "", true
		}
	}
	for _, s := range old.Scenarios {
		if s.Recorded == "" {
			continue
		}
		i := slices.IndexFunc(out, func(o contract.Scenario) bool { return o.Name == s.Name })
		switch {
		case i < 0:
			out, changed = append(out, s), true
		case reflect.DeepEqual(out[i].Steps, s.Steps):
			out[i], changed = s, true
		}
	}
	if !changed {
		return nil
	}
	return out
}

func said(asked []sys.Asked) (out []contract.Answer) {
	for _, a := range asked {
		out = append(out, contract.Answer{Question: cut(a.Question, mostWords), Answer: cut(a.Answer, mostWords)})
	}
	return out
}

func cut(s string, n int) string {
	if r := []rune(s); len(r) > n {
		return string(r[:n-1]) + "…"
	}
	return s
}

// ordered writes a contract with its parts in the order in which one reads them.
func ordered(tree map[string]json.RawMessage) (string, error) {
	text := []byte("{")
	for _, name := range contract.Parts {
		if v, ok := tree[name]; ok {
			if len(text) > 1 {
				text = append(text, ',')
			}
			text = append(append(text, `"`+name+`":`...), v...)
		}
	}
	var b bytes.Buffer
	if err := json.Indent(&b, append(text, '}'), "", "  "); err != nil {
		return "", err
	}
	return b.String() + "\n", nil
}
