package kernel

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"matrixos/disk"
	"matrixos/policy"
	"matrixos/sys"
)

// A landing that deletes more than either is held until the owner has seen it.
const (
	deleteMost  = 20 // files
	deleteShare = 4  // a quarter of the home's files, where it has more than a handful
)

// deleteQuestion stands for the id of a call where a landing asks.
const deleteQuestion = "landing: delete"

// Answers of the owner to a landing that is held.
const (
	letDelete = "Delete them"
	letKeep   = "Keep them"
)

// tooMany holds a landing that changes more files than its budget has, or that
// deletes a large part of the home: the owner is asked, and without a yes it is
// refused.
func (p *process) tooMany(ctx context.Context, changes []sys.Change) error {
	if most := p.budget().Files; most > 0 && len(changes) > most {
		return &parked{sys.ForBudget, &sys.Error{
			Op: "land", Path: fmt.Sprintf("process %d", p.pid()), Kind: sys.OverBudget,
			Err:  fmt.Errorf("it would change %d files, and may change %d", len(changes), most),
			Hint: fmt.Sprintf("`matrixos cont %d` lets it change as many again", p.pid()),
		}}
	}
	var gone []string
	for _, c := range changes {
		if c.Op == sys.Deleted {
			gone = append(gone, string(c.Path))
		}
	}
	if len(gone) <= 5 {
		return nil
	}
	if len(gone) <= deleteMost {
		total, err := p.files()
		if err != nil || len(gone) <= total/deleteShare {
			return err
		}
	}
	no := &sys.Error{
		Op: "land", Kind: sys.Refused, Err: fmt.Errorf("the owner does not want %d files deleted", len(gone)), Hint: "put them back",
	}
	p.mu.Lock()
	denied := p.memo.Denied
	p.mu.Unlock()
	if denied { // they have said so once
		return no
	}
	shown := gone[:min(10, len(gone))]
	more := ""
	if len(gone) > len(shown) {
		more = fmt.Sprintf("\n… and %d more", len(gone)-len(shown))
	}
	answer, err := p.ask(ctx, deleteQuestion, sys.QuestionData{
		Text: fmt.Sprintf("%s is about to delete %d files of your home. Shall they go?\n%s%s",
			p.program.Name, len(gone), strings.Join(shown, "\n"), more),
		Choices: []string{letDelete, letKeep},
	})
	if err != nil {
		return err
	}
	if answer == letDelete {
		return p.move(ctx, sys.Landing, wait{})
	}
	p.mu.Lock()
	p.memo.Denied = true
	p.mu.Unlock()
	return no
}

// wiping asks the owner about a landing that removes most of the rows of a table, or of the
// entries of an app's keys, or that leaves next to nothing in them.
func (p *process) wiping(ctx context.Context, changes []sys.Change) error {
	txn := p.transaction()
	if txn == nil || !slices.ContainsFunc(changes, func(c sys.Change) bool { return disk.HoldsData(c.Path) }) {
		return nil
	}
	gone, err := txn.Erases(ctx)
	if err != nil {
		return err
	}
	var list []policy.Removal
	for _, e := range gone {
		list = append(list, policy.Removal(e))
	}
	effects := policy.Erases(list)
	if len(effects) == 0 {
		return nil
	}
	no := &sys.Error{
		Op: "land", Path: effects[0].Target, Kind: sys.Refused, Err: errors.New("the owner does not want these rows deleted or emptied"), Hint: "put them back as they were, and say so",
	}
	p.mu.Lock()
	denied := p.memo.Denied
	p.mu.Unlock()
	if denied { // they have said so once
		return no
	}
	if err := p.running(ctx); err != nil {
		return err
	}
	for _, e := range effects {
		err := p.effect(ctx, e)
		if sys.KindOf(err) == sys.Refused {
			p.mu.Lock()
			p.memo.Denied = true
			p.mu.Unlock()
			return no
		}
		if err != nil {
			return err
		}
	}
	return p.move(ctx, sys.Landing, wait{})
}

// files counts the files of the newest landing.
func (p *process) files() (n int, err error) {
	view, err := p.k.disk.View(0)
	if err != nil {
		return 0, err
	}
	err = fs.WalkDir(view, ".", func(_ string, e fs.DirEntry, err error) error {
		if err == nil && !e.IsDir() {
			n++
		}
		return err
	})
	return n, err
}
