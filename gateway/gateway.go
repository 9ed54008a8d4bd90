package gateway

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"sync"
	"time"

	"github.com/VictoriaMetrics/metrics"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"matrixos/disk"
	"matrixos/journal"
	"matrixos/sys"
)

// Options are what a gateway is made of. Kernel, Apps, Models, Policy, Keys,
// Backups, Drivers, Sync, Audit, Bundles, Healer, Recordings, Desks, Rooms, Feeds, Circles, Deals, Devices, Trial, Disk and Logger are required.
type Options struct {
	Disk       *disk.Disk
	Kernel     Kernel
	Apps       Apps
	Shipped    fs.FS // the home that a new one begins with, for its apps; nil: none
	Models     Models
	Policy     Policy
	Keys       Keys
	Backups    Backups
	Drivers    Drivers
	Sync       Sync
	Audit      Audit
	Bundles    Bundles
	Healer     Healer
	Recordings Recordings
	Desks      Desks
	Rooms      Rooms
	Identity   Identity
	Moderation Moderation
	Devices    Devices
	Feeds      Feeds
	Circles    Circles
	Deals      Deals
	Logger     *slog.Logger

	// Matrix is the home on the Matrix network; without it, the home is on none.
	Matrix Matrix
	// MCP serves agents of others that a token lets in; without it, none is.
	MCP MCP

	// Shell holds the built desktop; without an index.html a page says how to
	// build it.
	Shell fs.FS
	// Owner says whom the home belongs to; it may change while we run.
	Owner func() Owner
	// Workspace is the tree of a process that has not landed, for previews; it
	// fails with NotFound for any other process.
	Workspace func(sys.PID) (fs.FS, error)
	// Trial says how an app of the past is judged: by a command in the sandbox or,
	// if that is empty, by the checks that stand before a landing. Only landings
	// that touched the path can change the verdict; "" means all.
	Trial func(ctx context.Context, app sys.Slug, command string) (sys.Path, func(context.Context, *disk.View) error, error)
	// Base is the desktop's own address, for links, such as
	// "http://127.0.0.1:4000"; empty where no address is served.
	Base string
	// Token lets the command line in; empty lets nobody in by token.
	Token string
	// Origins are further addresses under which browsers reach this home, such
	// as "https://desk.example.org" of a proxy.
	Origins []string
	// Safe says that this is safe mode: no model runs.
	Safe    bool
	Version string
	// Commands says, for people, how commands of agents are confined, or why they
	// are refused.
	Commands string
	// Metrics writes the other parts' figures, in Prometheus' text form.
	Metrics func(io.Writer)
}

// Gateway serves one home. Its methods may be called from any goroutine.
type Gateway struct {
	o        Options
	log      *slog.Logger
	journal  *journal.Journal
	now      func() time.Time
	sessions *sessions
	codes    *codes
	tokens   *tokens
	token    *[sha256.Size]byte
	shell    *shell
	metrics  *metrics.Set
	live     sockets
	api      huma.API
	mux      *http.ServeMux
	ending   chan struct{} // closed when the server stops: sockets go first

	editing sync.Mutex // one edit of a file at a time: compare, then write

	once sync.Once
}

// New makes a gateway. It listens nowhere yet: see Serve.
func New(ctx context.Context, o Options) (*Gateway, error) {
	if _, err := originsOf(o.Origins); err != nil {
		return nil, err
	}
	j := o.Disk.Journal()
	s, err := openSessions(ctx, j, o.Logger, time.Now)
	if err != nil {
		return nil, err
	}
	t, err := openTokens(ctx, j, time.Now)
	if err != nil {
		return nil, err
	}
	g := &Gateway{
		tokens: t,
		o:      o, log: o.Logger, journal: j, now: time.Now, sessions: s, codes: newCodes(time.Now),
		shell: &shell{files: o.Shell}, metrics: metrics.NewSet(), ending: make(chan struct{}),
	}
	if o.Token != "" {
		sum := sha256.Sum256([]byte(o.Token))
		g.token = &sum
	}
	g.routes()
	g.gauges()
	return g, nil
}

