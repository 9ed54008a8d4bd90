package policy

import (
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"

	"matrixos/sys"
)

// RulesFile holds the owner's rules. No program may change it.
const RulesFile sys.Path = "system/policy.json"

// Rule is one decision that the owner has made for good. The first that matches
// counts.
type Rule struct {
	Effect  EffectKind  `json:"effect"`            // or "*"
	Target  string      `json:"target"`            // a pattern such as "*.example.org", or "*"
	Program sys.Program `json:"program,omitempty"` // only this program; empty: any
	Then    Verdict     `json:"then"`              // allow, ask, refuse
	// Untrusted makes an "allow" hold also for a process that has read text from
	// outside. Without it such a process is judged as if the rule were not there.
	Untrusted bool   `json:"untrusted,omitempty"`
	Note      string `json:"note,omitempty"` // for people
}

// String is the rule as an owner would say it.
func (r Rule) String() string {
	s := fmt.Sprintf("“%s %s %s”", r.Then, r.Effect, r.Target)
	if r.Program != "" {
		s += " for " + string(r.Program)
	}
	return s
}

// Rules is the owner's file.
type Rules struct {
	Rules []Rule `json:"rules"`
}

var kinds = []EffectKind{Fetch, Search, Media, Message, Publish, Push, Service, Network, Instruct, Attach, Identity, Connect, Install, Revert, Erase}

// ParseRules reads the file; an empty one has no rules. Errors name the rule, the
// field and what may stand there.
func ParseRules(text []byte) (Rules, error) {
	var r Rules
	if len(strings.TrimSpace(string(text))) == 0 {
		return r, nil
	}
	bad := func(err error, hint string) (Rules, error) {
		return Rules{}, &sys.Error{Op: "read rules", Path: string(RulesFile), Kind: sys.Invalid, Err: err, Hint: hint}
	}
	dec := json.NewDecoder(strings.NewReader(string(text)))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&r); err != nil {
		return bad(err, `write {"rules": [{"effect": "fetch", "target": "*.example.org", "then": "allow"}]}`)
	}
	for i, rule := range r.Rules {
		at := func(field, value string) error { return fmt.Errorf("rule %d: %s is %q", i+1, field, value) }
		switch {
		case rule.Effect != "*" && !slices.Contains(kinds, rule.Effect):
			return bad(at("effect", string(rule.Effect)), fmt.Sprintf("it is * or one of %v", kinds))
		case rule.Then != Allowed && rule.Then != Asks && rule.Then != Refused:
			return bad(at("then", string(rule.Then)), "it is allow, ask or refuse")
		case rule.Target == "":
			return bad(at("target", ""), `name a host or a handle, or write "*"`)
		}
		if _, err := path.Match(rule.Target, ""); err != nil {
			return bad(errors.Join(at("target", rule.Target), err), `write a pattern such as "*.example.org"`)
		}
	}
	return r, nil
}

// match finds the first rule for an effect.
func (r Rules) match(s Subject, e Effect) (Rule, bool) {
	for _, rule := range r.Rules {
		if rule.Effect != "*" && rule.Effect != e.Kind || rule.Program != "" && rule.Program != s.Program {
			continue
		}
		if ok, err := path.Match(strings.ToLower(rule.Target), strings.ToLower(e.Target)); err == nil && ok || rule.Target == "*" {
			return rule, true
		}
	}
	return Rule{}, false
}
