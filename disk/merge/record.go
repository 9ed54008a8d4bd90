package merge

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
)

// idKeys are the names under which records carry what tells them apart.
var idKeys = []string{"id", "key", "slug", "uuid", "name"}

// idOf returns the key by which the elements of all three lists can be told
// apart: each is an object, and no list has a value of it twice.
func idOf(lists ...*value) string {
	for _, key := range idKeys {
		for _, key := range []string{key, yamlString + key} {
			if !slices.ContainsFunc(lists, func(l *value) bool { return !tellsApart(l, key) }) {
				return key
			}
		}
	}
	return ""
}

func tellsApart(list *value, key string) bool {
	seen := map[string]bool{}
	for _, item := range list.items {
		id := item.fields[key]
		if id == nil || id.kind != 0 || seen[id.text] {
			return false
		}
		seen[id.text] = true
	}
	return true
}

// yamlString begins the name of an ordinary key of YAML; those of JSON are bare.
const yamlString = "!!str "

// threeRecords merges lists of records by id: each record by itself, then their
// order.
func threeRecords(id string, b, o, t *value) (*value, bool) {
	var ids [3][]string
	var byID [3]map[string]*value
	for i, l := range []*value{b, o, t} {
		byID[i] = map[string]*value{}
		for _, item := range l.items {
			k := item.fields[id].text
			ids[i] = append(ids[i], k)
			byID[i][k] = item
		}
	}
	order, ok := threeOrder(ids[0], ids[1], ids[2])
	if !ok {
		return nil, false
	}
	out := &value{kind: '['}
	for _, k := range union(order, ids[0], ids[1], ids[2]) {
		v, ok := threeValues(byID[0][k], byID[1][k], byID[2][k])
		if !ok {
			return nil, false
		}
		if v != nil {
			out.items = append(out.items, v)
		}
	}
	return out, true
}

// threeOrder merges the order of unique names. What both have kept stands in the
// order of the side that changed it; additions stand behind what they were put
// behind, and two additions in one place in the order of their names. It fails
// if both sides changed the order differently.
func threeOrder(b, o, t []string) ([]string, bool) {
	inB, inO, inT := setOf(b), setOf(o), setOf(t)
	common := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(k string) bool { return !inB[k] || !inO[k] || !inT[k] })
	}
	was, ours, theirs := common(b), common(o), common(t)
	spine := ours
	switch {
	case slices.Equal(ours, theirs), slices.Equal(was, theirs):
	case slices.Equal(was, ours):
		spine = theirs
	default:
		return nil, false
	}
	addedO, addedT := additions(b, o, spine), additions(b, t, spine)
	var out []string
	add := func(anchor string) {
		x, y := addedO[anchor], addedT[anchor]
		if len(x) > 0 && len(y) > 0 && byName(y[0], x[0]) < 0 {
			x, y = y, x
		}
		out = append(append(out, x...), y...)
	}
	add("")
	for _, k := range spine {
		out = append(out, k)
		add("=" + k)
	}
	return union(out), true
}

// additions are the names of list that base does not have, by what they follow:
// "" for the beginning, else "=" and a name of the spine.
func additions(base, list, spine []string) map[string][]string {
	known, stays := setOf(base), setOf(spine)
	out := map[string][]string{}
	anchor := ""
	for _, k := range list {
		switch {
		case stays[k]:
			anchor = "=" + k
		case !known[k]:
			out[anchor] = append(out[anchor], k)
		}
	}
	return out
}

func setOf(list []string) map[string]bool {
	m := make(map[string]bool, len(list))
	for _, k := range list {
		m[k] = true
	}
	return m
}

// byName orders names so that numbers count up.
func byName(a, b string) int {
	const whole = "!!int " // as YAML's numbers begin
	if x, err := strconv.ParseFloat(strings.TrimPrefix(a, whole), 64); err == nil {
		if y, err := strconv.ParseFloat(strings.TrimPrefix(b, whole), 64); err == nil && x != y {
			return cmp.Compare(x, y)
		}
	}
	return cmp.Compare(a, b)
}
