package offline

import (
	"encoding/json"
	"path"
	"regexp"
	"strings"
)

// contract is what the kernel hands to the builder: a new app or changes to
// one.
type contract struct {
	Build  *Spec    `json:"build,omitempty"`
	Change *changed `json:"change,omitempty"`
}

type changed struct {
	App     string   `json:"app"`
	Changes []Change `json:"changes"`
}

var fenced = regexp.MustCompile("(?s)```json\\s*\\n(.*?)```")

// task writes a builder's task: the owner's words, then the contract. Any
// builder can work from it; ours reads the JSON.
func (l *lexicon) task(words string, c contract, de bool) string {
	raw, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		return words
	}
	key := "task-build"
	if c.Change != nil {
		key = "task-change"
	}
	return l.say(de, key, "words", strings.ReplaceAll(words, "```", "'''")) + "\n\n```json\n" + string(raw) + "\n```\n"
}

// readTask finds the contract of a task; a task that another model wrote has
// none and is understood as an owner's words are.
func (b *builder) readTask(text string) (contract, bool) {
	for _, m := range fenced.FindAllStringSubmatch(text, -1) {
		var c contract
		if json.Unmarshal([]byte(m[1]), &c) == nil && (c.Build.valid() || c.Change.valid()) {
			return c, true
		}
	}
	in := b.l.understand(text, b.t.state, "")
	switch in.verb {
	case verbBuild:
		return contract{Build: in.spec}, true
	case verbChange:
		return contract{Change: &changed{App: in.app, Changes: in.changes}}, in.app != ""
	}
	return contract{}, false
}

func (s *Spec) valid() bool {
	return s != nil && s.Kind != "" && plainName(s.Name) == s.Name && s.Name != "" && s.Slug == identifier(s.Slug, "-", 64) && s.Slug != "" && (!s.Kind.records() || len(s.Fields) > 0 && s.Table != "")
}

func (c *changed) valid() bool {
	return c != nil && c.App != "" && c.App == identifier(c.App, "-", 64) && len(c.Changes) > 0
}

// builder plays the program that writes apps.
type builder struct {
	l *lexicon
	t transcript
}

// next decides the builder's next step. Its first turn is the task; every
// later one is the kernel saying that the landing was refused.
func (b *builder) next() step {
	if len(b.t.turns) == 0 {
		return say(b.l.say(false, "builder-idle"))
	}
	first := b.t.turns[0]
	c, ok := b.readTask(first.text)
	de := german(first.text)
	if c.Build != nil {
		de = c.Build.german()
	}
	now := b.t.now()
	refused := len(b.t.turns) > 1
	switch {
	case !ok:
		return say(b.l.say(de, "builder-lost"))
	case len(b.t.turns) > 3:
		return say(b.l.say(de, "builder-gave-up", "why", firstLine(now.text)))
	case c.Build != nil:
		return b.build(c.Build, now, refused)
	}
	return b.change(c.Change, now, de)
}

// build writes a new app, looks at what the compiler said, and reports.
func (b *builder) build(s *Spec, now turn, refused bool) step {
	if refused || now.rounds > 1 {
		b.simplify(s)
	}
	if now.rounds == 0 {
		return b.write(s)
	}
	failed, trouble := writeTrouble(now.calls)
	switch {
	case failed != "":
		return say(b.l.say(s.german(), "write-failed", "name", s.Name, "why", failed))
	case trouble == "":
		return say(b.reportBuild(s))
	case now.rounds == 1 && b.simplify(s):
		return b.write(s)
	}
	return say(b.l.say(s.german(), "does-not-compile", "name", s.Name, "why", firstLine(trouble)))
}

func (b *builder) write(s *Spec) step {
	files, err := b.l.files(s)
	if err != nil {
		return say(b.l.say(s.german(), "write-failed", "name", s.Name, "why", err.Error()))
	}
	var calls []toolCall
	for _, f := range files {
		calls = append(calls, tool("Write", "file_path", path.Join("apps", s.Slug, f.path), "content", f.text))
	}
	return do(calls...)
}

// simplify takes out of s what most likely keeps it from compiling: whatever
// goes beyond the plain list. It reports whether there was anything.
func (b *builder) simplify(s *Spec) bool {
	if !s.Kind.records() || len(s.Charts) == 0 && s.View != "board" && s.View != "calendar" && s.worth() == "" {
		return false
	}
	if len(s.Charts) > 0 {
		s.Unmet = append(s.Unmet, b.l.say(s.german(), "the-charts"))
	}
	s.Charts, s.View = nil, "table"
	if s.Kind == KindCatalogue {
		s.Kind = KindTracker
	}
	return true
}

// compileError is a finding as Write and Edit append it to their results.
var compileError = regexp.MustCompile(`(?m)^(?:\S+:\d+:\d+: )?error: .*$`)

// writeTrouble says which write failed, and what the compiler said after the
// last one; errors before it may only mean that a file was not there yet.
func writeTrouble(calls []call) (failed, trouble string) {
	for _, c := range calls {
		if c.failed {
			failed = firstLine(c.result)
		}
	}
	if len(calls) > 0 && failed == "" {
		if lines := compileError.FindAllString(calls[len(calls)-1].result, 3); len(lines) > 0 {
			trouble = strings.Join(lines, "\n")
		}
	}
	return failed, trouble
}

// reportBuild tells the parent, and through it the owner, what there is now.
func (b *builder) reportBuild(s *Spec) string {
	de := s.german()
	var parts []string
	if s.Kind.records() {
		var labels []string
		for _, f := range s.Fields {
			labels = append(labels, lowerIf(f.Label, !de))
		}
		parts = append(parts, b.l.say(de, "built-records", "name", s.Name, "fields", listWords(labels, de)))
		if len(s.Charts) > 0 {
			var titles []string
			for _, c := range s.Charts {
				titles = append(titles, lowerIf(b.l.chartTitle(s.Fields, c, s.Noun, de), !de))
			}
			parts = append(parts, b.l.say(de, "built-charts", "charts", listWords(titles, de)))
		}
	} else {
		parts = append(parts, b.l.say(de, "built-kind", "name", s.Name, "about", s.Description))
	}
	if len(s.Unmet) > 0 {
		parts = append(parts, b.l.say(de, "left-out", "what", listWords(s.Unmet, de)))
	}
	return strings.Join(parts, " ")
}

// firstLine is the first line of text that says something, cut to a length
// that fits a sentence.
func firstLine(text string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if line = strings.TrimSpace(line); line != "" {
			return cutRunes(line, 200)
		}
	}
	return ""
}

func cutRunes(text string, n int) string {
	if r := []rune(text); len(r) > n {
		return string(r[:n]) + "…"
	}
	return text
}
