// Package boot is the one package that knows every other: it reads the
// settings and the environment, makes the parts in order, joins what points
// upward by small adapters, and takes everything down in reverse. It decides
// nothing that a part could decide.
package boot

import (
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"matrixos/app"
	"matrixos/app/desktop"
	"matrixos/app/npm"
	"matrixos/app/server"
	"matrixos/client"
	"matrixos/disk"
	"matrixos/disk/workspace"
	"matrixos/gateway"
	"matrixos/heal"
	"matrixos/kernel"
	"matrixos/matrix"
	"matrixos/sandbox"
	"matrixos/sys"
	"matrixos/web/runtime"
)

// Options say what to start. Home is required.
type Options struct {
	Home    string
	Listen  string   // host:port of the desktop; empty serves no address, only Client
	Model   string   // overrides the owner's default model
	Join    string   // the link of another device, of which this home becomes one more
	Origins []string // further addresses of the desktop, such as a proxy's
	Logger  *slog.Logger
	Version string
	// Holder is a program that starts with Hold: this one, for whoever does. Without
	// it the disk does without overlay mounts.
	Holder string
	// homeserver is one that another home has as well; nil makes the home's own.
	homeserver func(context.Context) (matrix.Homeserver, error)
}

// Hold is all that a program has to do if it was started, by this package, to hold
// the mounts of transactions, to open the network of a command, or to be the homeserver;
// its main begins with it. ok is false for every other start; else code is what to exit with.
func Hold(args []string) (code int, ok bool) {
	if len(args) > 1 && args[1] == sandbox.HelperName {
		return sandbox.Help(args), true
	}
	if len(args) == 0 {
		return 0, false
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go giveBackWhenIdle(ctx)
	if code, ok := serveChild(args[0]); ok {
		return code, true
	}
	if args[0] != workspace.HolderName {
		return 0, false
	}
	return workspace.Hold(args), true
}

// System is a running home. Close it, or cancel the context that Start got and
// Wait.
type System struct {
	home    string
	disk    *disk.Disk
	kernel  *kernel.Kernel
	models  *models
	apps    *apps
	backups *backups
	drivers *drivers
	healer  *heal.Healer
	desks   *desks
	matrix  *homeserver
	devices *devices
	people  *messenger // nil in safe mode
	shared  *sharedRooms
	gateway *gateway.Gateway
	shown   atomic.Pointer[gateway.Gateway] // the same, for what may run before it is there
	pipe    *gateway.Pipe
	client  *client.Client
	addr    string // host:port
	token   string // the command line's key to this run
	log     *slog.Logger
	starts  *startLog // of a daemon; else nil
	safe    bool      // safe mode

	cancel  context.CancelFunc
	tending sync.WaitGroup
	served  chan error // one per listener
	serves  int
}

// Start opens the home, which it makes if need be, and starts everything on it.
// Errors name what is in the way and the way out: Held (another process has the
// home), TooNew, NoSpace, Exists (the port is in use).
func Start(ctx context.Context, o Options) (_ *System, err error) {
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	var ln net.Listener
	if o.Listen != "" { // before the home: a port in use is found at once
		if ln, err = listen(ctx, o.Listen); err != nil {
			return nil, err
		}
		defer func() {
			if err != nil {
				err = errors.Join(err, ln.Close())
			}
		}()
	}
	root, err := filepath.Abs(o.Home)
	if err != nil {
		return nil, err
	}
	d, err := disk.Open(ctx, root, disk.Options{
		Template: template(root), Logger: log, Holder: o.Holder, Workspace: workspace.Kind(os.Getenv("MATRIXOS_WORKSPACE")),
	})
	if err != nil {
		return nil, err
	}
	var base string
	if ln != nil {
		base = "http://" + ln.Addr().String()
	}
	s := &System{home: root, disk: d, log: log, token: rand.Text()}
	if ln != nil {
		s.starts = readStarts(root, time.Now)
		if s.safe = s.starts.crashing(); s.safe {
			log.ErrorContext(ctx, "safe mode: the last starts have crashed; no model runs")
		}
		head := d.Head
		if s.safe {
			head = nil // a safe start proves nothing
		}
		if err := s.starts.begin(head, func(err error) { log.Error("the log of starts could not be written", "error", err) }); err != nil {
			return nil, errors.Join(err, d.Close())
		}
	}
	if err := s.assemble(ctx, o, base); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	if err := s.serve(ctx, ln, o.Version); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// openApps opens the runtime of apps, up to date with the newest landing.
func (s *System) openApps(ctx context.Context, out app.Network, from *npm.Installer, run *server.Servers) error {
	promise := openContracts(s.home, s.log)
	s.shared = &sharedRooms{}
	rt, err := app.New(app.Options{
		Libraries: runtime.Files(), Data: filepath.Join(s.home, "data"), Search: filepath.Join(s.home, sys.Store, "search"), Logger: s.log,
		Publish: s.disk.Journal().Publish, Migrated: noteMigration(s.disk, s.log),
		Verdict: promise.verdict,
		Strength: func(slug sys.Slug, prints func() (app.Prints, error)) *sys.Strength {
			if s.apps == nil { // its first landing is on its way
				return nil
			}
			return s.apps.strengthOf(slug, prints)
		},
		Room:    func(ctx context.Context, app sys.Slug) error { return s.disk.RoomForData(ctx, app) },
		Failed:  func(app sys.Slug, how app.Failure, text string) { s.report(app, detectors[how], text) },
		Network: out, Rooms: s.shared, Packages: from, Servers: run,
	})
	if err != nil {
		return err
	}
	promise.attach(rt, os.Getenv("MATRIXOS_CHROMIUM"), desktop.Options{Open: func() int { return s.shown.Load().Desktops() }, Offer: func(d sys.TrialData) {
		s.disk.Journal().Publish(sys.NewEvent(sys.EventTrial, d))
	}})
	s.apps = newApps(s.disk, rt, promise, s.log, func() {
		if s.kernel != nil {
			s.kernel.Reschedule()
		}
	})
	s.disk.SetCare(careOf(s.disk))
	return s.apps.follow(ctx)
}

// sayIsSafe tells the owner why nothing runs.
func (s *System) sayIsSafe(ctx context.Context) error {
	_, err := s.disk.Journal().Append(ctx, sys.NewEvent(sys.EventNotice, sys.NoticeData{
		Level: "error", Title: "Matrix OS is in safe mode",
		Text: "It crashed three times within a minute. Your files and apps are here; no model runs, and the settings are the last ones that worked. Undo what was changed last, or mend the settings, then stop it and start it again: what you set here counts from then on.",
	}))
	return err
}

// prepareAfter is how long a start is left alone before apps that nobody has asked
// for yet are compiled.
const prepareAfter = 3 * time.Second

// serve opens the in-process connection and, if there is a listener, the
// address.
func (s *System) serve(ctx context.Context, ln net.Listener, version string) error {
	ctx, s.cancel = context.WithCancel(ctx)
	s.served = make(chan error, 2)
	s.pipe = gateway.NewPipe()
	s.serves = 1
	go func() { s.served <- s.gateway.Serve(ctx, s.pipe) }()
	s.client = client.New(client.Options{Base: gateway.PipeBase, Token: s.token, Dial: s.pipe.Dial})
	go s.apps.watch(ctx)
	if ln == nil {
		return nil
	}
	s.tending.Go(func() { giveBackWhenIdle(ctx) })
	s.tending.Go(func() { s.healer.Watch(ctx) })
	s.tending.Go(func() { s.desks.tend(ctx) })
	s.tending.Go(func() {
		select {
		case <-ctx.Done():
		case <-time.After(prepareAfter):
			s.apps.runtime.Prepare(ctx)
			s.reportBroken()
		}
	})
	if !s.safe {
		s.tending.Go(func() { s.matrix.tend(ctx) })
		s.tending.Go(func() { s.people.tendClaimed(ctx) })
		s.tending.Go(func() { s.backups.keeper.Tend(ctx) })
		s.devices.begin(ctx)
	}
	s.addr = ln.Addr().String()
	s.serves++
	go func() { s.served <- s.gateway.Serve(ctx, ln) }()
	return client.WriteDaemon(s.home, client.Daemon{PID: os.Getpid(), Base: "http://" + s.addr, Token: s.token, Version: version})
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, &sys.Error{
			Op: "listen on", Path: addr, Kind: sys.Exists, Err: errors.New("the port is in use"),
			Hint: "if Matrix OS is running, use it; else choose another with --listen 127.0.0.1:4001",
		}
	case err != nil:
		return nil, &sys.Error{Op: "listen on", Path: addr, Kind: sys.Invalid, Err: err, Hint: "write --listen HOST:PORT, such as 127.0.0.1:4000"}
	}
	return ln, nil
}

// Addr is where the desktop is served, such as 127.0.0.1:4000; empty without a
// listener.
func (s *System) Addr() string { return s.addr }

// SignInLink makes a one-time link that signs a browser in.
func (s *System) SignInLink() (string, error) {
	link, _, err := s.gateway.SignInLink("")
	return link, err
}

// Client talks to the system without a network.
func (s *System) Client() *client.Client { return s.client }

// Wait returns when a listener has failed or ctx has ended.
func (s *System) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-s.served:
		s.serves--
		if err == nil {
			err = &sys.Error{Op: "serve", Path: s.addr, Kind: sys.Unavailable, Err: errors.New("the listener ended")}
		}
		return err
	}
}

