package matrix

import (
	"cmp"
	"context"
	"errors"
	"net/http"

	"matrixos/keyring"
	"matrixos/sys"
)

// Keys is what SignIn needs of a keyring.
type Keys interface {
	Get(name string) (keyring.Secret, error)
	Set(name string, s keyring.Secret) error
}

var _ Keys = (*keyring.Keyring)(nil)

// SignIn is the account of u on hs. Its token is kept in the keyring, so that the
// device stays the same from one start to the next, with its encryption keys.
func SignIn(ctx context.Context, hs Homeserver, keys Keys, u User) (Account, error) {
	u.Device = cmp.Or(u.Device, Device)
	name := tokenName(u, hs.Domain())
	had, err := keys.Get(name)
	if err != nil && !errors.Is(err, sys.NotFound) {
		return Account{}, err
	}
	u.Token = had
	a, err := hs.EnsureUser(ctx, u)
	if err != nil || a.Token.Reveal() == had.Reveal() {
		return a, err
	}
	return a, keys.Set(name, a.Token)
}

// Client is an HTTP client that reaches hs. It has no timeout of its own: requests
// carry their deadline, because a sync waits long.
func Client(hs Homeserver) *http.Client { return &http.Client{Transport: hs.Transport()} }
