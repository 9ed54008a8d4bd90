//go:build race

package boot

import (
	"context"
	"net/http"

	"matrixos/matrix"
	"matrixos/sys"
)

// serveChild is nobody: builds for the race detector have no homeserver, because
// compiling it once more takes minutes.
func serveChild(string) (code int, ok bool) { return 0, false }

// newDendrite is a homeserver that is not there.
func newDendrite(o homeserverOptions) matrix.Homeserver { return absent(o.domain) }

// absent is a homeserver that this build does not have.
type absent string

func (a absent) Domain() string               { return string(a) }
func (a absent) BaseURL() string              { return "http://homeserver.invalid" }
func (a absent) Transport() http.RoundTripper { return a }
func (a absent) State() matrix.State          { return matrix.State{Phase: matrix.Idle} }
func (a absent) Close() error                 { return nil }

func (a absent) RoundTrip(*http.Request) (*http.Response, error) { return nil, a.why() }

func (a absent) EnsureUser(context.Context, matrix.User) (matrix.Account, error) {
	return matrix.Account{}, a.why()
}

func (a absent) why() error {
	return &sys.Error{Op: "use the homeserver of", Path: string(a), Kind: sys.Unavailable, Hint: "this build is for the race detector and has none"}
}
