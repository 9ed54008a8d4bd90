package kernel

import (
	"context"
	"errors"
	"os"
	"strings"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/policy"
	"matrixos/sys"
)

// land makes what the process did part of the home: all of it or nothing. A
// process that changed nothing lands nothing.
func (p *process) land(ctx context.Context) error {
	txn := p.transaction()
	if txn == nil {
		return p.handOutAlone(ctx)
	}
	if err := p.move(ctx, sys.Landing, wait{}); err != nil {
		return err
	}
	if p.proof != nil {
		return p.prove(ctx)
	}
	changes, err := txn.Changes(ctx)
	if err != nil {
		return err
	}
	if len(changes) == 0 {
		return errors.Join(p.handOutAlone(ctx), p.forget())
	}
	if err := p.mayLand(ctx, txn.Dir(), changes); err != nil {
		return err
	}
	endorsed, err := p.endorsed(ctx, changes)
	if err != nil {
		return err
	}
	plan, err := p.looked(ctx, txn.Dir(), changes)
	if err != nil {
		return err
	}
	info, err := txn.Land(ctx, disk.Landing{
		Kind: sys.ByAgent, Title: p.landingTitle(), Provenance: p.signed(changes), Update: func(tx *journal.Tx) error {
			if err := p.labelling(changes, endorsed)(tx); err != nil {
				return err
			}
			if err := plan(ctx, tx); err != nil {
				return err
			}
			return p.handOut(ctx, tx)
		},
	})
	if err != nil {
		return err
	}
	p.mu.Lock()
	p.txn = nil
	p.mu.Unlock()
	if info.ID != 0 {
		p.landed(ctx, info)
	}
	return nil
}

// mayLand asks everything that has a say in what the process may change.
func (p *process) mayLand(ctx context.Context, dir string, changes []sys.Change) error {
	given, err := p.asGiven(dir, changes)
	if err != nil {
		return err
	}
	if err := policy.Landing(p.subject, given); err != nil {
		return err
	}
	if err := p.promised(dir, given); err != nil {
		return err
	}
	if err := p.tooMany(ctx, changes); err != nil {
		return err
	}
	if err := p.wiping(ctx, changes); err != nil {
		return err
	}
	if err := p.adopt(ctx, dir, changes); err != nil {
		return err
	}
	return p.attaching(ctx, dir, changes)
}

// endorsed asks the owner whether a landing may instruct later runs, if it would
// and its process has read text from outside. It reports whether the owner has
// said yes to such a landing.
func (p *process) endorsed(ctx context.Context, changes []sys.Change) (bool, error) {
	e, ok := policy.Instructs(p.judged(), changes)
	if !ok {
		return false, nil
	}
	if err := p.running(ctx); err != nil {
		return false, err
	}
	if err := p.effect(ctx, e); err != nil {
		return false, err
	}
	return true, p.move(ctx, sys.Landing, wait{})
}

// looked reads the files that mean more than themselves: what they settle for good
// is asked, and what they plan is returned, to be written with the landing.
func (p *process) looked(ctx context.Context, dir string, changes []sys.Change) (plan func(context.Context, *journal.Tx) error, err error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, root.Close()) }()
	if err := metOwner(root, changes); err != nil {
		return nil, err
	}
	if plan, err = p.planned(root, changes); err != nil {
		return nil, err
	}
	return plan, p.settled(ctx, root, changes)
}

// settled asks the owner about what a landing settles for good.
func (p *process) settled(ctx context.Context, root *os.Root, changes []sys.Change) error {
	effects, err := policy.Settles(changes, func(f sys.Path) ([]byte, error) { return root.ReadFile(string(f)) })
	if err != nil || len(effects) == 0 {
		return err
	}
	if err := p.running(ctx); err != nil {
		return err
	}
	for _, e := range effects {
		if err := p.effect(ctx, e); err != nil {
			return err
		}
	}
	return p.move(ctx, sys.Landing, wait{})
}

// signed is the provenance of the landing; the checks that stand before the
// commit point are what "static" names, so it is true once the landing is.
func (p *process) signed(changes []sys.Change) sys.Provenance {
	v := p.provenance()
	for _, c := range changes {
		if strings.HasPrefix(string(c.Path), "apps/") {
			v.Verified = "static"
		}
	}
	return v
}

// landed tells everybody who has to follow a landing, before the process goes
// on.
func (p *process) landed(ctx context.Context, l sys.LandingInfo) {
	p.k.apps.Landed(ctx, l)
	p.noteLanding(l)
	p.mu.Lock()
	p.view = nil
	p.mu.Unlock()
}

// landingTitle is one line for people: what the owner asked for.
func (p *process) landingTitle() string { return firstLine(p.req().text) }

// refused says whether err is something that the conversation can mend, and
// how to tell it so.
func (p *process) refused(err error) (string, bool) {
	switch sys.KindOf(err) {
	case sys.NotVerified:
		how := "Mend it with Edit or Write"
		var at *sys.Error
		if errors.As(err, &at) && disk.IsDatabase(sys.Path(at.Path)) {
			how = "Mend the rows with app_data, or in your copy of the database"
		}
		return "The landing was refused, nothing was changed yet: " + err.Error() + "\n" + how + "; it lands again when you are done.", true
	case sys.Refused:
		return "The landing was refused: " + err.Error() + "\nTake that change back; the rest lands when you are done.", true
	case sys.Conflict:
		return tellConflict(err), true
	case sys.Internal, sys.Invalid, sys.NotFound, sys.Exists, sys.NeedsApproval, sys.OverBudget,
		sys.Held, sys.TooNew, sys.NoSpace, sys.Unavailable, sys.Unauthorized, sys.Canceled:
		return "", false
	}
	return "", false
}

// forget drops the transaction.
func (p *process) forget() error {
	p.mu.Lock()
	txn := p.txn
	p.txn = nil
	p.mu.Unlock()
	if txn == nil {
		return nil
	}
	return txn.Drop()
}
