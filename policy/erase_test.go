package policy

import (
	"strings"
	"testing"

	"matrixos/sys"
)

func TestErases(t *testing.T) {
	const own, server = sys.Path("data/shop/shop.sqlite"), sys.Path("data/shop/server/kept.sqlite")
	row := func(table string, removed, of int) Removal {
		return Removal{Path: own, Table: table, Removed: removed, Of: of, Sum: "s"}
	}
	for _, c := range []struct {
		name string
		list []Removal
		want string // what the owner is asked
	}{
		{"less than half", []Removal{row("items", 4, 10), row("", 4, 10)}, ""},
		{"half", []Removal{row("items", 5, 10), row("", 5, 30)}, "Delete 5 of the 10 rows of the table items, which the app shop keeps."},
		{"the last of a few", []Removal{row("items", 3, 3), row("", 3, 30)}, ""},
		{"all", []Removal{row("items", 12, 12), row("", 12, 12)}, "Delete all 12 rows of the table items, which the app shop keeps."},
		{"much of small tables", []Removal{row("a", 4, 4), row("b", 3, 3), row("", 7, 12)}, "Delete all 4 rows of the table a and all 3 rows of the table b, which the app shop keeps."},
		{"a table with a row", []Removal{{Path: own, Table: "items", Removed: 1, Of: 1, Dropped: true}, row("", 1, 40)}, "Delete the table items with its 1 row, which the app shop keeps."},
		{"an empty table", []Removal{{Path: own, Table: "items", Dropped: true}}, ""},
		{"emptied", []Removal{{Path: own, Table: "items", Emptied: 6, Of: 12}, {Path: own, Emptied: 6, Of: 40}}, "Empty 6 of the 12 rows of the table items, which the app shop keeps."},
		{"some of each", []Removal{{Path: own, Table: "items", Removed: 3, Emptied: 3, Of: 12}}, "Delete 3 of the 12 rows of the table items, and empty 3 of the 12 rows of the table items, which the app shop keeps."},
		{"a few emptied", []Removal{{Path: own, Table: "items", Emptied: 9, Of: 9}}, ""},
		{"a key", []Removal{{Path: "data/shop", Key: "basket", Removed: 30, Of: 30}, {Path: "data/shop", Removed: 30, Of: 90}}, "Delete all 30 entries of basket, which the app shop keeps."},
		{"of a server", []Removal{{Path: server, Table: "items", Removed: 20, Of: 20}}, "Delete all 20 rows of the table items, in data/shop/server/kept.sqlite."},
	} {
		var got []string
		for _, e := range Erases(c.list) {
			got = append(got, e.Text)
			for _, s := range []Subject{labelled(sys.FromOwner, sys.OwnerOnly), labelled(sys.Untrusted, sys.Secret)} {
				e.Named = true
				if d := Decide(s, e, Rules{}); d.Verdict != Asks {
					t.Errorf("%s: %+v", c.name, d)
				}
			}
			rules, err := ParseRules([]byte(`{"rules": [{"effect": "erase", "target": "data/shop/*", "then": "allow"}]}`))
			if err != nil {
				t.Fatal(err)
			}
			if d := Decide(labelled(sys.FromOwner, sys.OwnerOnly), e, rules); e.Target == string(own) && d.Verdict != Allowed {
				t.Errorf("%s: the owner's rule does not hold: %+v", c.name, d)
			}
		}
		if strings.Join(got, "|") != c.want {
			t.Errorf("%s: asked %q, want %q", c.name, got, c.want)
		}
	}
	other := row("items", 5, 10)
	other.Sum = "t"
	if Erases([]Removal{row("items", 5, 10)})[0].Hash() == Erases([]Removal{other})[0].Hash() {
		t.Error("a yes to some rows holds for others")
	}
}

// TestNoProgramSaysHowGoodItsContractIs: what was measured is the system's to write.
func TestNoProgramSaysHowGoodItsContractIs(t *testing.T) {
	s := Subject{Program: "kernel", Grant: Grant{Writes: []string{"system/"}}}
	if err := Write(s, sys.StrengthFile); sys.KindOf(err) != sys.Refused {
		t.Errorf("it may write it: %v", err)
	}
}
