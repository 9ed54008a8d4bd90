package dendrite

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/gorilla/mux"
	"github.com/matrix-org/gomatrixserverlib/fclient"
	"github.com/sirupsen/logrus"

	"github.com/element-hq/dendrite/appservice"
	"github.com/element-hq/dendrite/federationapi"
	"github.com/element-hq/dendrite/internal"
	"github.com/element-hq/dendrite/internal/caching"
	"github.com/element-hq/dendrite/internal/httputil"
	"github.com/element-hq/dendrite/internal/sqlutil"
	"github.com/element-hq/dendrite/roomserver"
	"github.com/element-hq/dendrite/setup"
	"github.com/element-hq/dendrite/setup/base"
	"github.com/element-hq/dendrite/setup/config"
	"github.com/element-hq/dendrite/setup/jetstream"
	"github.com/element-hq/dendrite/setup/process"
	"github.com/element-hq/dendrite/userapi"
	users "github.com/element-hq/dendrite/userapi/api"
)

// Server is a running homeserver. It may be used from any goroutine.
type Server struct {
	cfg     *config.Dendrite
	users   users.UserInternalAPI
	handler http.Handler
	proc    *process.ProcessContext
	failed  chan string

	ended   sync.Once
	unwatch func()
}

// Start brings the server up; it serves nothing until Handler is served. Close ends it.
// What Dendrite can only log as fatal while it starts, comes back as the error.
func Start(ctx context.Context, o Options) (*Server, error) {
	cfg, err := configure(ctx, o)
	if err != nil {
		return nil, err
	}
	s := &Server{cfg: cfg, proc: process.NewProcessContext(), failed: make(chan string, 1)}
	s.unwatch = watchFor(s)
	up := make(chan error, 1)
	go func() {
		err := errors.New("it stopped while it started")
		defer func() { // also of a goroutine that crash ends
			if p := recover(); p != nil {
				err = fmt.Errorf("%v", p)
			}
			up <- err
		}()
		if err = prepareSearch(ctx, &cfg.SyncAPI); err != nil {
			return
		}
		s.assemble()
		err = nil
	}()
	if err := <-up; err != nil {
		select {
		case why := <-s.failed:
			err = errors.New(why)
		default:
		}
		s.proc.ShutdownDendrite()
		s.unwatch()
		return nil, err
	}
	return s, nil
}

// assemble joins Dendrite's components, as its own main does.
func (s *Server) assemble() {
	cfg, proc := s.cfg, s.proc
	base.PlatformSanityChecks()
	federation := prompt{base.CreateFederationClient(cfg, nil)}
	cm := sqlutil.NewConnectionManager(proc, cfg.Global.DatabaseOptions)
	routers := httputil.NewRouters()
	caches := caching.NewRistrettoCache(cfg.Global.Cache.EstimatedMaxSize, cfg.Global.Cache.MaxAge, false)
	nats := &jetstream.NATSInstance{}
	queue, _ := nats.Prepare(proc, &cfg.Global.JetStream)
	if err := resume(queue, &cfg.Global.JetStream); err != nil {
		logrus.WithError(err).Error("what was broken off is taken up later")
	}
	rooms := roomserver.NewInternalAPI(proc, cfg, cm, nats, caches, false)
	peers := federationapi.NewInternalAPI(proc, cfg, cm, nats, federation, rooms, caches, nil, false)
	keys := peers.KeyRing()
	g := newGuard()
	rooms.SetFederationAPI(guardedPeers{gapless{peers, rooms}, g}, keys)
	s.users = userapi.NewInternalAPI(proc, cfg, cm, nats, rooms, federation, false, peers.IsBlacklistedOrBackingOff)
	services := appservice.NewInternalAPI(proc, cfg, nats, s.users, rooms)
	rooms.SetAppserviceAPI(services)
	rooms.SetUserAPI(s.users)
	whole := &setup.Monolith{
		Config: cfg, Client: mediaClient(cfg), FedClient: federation, KeyRing: keys,
		AppserviceAPI: services, FederationAPI: peers, RoomserverAPI: guardedRooms{rooms, g}, UserAPI: s.users,
		ExtUserDirectoryProvider: directory{s.users, cfg.Global.ServerName},
	}
	whole.AddAllPublicRoutes(proc, cfg, routers, cm, nats, caches, false)
	s.handler = g.wrap(routes(routers))
}

// mediaClient fetches media of other servers. Dendrite's own would connect to any
// address, those of this machine included.
func mediaClient(cfg *config.Dendrite) *fclient.Client {
	if cfg.Global.DisableFederation {
		return base.CreateClient(cfg, nil)
	}
	return fclient.NewClient(
		fclient.WithWellKnownSRVLookups(true), fclient.WithUserAgent("Dendrite/"+internal.VersionString()),
		fclient.WithAllowDenyNetworks(cfg.FederationAPI.AllowNetworkCIDRs, cfg.FederationAPI.DenyNetworkCIDRs),
	)
}

// routes is what is served: none of the administration, which is for those who
// have the process.
func routes(from httputil.Routers) http.Handler {
	r := mux.NewRouter().SkipClean(true).UseEncodedPath()
	r.PathPrefix(httputil.PublicClientPathPrefix).Handler(from.Client)
	r.PathPrefix(httputil.PublicKeyPathPrefix).Handler(from.Keys)
	r.PathPrefix(httputil.PublicFederationPathPrefix).Handler(from.Federation)
	r.PathPrefix(httputil.PublicMediaPathPrefix).Handler(from.Media)
	r.PathPrefix(httputil.PublicWellKnownPrefix).Handler(from.WellKnown)
	r.NotFoundHandler = httputil.NotFoundCORSHandler
	r.MethodNotAllowedHandler = httputil.NotAllowedHandler
	return r
}

// Handler serves the client, media, key and federation APIs below /_matrix, and
// /.well-known/matrix. Requests should carry a context that ends when the server does.
func (s *Server) Handler() http.Handler { return s.handler }

// Failed receives the message of the first failure that Dendrite thinks ends it. It
// may go on answering; its owner should close it and start another.
func (s *Server) Failed() <-chan string { return s.failed }

func (s *Server) fail(message string) {
	select {
	case s.failed <- message:
	default:
	}
}

// closeWithin is how long components get to write what they have.
const closeWithin = 10 * time.Second

// Close stops everything and waits. An error says that a component did not end.
func (s *Server) Close() error {
	var err error
	s.ended.Do(func() {
		done := make(chan struct{})
		go func() {
			defer close(done)
			s.proc.ShutdownDendrite()
			s.proc.WaitForComponentsToFinish()
		}()
		select {
		case <-done:
		case <-time.After(closeWithin):
			err = errors.New("the homeserver did not stop in time")
		}
		s.unwatch()
	})
	return err
}
