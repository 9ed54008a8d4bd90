package boot

import (
	"cmp"
	"context"
	"os"
	"path/filepath"
	"time"

	"matrixos/app/server"
	"matrixos/audit"
	mcpclient "matrixos/driver/mcp"
	"matrixos/egress"
	"matrixos/egress/page"
	"matrixos/gateway"
	"matrixos/gateway/mcp"
	"matrixos/home"
	"matrixos/kernel"
	"matrixos/keyring"
	"matrixos/sandbox"
	"matrixos/sys"
	"matrixos/syscalls"
	"matrixos/web"
)

// parts are what the parts of a system share while they are joined.
type parts struct {
	o       Options
	version string
	base    string // the address of the desktop
	secrets *keyring.Keyring
	box     *sandbox.Sandbox
	why     error // there is no box
	proxied bool  // what runs in the box can have a network
	good    sys.LandingID
	models  *models
	gate    *egress.Gate // to wherever models and pages are
	meet    remotes
	travel  *bundles
	look    *audit.Auditor
	table   []kernel.Syscall
	people  *social
}

// assemble makes the parts, lowest first.
func (s *System) assemble(ctx context.Context, o Options, base string) (err error) {
	p := &parts{o: o, version: cmp.Or(o.Version, "dev"), base: base, proxied: o.Holder != "", secrets: s.openKeys(ctx)}
	if p.box, p.why = sandbox.Find(ctx); p.why != nil {
		s.log.WarnContext(ctx, "commands of agents are refused", "error", p.why)
	} else if n := sandbox.Sweep(s.home); n > 0 {
		s.log.WarnContext(ctx, "commands that a crash had left behind were ended", "count", n)
	}
	connected := &connected{disk: s.disk, keys: p.secrets}
	out := network(egress.New(egress.Options{}), s.disk, s.log) // the public internet only
	out.Connected, out.Service = connected.list, connected.call
	from := packages(s.home, os.Getenv("MATRIXOS_NPM_REGISTRY"), s.disk, p.box, p.why, p.proxied)
	run := server.New(server.Options{Data: filepath.Join(s.home, "data"), Sandbox: p.box, Why: p.why, Network: serverNetwork(out, p.proxied), Logger: s.log})
	if err := s.openApps(ctx, out, from, run); err != nil {
		return err
	}
	if err := s.openModels(p); err != nil {
		return err
	}
	if p.meet, err = s.copies(ctx, p.secrets, p.version); err != nil {
		return err
	}
	if err := s.openDevices(ctx, p); err != nil {
		return err
	}
	s.openHomeserver(p)
	s.openCalls(p, connected)
	if err := s.openHealer(ctx); err != nil {
		return err
	}
	if err := s.openKernel(ctx, p); err != nil {
		return err
	}
	if err := s.openMessenger(ctx, p); err != nil {
		return err
	}
	return s.openGateway(ctx, p)
}

// openKeys opens the keyring; one that does not open is closed to everybody.
func (s *System) openKeys(ctx context.Context) *keyring.Keyring {
	file := filepath.Join(s.home, sys.Store, "keys.json")
	secrets, err := keyring.Open(file, keyring.Options{Outside: s.home})
	if err != nil {
		s.log.ErrorContext(ctx, "the keyring is closed; everything that needs a key is refused", "error", err)
		return keyring.Closed(file, err)
	}
	return secrets
}

// openModels opens what answers; in safe mode nothing does, and the settings are the
// last good ones.
func (s *System) openModels(p *parts) (err error) {
	if s.safe {
		p.good = s.starts.good()
	}
	if p.models, err = newModels(s.disk, p.secrets, p.o.Model, os.Getenv, s.log); err != nil {
		return err
	}
	s.models = p.models
	p.models.safe, p.models.good = s.safe, p.good
	if p.box != nil && p.proxied {
		p.models.confine, p.models.agent = confined(p.box), agents(p.box, s.home)
	}
	p.gate = egress.New(egress.Options{Allow: p.models.reachable})
	return nil
}

// openCalls makes the table of system calls, and attaches the drivers beside it.
func (s *System) openCalls(p *parts, connected *connected) {
	p.travel = newBundles(p.secrets, p.gate)
	p.people = &social{}
	p.look = s.auditor(func() *kernel.Kernel { return s.kernel }, p.secrets, p.why, p.o)
	calls := syscalls.Options{
		Sandbox: p.box, Why: p.why, Mount: s.home, Check: s.apps.diagnose,
		Pages: page.New(p.gate, time.Now), Services: newServices(p.models), Remotes: p.meet, Caller: egress.NewCaller(p.gate, p.secrets),
		Bundles: p.travel, Audit: p.look, Social: p.people,
	}
	if p.proxied {
		calls.Gate, calls.Keys = p.gate, boundKeys{s.disk, p.secrets}
	}
	connected.caller.Store(calls.Caller)
	p.table = syscalls.Table(calls)
	s.drivers = newDrivers(s.disk, opener(s.home, p.version, p.box, p.why, p.gate, p.proxied, p.secrets, calls.Keys),
		&mcpclient.Logins{Keys: p.secrets, Client: p.gate.Client, Redirect: signInBack(p.o.Origins, p.base), Version: p.version}, p.table, s.log)
	if !s.safe {
		s.drivers.follow()
		s.apps.attached = s.drivers.follow
	}
	s.disk.SetChecks(s.apps.check, s.drivers.check)
	s.disk.SetRowChecks(s.apps.rules)
}

func (s *System) openKernel(ctx context.Context, p *parts) (err error) {
	s.kernel, err = kernel.New(ctx, kernel.Options{
		Disk: s.disk, Models: p.models, Apps: s.apps, Handle: func() sys.Handle { return readHandle(s.disk).Handle }, Logger: s.log, Now: time.Now,
		Settings: settingsOf(s.disk, p.good, s.log), Resume: p.o.Listen != "", Safe: s.safe, Second: s.devices.isSecond(),
		Calls: p.table, Drivers: s.drivers.Rack, Describe: describe, Redact: p.secrets.Redact,
	})
	if err != nil || !s.safe {
		return err
	}
	return s.sayIsSafe(ctx)
}

func (s *System) openGateway(ctx context.Context, p *parts) error {
	desktop, err := web.Shell()
	if err != nil {
		return err
	}
	s.desks = newDesks(s.apps, s.report, s.log)
	var guests gateway.MCP
	if !s.safe {
		guests = mcp.New(s.kernel, p.version, s.log)
	}
	s.gateway, err = gateway.New(ctx, gateway.Options{
		Disk: s.disk, Kernel: s.kernel, Apps: s.apps, Shipped: home.Template(), Models: p.models, Policy: s.kernel, Keys: ownKeys{p.secrets}, Backups: s.backups,
		Drivers: s.drivers, Sync: p.meet, Audit: p.look, Bundles: p.travel, Healer: s.healer, Recordings: newRecordings(s.apps), Desks: s.desks, Rooms: p.people, Identity: p.people, Devices: s.devices, Moderation: p.people, Feeds: &feeds{p.people}, Circles: &feeds{p.people}, Deals: &deals{p.people}, MCP: guests, Matrix: s.matrix, Logger: s.log, Shell: desktop,
		Owner: func() gateway.Owner { return readHandle(s.disk) }, Workspace: s.kernel.Workspace,
		Trial: trials{s.apps, s.healer, p.box, p.why, s.home}.trial, Base: p.base, Token: s.token, Origins: p.o.Origins, Safe: s.safe,
		Version: p.version, Commands: confinement(p.box, p.why),
	})
	s.shown.Store(s.gateway)
	return err
}
