package boot

import (
	"context"
	"io/fs"
	"log/slog"

	"matrixos/app/desktop"
	"matrixos/gateway"
	"matrixos/sys"
)

// desks is the gateway's way to what desktops play, and sees to it that what waited for
// one is played when one comes.
type desks struct {
	*desktop.Host
	apps   *apps
	report func(app sys.Slug, by, told string)
	log    *slog.Logger
	came   chan struct{} // holds one
}

var _ gateway.Desks = (*desks)(nil)

func newDesks(a *apps, report func(sys.Slug, string, string), log *slog.Logger) *desks {
	return &desks{Host: a.promise.desks, apps: a, report: report, log: log, came: make(chan struct{}, 1)}
}

// Here implements gateway.Desks.
func (d *desks) Here() {
	select {
	case d.came <- struct{}{}:
	default: // it is known
	}
}

// tend plays, whenever a desktop comes, what could not be played without one. It ends
// with ctx.
func (d *desks) tend(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-d.came:
		}
		if err := d.waiting(ctx); err != nil && ctx.Err() == nil {
			d.log.WarnContext(ctx, "what waited for a desktop was not tried", "error", err)
		}
	}
}

// waiting tries the apps of which only the files were checked, one after the other, as
// long as there is a desktop. What is red the healer looks into.
func (d *desks) waiting(ctx context.Context) error {
	c := d.apps.promise
	if c.browser != nil {
		return nil // nothing waits
	}
	if err := d.apps.follow(ctx); err != nil {
		return err
	}
	view, err := d.apps.disk.View(0)
	if err != nil {
		return err
	}
	for _, i := range d.apps.runtime.Known() {
		if wait, err := c.waits(view, i); err != nil || !wait {
			if err != nil {
				return err
			}
			continue
		}
		r, err := c.check(ctx, view, i.Folder)
		if err != nil {
			return err
		}
		if len(r.Faults) == 0 && r.Level != sys.VerifiedBrowser {
			return nil // it has gone
		}
		d.apps.runtime.Judged(ctx, i.Slug)
		if !r.Green {
			d.report(i.Slug, "", "")
		}
	}
	return nil
}

// waits reports whether an app was held to less than its contract. What every home begins
// with waits only if it was changed: else it is tried in the healer's idle moments.
func (c *contracts) waits(tree fs.FS, i sys.AppInfo) (bool, error) {
	if !i.OK {
		return false, nil
	}
	print, err := c.runtime.Fingerprint(tree, i.Folder)
	if err != nil {
		return false, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	v, known := c.known[print]
	if !known {
		return i.Author != sys.ShippedBy, nil
	}
	return v.Level == sys.VerifiedStatic, nil
}