// routes builds the router. A route is the owner's unless it stands here as
// open: what nobody thought of is closed.
func (g *Gateway) routes() {
	api := http.NewServeMux()
	g.api = newAPI(api, g.o.Version)
	g.registerAPI()
	api.HandleFunc("GET /api/events", g.events)
	api.HandleFunc("GET /api/openapi.json", g.openAPI)
	api.HandleFunc("GET /api/raw", g.raw)
	api.HandleFunc("POST /api/export", g.export)
	api.HandleFunc("POST /api/rooms/{room}/media", g.attach)
	api.HandleFunc("GET /api/rooms/{room}/media/{event}", g.attached)
	api.HandleFunc("POST /api/feed/media", g.postFile)
	api.HandleFunc("GET /api/profile/picture", g.picture)
	api.HandleFunc("/api/", noSuchCall)

	g.mux = http.NewServeMux()
	g.mux.Handle("/api/", g.owner(api))
	g.mux.Handle("POST /api/signin", api)
	g.mux.Handle("GET /api/openapi.json", api)
	g.mux.HandleFunc("GET /healthz", g.health)
	g.mux.HandleFunc("GET /signin", g.signIn)
	g.mux.HandleFunc("GET "+SignInBack, g.signedBack)
	g.mux.Handle("/app/", g.o.Apps)
	g.mux.Handle("/runtime/", g.o.Apps)
	g.mux.Handle("GET /metrics", g.owner(http.HandlerFunc(g.figures)))
	g.mux.Handle("/debug/", g.owner(g.debug()))
	if g.o.MCP != nil {
		g.mux.Handle("/mcp", g.guest(g.o.MCP))
	}
	g.mux.HandleFunc("/", g.serveShell)
}

func newAPI(mux *http.ServeMux, version string) huma.API {
	return humago.New(mux, apiConfig(version))
}

// Handler is the gateway as reached under the given origins, such as
// "http://127.0.0.1:4000"; Serve makes one for its listener.
func (g *Gateway) Handler(list ...string) (http.Handler, error) {
	allowed, err := originsOf(list)
	if err != nil {
		return nil, err
	}
	return g.recovering(g.toMatrix(g.admitting(allowed, g.mux))), nil
}

// Serve answers on ln until ctx ends, then finishes what runs within a few
// seconds, sockets first. It may be called for several listeners.
func (g *Gateway) Serve(ctx context.Context, ln net.Listener) error {
	h, err := g.Handler(append(OriginsOf(ln.Addr()), g.o.Origins...)...)
	if err != nil {
		return err
	}
	srv := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: 10 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
		BaseContext:       func(net.Listener) context.Context { return context.WithoutCancel(ctx) },
		ErrorLog:          slog.NewLogLogger(g.log.Handler(), slog.LevelDebug),
	}
	stopped := make(chan error, 1)
	stop := context.AfterFunc(ctx, func() {
		g.once.Do(func() { close(g.ending) })
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		defer cancel()
		err := srv.Shutdown(grace)
		if err != nil {
			err = errors.Join(err, srv.Close())
		}
		stopped <- err
	})
	err = srv.Serve(ln)
	if stop() { // it ended by itself
		return &sys.Error{Op: "serve", Path: ln.Addr().String(), Kind: sys.Unavailable, Err: err}
	}
	return <-stopped
}

// SignInLink makes a link that signs one browser in, once, and then shows next,
// a path of the desktop such as "/".
func (g *Gateway) SignInLink(next string) (string, time.Time, error) {
	base := g.base()
	if base == "" {
		return "", time.Time{}, &sys.Error{
			Op: "make sign-in link", Kind: sys.Unavailable,
			Hint: "no desktop is served; start it with `matrixos up`",
		}
	}
	code, expires := g.codes.issue()
	q := url.Values{"code": {code}}
	if next = localPath(next); next != "/" {
		q.Set("next", next)
	}
	return base + "/signin?" + q.Encode(), expires, nil
}

func (g *Gateway) count(name string) { g.metrics.GetOrCreateCounter(name).Inc() }

// publish tells whoever listens now of something that is not kept.
func (g *Gateway) publish(kind sys.EventKind, data any) {
	e := sys.NewEvent(kind, data)
	e.Time = g.now().UTC()
	g.journal.Publish(e)
}
