// Package server runs the servers of apps with the runtime node: each a process in
// the sandbox, started when it is asked for, started again with growing pauses when
// it ends by itself, and stopped when nobody has asked for a while. It is reached by
// a socket in a folder of its own, reads a copy of the app's folder, and writes only
// below its data folder. The package serves no address and judges no request.
package server

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"matrixos/sandbox"
	"matrixos/sys"
)

//go:embed shim.cjs
var shim []byte

// What a server may use unless its manifest says otherwise, and at most.
const (
	Memory     = 512 << 20
	MostMemory = 2 << 30
	Processes  = 64
	Idle       = 5 * time.Minute
	StartIn    = 20 * time.Second

	space    = 64 << 30 // V8 reserves much more than it uses
	port     = "3000"
	inside   = "/home/app"
	longest  = time.Minute // between two starts of a server that ends by itself
	mostCopy = 256 << 20
)

// Options are what servers run with. All are required.
type Options struct {
	Data    string           // the home's data folder
	Sandbox *sandbox.Sandbox // nil: none runs, for the reason Why
	Why     error
	Network func(ctx context.Context, app sys.Slug) (*sandbox.Network, error) // nil of it: none
	Logger  *slog.Logger
}

// App says what to run.
type App struct {
	Slug    sys.Slug
	Version string // another one stops what runs and starts anew
	Tree    fs.FS
	Folder  sys.Path
	Start   string // a command line
	Health  string // a path that answers when it is up; "" asks for no more than the socket
	Modules string // the folder with node_modules, or ""
	Memory  int64
	StartIn time.Duration
	Idle    time.Duration

	// Key, if set, is what this server is known by instead of its app: one beside the
	// app's own, for a preview or a trial. It has no network.
	Key string
	// Data is the folder that it may write to; "" is data/<slug>/server.
	Data string
}

func (a App) key() string {
	if a.Key != "" {
		return a.Key
	}
	return string(a.Slug)
}

// Servers are the servers of one home. It is safe for concurrent use.
type Servers struct {
	o      Options
	life   context.Context
	end    context.CancelFunc
	mu     sync.Mutex
	places map[string]*place
}

// place is where one app's server is, or will be.
type place struct {
	starting sync.Mutex // one start at a time; held before mu
	mu       sync.Mutex
	running  *Running
	failures int
	next     time.Time // not before
	words    string    // the last of the one that ended
	log      journal
}

// Running is a server that has been started.
type Running struct {
	app       App
	dir       string
	service   *sandbox.Service
	log       *journal
	said      <-chan struct{} // closed when it can say nothing more
	transport *http.Transport
	mu        sync.Mutex
	users     int
	used      time.Time
}

// New makes Servers; Close them.
func New(o Options) *Servers {
	life, end := context.WithCancel(context.Background())
	return &Servers{o: o, life: life, end: end, places: map[string]*place{}}
}

// Close stops every server.
func (s *Servers) Close() {
	s.end()
	s.mu.Lock()
	all := slices.Collect(maps.Keys(s.places))
	s.mu.Unlock()
	for _, key := range all {
		s.stop(key)
	}
}

// Stop ends the server of an app, if it runs; the next request starts it anew.
func (s *Servers) Stop(slug sys.Slug) { s.stop(string(slug)) }

// Drop ends the server with a key of its own, and forgets it.
func (s *Servers) Drop(key string) {
	s.stop(key)
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.places, key)
}

// Log is what the servers of an app have said lately, the newest last.
func (s *Servers) Log(slug sys.Slug) string { return s.place(string(slug)).log.text() }

func (s *Servers) stop(key string) {
	p := s.place(key)
	p.starting.Lock()
	defer p.starting.Unlock()
	p.stop()
	p.mu.Lock()
	p.failures, p.next = 0, time.Time{}
	p.mu.Unlock()
}

func (s *Servers) place(key string) *place {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.places[key] == nil {
		s.places[key] = &place{}
	}
	return s.places[key]
}

// stop ends what runs and waits for that. The caller holds starting.
func (p *place) stop() {
	p.mu.Lock()
	r := p.running
	p.running = nil
	p.mu.Unlock()
	if r != nil {
		r.close()
	}
}

func (r *Running) close() {
	r.transport.CloseIdleConnections()
	_ = r.service.Close() // it has ended, or is killed
	_ = os.RemoveAll(r.dir)
}

