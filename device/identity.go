package device

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"errors"
	"math/big"
	"time"

	"matrixos/keyring"
	"matrixos/sys"
)

// Keys is what the package needs of a keyring.
type Keys interface {
	Get(name string) (keyring.Secret, error)
	Set(name string, s keyring.Secret) error
}

var _ Keys = (*keyring.Keyring)(nil)

// keyName is where a home's own key is in its keyring.
const keyName = "device/key"

// ID names a device by its key: the SHA-256 of the public key, in base64.
type ID string

// Short is enough of an ID for people.
func (i ID) Short() string { return string(i[:min(8, len(i))]) }

// Identity is the key by which the other devices of the owner know a home.
type Identity struct {
	ID   ID
	cert tls.Certificate
}

// Open lends the home's identity from its keyring, and makes it the first time. It is
// never made anew where there is one that cannot be read: the others know the old one.
func Open(keys Keys) (Identity, error) {
	kept, err := keys.Get(keyName)
	if errors.Is(err, sys.NotFound) {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return Identity{}, err
		}
		if err := keys.Set(keyName, keyring.NewSecret(base64.StdEncoding.EncodeToString(key.Seed()))); err != nil {
			return Identity{}, err
		}
		return identity(key)
	}
	if err != nil {
		return Identity{}, err
	}
	seed, err := base64.StdEncoding.DecodeString(kept.Reveal())
	if err != nil || len(seed) != ed25519.SeedSize {
		return Identity{}, &sys.Error{Op: "read key", Path: keyName, Kind: sys.Invalid, Err: errors.New("it is damaged"), Hint: "bring the keyring back from a backup"}
	}
	return identity(ed25519.NewKeyFromSeed(seed))
}

// identity wraps a key in a certificate that nobody looks at but for the key: it has
// no name to compare, and its dates say nothing.
func identity(key ed25519.PrivateKey) (Identity, error) {
	about := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "Matrix OS"},
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, about, about, key.Public(), key)
	if err != nil {
		return Identity{}, err
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return Identity{}, err
	}
	return Identity{idOf(leaf), tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}}, nil
}

func idOf(c *x509.Certificate) ID {
	sum := sha256.Sum256(c.RawSubjectPublicKeyInfo)
	return ID(base64.RawURLEncoding.EncodeToString(sum[:]))
}

// accepting is how a device is connected to: whoever comes proves a key, and which
// keys are let in is asked with each request.
func (i Identity) accepting() *tls.Config {
	return &tls.Config{Certificates: []tls.Certificate{i.cert}, MinVersion: tls.VersionTLS13, ClientAuth: tls.RequireAnyClientCert, SessionTicketsDisabled: true}
}

// connecting is how a device connects to the one of a key, and to no other.
func (i Identity) connecting(to ID) *tls.Config {
	return &tls.Config{
		Certificates: []tls.Certificate{i.cert}, MinVersion: tls.VersionTLS13,
		InsecureSkipVerify: true, //nolint:gosec // the key itself is compared, below
		VerifyConnection: func(c tls.ConnectionState) error {
			if len(c.PeerCertificates) == 0 || idOf(c.PeerCertificates[0]) != to {
				return errStranger
			}
			return nil
		},
	}
}

// errStranger means that somebody else answers where a device should.
var errStranger = errors.New("another device answers there, or somebody who stands between")