// Close stops what runs, lands or drops it, and lets the home go.
func (s *System) Close() error {
	var errs []error
	if s.addr != "" {
		errs = append(errs, client.RemoveDaemon(s.home))
	}
	if s.people != nil {
		errs = append(errs, s.people.close())
	}
	if s.kernel != nil {
		errs = append(errs, s.kernel.Close())
	}
	if s.models != nil {
		errs = append(errs, s.models.close())
	}
	if s.drivers != nil {
		errs = append(errs, s.drivers.Close())
	}
	if s.cancel != nil {
		s.cancel()
		s.tending.Wait()
		for range s.serves {
			errs = append(errs, <-s.served)
		}
		s.client.Close()
	}
	if s.matrix != nil {
		errs = append(errs, s.matrix.close())
	}
	if s.apps != nil {
		errs = append(errs, s.apps.promise.close(), s.apps.runtime.Close())
	}
	if s.starts != nil && s.client != nil { // it had started
		errs = append(errs, s.starts.end(s.disk.Head()))
	}
	return errors.Join(append(errs, s.disk.Close())...)
}

// confinement says how commands are confined.
func confinement(box *sandbox.Sandbox, why error) string {
	if box == nil {
		return "refused: " + why.Error()
	}
	return box.String()
}

// missing reports whether err says that a file is not there.
func missing(err error) bool { return errors.Is(err, fs.ErrNotExist) }
