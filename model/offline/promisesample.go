package offline

import (
	"fmt"
	"strconv"
)

// sample is a value of a field: what is typed, what is stored, what is shown. shown
// is "" where the form depends on more than the value.
type sample struct {
	typed  string
	stored any
	shown  string
}

// orders are where the values of four records come from, of those that sampleOf has: by no
// field do they stand in the order in which they come, nor by two in the same. The first is
// that of the titles.
var orders = [][4]int{{0, 1, 2, 3}, {1, 0, 3, 2}, {2, 1, 0, 3}, {0, 2, 1, 3}, {3, 1, 2, 0}, {1, 2, 0, 3}}

// sampleOf is the i-th value of a field. Four of them are given; those of figures and
// dates are in another order than they come, and than those of other fields, so that it
// shows by what they are sorted.
func (p *promiser) sampleOf(f Field, i int) sample {
	at := indexOf(p.s.Fields, f.Name)
	if f.Name != p.s.Title && (f.numeric() || f.dated() || f.Type == TypeTime) {
		i = orders[1+at%(len(orders)-1)][i]
	}
	number := []float64{23.5, 9.25, 41.75, 17}[i] + float64(100*at)
	switch f.Type {
	case TypeMoney, TypePercent, TypeNumber, TypeRating, TypeDuration:
		return p.figure(f, number, i)
	case TypeDate, TypeDateTime:
		day := []int{5, 3, 6, 4}[i]
		typed, shown := fmt.Sprintf("2026-03-%02d", day), fmt.Sprintf("Mar %d", day)
		if f.Type == TypeDateTime {
			typed, shown = typed+"T08:30", ""
		}
		return sample{typed, typed, shown}
	case TypeTime:
		return sample{fmt.Sprintf("%02d:30", []int{9, 7, 10, 8}[i]), fmt.Sprintf("%02d:30", []int{9, 7, 10, 8}[i]), fmt.Sprintf("%d:30 AM", []int{9, 7, 10, 8}[i])}
	case TypeCheck:
		return sample{"", false, ""}
	case TypeChoice:
		if n := len(f.Options); n > 0 {
			if f.Name == p.s.Group {
				n = min(n, 2) // two in a group, so that their order shows
			}
			o := f.Options[(i+1)%n]
			return sample{o, o, o}
		}
	case TypeTags:
		if len(f.Options) > 0 {
			o := f.Options[i%len(f.Options)]
			return sample{o, []string{o}, o}
		}
		return sample{"tag" + itoa(i), []string{"tag" + itoa(i)}, "tag" + itoa(i)}
	case TypeLink:
		return sample{fmt.Sprintf("https://example.org/%d%d", at, i), fmt.Sprintf("https://example.org/%d%d", at, i), fmt.Sprintf("example.org/%d%d", at, i)}
	case TypeEmail:
		return sample{fmt.Sprintf("ada%d%d@example.org", at, i), fmt.Sprintf("ada%d%d@example.org", at, i), fmt.Sprintf("ada%d%d@example.org", at, i)}
	case TypePhone:
		return sample{fmt.Sprintf("0170 55%d%d", at, i), fmt.Sprintf("0170 55%d%d", at, i), fmt.Sprintf("0170 55%d%d", at, i)}
	case TypeColor:
		return sample{fmt.Sprintf("#aa33%d%d", 50+at%40, i), fmt.Sprintf("#aa33%d%d", 50+at%40, i), ""}
	case TypeText, TypeNote:
	}
	word := []string{"Cedar", "Alder", "Dogwood", "Birch"}[i]
	if f.Name != p.s.Title {
		word = fmt.Sprintf("%s %d", []string{"Pine", "Maple", "Rowan", "Larch"}[i], at)
	}
	return sample{word, word, word}
}

// figure is a number within the bounds of its field, as it is shown.
func (p *promiser) figure(f Field, n float64, i int) sample {
	switch {
	case f.Type == TypeRating:
		return sample{itoa(i%3 + 2), i%3 + 2, ""}
	case f.Type == TypeDuration:
		m := []int{25, 10, 45, 20}[i]
		return sample{itoa(m), m, itoa(m) + " min"}
	case f.Step != nil && *f.Step == 1:
		n = float64(int(n))
	}
	if f.Max != nil && n > *f.Max || f.Min != nil && n < *f.Min {
		low, high := 0.0, n
		if f.Min != nil {
			low = *f.Min
			high = low + 10
		}
		if f.Max != nil {
			high = *f.Max
		}
		n = float64(int(low + (high-low)*[]float64{0.5, 0.2, 0.9, 0.4}[i]))
	}
	text := strconv.FormatFloat(n, 'f', -1, 64)
	shown := text
	switch f.Type {
	case TypeMoney:
		shown = strconv.FormatFloat(n, 'f', 2, 64)
		if f.Currency == "JPY" || f.Currency == "KRW" || f.Currency == "HUF" {
			shown = ""
		}
	case TypePercent:
		shown = ""
	}
	if n >= 1000 {
		shown = "" // it is written with a comma
	}
	return sample{text, n, shown}
}
