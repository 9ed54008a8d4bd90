package matrix

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"strings"

	"matrixos/keyring"
	"matrixos/sys"
)

// SigningKey is what a homeserver signs with: what it says is its domain's word.
type SigningKey struct {
	ID   string // such as ed25519:a1b2c3d4
	Seed keyring.Secret
}

// LoadSigningKey lends the key of a domain from the keyring, and makes it the first
// time. Without it, others no longer believe what the domain says; so it is never
// made anew where there is one that cannot be read.
func LoadSigningKey(keys Keys, domain string) (SigningKey, error) {
	name := "matrix/signing/" + keyName(domain)
	kept, err := keys.Get(name)
	if errors.Is(err, sys.NotFound) {
		k := NewSigningKey()
		return k, keys.Set(name, keyring.NewSecret(k.ID+" "+k.Seed.Reveal()))
	}
	if err != nil {
		return SigningKey{}, err
	}
	id, seed, ok := strings.Cut(kept.Reveal(), " ")
	k := SigningKey{ID: id, Seed: keyring.NewSecret(seed)}
	if _, err := k.Private(); !ok || err != nil {
		return SigningKey{}, &sys.Error{Op: "read signing key", Path: name, Kind: sys.Invalid, Err: errors.New("it is damaged"), Hint: "bring the keyring back from a backup"}
	}
	return k, nil
}

// NewSigningKey makes a key that nobody has had.
func NewSigningKey() SigningKey {
	b := make([]byte, 4+ed25519.SeedSize)
	_, _ = rand.Read(b) // it never fails
	return SigningKey{ID: "ed25519:" + hex.EncodeToString(b[:4]), Seed: keyring.NewSecret(base64.RawStdEncoding.EncodeToString(b[4:]))}
}

// Private is the key in the form that signs.
func (k SigningKey) Private() (ed25519.PrivateKey, error) {
	seed, err := base64.RawStdEncoding.DecodeString(k.Seed.Reveal())
	if err != nil || len(seed) != ed25519.SeedSize {
		return nil, errors.New("it is no ed25519 key")
	}
	return ed25519.NewKeyFromSeed(seed), nil
}

// keyName makes a name of the keyring of any text: what of it a name may have, for
// people, and a digest, so that no two are the same.
func keyName(s string) string {
	plain := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' || r == '-' {
			return r
		}
		return '.'
	}, s)
	sum := sha256.Sum256([]byte(s))
	return plain[:min(len(plain), 40)] + "-" + hex.EncodeToString(sum[:8])
}

// FolderName is what a folder of a domain's is called.
func FolderName(domain string) string { return keyName(domain) }

// tokenName is where the token of a user's device is kept.
func tokenName(u User, domain string) string {
	return "matrix/token/" + keyName(u.Local+"/"+u.Device+"/"+domain)
}
