package room

import (
	"cmp"
	"encoding/json"
	"slices"
	"strings"

	"matrixos/sys"
)

// Cell is what a key holds.
type Cell struct {
	Posted
	// Lost are values that were written at the same time and do not count, until
	// somebody who has seen them writes the key again.
	Lost []Posted
}

// State is what the entries of a room come to.
type State struct {
	Cells []Cell   // by key; those that were taken away are left out, unless something was lost
	Log   []Posted // in order
	// Lost are moves of which another one that follows the same move counts.
	Lost   []Posted
	Scores []Posted // by board, the highest first
	// Waiting is how many entries build on what has not come yet, or never will.
	Waiting int
	heads   map[string][]ID
	used    map[sys.Handle]map[int]bool // the numbers of each author's entries
}

// Head is what an entry of a kind has to follow now to build on all that counts; of a
// log with turns it is the newest move.
func (s State) Head(kind Kind, key string) []ID {
	all := s.heads[string(kind)+" "+key]
	out := slices.Clone(all[:min(len(all), mostAfter)])
	slices.Sort(out)
	return out
}

// mostDevices is how many devices of one author write by numbers of their own; those beyond
// share them.
const mostDevices = 16

// Next is the number of the next entry of an author, MostEntries+1 if there is none left.
// Devices of theirs that have not met do not take the same: the first device, 0, counts up from 1,
// the others take every 15th of the second half, and what is free when those are used up.
func (s State) Next(by sys.Handle, device int) int {
	used := s.used[by]
	free := func(from, step int) (int, bool) {
		for n := from; n <= MostEntries; n += step {
			if !used[n] {
				return n, true
			}
		}
		return MostEntries + 1, false
	}
	if others := mostDevices - 1; device > 0 {
		if n, ok := free(MostEntries/2+1+(device-1)%others, others); ok {
			return n
		}
	}
	n, _ := free(1, 1)
	return n
}

// Last is the newest move that counts.
func (s State) Last() (Posted, bool) {
	if len(s.Log) == 0 {
		return Posted{}, false
	}
	return s.Log[len(s.Log)-1], true
}

// Replay says what entries come to. With turns a move follows one other, of another
// author; of several that follow the same one, the one from which the longest game goes
// on counts, and of two as long the one with the smaller ID. Without turns all moves
// count, what builds on others behind them.
func Replay(list []Posted, turns bool) State {
	s := State{heads: map[string][]ID{}, used: map[sys.Handle]map[int]bool{}}
	groups := map[string][]Posted{}
	for _, p := range unique(list) {
		if s.used[p.By] == nil {
			s.used[p.By] = map[int]bool{}
		}
		s.used[p.By][p.N] = true
		name := string(p.Kind) + " " + p.Key
		groups[name] = append(groups[name], p)
	}
	for _, name := range sortedKeys(groups) {
		group := groups[name]
		switch group[0].Kind {
		case Set:
			s.cell(name, group)
		case Score:
			slices.SortFunc(group, func(a, b Posted) int {
				return cmp.Or(cmp.Compare(number(b.Value), number(a.Value)), cmp.Compare(a.ID, b.ID))
			})
			s.Scores = append(s.Scores, group...)
		case Move:
			if turns {
				s.play(name, group)
			} else {
				s.line(name, group)
			}
		}
	}
	return s
}

// unique leaves one entry for each author and number: who writes two by one number keeps
// the one with the smaller ID.
func unique(list []Posted) []Posted {
	type place struct {
		by sys.Handle
		n  int
	}
	kept := map[place]Posted{}
	for _, p := range list {
		at := place{p.By, p.N}
		if old, ok := kept[at]; !ok || p.ID < old.ID {
			kept[at] = p
		}
	}
	out := make([]Posted, 0, len(kept))
	for _, p := range kept {
		out = append(out, p)
	}
	slices.SortFunc(out, func(a, b Posted) int { return cmp.Compare(a.ID, b.ID) })
	return out
}

