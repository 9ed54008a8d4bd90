package boot

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"

	"matrixos/app"
	"matrixos/egress"
	"matrixos/gateway"
	"matrixos/keyring"
	"matrixos/sys"
	"matrixos/syscalls"
)

// publisherKey is the name in the keyring of the key that signs this home's apps.
const publisherKey = "publisher"

// bundlePatience is how long a bundle may take to come.
const bundlePatience = 2 * time.Minute

// bundles is what apps need to travel.
type bundles struct {
	keys   *keyring.Keyring
	client *http.Client
	mu     sync.Mutex // one key is made, not two
}

var (
	_ syscalls.Bundles = (*bundles)(nil)
	_ gateway.Bundles  = (*bundles)(nil)
)

func newBundles(keys *keyring.Keyring, gate *egress.Gate) *bundles {
	return &bundles{keys: keys, client: gate.Client()}
}

// Key is the home's own, made when it is first needed.
func (b *bundles) Key() (ed25519.PrivateKey, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	kept, err := b.keys.Get(publisherKey)
	if errors.Is(err, sys.NotFound) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		return key, b.keys.Set(publisherKey, keyring.NewSecret(base64.StdEncoding.EncodeToString(key.Seed())))
	}
	if err != nil {
		return nil, err
	}
	seed, err := base64.StdEncoding.DecodeString(kept.Reveal())
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, &sys.Error{Op: "read key", Path: publisherKey, Kind: sys.Invalid, Err: errors.New("it is no key to sign with"), Hint: "delete it, matrixos keys delete " + publisherKey + ", and a new one is made; others will see that it is another"}
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// Fetch reads a bundle from an https address, whole.
func (b *bundles) Fetch(ctx context.Context, address string) (_ []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, bundlePatience)
	defer cancel()
	u, err := egress.ParseURL(address)
	if err != nil {
		return nil, err
	}
	fail := func(kind sys.Kind, err error, hint string) ([]byte, error) {
		return nil, &sys.Error{Op: "get the app from", Path: u.Host, Kind: kind, Err: err, Hint: hint}
	}
	if u.Scheme != "https" {
		return fail(sys.Refused, errors.New("on the way anybody could change it"), "use an https address")
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return nil, err
	}
	req.Header.Set("User-Agent", "MatrixOS")
	res, err := b.client.Do(req)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) {
			err = whole.Err // it names the whole address
		}
		return fail(sys.Unavailable, err, "check the address, and that this machine is online")
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode != http.StatusOK {
		return fail(sys.Unavailable, fmt.Errorf("it answers %s", res.Status), "check the address")
	}
	raw, err := io.ReadAll(io.LimitReader(res.Body, app.MostBundle+1))
	if err != nil {
		return fail(sys.Unavailable, err, "try again")
	}
	if len(raw) > app.MostBundle {
		return fail(sys.Invalid, fmt.Errorf("it has more than %d MB", app.MostBundle>>20), "a bundle of an app is smaller: check the address")
	}
	return raw, nil
}