// Use finds or starts the server of a, and counts as a user of it until done is
// called. A server that keeps ending is not started again before its pause is over:
// the error says what it said last.
func (s *Servers) Use(ctx context.Context, a App) (_ http.RoundTripper, done func(), err error) {
	p := s.place(a.key())
	p.starting.Lock()
	defer p.starting.Unlock()
	p.mu.Lock()
	r := p.running
	p.mu.Unlock()
	if r != nil && r.alive() && r.app.Version == a.Version {
		return r.transport, r.use(), nil
	}
	if r != nil && r.alive() {
		p.stop()
	}
	if err := s.judge(p, a); err != nil {
		return nil, nil, err
	}
	r, err = s.start(ctx, a, &p.log)
	if err != nil {
		p.failed(sys.HintOf(err))
		return nil, nil, err
	}
	p.mu.Lock()
	p.running = r
	p.mu.Unlock()
	done = r.use()
	go s.watch(p, r)
	return r.transport, done, nil
}

func (r *Running) alive() bool {
	select {
	case <-r.service.Done():
		return false
	default:
		return true
	}
}

func (r *Running) use() func() {
	r.mu.Lock()
	r.users++
	r.mu.Unlock()
	return sync.OnceFunc(func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.users--
		r.used = time.Now()
	})
}

// Able refuses where no server can run.
func (s *Servers) Able(slug sys.Slug) error {
	if s.o.Sandbox == nil {
		return refusal(slug, s.o.Why, sys.HintOf(s.o.Why))
	}
	if _, err := exec.LookPath("node"); err != nil {
		return refusal(slug, errors.New("Node is not on this machine"), "install it (Debian: apt-get install nodejs npm), or use the runtime vite")
	}
	return nil
}

func refusal(slug sys.Slug, err error, hint string) error {
	return &sys.Error{Op: "start the server of", Path: string(slug), Kind: sys.Unavailable, Err: err, Hint: hint}
}

// judge refuses a start that cannot be, or comes too early.
func (s *Servers) judge(p *place, a App) error {
	if err := s.Able(a.Slug); err != nil {
		return err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if wait := time.Until(p.next); wait > 0 {
		return refusal(a.Slug, fmt.Errorf("it has ended %d times in a row; it is tried again in %s", p.failures, wait.Round(time.Second)), "what it said last: "+p.words)
	}
	return nil
}

func (p *place) failed(words string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.failures++
	p.words = words
	p.next = time.Now().Add(min(longest, time.Second<<min(p.failures-1, 6)))
}

// start copies the app, starts it and waits until it answers.
func (s *Servers) start(ctx context.Context, a App, log *journal) (_ *Running, err error) {
	dir, err := os.MkdirTemp("", "mx-") // short: the path of a socket has little room
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, os.RemoveAll(dir))
		}
	}()
	work, run, data := filepath.Join(dir, "app"), filepath.Join(dir, "run"), a.Data
	if data == "" {
		data = filepath.Join(s.o.Data, string(a.Slug), "server")
	}
	for _, d := range []string{run, data} {
		if err := os.MkdirAll(d, 0o755); err != nil {
			return nil, err
		}
	}
	if err := lay(a, work); err != nil {
		return nil, err
	}
	if err := os.WriteFile(filepath.Join(run, "shim.cjs"), shim, 0o644); err != nil {
		return nil, err
	}
	socket := filepath.Join(run, "s")
	cmd := command(a, work, run, data, socket)
	if a.Key == "" {
		if cmd.Network, err = s.o.Network(s.life, a.Slug); err != nil {
			return nil, err
		}
	}
	service, err := s.o.Sandbox.Start(s.life, cmd)
	if err != nil {
		return nil, err
	}
	log.note("started: " + a.Start)
	said := make(chan struct{})
	go func() { // it must not wait for a reader
		defer close(said)
		_, _ = io.Copy(log, service.Out)
	}()
	r := &Running{app: a, dir: dir, service: service, log: log, said: said, used: time.Now(), transport: &http.Transport{
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, "unix", socket)
		}, MaxIdleConnsPerHost: 8, IdleConnTimeout: time.Minute, DisableCompression: true,
	}}
	if err := r.await(ctx); err != nil {
		_ = service.Close()
		return nil, err
	}
	return r, nil
}

// command is how an app's server runs: confined to its copy of the app and its data,
// and heard on a socket.
func command(a App, work, run, data, socket string) sandbox.Command {
	cmd := sandbox.Command{
		Script: "exec 2>&1\n" + a.Start, Folder: work, Mount: inside, Memory: a.Memory, Space: space, Procs: Processes,
		Binds: []sandbox.Bind{{Path: run, Write: true}, {Path: data, Write: true}},
		Env: map[string]string{
			"PORT": port, "HOST": "127.0.0.1", "NODE_ENV": "production", "DATA_DIR": data, "MATRIXOS_SOCKET": socket, "MATRIXOS_APP": string(a.Slug),
			"NODE_OPTIONS": "--require=" + filepath.Join(run, "shim.cjs"),
		},
	}
	if a.Modules != "" {
		cmd.Binds = append(cmd.Binds, sandbox.Bind{Path: a.Modules})
	}
	return cmd
}

