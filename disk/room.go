package disk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"matrixos/sys"
)

const (
	leastReserve = 4 << 20 // of free space, below which nothing new is taken
	mostReserve  = 64 << 20
	roomEvery    = 5 * time.Second // how often free space is looked at
	adviceLife   = time.Minute     // how long a list of what to delete is good for
	probeSize    = 64 << 10
)

// room is whether the home takes new things. It is read-only for landings from
// when the disk is full, or the device fails, until writing works again.
type room struct {
	mu      sync.Mutex        // below Disk.mu; nothing is taken with it
	state   *sys.StorageState // nil: it does
	told    bool
	advice  string
	advised time.Time

	probing sync.Mutex // above mu: one probe at a time
	changed chan struct{}
}

// free returns how much room the disk has for us, and how much must stay free.
func (d *Disk) free() (free, reserve int64, err error) {
	var fs unix.Statfs_t
	if err := unix.Fstatfs(int(d.rootFD.Fd()), &fs); err != nil {
		return 0, 0, err
	}
	total := int64(fs.Blocks) * fs.Bsize
	return int64(fs.Bavail) * fs.Bsize, min(max(total/100, leastReserve), mostReserve), nil
}

// Storage says whether the home takes changes, and if not, why and what helps.
func (d *Disk) Storage(ctx context.Context) sys.StorageState {
	s := sys.StorageState{}
	if now := d.storageFault(); now != nil {
		s = *now
		s.Hint = d.adviceFor(ctx, s.Kind)
	}
	if free, reserve, err := d.free(); err == nil {
		s.Free, s.Reserve = free, reserve
	}
	return s
}

// storageFault returns why the home takes no changes, or nil.
func (d *Disk) storageFault() *sys.StorageState {
	d.room.mu.Lock()
	defer d.room.mu.Unlock()
	return d.room.state
}

// Room returns nil if the home takes changes now, and else an error of kind NoSpace,
// or Unavailable if the device fails, that says what helps. It looks at the disk.
func (d *Disk) Room(ctx context.Context, op string) error {
	if err := d.usable(op); err != nil {
		return err
	}
	d.lookAtRoom(ctx)
	if d.storageFault() == nil {
		return nil
	}
	return d.refusal(ctx, op, nil)
}

// RoomForData is Room for what an app is about to write to its data.
func (d *Disk) RoomForData(ctx context.Context, app sys.Slug) error {
	return d.Room(ctx, "write data of "+string(app))
}

// refusal is the error of what cannot be recorded now.
func (d *Disk) refusal(ctx context.Context, op string, cause error) error {
	e := &sys.Error{Op: op, Path: d.root, Kind: sys.NoSpace, Err: cause}
	if s := d.storageFault(); s != nil {
		e.Kind = s.Kind
		if cause == nil {
			e.Err = errors.New(s.Why)
		}
	}
	e.Hint = d.adviceFor(ctx, e.Kind)
	return e
}

// trouble turns a failure of what should have landed into an error that says what
// helps, if it was the disk's, and has the home take nothing new until writing works.
func (d *Disk) trouble(ctx context.Context, op string, err error) error {
	if err == nil || !d.noteTrouble(err) {
		return err
	}
	return d.refusal(ctx, op, err)
}

// noteTrouble reports whether err is the disk's fault, and remembers it.
func (d *Disk) noteTrouble(err error) bool {
	switch {
	case isFull(err):
		d.enterTrouble(sys.NoSpace, "the disk is full: "+err.Error())
	case isDevice(err):
		d.enterTrouble(sys.Unavailable, "the device that holds the home reports an error: "+err.Error())
	default:
		return false
	}
	return true
}

// isDevice reports whether the device has failed, or stopped to take writes.
func isDevice(err error) bool {
	return errors.Is(err, unix.EIO) || errors.Is(err, unix.EROFS) || errors.Is(err, unix.ENODEV) || errors.Is(err, unix.ENXIO)
}

func (d *Disk) enterTrouble(kind sys.Kind, why string) {
	d.room.mu.Lock()
	defer d.room.mu.Unlock()
	if d.room.state != nil && d.room.state.Kind == kind {
		return
	}
	d.room.state = &sys.StorageState{ReadOnly: true, Kind: kind, Why: why, Since: time.Now().UTC()}
	d.room.told, d.room.advised = false, time.Time{}
	d.log.Error("the home is read-only for landings", "reason", why)
	d.tellRoomLocked()
}

func (d *Disk) tellRoomLocked() {
	select {
	case d.room.changed <- struct{}{}:
	default:
	}
}

// lookAtRoom enters the state if too little is free, and leaves it if enough is,
// writing works, and the ballast is there again.
func (d *Disk) lookAtRoom(ctx context.Context) {
	free, reserve, err := d.free()
	if err != nil {
		d.noteTrouble(err)
		return
	}
	if free < reserve {
		d.enterTrouble(sys.NoSpace, fmt.Sprintf("only %s are free on the disk; below %s nothing new is taken", sizeText(free), sizeText(reserve)))
		return
	}
	if d.storageFault() == nil || free < reserve+ballastSize { // the ballast comes back first
		return
	}
	d.room.probing.Lock()
	defer d.room.probing.Unlock()
	if err := d.probe(); err != nil {
		return // it is as it was
	}
	d.room.mu.Lock()
	left := d.room.state != nil
	told := d.room.told
	d.room.state, d.room.told = nil, false
	d.room.mu.Unlock()
	if !left {
		return
	}
	d.log.InfoContext(ctx, "the home takes changes again")
	d.markDirty("") // what could not be recorded meanwhile
	d.tellHistory()
	if told {
		d.notice(ctx, sys.NoticeData{Level: "info", Title: "Changes are recorded again", Text: "There is room on the disk, and it takes writes. Nothing was lost."})
	}
}

