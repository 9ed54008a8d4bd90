package merge

import (
	"bytes"
	"slices"
)

// span is a run of equal elements: a[A:A+N] equals b[B:B+N].
type span struct{ a, b, n int }

// mostEdits bounds the work of matching: past it the rest counts as changed.
const mostEdits = 4000

// match returns the runs that a and b have in common, in order, by the
// algorithm of Myers. Elements are compared by number; see intern.
func match(a, b []int) []span {
	var out []span
	add := func(s span) {
		if s.n == 0 {
			return
		}
		if k := len(out) - 1; k >= 0 && out[k].a+out[k].n == s.a && out[k].b+out[k].n == s.b {
			out[k].n += s.n
			return
		}
		out = append(out, s)
	}
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	tail := 0
	for tail < len(a)-head && tail < len(b)-head && a[len(a)-1-tail] == b[len(b)-1-tail] {
		tail++
	}
	add(span{0, 0, head})
	for _, s := range myers(a[head:len(a)-tail], b[head:len(b)-tail]) {
		add(span{s.a + head, s.b + head, s.n})
	}
	add(span{len(a) - tail, len(b) - tail, tail})
	return out
}

// myers finds a shortest edit script and returns its diagonals, in order.
func myers(a, b []int) []span {
	n, m := len(a), len(b)
	if n == 0 || m == 0 {
		return nil
	}
	most := min(n+m, mostEdits)
	reach := make([]int, 2*most+3) // furthest x by diagonal
	zero := most + 1
	var trail [][]int // reach[zero-d-1 : zero+d+2] before step d
	for d := 0; d <= most; d++ {
		trail = append(trail, append([]int(nil), reach[zero-d-1:zero+d+2]...))
		for k := -d; k <= d; k += 2 {
			x := reach[zero+k-1] + 1
			if k == -d || k != d && reach[zero+k-1] < reach[zero+k+1] {
				x = reach[zero+k+1]
			}
			for x < n && x-k < m && a[x] == b[x-k] {
				x++
			}
			reach[zero+k] = x
			if x >= n && x-k >= m {
				return walkBack(trail, n, m)
			}
		}
	}
	return nil // too different to be worth it: everything in between has changed
}

// walkBack follows the trail from the end and collects the diagonals.
func walkBack(trail [][]int, x, y int) []span {
	var back []span
	for d, t := range slices.Backward(trail) {
		reach, k := t, x-y
		at := func(k int) int { return reach[k+d+1] }
		from := k - 1
		if k == -d || k != d && at(k-1) < at(k+1) {
			from = k + 1
		}
		px := at(from)
		py := px - from
		if d == 0 {
			px, py = 0, 0
		}
		sx := px // where the diagonal starts, after the one edit
		if d > 0 && from == k-1 {
			sx++
		}
		if x > sx {
			back = append(back, span{sx, sx - k, x - sx})
		}
		x, y = px, py
	}
	for i, k := 0, len(back)-1; i < k; i, k = i+1, k-1 {
		back[i], back[k] = back[k], back[i]
	}
	return back
}

// intern gives equal elements equal numbers, over several texts.
type intern map[string]int

func (in intern) numbers(parts [][]byte) []int {
	out := make([]int, len(parts))
	for i, p := range parts {
		id, ok := in[string(p)]
		if !ok {
			id = len(in)
			in[string(p)] = id
		}
		out[i] = id
	}
	return out
}

// lines cuts text after each line feed.
func lines(text []byte) [][]byte {
	var out [][]byte
	for len(text) > 0 {
		i := bytes.IndexByte(text, '\n') + 1
		if i == 0 {
			i = len(text)
		}
		out = append(out, text[:i])
		text = text[i:]
	}
	return out
}

// Binary reports whether data is not text that can be merged or shown by lines.
func Binary(data []byte) bool {
	return bytes.IndexByte(data[:min(len(data), 8000)], 0) >= 0
}