// lay copies the app's folder to work, with node_modules beside it. Links are left
// out.
func lay(a App, work string) error {
	total := int64(0)
	err := fs.WalkDir(a.Tree, string(a.Folder), func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(string(a.Folder), name)
		if err != nil {
			return err
		}
		to := filepath.Join(work, rel)
		switch {
		case d.IsDir() && d.Name() == "node_modules":
			return fs.SkipDir
		case d.IsDir():
			return os.MkdirAll(to, 0o755)
		case !d.Type().IsRegular():
			return nil
		}
		raw, err := fs.ReadFile(a.Tree, name)
		if err != nil {
			return err
		}
		if total += int64(len(raw)); total > mostCopy {
			return fmt.Errorf("the folder has more than %d MB", mostCopy>>20)
		}
		return os.WriteFile(to, raw, 0o644)
	})
	if err == nil && a.Modules != "" {
		err = os.Symlink(filepath.Join(a.Modules, "node_modules"), filepath.Join(work, "node_modules"))
	}
	return err
}

// await waits until the server answers, ends, or takes too long.
func (r *Running) await(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, r.app.StartIn)
	defer cancel()
	fail := func(err error) error {
		hint := "it has to listen on the port in $PORT; look at its start command in matrix.json"
		if words := r.words(); words != "" {
			hint = "it said: " + words
		}
		return &sys.Error{Op: "start the server of", Path: string(r.app.Slug), Kind: sys.Unavailable, Err: err, Hint: hint}
	}
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 500*time.Millisecond) {
		if r.answers(ctx) {
			return nil
		}
		select {
		case <-r.service.Done():
			return fail(fmt.Errorf("%q ended before it listened", r.app.Start))
		case <-ctx.Done():
			return fail(fmt.Errorf("it did not answer within %s", r.app.StartIn))
		case <-time.After(pause):
		}
	}
}

// words are the last that it said, and why it was ended if it was.
func (r *Running) words() string {
	if !r.alive() {
		<-r.said
	}
	return strings.TrimSpace(r.log.last(600) + "\n" + r.service.LastWords())
}

func (r *Running) answers(ctx context.Context) bool {
	if r.app.Health == "" {
		conn, err := r.transport.DialContext(ctx, "", "")
		if err == nil {
			_ = conn.Close()
		}
		return err == nil
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://app"+r.app.Health, http.NoBody)
	if err != nil {
		return true // the manifest's path is checked elsewhere
	}
	res, err := r.transport.RoundTrip(req)
	if err != nil {
		return false
	}
	_ = res.Body.Close()
	return res.StatusCode < 500
}

// watch stops a server that nobody uses, and notes one that ends by itself.
func (s *Servers) watch(p *place, r *Running) {
	began := time.Now()
	tick := time.NewTicker(max(r.app.Idle/4, 100*time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-r.service.Done():
			s.ended(p, r, time.Since(began))
			return
		case <-tick.C:
		}
		if r.idle() && s.retire(p, r) {
			return
		}
	}
}

// ended notes that a server has ended by itself after it ran for so long.
func (s *Servers) ended(p *place, r *Running, ran time.Duration) {
	p.mu.Lock()
	mine := p.running == r
	if mine {
		p.running = nil
	}
	if ran > longest {
		p.failures = 0
	}
	p.mu.Unlock()
	if !mine {
		return // it was told to
	}
	words := r.words()
	r.log.note("ended by itself")
	s.o.Logger.Warn("the server of an app has ended", "app", r.app.Slug, "words", words)
	p.failed(words)
	r.close()
}

func (r *Running) idle() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.users == 0 && time.Since(r.used) > r.app.Idle
}

// retire stops a server, unless somebody has come to use it meanwhile.
func (s *Servers) retire(p *place, r *Running) bool {
	p.starting.Lock()
	defer p.starting.Unlock()
	p.mu.Lock()
	mine := p.running == r
	p.mu.Unlock()
	if mine && !r.idle() {
		return false
	}
	if mine {
		s.o.Logger.Info("the server of an app is stopped: nobody uses it", "app", r.app.Slug)
		p.stop()
	}
	return true
}
