package merge

import (
	"bytes"
	"path"
	"slices"
	"strings"
)

// Three merges ours and theirs, both made from base. The name of the file says
// how it is read. ok is false if both changed the same place differently; then
// there is no result.
func Three(name string, base, ours, theirs []byte) (result []byte, ok bool) {
	if out, ok, done := trivial(base, ours, theirs); done {
		return out, ok
	}
	switch strings.ToLower(path.Ext(name)) {
	case ".json", ".webmanifest":
		if out, known, ok := threeJSON(base, ours, theirs); known {
			return out, ok
		}
	case ".yaml", ".yml":
		if out, known, ok := threeYAML(base, ours, theirs); known {
			return out, ok
		}
	case ".md", ".mdx":
		if out, known, ok := threeFront(name, base, ours, theirs); known {
			return out, ok
		}
	}
	return threeText(name, base, ours, theirs)
}

// ByLines is the ladder's rung of lines alone: two changes of one line, or of two
// lines side by side, are a conflict. It is there to compare with.
func ByLines(base, ours, theirs []byte) (result []byte, ok bool) {
	if out, ok, done := trivial(base, ours, theirs); done {
		return out, ok
	}
	return threeLines(base, ours, theirs, func(_, _, _ []byte) ([]byte, bool) { return nil, false })
}

// trivial settles what needs no merging, or allows none.
func trivial(base, ours, theirs []byte) (out []byte, ok, done bool) {
	switch {
	case bytes.Equal(ours, theirs), bytes.Equal(base, theirs):
		return ours, true, true
	case bytes.Equal(base, ours):
		return theirs, true, true
	case Binary(base) || Binary(ours) || Binary(theirs):
		return nil, false, true
	}
	return nil, false, false
}

// threeText merges by lines, then tokens.
func threeText(name string, base, ours, theirs []byte) ([]byte, bool) {
	l := languageOf(name)
	return threeLines(base, ours, theirs, func(b, o, t []byte) ([]byte, bool) { return l.three(b, o, t) })
}

// threeLines joins texts line by line. Where both sides changed the same region, it
// asks resolve.
func threeLines(base, ours, theirs []byte, resolve func(base, ours, theirs []byte) ([]byte, bool)) ([]byte, bool) {
	bs, os, ts := lines(base), lines(ours), lines(theirs)
	var out []byte
	for _, c := range chunks(bs, os, ts) {
		b, o, t := join(bs[c.b0:c.b1]), join(os[c.o0:c.o1]), join(ts[c.t0:c.t1])
		switch {
		case bytes.Equal(o, t), bytes.Equal(b, t):
			out = append(out, o...)
		case bytes.Equal(b, o):
			out = append(out, t...)
		default:
			r, ok := resolve(b, o, t)
			if !ok {
				return nil, false
			}
			out = append(out, r...)
		}
	}
	return out, true
}

// inOrder makes a merge by structure the same whichever side is which: where it
// has to choose a layout, it is that of the text that sorts first.
func inOrder(ours, theirs []byte) (first, second []byte) {
	if bytes.Compare(ours, theirs) > 0 {
		return theirs, ours
	}
	return ours, theirs
}

func join(parts [][]byte) []byte { return bytes.Join(parts, nil) }

// chunk is a region of the three texts: stable in all three, or changed in one
// or two of them.
type chunk struct{ b0, b1, o0, o1, t0, t1 int }

// chunks cuts the texts at the parts of base that both others have kept.
func chunks(base, ours, theirs [][]byte) []chunk {
	in := intern{}
	b, o, t := in.numbers(base), in.numbers(ours), in.numbers(theirs)
	inOurs, inTheirs := kept(b, o), kept(b, t)
	var out []chunk
	at := chunk{}
	for i := range b {
		if inOurs[i] < 0 || inTheirs[i] < 0 {
			continue
		}
		at.b1, at.o1, at.t1 = i, inOurs[i], inTheirs[i]
		if at.b0 < at.b1 || at.o0 < at.o1 || at.t0 < at.t1 {
			out = append(out, at)
		}
		out = append(out, chunk{i, i + 1, inOurs[i], inOurs[i] + 1, inTheirs[i], inTheirs[i] + 1})
		at = chunk{b0: i + 1, o0: inOurs[i] + 1, t0: inTheirs[i] + 1}
	}
	at.b1, at.o1, at.t1 = len(b), len(o), len(t)
	return append(out, at)
}

// kept tells for each part of base where the other text has it, or -1.
func kept(base, other []int) []int {
	out := slices.Repeat([]int{-1}, len(base))
	for _, s := range match(base, other) {
		for i := range s.n {
			out[s.a+i] = s.b + i
		}
	}
	return out
}
