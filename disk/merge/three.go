package merge

import (
	"bytes"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Three merges ours and theirs, both made from base. The name of the file says
// how it is read. ok is false if both changed the same place differently; then
// there is no result.
func Three(name string, base, ours, theirs []byte) (result []byte, ok bool) {
	switch {
	case bytes.Equal(ours, theirs), bytes.Equal(base, theirs):
		return ours, true
	case bytes.Equal(base, ours):
		return theirs, true
	case Binary(base) || Binary(ours) || Binary(theirs):
		return nil, false
	}
	if strings.HasSuffix(name, ".json") {
		if out, known, ok := threeJSON(base, ours, theirs); known {
			return out, ok
		}
	}
	return three(lines(base), lines(ours), lines(theirs), byTokens)
}

// three joins sequences of parts. Where both sides changed the same region, it
// asks resolve.
func three(base, ours, theirs [][]byte, resolve func(base, ours, theirs []byte) ([]byte, bool)) ([]byte, bool) {
	var out []byte
	for _, c := range chunks(base, ours, theirs) {
		b, o, t := join(base[c.b0:c.b1]), join(ours[c.o0:c.o1]), join(theirs[c.t0:c.t1])
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

// byTokens merges one region of lines, word by word. Two changes that touch
// each other are a conflict.
func byTokens(base, ours, theirs []byte) ([]byte, bool) {
	if len(base) == 0 { // both added something here: there is no order to choose
		return nil, false
	}
	return three(tokens(base), tokens(ours), tokens(theirs), func(_, _, _ []byte) ([]byte, bool) { return nil, false })
}

// tokens cuts text into words (numbers keep their points and signs, and blanks
// stay with what they follow) and single other characters.
func tokens(text []byte) [][]byte {
	var out [][]byte
	for len(text) > 0 {
		n := 0
		for n < len(text) {
			r, size := utf8.DecodeRune(text[n:])
			if !unicode.IsLetter(r) && !unicode.IsDigit(r) && r != '_' && r != '-' && r != '+' && (r != '.' && r != ',') {
				break
			}
			n += size
		}
		if n == 0 {
			_, n = utf8.DecodeRune(text)
		}
		for n < len(text) && (text[n] == ' ' || text[n] == '\t') {
			n++
		}
		out = append(out, text[:n])
		text = text[n:]
	}
	return out
}
