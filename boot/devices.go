package boot

import (
	"cmp"
	"context"
	"errors"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"matrixos/device"
	meeting "matrixos/disk/sync"
	"matrixos/gateway"
	"matrixos/keyring"
	"matrixos/sys"
)

// devices are the owner's devices that have this home: where this is the first one,
// those that it lets in; where it is another one, the way to the first.
//
// mu is held for no call of anything else.
type devices struct {
	s       *System // its later parts are used once it is assembled
	keys    *keyring.Keyring
	meet    *meeting.Sync
	roll    *device.Roll
	log     *slog.Logger
	version string

	identity sync.Mutex // one makes the key

	mu      sync.Mutex
	role    *device.Role // nil on the first device
	first   *device.First
	state   firstState
	server  *device.Server
	ln      net.Listener
	trouble string                 // why the others do not reach this one
	base    func() context.Context // of what is served; nil until then
	serving func(func())           // has something done in the background until the end
}

var _ gateway.Devices = (*devices)(nil)

// remoteName is what the place is called at which paired devices meet.
const remoteName = "devices"

// openDevices reads which device this is, after it has let itself in to another one if
// it was asked to.
func (s *System) openDevices(ctx context.Context, p *parts) error {
	roll, err := device.OpenRoll(ctx, s.disk.Journal(), time.Now)
	if err != nil {
		return err
	}
	d := &devices{s: s, keys: p.secrets, meet: p.meet.sync, roll: roll, log: s.log, version: p.version}
	s.devices = d
	if p.o.Join != "" {
		if err := d.join(ctx, p.o.Join); err != nil {
			return err
		}
	}
	if d.role, err = roll.Role(ctx); err != nil || d.role == nil {
		return err
	}
	d.state = firstState{State: "connecting", Since: time.Now()}
	own, err := d.own()
	if err != nil { // the home starts without
		d.state = firstState{State: "stopped", Why: err.Error(), Since: time.Now()}
		s.log.Error("the first device cannot be reached", "error", err)
		return nil
	}
	d.first = device.Reach(own, d.role.First, d.role.Addrs)
	if d.role.Removed {
		d.state.State = "removed"
	}
	return nil
}

// own is the home's key among the owner's devices, made the first time.
func (d *devices) own() (device.Identity, error) {
	d.identity.Lock()
	defer d.identity.Unlock()
	return device.Open(d.keys)
}

// isSecond reports whether this home is another device of one elsewhere.
func (d *devices) isSecond() bool { return d.role != nil }

// begin serves or follows, as long as ctx lasts.
func (d *devices) begin(ctx context.Context) {
	if d.isSecond() {
		if d.first != nil && !d.role.Removed {
			d.s.tending.Go(func() { d.follow(ctx) })
		}
		return
	}
	d.mu.Lock()
	d.base, d.serving = func() context.Context { return ctx }, d.s.tending.Go
	d.mu.Unlock()
	addr, err := d.roll.Listen(ctx)
	if err == nil && addr != "" {
		d.s.tending.Go(func() { d.endSignIns(ctx) })
		err = d.listen(ctx, addr)
	}
	if err != nil {
		d.log.WarnContext(ctx, "your other devices do not reach this one", "error", err)
		d.mu.Lock()
		d.trouble = err.Error()
		d.mu.Unlock()
	}
}

// defaultListenDevices is where other devices find this one, in the owner's network.
const defaultListenDevices = ":4010"

