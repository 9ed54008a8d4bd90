package merge

import (
	"bytes"
	"fmt"
	"slices"
)

const around = 3 // unchanged lines shown on both sides of a change

// Patch returns a unified diff from old to new, headed by the given names, or
// "" if they are equal. Only for text.
func Patch(oldName, newName string, oldText, newText []byte) string {
	if bytes.Equal(oldText, newText) {
		return ""
	}
	a, b := lines(oldText), lines(newText)
	in := intern{}
	var w bytes.Buffer
	fmt.Fprintf(&w, "--- %s\n+++ %s\n", oldName, newName)
	for _, h := range hunks(edits(match(in.numbers(a), in.numbers(b)), len(a), len(b))) {
		writeHunk(&w, h, a, b)
	}
	return w.String()
}

// edit replaces a[a0:a1] by b[b0:b1].
type edit struct{ a0, a1, b0, b1 int }

// edits returns what lies between the common runs.
func edits(common []span, n, m int) []edit {
	var out []edit
	x, y := 0, 0
	for _, s := range append(slices.Clone(common), span{n, m, 0}) {
		if s.a > x || s.b > y {
			out = append(out, edit{x, s.a, y, s.b})
		}
		x, y = s.a+s.n, s.b+s.n
	}
	return out
}

// hunks groups edits whose surroundings touch.
func hunks(all []edit) [][]edit {
	var out [][]edit
	for i, e := range all {
		if i > 0 && e.a0-all[i-1].a1 <= 2*around {
			out[len(out)-1] = append(out[len(out)-1], e)
			continue
		}
		out = append(out, []edit{e})
	}
	return out
}

func writeHunk(w *bytes.Buffer, h []edit, a, b [][]byte) {
	first, last := h[0], h[len(h)-1]
	a0, a1 := max(first.a0-around, 0), min(last.a1+around, len(a))
	b0, b1 := first.b0-(first.a0-a0), last.b1+(a1-last.a1)
	fmt.Fprintf(w, "@@ -%s +%s @@\n", place(a0, a1), place(b0, b1))
	line := func(mark byte, text []byte) {
		w.WriteByte(mark)
		w.Write(text)
		if !bytes.HasSuffix(text, []byte("\n")) {
			w.WriteString("\n\\ No newline at end of file\n")
		}
	}
	x := a0
	for _, e := range h {
		for ; x < e.a0; x++ {
			line(' ', a[x])
		}
		for ; x < e.a1; x++ {
			line('-', a[x])
		}
		for y := e.b0; y < e.b1; y++ {
			line('+', b[y])
		}
	}
	for ; x < a1; x++ {
		line(' ', a[x])
	}
}

// place is the "start,count" of a hunk's header, counted as patch(1) wants it.
func place(from, to int) string {
	switch n := to - from; n {
	case 0:
		return fmt.Sprintf("%d,0", from)
	case 1:
		return fmt.Sprintf("%d", from+1)
	default:
		return fmt.Sprintf("%d,%d", from+1, n)
	}
}
