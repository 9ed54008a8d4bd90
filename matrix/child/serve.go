package child

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"time"

	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/embedded"
	"matrixos/sys"
)

// ensurePath is the control call of the child.
const ensurePath = "/_matrixos/ensure"

// wireUser is a matrix.User on its way to the child, whose secrets are readable.
type wireUser struct {
	Local, Device, Label, Password, Token string
	AccountOnly                           bool
}

// wireAccount is what comes back.
type wireAccount struct {
	ID            sys.Handle
	Device, Token string
	Error         string
}

// garbage is how much the child's heap may grow, in percent, before it is collected:
// it is idle most of the time, and memory counts more then.
const garbage = 50

// Serve is the child: it runs until standard input ends, or the homeserver fails.
// The result is what to exit with.
func Serve() (code int) {
	debug.SetGCPercent(garbage)
	notes := json.NewEncoder(os.NewFile(notesFile, "notes"))
	say := func(n note) { _ = notes.Encode(n) } // if nobody listens, standard input has ended too
	in := json.NewDecoder(os.Stdin)
	var c configuration
	if err := in.Decode(&c); err != nil {
		say(note{Error: "read the configuration: " + err.Error()})
		return 2
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	go func() { // the other end closes it, or has died
		_, _ = io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	if err := serve(ctx, c, say); err != nil {
		say(note{Error: err.Error()})
		return 1
	}
	return 0
}

func serve(ctx context.Context, c configuration, say func(note)) error {
	ln, err := net.FileListener(os.NewFile(listenerFile, "listener"))
	if err != nil {
		return err
	}
	hs := embedded.New(embedded.Options{
		Domain: c.Domain, Dir: c.Dir, Key: matrix.SigningKey{ID: c.KeyID, Seed: keyring.NewSecret(c.Seed)},
		Federate: c.Federate, AllowPrivate: c.AllowPrivate, Public: c.Public, Delegate: c.Delegate, Log: os.Stderr,
	})
	if err := hs.Ready(ctx); err != nil {
		return err
	}
	failed := hs.Failed()
	mux := http.NewServeMux()
	mux.Handle("POST "+ensurePath, ensure{hs, c.Secret})
	mux.Handle("/", hs)
	srv := &http.Server{
		Handler: mux, ReadHeaderTimeout: 30 * time.Second,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    slog.NewLogLogger(slog.NewJSONHandler(os.Stderr, nil), slog.LevelWarn),
	}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	say(note{Ready: true})
	select {
	case <-ctx.Done():
	case err = <-served:
	case why := <-failed:
		err = errors.New(why)
	}
	return errors.Join(err, srv.Close(), hs.Close())
}

// ensure answers the control call to whoever has the secret.
type ensure struct {
	hs     *embedded.Server
	secret string
}

func (e ensure) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if subtle.ConstantTimeCompare([]byte(r.Header.Get("Authorization")), []byte(e.secret)) != 1 {
		http.NotFound(w, r)
		return
	}
	var u wireUser
	answer := wireAccount{}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 64<<10)).Decode(&u); err != nil {
		answer.Error = err.Error()
	} else if a, err := e.hs.EnsureUser(r.Context(), matrix.User{
		Local: u.Local, Device: u.Device, Label: u.Label, Password: keyring.NewSecret(u.Password), Token: keyring.NewSecret(u.Token), AccountOnly: u.AccountOnly,
	}); err != nil {
		answer.Error = err.Error()
	} else {
		answer = wireAccount{ID: a.ID, Device: a.Device, Token: a.Token.Reveal()}
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(answer) // the other end has gone
}