// listen opens the listener of the others, unless it is open.
func (d *devices) listen(ctx context.Context, addr string) error {
	d.mu.Lock()
	base, serving, open := d.base, d.serving, d.ln != nil
	d.mu.Unlock()
	if open {
		return nil
	}
	if base == nil {
		return &sys.Error{Op: "let devices in", Kind: sys.Unavailable, Err: errors.New("Matrix OS does not run, or this is safe mode"), Hint: "start it with `matrixos up`"}
	}
	own, err := d.own()
	if err != nil {
		return err
	}
	if err := meeting.MakePlace(ctx, d.place()); err != nil {
		return err
	}
	if err := d.meet.Through(ctx, remoteName, func(context.Context) (string, string, error) { return d.place(), "", nil }); err != nil {
		return err
	}
	ln, err := listen(ctx, addr)
	if err != nil {
		return err
	}
	server := device.NewServer(device.ServerOptions{
		Identity: own, Roll: d.roll, Journal: d.s.disk.Journal(), Messages: d, Talks: carried{d.s}, Matrix: d.s.matrix, Repo: d.place(),
		Meet: d.meetHere, Welcome: d.welcome, Joined: d.joined, Signs: d.signs, Log: d.log,
	})
	if err := d.roll.SetListen(ctx, ln.Addr().String()); err != nil {
		return errors.Join(err, ln.Close())
	}
	d.mu.Lock()
	d.server, d.ln, d.trouble = server, ln, ""
	d.mu.Unlock()
	serving(func() {
		if err := server.Serve(base(), ln); err != nil {
			d.log.Error("your other devices do not reach this one", "error", err)
			d.mu.Lock()
			d.trouble = err.Error()
			d.mu.Unlock()
		}
	})
	return nil
}

// place is the repository at which the devices meet.
func (d *devices) place() string { return filepath.Join(d.s.home, sys.Store, "devices", "meet.git") }

// meetHere brings this home and the place together.
func (d *devices) meetHere(ctx context.Context) error {
	_, err := d.meet.Do(ctx, meeting.Request{Action: "pull", Remote: remoteName})
	return err
}

func (d *devices) welcome() device.Welcome {
	return device.Welcome{Of: hostName(), Handle: readHandle(d.s.disk).Handle, Version: d.version}
}

// signs is the seed of the key that signs what is the owner's, for a device that was let in.
func (d *devices) signs() (string, error) {
	key, err := dealKey(d.keys)
	if err != nil {
		return "", err
	}
	return packKey(key), nil
}

// number is the how-manieth of the owner's devices this is, 0 the first.
func (d *devices) number() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.role == nil {
		return 0
	}
	return max(1, d.role.Number)
}

func hostName() string {
	name, err := os.Hostname()
	if err != nil {
		return "the first device"
	}
	return name
}

func (d *devices) joined(one device.Device) {
	d.tell("info", one.Name+" is one of your devices now", "It has this home and your messages from now on. If you have not just added it, remove it: `matrixos device remove "+one.Name+"`.")
}

// tell tells the owner, and has the desktop look again.
func (d *devices) tell(level, title, text string) {
	if _, err := d.s.disk.Journal().Append(context.Background(), sys.NewEvent(sys.EventNotice, sys.NoticeData{Level: level, Title: title, Text: text})); err != nil {
		d.log.Warn("a notice could not be written", "error", err)
	}
	d.changed()
}

// devicesChanged is what the desktop hears when it has to look at the devices again.
const devicesChanged sys.Path = "devices"

func (d *devices) changed() {
	d.s.disk.Journal().Publish(sys.NewEvent(sys.EventSettings, sys.SettingsData{Path: devicesChanged}))
}

// Devices implements gateway.Devices.
func (d *devices) Devices(ctx context.Context) (gateway.DevicesInfo, error) {
	out := gateway.DevicesInfo{Role: "first", Name: hostName(), Devices: []gateway.PairedDevice{}}
	d.mu.Lock()
	role, state, server, trouble := d.role, d.state, d.server, d.trouble
	if d.ln != nil {
		out.Listen = d.ln.Addr().String()
	}
	d.mu.Unlock()
	out.Trouble = trouble
	if role != nil {
		out.Role, out.Name = "other", role.Name
		out.First = &gateway.FirstDevice{
			Name: role.Of, Handle: role.Handle, Addresses: role.Addrs, State: state.State, Why: state.Why, Since: state.Since.UTC(), Conflicts: []sys.Path{},
		}
		return out, d.stands(ctx, out.First)
	}
	list, err := d.roll.List(ctx)
	for _, one := range list {
		out.Devices = append(out.Devices, gateway.PairedDevice{
			ID: one.ID.Short(), Name: one.Name, Version: one.Version, Added: one.Added, Seen: one.Seen, Removed: one.Removed, Online: server != nil && server.Online(one.ID),
		})
	}
	return out, err
}

