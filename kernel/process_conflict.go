package kernel

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"matrixos/disk"
	"matrixos/sys"
)

// conflictTries is how often work may meet a conflict before the owner decides.
const conflictTries = 3

// rebase moves the process's work to the newest landing after a conflict:
// everything that merges stays, and files in conflict are as they landed. It
// returns how to tell the conversation. After some tries the work stays refused:
// the disk keeps it for the owner.
func (p *process) rebase(ctx context.Context, refusal error) error {
	conflict, ok := errors.AsType[*disk.ConflictError](refusal)
	if !ok {
		return nil
	}
	old := p.transaction()
	if old.Tries() >= conflictTries {
		e := &sys.Error{Op: "land", Path: "the work", Kind: sys.Conflict, Err: fmt.Errorf("it met other changes of the same places %d times: %w", old.Tries(), refusal), Hint: "ask again"}
		if conflict.ID != "" {
			e.Hint = "nothing is lost: `matrixos conflicts show " + conflict.ID + "` shows both sides, and `matrixos resolve " + conflict.ID + "` decides"
		}
		return e
	}
	fresh, files, err := old.Again(ctx)
	if err != nil {
		return err
	}
	conflict.Files = files // what clashes with the newest landing, not with that of a moment ago
	base, err := p.k.disk.View(fresh.Base())
	if err != nil {
		return errors.Join(err, fresh.Drop())
	}
	p.mu.Lock()
	p.txn, p.base = fresh, base
	p.mu.Unlock()
	return nil
}

// tellConflict gives the conversation both sides of each file.
func tellConflict(err error) string {
	conflict, ok := errors.AsType[*disk.ConflictError](err)
	if !ok {
		return "The landing was refused: " + err.Error()
	}
	var b strings.Builder
	if len(conflict.Files) == 0 {
		fmt.Fprintf(&b, "The landing was refused, nothing was changed yet: %s.\nYour changes were kept, on top of the newest version of everything. Read again what they depend on, mend what does not hold any more; it lands when you are done.", conflict.Error())
		return b.String()
	}
	b.WriteString("Somebody else changed the same places first. Everything else of yours was kept and merged; these files now hold the other version:\n")
	for _, f := range conflict.Files {
		ours, theirs := f.Patches()
		switch {
		case f.Binary:
			fmt.Fprintf(&b, "\n%s is not text. Write it again if yours is to count.\n", f.Path)
		case f.Ours == nil:
			fmt.Fprintf(&b, "\n%s was deleted. You wanted:\n%s", f.Path, bounds(theirs))
		case f.Theirs == nil:
			fmt.Fprintf(&b, "\nYou deleted %s. Meanwhile:\n%s", f.Path, bounds(ours))
		default:
			fmt.Fprintf(&b, "\n%s, what they changed:\n%s\nwhat you had changed:\n%s", f.Path, bounds(ours), bounds(theirs))
		}
	}
	b.WriteString("\nRead them and make your change again, so that both hold.")
	return b.String()
}

// bounds keeps a patch to what a conversation can carry.
func bounds(patch string) string {
	const most = 8 << 10
	if len(patch) <= most {
		return patch
	}
	return strings.ToValidUTF8(patch[:most], "") + "\n… (cut)\n"
}
