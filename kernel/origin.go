package kernel

import (
	"context"
	"time"

	"matrixos/disk"
	"matrixos/sys"
)

// Origin says who made a program or a skill.
type Origin struct {
	By      Maker         `json:"by"`
	Program sys.Program   `json:"program,omitempty"` // that wrote it
	Landing sys.LandingID `json:"landing,omitempty"` // with its newest version
	Time    time.Time     `json:"time,omitzero"`
	// Trial is what a version that the system wrote had to pass before it landed.
	Trial *Trial `json:"trial,omitempty"`
}

// Maker is whose work the newest version of something is.
type Maker string

// The makers.
const (
	MadeShipped Maker = "shipped" // it came with Matrix OS
	MadeByOwner Maker = "owner"
	MadeBySelf  Maker = "system" // a process wrote it
)

// made says who made the newest version of a file.
func (k *Kernel) made(ctx context.Context, file sys.Path, t *Trial) (Origin, error) {
	list, err := k.disk.Log(ctx, disk.Query{Path: file, Limit: 1})
	if err != nil || len(list) == 0 {
		return Origin{By: MadeByOwner}, err // an edit by hand that no landing has yet
	}
	l := list[0]
	o := Origin{By: MadeByOwner, Program: l.Provenance.Program, Landing: l.ID, Time: l.Time}
	switch l.Kind {
	case sys.BySystem:
		o.By = MadeShipped
	case sys.ByAgent, sys.ByHealer:
		o.By, o.Trial = MadeBySelf, t
	case sys.ByOwner, sys.ByUndo, sys.ByMerge:
	}
	return o, nil
}
