package disk

import (
	"context"
	"fmt"
	"strings"

	"matrixos/disk/git"
	"matrixos/journal"
	"matrixos/sys"
)

// trailerJournal names the trailer in which a landing notes the journal's head
// before it: an anchor outside the journal's own file.
const trailerJournal = "Disk-Journal"

// anchor is the journal's head as the trailer has it; empty if it cannot be read,
// which does not keep anybody from landing.
func (d *Disk) anchor(ctx context.Context) string {
	seq, hash, err := d.j.Head(ctx)
	if err != nil || seq == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", seq, hash)
}

// VerifyJournal checks the journal's chain against itself and against what the
// landings have noted of it.
func (d *Disk) VerifyJournal(ctx context.Context) (journal.Audit, error) {
	anchors := map[sys.Seq]string{}
	for at := d.at().commit; !at.IsZero(); {
		h, err := d.repo.History(at)
		if err != nil {
			return journal.Audit{}, explain("verify journal", at.String(), err)
		}
		if seq, hash, ok := parseAnchor(h); ok {
			anchors[seq] = hash
		}
		at = h.Parent
	}
	a, err := d.j.Verify(ctx, anchors)
	return a, explain("verify journal", d.root, err)
}

func parseAnchor(h git.History) (sys.Seq, string, bool) {
	number, hash, ok := strings.Cut(h.Get(trailerJournal), " ")
	seq := parseInt(number)
	return sys.Seq(seq), hash, ok && seq > 0
}
