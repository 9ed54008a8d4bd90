package offline

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// order is the order in which the records stand, where it can be told.
func (p *promiser) order() deed {
	column := strings.TrimPrefix(p.s.Sort, "-")
	if column == "" || !p.s.has(column) || p.s.View == "cards" && len(p.s.Charts) > 0 {
		return nil
	}
	groups := [][]int{{0, 1, 2, 3}}
	if p.s.Group != "" {
		if groups = p.groups(); groups == nil {
			return nil
		}
	}
	var titles []string
	for _, rows := range groups {
		if !p.sorted(rows, column) {
			return nil
		}
		for _, row := range rows {
			titles = append(titles, p.title(row))
		}
	}
	if p.s.View == "list" {
		return deed{"see_order": titles} // each group is a list
	}
	return p.place(deed{"see_order": titles})
}

// groups are the records of each group, in the order in which the groups stand; nil where
// that is not known.
func (p *promiser) groups() (out [][]int) {
	f := p.field(p.s.Group)
	if f.Type != TypeChoice || p.s.View != "table" && p.s.View != "list" {
		return nil
	}
	for _, o := range f.Options {
		var rows []int
		for i, row := range p.rows {
			if row[f.Name] == o {
				rows = append(rows, i)
			}
		}
		if len(rows) > 0 {
			out = append(out, rows)
		}
	}
	return out
}

// sorted puts records in the order of a column; false if two are alike there, and no order is
// promised.
func (p *promiser) sorted(rows []int, column string) bool {
	value := func(i int) any { return p.rows[i][column] }
	compare := func(a, b int) int { return strings.Compare(fmt.Sprint(value(a)), fmt.Sprint(value(b))) }
	if p.field(column).numeric() {
		compare = func(a, b int) int { return cmp.Compare(toFloat(value(a)), toFloat(value(b))) }
	}
	alike := false
	slices.SortFunc(rows, func(a, b int) int {
		c := compare(a, b)
		if strings.HasPrefix(p.s.Sort, "-") {
			c = -c
		}
		alike = alike || c == 0 && a != b
		return c
	})
	return !alike
}