// stands says how the files of both stand.
func (d *devices) stands(ctx context.Context, f *gateway.FirstDevice) error {
	r, err := d.meet.Do(ctx, meeting.Request{Action: "status"})
	for _, one := range r.Remotes {
		if one.Name == remoteName {
			f.Met, f.Conflicts = one.Time, append(f.Conflicts, one.Conflicts...)
		}
	}
	return err
}

// onFirst refuses what only the first device can do.
func onFirst(op, path string) error {
	return &sys.Error{Op: op, Path: path, Kind: sys.Refused, Err: errors.New("this is not your first device"), Hint: "do it on the first device; `matrixos device` says which that is"}
}

// AddDevice implements gateway.Devices.
func (d *devices) AddDevice(ctx context.Context, b gateway.AddDevice) (gateway.NewDevice, error) {
	out := gateway.NewDevice{Name: b.Name}
	if d.isSecond() {
		return out, onFirst("add device", b.Name)
	}
	for _, a := range b.Addresses {
		if err := device.CheckAddr(a); err != nil {
			return out, err
		}
	}
	before, err := d.roll.Listen(ctx)
	if err != nil {
		return out, err
	}
	if err := d.listen(ctx, cmp.Or(b.Listen, before, defaultListenDevices)); err != nil {
		return out, err
	}
	d.mu.Lock()
	at := d.ln.Addr()
	d.mu.Unlock()
	own, err := d.own()
	if err != nil {
		return out, err
	}
	link := device.Link{Addrs: b.Addresses, ID: own.ID}
	if len(link.Addrs) == 0 {
		if link.Addrs, err = reachable(at); err != nil {
			return out, err
		}
	}
	if link.Code, out.Expires, err = d.roll.Invite(ctx, b.Name); err != nil {
		return out, err
	}
	out.Link, out.Expires = link.String(), out.Expires.UTC()
	return out, nil
}

// mostAddresses is how many addresses of this machine a link names by itself.
const mostAddresses = 4

// reachable are the addresses of this machine under which a listener is found.
func reachable(at net.Addr) ([]string, error) {
	host, port, err := net.SplitHostPort(at.String())
	if err != nil {
		return nil, err
	}
	if ip := net.ParseIP(host); ip != nil && !ip.IsUnspecified() {
		return []string{at.String()}, nil
	}
	all, err := net.InterfaceAddrs()
	if err != nil {
		return nil, err
	}
	var four, six []string
	for _, a := range all {
		n, ok := a.(*net.IPNet)
		if !ok || !n.IP.IsGlobalUnicast() {
			continue
		}
		if n.IP.To4() != nil {
			four = append(four, net.JoinHostPort(n.IP.String(), port))
		} else {
			six = append(six, net.JoinHostPort(n.IP.String(), port))
		}
	}
	list := append(four, six...)
	if len(list) == 0 {
		return nil, &sys.Error{Op: "add device", Kind: sys.Unavailable, Err: errors.New("this machine is in no network"), Hint: "connect it, or name the address under which the other finds it: --address HOST:PORT"}
	}
	return list[:min(len(list), mostAddresses)], nil
}

// RemoveDevice implements gateway.Devices: first nothing is let in any more, then what
// is under way is cut off, then its sign-in to the homeserver ends.
func (d *devices) RemoveDevice(ctx context.Context, name string) error {
	if d.isSecond() {
		return onFirst("remove device", name)
	}
	one, err := d.roll.Named(ctx, name)
	if err != nil {
		return err
	}
	if err := d.roll.Remove(ctx, one.ID); err != nil {
		return err
	}
	d.mu.Lock()
	server := d.server
	d.mu.Unlock()
	if server != nil {
		server.Drop(one.ID)
	}
	d.tell("info", one.Name+" is removed from your devices", "It gets nothing from here any more. What it had, it still has: if somebody else has it now, change the passwords and keys that are in your files.")
	if err := d.endSignIn(ctx, one.ID); err != nil {
		return &sys.Error{Op: "remove device", Path: one.Name, Kind: sys.Unavailable, Err: err, Hint: "it is removed here; that its sign-in to your homeserver ends is tried again at the next start"}
	}
	return nil
}
