package deal

import (
	"slices"
	"time"
)

// Hours are when an owner can be met: days of the week, and from when to when on
// each, in minutes after midnight of Zone.
type Hours struct {
	Days     []time.Weekday
	From, To int
	Zone     *time.Location
}

// Within reports whether a slot lies in the hours as a whole.
func (h Hours) Within(s Slot) bool {
	from, to := s.Start().In(h.Zone), s.End().In(h.Zone)
	midnight := time.Date(from.Year(), from.Month(), from.Day(), 0, 0, 0, 0, h.Zone)
	begin, end := midnight.Add(time.Duration(h.From)*time.Minute), midnight.Add(time.Duration(h.To)*time.Minute)
	return slices.Contains(h.Days, from.Weekday()) && !from.Before(begin) && !to.After(end)
}

// step is the raster on which free time is looked for.
const step = 30 * time.Minute

// Free finds at most n slots of a length between from and to that lie in the hours
// and meet nothing busy, spread over different days as far as there are enough.
func (h Hours) Free(busy []Slot, from, to time.Time, length time.Duration, n int) []Slot {
	var all []Slot
	for at := from.Truncate(step); at.Before(to); at = at.Add(step) {
		s := Slot{at.UnixMilli(), at.Add(length).UnixMilli()}
		if at.Before(from) || at.Add(length).After(to) || !h.Within(s) || slices.ContainsFunc(busy, s.Meets) {
			continue
		}
		all = append(all, s)
	}
	var out []Slot
	days := map[string]int{}
	for round := 0; len(out) < n && round < n; round++ {
		for _, s := range all {
			day := s.Start().In(h.Zone).Format(time.DateOnly)
			if len(out) < n && days[day] == round && !slices.ContainsFunc(out, s.Meets) {
				days[day]++
				out = append(out, s)
			}
		}
	}
	slices.SortFunc(out, func(a, b Slot) int { return int((a.From - b.From) / 60000) })
	return out
}
