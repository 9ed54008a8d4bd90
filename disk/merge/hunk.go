package merge

import "slices"

// Hunk is one place where two texts differ: With takes the place of the bytes
// [From, To) of the first.
type Hunk struct {
	From, To int
	With     []byte
}

// Hunks takes the way from one text to another apart, by lines, in order.
// Applying all of them yields the other text.
func Hunks(from, to []byte) []Hunk {
	a, b := lines(from), lines(to)
	in := intern{}
	return cutHunks(edits(match(in.numbers(a), in.numbers(b)), len(a), len(b)), a, b)
}

// Finer takes a hunk of from apart into its tokens, in order. A hunk that only
// adds, or only removes, stays whole.
func (h Hunk) Finer(name string, from []byte) []Hunk {
	if h.From == h.To || len(h.With) == 0 {
		return []Hunk{h}
	}
	l := languageOf(name)
	a := l.cut(from[h.From:h.To])
	var out []Hunk
	at, offset := 0, h.From
	for _, e := range l.edits(a, h.With) {
		offset += size(a[at:e.from])
		end := offset + size(a[e.from:e.to])
		out = append(out, Hunk{offset, end, e.with})
		at, offset = e.to, end
	}
	return out
}

// Apply puts the hunks, which must not overlap, into text.
func Apply(text []byte, hunks []Hunk) []byte {
	ordered := slices.SortedFunc(slices.Values(hunks), func(a, b Hunk) int { return a.From - b.From })
	var out []byte
	at := 0
	for _, h := range ordered {
		out = append(append(out, text[at:h.From]...), h.With...)
		at = h.To
	}
	return append(out, text[at:]...)
}

func cutHunks(all []edit, a, b [][]byte) []Hunk {
	var out []Hunk
	at, offset := 0, 0
	for _, e := range all {
		offset += size(a[at:e.a0])
		end := offset + size(a[e.a0:e.a1])
		out = append(out, Hunk{offset, end, join(b[e.b0:e.b1])})
		at, offset = e.a1, end
	}
	return out
}

func size(parts [][]byte) int {
	n := 0
	for _, p := range parts {
		n += len(p)
	}
	return n
}
