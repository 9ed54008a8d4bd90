package backup

import (
	"context"
	"runtime"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/sys"
)

// afterFailure is how long a run that failed is not tried again by itself.
const afterFailure = time.Hour

// Tend runs what is due, at low priority, until ctx ends: a backup and a drill
// each once, however many were missed.
func (k *Keeper) Tend(ctx context.Context) {
	// The thread is never unlocked: it ends with its low priority.
	runtime.LockOSThread()
	if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), 15); err != nil {
		k.log.DebugContext(ctx, "backups run at normal priority", "error", err)
	}
	for {
		k.tendOnce(ctx)
		select {
		case <-ctx.Done():
			return
		case <-time.After(time.Minute):
		}
	}
}

func (k *Keeper) tendOnce(ctx context.Context) {
	set := k.settings()
	for _, job := range []struct {
		kind  string
		every time.Duration
		run   func() error
	}{
		{kindBackup, set.Every, func() error { _, err := k.Run(ctx); return err }},
		{kindDrill, set.Drill, func() error { _, err := k.Drill(ctx); return err }},
	} {
		due, err := k.due(ctx, job.kind, job.every)
		if err == nil && due {
			err = job.run()
		}
		if kd := sys.KindOf(err); err != nil && kd != sys.Canceled && kd != sys.Held {
			k.log.WarnContext(ctx, "the "+job.kind+" failed; it is tried again in an hour", "error", err)
		}
	}
}

// due reports whether a run of a kind is to begin now.
func (k *Keeper) due(ctx context.Context, kind string, every time.Duration) (bool, error) {
	s, err := k.Status(ctx)
	if err != nil || s.Dest == "" || !s.Key || every <= 0 {
		return false, err
	}
	if kind == kindDrill && s.LastBackup == nil {
		return false, nil // there is nothing to restore yet
	}
	last, err := k.last(ctx, kind, false)
	if err != nil || last == nil {
		return err == nil, err
	}
	if !last.OK {
		if good, err := k.last(ctx, kind, true); err != nil || good != nil && k.now().Sub(good.Started) < every {
			return false, err
		}
		return k.now().Sub(last.Started) >= min(afterFailure, every), nil
	}
	return k.now().Sub(last.Started) >= every, nil
}
