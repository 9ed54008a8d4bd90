package merge

// Run says that N lines of one text, from line A, equal N lines of another, from
// line B. Lines are counted from 0.
type Run struct{ A, B, N int }

// Matcher compares texts by lines. It gives equal lines equal numbers, over all
// texts that it is shown, and is for one goroutine.
type Matcher struct{ in intern }

// NewMatcher returns a Matcher that has seen nothing yet.
func NewMatcher() *Matcher { return &Matcher{intern{}} }

// Numbers returns one number for each line of text.
func (m *Matcher) Numbers(text []byte) []int { return m.in.numbers(lines(text)) }

// Common returns the runs of lines that two texts share, in order, by a shortest
// edit script; the texts are given by their numbers. Texts that differ very much
// share their beginning and their end at most.
func Common(a, b []int) []Run {
	var out []Run
	for _, s := range match(a, b) {
		out = append(out, Run{s.a, s.b, s.n})
	}
	return out
}

// SplitLines cuts text after each line feed.
func SplitLines(text []byte) [][]byte { return lines(text) }

// Count returns how many lines a diff from old to new adds and takes away.
func Count(old, new []byte) (added, deleted int) {
	m := NewMatcher()
	a, b := m.Numbers(old), m.Numbers(new)
	same := 0
	for _, r := range Common(a, b) {
		same += r.N
	}
	return len(b) - same, len(a) - same
}
