package disk

import (
	"testing"

	"matrixos/disk/git"
)

// Whatever stands in a commit's message becomes a landing, and its costs and labels
// say the same once written again.
func FuzzProvenance(f *testing.F) {
	f.Add("Title\n\nDisk-Seq: 12\nCost: $0.5 input=3 estimated\nLabel: untrusted secret\nUndoes: L7\n")
	f.Add("Title\n\nDisk-Seq: -12\nCost: $NaN input=-3\nLabel: \x00\nUndoes: L99999999999999999999\n")
	f.Fuzz(func(t *testing.T, message string) {
		raw := "tree 0100000000000000000000000000000000000000\nauthor a <b> 1 +0000\ncommitter a <b> 1 +0000\n\n" + message
		h, err := git.ParseCommit([]byte(raw))
		if err != nil {
			return
		}
		l := parseMessage(git.Hash{1}, h)
		if l.ID < 0 || l.Provenance.Undoes < 0 || l.Provenance.Restores < 0 {
			t.Fatalf("%+v", l)
		}
		p := l.Provenance
		if c := p.Cost; c.Input >= 0 && c.Output >= 0 && c.CacheRead >= 0 && c.CacheWrite >= 0 && c.USD == c.USD {
			if again := parseCost(formatCost(c)); again != c {
				t.Fatalf("cost %+v becomes %+v", c, again)
			}
		}
		if again := parseLabel(p.Label.String()); again != p.Label {
			t.Fatalf("label %+v becomes %+v", p.Label, again)
		}
	})
}
