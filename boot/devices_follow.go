package boot

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"matrixos/device"
	"matrixos/disk"
	meeting "matrixos/disk/sync"
	"matrixos/gateway"
	"matrixos/kernel"
	"matrixos/keyring"
	"matrixos/sys"
)

// firstState is how this device stands with the first one.
type firstState struct {
	State string // connecting, connected, offline, stopped, removed
	Why   string
	Since time.Time
}

// join lets this home in to another one by its link. Only a home that has nothing of
// its own becomes another device; one that was removed may come back.
func (d *devices) join(ctx context.Context, text string) error {
	link, err := device.ParseLink(text)
	if err != nil {
		return err
	}
	role, err := d.roll.Role(ctx)
	if err != nil {
		return err
	}
	list, err := d.roll.List(ctx)
	if err != nil {
		return err
	}
	switch {
	case role != nil && !role.Removed:
		return &sys.Error{Op: "join", Kind: sys.Exists, Err: errors.New("this home is a device of " + string(role.Handle) + " already"), Hint: "start it without --join"}
	case role == nil && (d.s.disk.Head() > 1 || len(list) > 0):
		return &sys.Error{Op: "join", Path: d.s.home, Kind: sys.Refused, Err: errors.New("this home has a history of its own"), Hint: "name an empty folder: --home FOLDER"}
	}
	own, err := d.own()
	if err != nil {
		return err
	}
	first := device.Reach(own, link.ID, link.Addrs)
	defer first.Close()
	w, err := first.Pair(ctx, link.Code, d.version)
	if err != nil {
		return err
	}
	fresh := device.Role{First: link.ID, Addrs: link.Addrs, Handle: w.Handle, Name: w.Name, Of: w.Of, Number: w.Number}
	if role != nil {
		if role.Handle != w.Handle {
			return &sys.Error{Op: "join", Path: string(w.Handle), Kind: sys.Refused, Err: errors.New("this home is that of " + string(role.Handle)), Hint: "name an empty folder: --home FOLDER"}
		}
		fresh.Cloned = role.Cloned
		// The account knows the old keys as those of a device that is gone.
		local, _ := w.Handle.Parts()
		if err := os.RemoveAll(filepath.Join(d.s.home, sys.Store, "matrix", "clients", local)); err != nil {
			return err
		}
	}
	if w.Signs != "" {
		if err := d.keys.Set(dealKeyName, keyring.NewSecret(w.Signs)); err != nil {
			return err
		}
	}
	return d.roll.SetRole(ctx, fresh)
}

// How long is waited for the first device.
const (
	waitFirst   = time.Second
	waitLongest = 30 * time.Second
	sayOffline  = 30 * time.Second // it may only be restarted
	settle      = 200 * time.Millisecond
)

// follow keeps this home and the first device together until ctx ends, or until the
// first lets this one in no more.
func (d *devices) follow(ctx context.Context) {
	tunnel, err := device.OpenTunnel(ctx, d.first, d.log)
	if err == nil {
		defer func() {
			if err := tunnel.Close(); err != nil {
				d.log.Warn("the way to the first device did not close", "error", err)
			}
			d.first.Close()
		}()
		err = d.meet.Through(ctx, remoteName, func(context.Context) (string, string, error) { return tunnel.URL, tunnel.Secret, nil })
	}
	if err != nil {
		d.stand(firstState{State: "stopped", Why: err.Error()})
		return
	}
	wait, told := waitFirst, false
	for ctx.Err() == nil {
		err := d.round(ctx)
		if ctx.Err() != nil {
			return
		}
		switch {
		case err == nil:
			wait, told = waitFirst, false
			continue
		case errors.Is(err, device.ErrRemoved):
			d.wasRemoved(ctx, err)
			return
		case sys.KindOf(err) == sys.Unavailable:
			d.stand(firstState{State: "offline", Why: err.Error()})
		default:
			d.stand(firstState{State: "stopped", Why: err.Error()})
		}
		d.mu.Lock()
		since := d.state.Since
		d.mu.Unlock()
		if !told && time.Since(since) >= sayOffline {
			told = true
			d.log.WarnContext(ctx, "the first device is not reached, and is tried again", "error", err)
			d.tell("info", d.role.Of+" is not reached", "Go on here: what changes meets when it is back. "+sys.HintOf(err))
		}
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
		wait = min(2*wait, waitLongest)
	}
}

// stand notes how it stands with the first device.
func (d *devices) stand(s firstState) {
	d.mu.Lock()
	same := d.state.State == s.State
	if s.Since = d.state.Since; !same {
		s.Since = time.Now()
	}
	d.state = s
	d.mu.Unlock()
	if !same {
		d.changed()
	}
}