// probe finds out whether writing works.
func (d *Disk) probe() error {
	name := d.store("stage", "probe")
	err := writeFile(name, make([]byte, probeSize), 0o600, true)
	if e := os.Remove(name); !errors.Is(e, os.ErrNotExist) {
		err = errors.Join(err, e)
	}
	if err != nil {
		return err
	}
	if err := d.ballast(); err != nil {
		return err
	}
	_, err = os.Stat(d.store("ballast"))
	return err
}

// watchRoom looks at the disk now and then, and tells the owner once, until ctx
// ends.
func (d *Disk) watchRoom(ctx context.Context) {
	tick := time.NewTicker(roomEvery)
	defer tick.Stop()
	for {
		select {
		case <-d.room.changed:
			d.tellRoom(ctx)
		case <-tick.C:
			d.lookAtRoom(ctx)
		case <-ctx.Done():
			return
		}
	}
}

func (d *Disk) tellRoom(ctx context.Context) {
	d.room.mu.Lock()
	state := d.room.state
	tell := state != nil && !d.room.told
	d.room.told = d.room.told || tell
	d.room.mu.Unlock()
	if !tell {
		return
	}
	n := sys.NoticeData{Level: "error", Title: "The disk is full: no changes are taken", Text: "Your files stay as they are, and everything can be read. To go on, " + d.adviceFor(ctx, state.Kind) + "."}
	if state.Kind != sys.NoSpace {
		n.Title = "The disk fails: no changes are taken"
	}
	d.notice(ctx, n)
}

// notice tells the owner. Where it cannot be recorded, those who listen get it.
func (d *Disk) notice(ctx context.Context, n sys.NoticeData) {
	e := sys.NewEvent(sys.EventNotice, n)
	if _, err := d.j.Append(ctx, e); err != nil {
		d.log.WarnContext(ctx, "a notice could not be recorded", "title", n.Title, "error", err)
		d.j.Publish(e)
	}
}

// mostAdvised is how many files advice names.
const mostAdvised = 3

// adviceFor says what helps: what to delete, with sizes.
func (d *Disk) adviceFor(ctx context.Context, kind sys.Kind) string {
	if kind != sys.NoSpace {
		return "check the drive that holds " + d.root + " and its cable, and make a backup elsewhere; changes are taken again once it can be written"
	}
	d.room.mu.Lock()
	known, at := d.room.advice, d.room.advised
	d.room.mu.Unlock()
	if time.Since(at) < adviceLife {
		return known
	}
	text := d.whatToDelete(ctx)
	d.room.mu.Lock()
	defer d.room.mu.Unlock()
	d.room.advice, d.room.advised = text, time.Now()
	return text
}

func (d *Disk) whatToDelete(ctx context.Context) string {
	var parts []string
	var r sys.SpaceReport
	if err := d.measureHome(ctx, &r, map[sys.Slug]*sys.AppSpace{}); err == nil {
		for _, f := range r.Largest[:min(len(r.Largest), mostAdvised)] {
			parts = append(parts, f.Name+" ("+sizeText(f.Bytes)+")")
		}
	}
	text := "make room on this disk"
	if len(parts) > 0 {
		text += ": the largest files here are " + strings.Join(parts, ", ")
	}
	if garbage, err := d.garbage(); err == nil && garbage >= 1<<20 {
		text += "; `matrixos gc` frees about " + sizeText(garbage)
	}
	return text + "; `matrixos space` lists what takes room"
}

// sizeText writes bytes as people read them.
func sizeText(n int64) string {
	units := []string{"B", "KB", "MB", "GB", "TB"}
	f, u := float64(n), 0
	for f >= 1000 && u < len(units)-1 {
		f, u = f/1000, u+1
	}
	if u == 0 || f >= 10 {
		return fmt.Sprintf("%.0f %s", f, units[u])
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}

// admit decides whether a landing may be tried. One by the owner that only deletes
// always may: it is how room is made.
func (a *attempt) admit(ctx context.Context) error {
	if len(a.changes) == 0 && len(a.rows) == 0 {
		return nil
	}
	deletes := a.landing.Kind == sys.ByOwner && len(a.rows) == 0
	for _, c := range a.changes {
		deletes = deletes && c.new.IsZero()
	}
	if deletes {
		return nil
	}
	return a.d.Room(ctx, cmp.Or(a.op, "land"))
}

// withBallast runs fn, and once more with the ballast given up if the disk is full.
func (d *Disk) withBallast(fn func() error) error {
	err := fn()
	if isFull(err) && d.dropBallast() {
		err = fn()
	}
	return err
}

// ReadOnly returns why the home takes no changes, NoSpace or Unavailable; "" if it
// does. It costs nothing.
func (d *Disk) ReadOnly() sys.Kind {
	if s := d.storageFault(); s != nil {
		return s.Kind
	}
	return ""
}
