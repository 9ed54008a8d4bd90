package modeltest

import (
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"sync"

	"matrixos/sys"
)

// Rule plays its turns in a conversation that it matches: the n-th turn answers
// the n-th request since the last words of whoever asks, so that a Rule needs
// no memory and serves many conversations at once. Past the end it repeats the
// last turn.
type Rule struct {
	Program sys.Program `json:"program,omitempty"` // kernel, builder, or empty for any
	System  string      `json:"system,omitempty"`  // part of the system prompt
	Match   string      `json:"match,omitempty"`   // part of the last words, in any case
	Turns   []Turn      `json:"turns"`
}

// Rules plays the first of rules that matches a request. If none does, the
// answer says so.
func Rules(rules ...Rule) Player {
	return &ruleBook{rules: rules, failed: map[string]int{}}
}

type ruleBook struct {
	rules []Rule

	mu     sync.Mutex
	failed map[string]int // by rule, turn and words
}

func (b *ruleBook) Play(r *Request) Turn {
	words, n := r.Words()
	for i, rule := range b.rules {
		if !rule.matches(r, words) {
			continue
		}
		n = min(n, len(rule.Turns)-1)
		t := rule.Turns[n]
		key := fmt.Sprintf("%d/%d/%s", i, n, words)
		b.mu.Lock()
		if t.Fault.fails(b.failed[key]) {
			b.failed[key]++
		} else {
			t.Fault = nil
		}
		b.mu.Unlock()
		return t
	}
	return Turn{Text: fmt.Sprintf("modeltest: no rule matches program %q, words %q", r.Program(), words)}
}

func (rule Rule) matches(r *Request, words string) bool {
	return len(rule.Turns) > 0 &&
		(rule.Program == "" || rule.Program == r.Program()) &&
		strings.Contains(r.System, rule.System) &&
		strings.Contains(strings.ToLower(words), strings.ToLower(rule.Match))
}

// Build describes an app for App to play.
type Build struct {
	Match  string   // part of the owner's words; empty matches all
	Slug   sys.Slug // of the app
	Files  fs.FS    // its files, written below apps/<slug>/
	Order  []string // paths in Files, in the order to write; all of them, sorted, if nil
	Task   string   // what the main agent tells the builder
	Report string   // the builder's last words
	Answer string   // the main agent's last words
	AtOnce bool     // all files in one reply of parallel calls
}

// promise is the contract of every app that is built by App: it opens. What it ties is
// never shown, so that it fits any app.
const promise = `{"version": 1, "scenarios": [{"name": "it opens", "steps": [{"see_not": "did not start"}]}], "properties": [{"name": "any", "shown": "No App Shows This", "sql": "SELECT 1"}]}`

// App returns the rules that play a whole request for an app: the main agent
// spawns the builder, the builder writes every file and reports, the main agent
// answers.
func App(b Build) ([]Rule, error) {
	if b.Order == nil {
		err := fs.WalkDir(b.Files, ".", func(p string, e fs.DirEntry, err error) error {
			if err == nil && !e.IsDir() {
				b.Order = append(b.Order, p)
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("list the app's files: %w", err)
		}
		slices.Sort(b.Order)
	}
	if b.Task == "" {
		b.Task = fmt.Sprintf("Build the app %s as the owner asked.", b.Slug)
	}
	var writes []Turn
	for _, p := range b.Order {
		content, err := fs.ReadFile(b.Files, p)
		if err != nil {
			return nil, fmt.Errorf("read the app's file: %w", err)
		}
		c := Call{Name: "Write", Input: map[string]string{
			"file_path": path.Join("apps", string(b.Slug), p), "content": string(content),
		}}
		if b.AtOnce && len(writes) > 0 {
			writes[0].Calls = append(writes[0].Calls, c)
		} else {
			writes = append(writes, Turn{Text: "Writing " + p + ".", Calls: []Call{c}})
		}
	}
	spawn := Call{Name: "spawn", Input: map[string]any{
		"program": string(sys.ProgramBuilder), "task": b.Task, "app": string(b.Slug), "contract": json.RawMessage(promise),
	}}
	return []Rule{
		{Program: sys.ProgramKernel, Match: b.Match, Turns: []Turn{
			{Text: "I'll have it built.", Calls: []Call{spawn}}, {Text: b.Answer},
		}},
		{Program: sys.ProgramBuilder, Match: b.Task, Turns: append(writes, Turn{Text: b.Report})},
	}, nil
}

// Load reads a Player from JSON: {"rules": […]} or {"turns": […]}.
func Load(r io.Reader) (Player, error) {
	var doc struct {
		Rules []Rule `json:"rules"`
		Turns []Turn `json:"turns"`
	}
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&doc); err != nil {
		return nil, fmt.Errorf("read script: %w", err)
	}
	switch {
	case len(doc.Rules) > 0 && len(doc.Turns) == 0:
		return Rules(doc.Rules...), nil
	case len(doc.Turns) > 0 && len(doc.Rules) == 0:
		return Script(doc.Turns...), nil
	}
	return nil, fmt.Errorf("read script: %w: give either rules or turns", sys.Invalid)
}
