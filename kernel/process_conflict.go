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

// rebase moves the process's work to the newest landing after a refusal that has to do with
// what landed since it began: everything that merges stays, and files in conflict are as
// they landed. It returns what the conversation has to be told. After some tries a conflict
// stays one: the disk keeps the work for the owner.
func (p *process) rebase(ctx context.Context, refusal error) (told, err error) {
	conflict, ok := errors.AsType[*disk.ConflictError](refusal)
	old := p.transaction()
	if !ok {
		if met, err := p.met(ctx, old, refusal); err != nil || !met {
			return refusal, err
		}
		files, err := p.renew(ctx, old)
		if len(files) > 0 { // they clash by now, which comes first
			refusal = &disk.ConflictError{Op: "land", Files: files}
		}
		return refusal, err
	}
	if old.Tries() >= conflictTries {
		e := &sys.Error{Op: "land", Path: "the work", Kind: sys.Conflict, Err: fmt.Errorf("it met other changes of the same places %d times: %w", old.Tries(), refusal), Hint: "ask again"}
		if conflict.ID != "" {
			e.Hint = "nothing is lost: `matrixos conflicts show " + conflict.ID + "` shows both sides, and `matrixos resolve " + conflict.ID + "` decides"
		}
		return nil, e
	}
	// What clashes with the newest landing, not with that of a moment ago.
	conflict.Files, err = p.renew(ctx, old)
	return refusal, err
}

// met reports whether a check refused work that was joined with landings in apps that it
// did not know of: whoever has to mend it has to see them.
func (p *process) met(ctx context.Context, work *disk.Txn, refusal error) (bool, error) {
	head := p.k.disk.Head()
	if work == nil || sys.KindOf(refusal) != sys.NotVerified || head == work.Base() {
		return false, nil
	}
	list, err := p.k.disk.Log(ctx, disk.Query{Path: "apps", Limit: 1})
	return len(list) > 0 && list[0].ID > work.Base(), err
}

// renew carries the work over to the newest landing. The files that clash with it are as
// they landed.
func (p *process) renew(ctx context.Context, old *disk.Txn) ([]disk.ConflictFile, error) {
	fresh, files, err := old.Again(ctx)
	if err != nil {
		return nil, err
	}
	base, err := p.k.disk.View(fresh.Base())
	if err != nil {
		return nil, errors.Join(err, fresh.Drop())
	}
	p.mu.Lock()
	p.txn, p.base = fresh, base
	p.mu.Unlock()
	return files, nil
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