// wasRemoved ends everything with the first device.
func (d *devices) wasRemoved(ctx context.Context, why error) {
	if err := d.setRole(ctx, func(r *device.Role) { r.Removed = true }); err != nil {
		d.log.ErrorContext(ctx, "it could not be noted that this device was removed", "error", err)
	}
	d.stand(firstState{State: "removed"})
	if err := d.s.people.finish(why); err != nil {
		d.log.WarnContext(ctx, "the clients of the homeserver did not close", "error", err)
	}
	d.tell("error", "This device was removed", "It gets nothing from "+d.role.Of+" any more. Your files are still here. To pair it again: `matrixos device add NAME` there, `matrixos up --join LINK` here.")
}

// round brings both to the same, and returns when there may be something new.
func (d *devices) round(ctx context.Context) error {
	j := d.s.disk.Journal()
	own := j.Last()
	w, err := d.first.Hello(ctx, d.version)
	if err == nil && w.Number != d.number() {
		err = d.setRole(ctx, func(r *device.Role) { r.Number = w.Number })
	}
	if err != nil {
		return err
	}
	if err := d.carryLabels(ctx); err != nil {
		return err
	}
	if err := d.carryFiles(ctx); err != nil {
		return err
	}
	if err := d.carryTalks(ctx); err != nil {
		return err
	}
	d.stand(firstState{State: "connected"})
	if err := d.s.people.ready(ctx); err != nil && ctx.Err() == nil {
		d.log.WarnContext(ctx, "your messages are not here yet, and are tried again", "error", err)
	}
	waiting, cancel := context.WithCancel(ctx)
	defer cancel()
	failed := make(chan error, 1)
	go func() {
		defer cancel()
		_, err := d.first.Changes(waiting, w.Seq)
		failed <- err
	}()
	if _, err := device.Changed(waiting, j, own); err != nil && waiting.Err() == nil {
		return err
	}
	over := waiting.Err() != nil // the first has said something, or is gone
	cancel()
	if err := <-failed; err != nil && over {
		return err
	}
	select { // what comes together goes together
	case <-ctx.Done():
	case <-time.After(settle):
	}
	return nil
}

// carryLabels tells each side what the other notes of files, before those come.
func (d *devices) carryLabels(ctx context.Context) error {
	theirs, err := d.first.Labels(ctx)
	if err != nil {
		return err
	}
	here := carried{d.s}
	if err := here.Mark(ctx, theirs); err != nil {
		return err
	}
	ours, err := here.Labels(ctx)
	if err != nil {
		return err
	}
	return d.first.Mark(ctx, ours)
}

// carryFiles meets. Where files wait for the owner, nothing else meets until they have
// chosen: their answers are for what both had then.
func (d *devices) carryFiles(ctx context.Context) error {
	var at gateway.FirstDevice
	if err := d.stands(ctx, &at); err != nil || len(at.Conflicts) > 0 {
		return err
	}
	d.mu.Lock()
	cloned := d.role.Cloned
	d.mu.Unlock()
	r := meeting.Request{Action: "pull", Remote: remoteName, Adopt: !cloned}
	if !cloned {
		r.Prefer = disk.Theirs
	}
	_, err := d.meet.Do(ctx, r)
	var conflict *disk.ConflictError
	if errors.As(err, &conflict) {
		d.changed()
		return nil
	}
	if err != nil || cloned {
		return err
	}
	return d.setRole(ctx, func(r *device.Role) { r.Cloned = true })
}

// carryTalks takes conversations that the first has more of, and gives it those that
// are further here.
func (d *devices) carryTalks(ctx context.Context) error {
	raw, err := d.first.Heads(ctx)
	if err != nil {
		return err
	}
	var theirs []kernel.TalkHead
	if err := json.Unmarshal(raw, &theirs); err != nil {
		return &sys.Error{Op: "read the first device's answer", Kind: sys.Unavailable, Err: err}
	}
	ours, err := d.s.kernel.TalkHeads(ctx)
	if err != nil {
		return err
	}
	here := carried{d.s}
	for _, h := range theirs {
		if slices.Contains(ours, h) {
			continue
		}
		talk, err := d.first.Talk(ctx, h.ID)
		if err == nil {
			err = here.take(ctx, talk, d.aside())
		}
		if err != nil && sys.KindOf(err) != sys.Conflict && sys.KindOf(err) != sys.NotFound { // being spoken in, or gone
			return err
		}
	}
	if ours, err = d.s.kernel.TalkHeads(ctx); err != nil {
		return err
	}
	for _, h := range ours {
		if slices.Contains(theirs, h) {
			continue
		}
		talk, err := here.Talk(ctx, h.ID)
		if err == nil {
			err = d.first.Give(ctx, talk)
		}
		if err != nil && sys.KindOf(err) != sys.Conflict && sys.KindOf(err) != sys.NotFound {
			return err
		}
	}
	return nil
}

// aside is what a conversation is called that went on here and elsewhere: by this
// device, in letters that its name may have.
func (d *devices) aside() string {
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return -1
	}, d.role.Name)
	if name == "" {
		name = "device"
	}
	return name[:min(len(name), 20)]
}