func sortedKeys(m map[string][]Posted) []string {
	out := make([]string, 0, len(m))
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func number(text string) (n int64) {
	if json.Unmarshal([]byte(text), &n) != nil {
		return 0 // Parse has refused it
	}
	return n
}

// standing are the entries of a group that count with all that they build on, in order:
// what builds on others behind them, and what is beside each other by ID. depth is how
// many stand before one on the longest way.
func standing(group []Posted) (out []Posted, depth map[ID]int) {
	all, following, open := map[ID]Posted{}, map[ID][]ID{}, map[ID]int{}
	for _, p := range group {
		all[p.ID], open[p.ID] = p, len(p.After)
		for _, before := range p.After {
			following[before] = append(following[before], p.ID)
		}
		if len(p.After) == 0 {
			out = append(out, p)
		}
	}
	depth = make(map[ID]int, len(group))
	for i := 0; i < len(out); i++ {
		at := out[i].ID
		for _, next := range following[at] {
			depth[next] = max(depth[next], depth[at]+1)
			if open[next]--; open[next] == 0 {
				out = append(out, all[next])
			}
		}
	}
	slices.SortFunc(out, func(a, b Posted) int { return cmp.Or(cmp.Compare(depth[a.ID], depth[b.ID]), cmp.Compare(a.ID, b.ID)) })
	return out, depth
}

// tips are those of entries that none of them follows.
func tips(list []Posted) (out []Posted) {
	followed := map[ID]bool{}
	for _, p := range list {
		for _, id := range p.After {
			followed[id] = true
		}
	}
	for _, p := range list {
		if !followed[p.ID] {
			out = append(out, p)
		}
	}
	return out
}

func ids(list []Posted) (out []ID) {
	for _, p := range list {
		out = append(out, p.ID)
	}
	return out
}

// cell finds what a key holds: of what nobody has written over, the one with the most
// writes behind it, and of those the one with the smallest ID.
func (s *State) cell(name string, group []Posted) {
	counts, depth := standing(group)
	s.Waiting += len(group) - len(counts)
	ends := tips(counts)
	if len(ends) == 0 {
		return
	}
	slices.SortFunc(ends, func(a, b Posted) int { return cmp.Or(cmp.Compare(depth[b.ID], depth[a.ID]), cmp.Compare(a.ID, b.ID)) })
	s.heads[name] = ids(ends)
	c := Cell{Posted: ends[0], Lost: ends[1:]}
	if strings.TrimSpace(c.Value) != "null" || len(c.Lost) > 0 {
		s.Cells = append(s.Cells, c)
	}
}

// line is a log in which all moves count.
func (s *State) line(name string, group []Posted) {
	s.Log, _ = standing(group)
	s.Waiting += len(group) - len(s.Log)
	s.heads[name] = ids(tips(s.Log))
}

// play is a log with turns.
func (s *State) play(name string, group []Posted) {
	all, following := map[ID]Posted{}, map[ID][]Posted{}
	for _, p := range group {
		all[p.ID] = p
	}
	for _, p := range group {
		var before ID
		if len(p.After) == 1 {
			before = p.After[0]
		}
		if len(p.After) > 1 || before != "" && all[before].By == p.By {
			continue // nobody moves twice
		}
		if _, here := all[before]; before != "" && !here {
			s.Waiting++
			continue
		}
		following[before] = append(following[before], p)
	}
	length := lengths(following)
	for at := ID(""); ; {
		next := following[at]
		if len(next) == 0 {
			break
		}
		slices.SortFunc(next, func(a, b Posted) int { return cmp.Or(cmp.Compare(length[b.ID], length[a.ID]), cmp.Compare(a.ID, b.ID)) })
		s.Log, s.Lost = append(s.Log, next[0]), append(s.Lost, next[1:]...)
		at = next[0].ID
	}
	if last, ok := s.Last(); ok {
		s.heads[name] = []ID{last.ID}
	}
}

// lengths is for each move how long a game goes on from it.
func lengths(following map[ID][]Posted) map[ID]int {
	order := []ID{""}
	for i := 0; i < len(order); i++ {
		for _, p := range following[order[i]] {
			order = append(order, p.ID)
		}
	}
	out := make(map[ID]int, len(order))
	for _, id := range slices.Backward(order) {
		for _, p := range following[id] {
			out[id] = max(out[id], out[p.ID]+1)
		}
	}
	return out
}
