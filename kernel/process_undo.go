package kernel

import (
	"context"
	"encoding/json"
	"fmt"

	"matrixos/disk"
	"matrixos/policy"
	"matrixos/sys"
)

// Undo takes a landing back for the process, and returns it and the landing that
// did so. What this conversation has landed goes by itself. Else it is judged as a
// change: files that only the owner's hand changes stay, the owner is asked about
// what no agent has done and about many deletions, and about everything if the
// process has read text from outside.
func (c *Call) Undo(ctx context.Context, id sys.LandingID) (old, done sys.LandingInfo, err error) {
	p := c.p
	if old, _, err = p.k.disk.Show(ctx, id); err != nil {
		return old, done, err
	}
	if old.Provenance.Program == "" || old.Provenance.Conversation != p.req().conversation {
		if err := p.mayUndo(ctx, old); err != nil {
			return old, done, err
		}
	}
	sign := p.provenance()
	sign.Undoes = old.ID
	done, _, err = p.k.disk.Undo(ctx, old.ID, disk.UndoOptions{Provenance: sign})
	if err == nil {
		p.landed(ctx, done)
	}
	return old, done, err
}

func (p *process) mayUndo(ctx context.Context, old sys.LandingInfo) error {
	would, _, err := p.k.disk.Undo(ctx, old.ID, disk.UndoOptions{Preview: true})
	if err != nil {
		return err
	}
	for _, c := range would.Changes {
		if err := policy.ByHandOnly(c.Path); err != nil {
			return err
		}
	}
	args, err := json.Marshal(old.ID)
	if err != nil {
		return err
	}
	err = p.effect(ctx, policy.Effect{
		Kind: policy.Revert, Target: old.ID.String(), Args: args, Named: old.Provenance.Program != "",
		Text: fmt.Sprintf("Take back %s, “%s”.", old.ID, old.Title),
	})
	if err != nil {
		return err
	}
	if err := p.tooMany(ctx, would.Changes); err != nil {
		return err
	}
	return p.running(ctx)
}
