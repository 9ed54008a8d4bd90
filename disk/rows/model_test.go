package rows

import (
	"fmt"
	"maps"
	"math/rand"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// form is a random table of columns k1, k2 (a key, if any) and c0, c1, c2.
type form struct {
	name   string
	key    int // number of key columns; 0: a bag
	rowid  bool
	unique bool // c0
	parent bool // c1 refers to k1 of the table p0
}

func (f form) sql() string {
	parts := []string{}
	switch {
	case f.key == 1 && f.rowid:
		parts = append(parts, "k1 INTEGER PRIMARY KEY")
	case f.key == 1:
		parts = append(parts, "k1 INTEGER PRIMARY KEY NOT NULL")
	case f.key == 2:
		parts = append(parts, "k1 INTEGER NOT NULL", "k2 TEXT NOT NULL")
	}
	c1 := "c1"
	if f.parent {
		c1 = "c1 INTEGER REFERENCES p0(k1)"
	}
	parts = append(parts, "c0", c1, "c2")
	if f.key == 2 {
		parts = append(parts, "PRIMARY KEY(k1, k2)")
	}
	s := "CREATE TABLE " + f.name + "(" + strings.Join(parts, ", ") + ")"
	if f.key > 0 && !f.rowid {
		s += " WITHOUT ROWID"
	}
	if f.unique {
		s += "; CREATE UNIQUE INDEX u_" + f.name + " ON " + f.name + "(c0)"
	}
	return s
}

// state is the rows of one table: by key, or, for a bag, how often there is each.
type state map[string][]string

func (s state) copy() state {
	out := state{}
	for k, v := range s {
		out[k] = append([]string{}, v...)
	}
	return out
}

var someValues = []string{"NULL", "1", "1.0", "'1'", "x'31'", "'a'", "''", "x''", "2"}

// edit makes random changes that keep the table's own rules, and the SQL of them.
func (f form) edit(r *rand.Rand, s state, parents state, n int) (sql []string) {
	taken := func(v, except string) bool {
		for k, row := range s {
			if f.unique && v != "NULL" && k != except && alike(row[f.key], v) {
				return true
			}
		}
		return false
	}
	pick := func(col int) string {
		if f.parent && col == 1 {
			for _, k := range slices.Sorted(maps.Keys(parents)) {
				if r.Intn(2) == 0 {
					return k
				}
			}
			return "NULL"
		}
		return someValues[r.Intn(len(someValues))]
	}
	for range n {
		key := fmt.Sprint(r.Intn(6))
		where := "k1=" + key
		row := []string{key}
		if f.key == 2 {
			k2 := []string{"'x'", "'y'"}[r.Intn(2)]
			where, row = where+" AND k2="+k2, append(row, k2)
			key += "," + k2
		}
		row = row[:f.key]
		old, there := s[key]
		switch {
		case f.key == 0 && len(s) > 0 && r.Intn(2) == 0:
			for _, k := range slices.Sorted(maps.Keys(s))[:1] {
				row := s[k]
				sql = append(sql, fmt.Sprintf("DELETE FROM %s WHERE rowid = (SELECT rowid FROM %s WHERE c0 IS %[3]s AND typeof(c0)=typeof(%[3]s) AND c1 IS %[4]s AND typeof(c1)=typeof(%[4]s) AND c2 IS %[5]s AND typeof(c2)=typeof(%[5]s) LIMIT 1)", f.name, f.name, row[0], row[1], row[2]))
				delete(s, k)
			}
		case f.key == 0 || !there:
			c0 := pick(0)
			if taken(c0, "") {
				continue
			}
			row = append(row, c0, pick(1), pick(2))
			if f.key == 0 {
				key = fmt.Sprint(strings.Join(row, "|"), "#", r.Int63())
			}
			s[key] = row
			sql = append(sql, "INSERT INTO "+f.name+" VALUES("+strings.Join(row, ",")+")")
		case r.Intn(3) == 0:
			delete(s, key)
			sql = append(sql, "DELETE FROM "+f.name+" WHERE "+where)
		default:
			col := r.Intn(3)
			v := pick(col)
			if col == 0 && taken(v, key) {
				continue
			}
			old[f.key+col] = v
			sql = append(sql, fmt.Sprintf("UPDATE %s SET c%d=%s WHERE %s", f.name, col, v, where))
		}
	}
	return sql
}

// alike is how a unique index compares.
func alike(a, b string) bool {
	return a == b || (a == "1" || a == "1.0") && (b == "1" || b == "1.0")
}

// join is the model: a three-way merge by row and column. It fails on a conflict.
func (f form) join(base, live, mine state) (state, bool) {
	if f.key == 0 {
		return joinBags(base, live, mine)
	}
	out := state{}
	keys := map[string]bool{}
	for _, s := range []state{base, live, mine} {
		for k := range s {
			keys[k] = true
		}
	}
	for k := range keys {
		b, l, m := base[k], live[k], mine[k]
		is := func(x, y []string) bool { return strings.Join(x, "|") == strings.Join(y, "|") }
		switch {
		case is(l, m), is(b, m):
			if l != nil {
				out[k] = l
			}
		case is(b, l):
			if m != nil {
				out[k] = m
			}
		case b == nil || l == nil || m == nil:
			return nil, false
		default:
			row := append([]string{}, l...)
			for i := range row {
				if m[i] != b[i] && l[i] != b[i] && l[i] != m[i] {
					return nil, false
				}
				if m[i] != b[i] {
					row[i] = m[i]
				}
			}
			out[k] = row
		}
	}
	for a, x := range out {
		for b, y := range out {
			if f.unique && a != b && x[f.key] != "NULL" && alike(x[f.key], y[f.key]) {
				return nil, false
			}
		}
	}
	return out, true
}

// joinBags adds and takes away as many equal rows as mine did.
func joinBags(base, live, mine state) (state, bool) {
	count, rows := map[string]int{}, map[string][]string{}
	for i, s := range []state{live, mine, base} {
		for _, row := range s {
			c := strings.Join(row, "|")
			count[c] += []int{1, 1, -1}[i]
			rows[c] = row
		}
	}
	out := state{}
	for c, n := range count {
		if n < 0 {
			return nil, false
		}
		for i := range n {
			out[fmt.Sprint(c, "#", i)] = rows[c]
		}
	}
	return out, true
}

// The merge of random changes by two sides agrees with the model, on tables of all
// kinds.
func TestMergeAgreesWithTheModel(t *testing.T) {
	merged, refused := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		dir, err := os.MkdirTemp(t.TempDir(), "")
		if err != nil {
			rt.Fatal(err)
		}
		defer os.RemoveAll(dir)
		r := rand.New(rand.NewSource(rapid.Int64().Draw(rt, "seed")))
		forms := []form{
			{name: "p0", key: 1, rowid: r.Intn(2) == 0, unique: r.Intn(2) == 0},
			{name: "t1", key: r.Intn(3), rowid: r.Intn(2) == 0, parent: r.Intn(2) == 0},
		}
		if forms[1].key > 0 {
			forms[1].unique = r.Intn(2) == 0
		}
		var all []string
		base := [2]state{{}, {}}
		for i, f := range forms {
			all = append(all, f.sql())
			all = append(all, f.edit(r, base[i], base[0], 8)...)
		}
		script(rt, dir+"/base", strings.Join(all, ";"))
		sides := [2][2]state{}
		for i, path := range []string{dir + "/live", dir + "/mine"} {
			clone(rt, dir+"/base", path)
			var sql []string
			for k, f := range forms {
				sides[i][k] = base[k].copy()
				parents := state{}
				if k == 1 {
					parents = sides[i][0]
				}
				sql = append(sql, f.edit(r, sides[i][k], parents, 1+r.Intn(3))...)
			}
			script(rt, path, strings.Join(sql, ";"))
		}
		ok := true
		var want [2]state
		for k, f := range forms {
			var fine bool
			want[k], fine = f.join(base[k], sides[0][k], sides[1][k])
			ok = ok && fine
		}
		if forms[1].parent {
			dangles := func(p, c state) bool {
				for _, row := range c {
					if ref := row[forms[1].key+1]; ref != "NULL" && p[ref] == nil {
						return true
					}
				}
				return false
			}
			if dangles(sides[0][0], sides[0][1]) {
				return // what was broken before is not judged
			}
			ok = ok && !dangles(want[0], want[1])
		}
		before := dump(rt, dir+"/live")
		got := applyTo(rt, dir+"/live", diffOf(rt, dir+"/base", dir+"/mine"), Mode{})
		if !ok {
			refused++
			if len(got.Conflicts) == 0 || dump(rt, dir+"/live") != before {
				rt.Fatalf("the model refuses, the merge does not:\n%v\n%s", forms, dump(rt, dir+"/live"))
			}
			return
		}
		merged++
		var sql []string
		for k, f := range forms {
			sql = append(sql, f.sql())
			for _, row := range want[k] {
				sql = append(sql, "INSERT INTO "+f.name+" VALUES("+strings.Join(row, ",")+")")
			}
		}
		script(rt, dir+"/want", strings.Join(sql, ";"))
		if len(got.Conflicts) > 0 || dump(rt, dir+"/live") != dump(rt, dir+"/want") {
			rt.Fatalf("%v: %v\ngot\n%s\nwant\n%s", forms, got.Conflicts, dump(rt, dir+"/live"), dump(rt, dir+"/want"))
		}
	})
	least := 10
	if testing.Short() {
		least = 2 // of a fifth of the histories
	}
	if merged < least || refused < least {
		t.Errorf("%d merged, %d refused: the test sees too little", merged, refused)
	}
}
