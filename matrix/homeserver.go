package matrix

import (
	"context"
	"net/http"

	"matrixos/keyring"
	"matrixos/sys"
)

// Homeserver serves the Matrix client API for the users of one domain. Its methods
// may be called from any goroutine. It is started by the first call that needs it, or
// by Ready; one that has ended by itself is started again by the next.
type Homeserver interface {
	// Domain is the part of its users' ids behind the colon.
	Domain() string
	// BaseURL is the address that Transport takes, without a path, such as
	// http://homeserver.invalid: whether a network is behind it is the driver's affair.
	BaseURL() string
	// Transport carries requests to it, the client API and, if it has one, the
	// federation API. Answers stream. While the server is down, requests fail with
	// kind Unavailable, or wait for it as long as their context lasts.
	Transport() http.RoundTripper
	// EnsureUser makes what is missing of u: the account, its password if one is
	// given, the device, a valid token. It is safe to call at every start.
	EnsureUser(ctx context.Context, u User) (Account, error)
	// State says how it is, at once.
	State() State
	// Close ends it; what it has acknowledged is durable.
	Close() error
}

// Still is a Homeserver that can stand still, so that its files can be copied as they
// are: do is called while nothing of it runs, and then it goes on as before. Requests
// wait meanwhile.
type Still interface {
	Still(ctx context.Context, do func() error) error
}

// User is an account that has to be there, with one signed-in device.
type User struct {
	Local  string // "anna" of @anna:example.org
	Device string // the id of the device; empty is Device
	Label  string // what the user's other devices call it; may be empty
	// Password lets the user sign in with any client. Empty leaves what there is;
	// an account without one cannot be signed in to.
	Password keyring.Secret
	// AccountOnly makes no device: the account is for somebody's own client.
	AccountOnly bool
	// Token is what the device had. While it is valid, it and the device's keys stay.
	Token keyring.Secret
}

// Device is the id of the device as which the home itself is signed in.
const Device = "MATRIXOS"

// Account is a user of a homeserver with one signed-in device, if one was asked for.
type Account struct {
	ID     sys.Handle
	Device string
	Token  keyring.Secret
}

// Phase is where a homeserver is in its life.
type Phase string

// The phases of a homeserver.
const (
	Idle     Phase = "idle"     // nobody has needed it yet
	Starting Phase = "starting" // it does not answer yet
	Running  Phase = "running"
	Failing  Phase = "failing" // it has ended by itself, and is tried again later
	Stopped  Phase = "stopped" // closed
)

// State is how a homeserver is, for people.
type State struct {
	Phase    Phase
	Why      string // of Failing: what it said last
	Restarts int    // how often it ended by itself since the home was started
	PID      int    // of its process; 0 if it has none of its own
}
