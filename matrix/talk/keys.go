package talk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"errors"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/cryptohelper"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"matrixos/keyring"
	"matrixos/sys"
)

// registering is the syncer as the library's encryption gets it: it can register for
// events and hand nothing on, because messages are decrypted here, one by one, in the
// transaction that receives them.
type registering struct {
	mautrix.Syncer
	mautrix.ExtensibleSyncer
}

// openKeys opens the file of keys and brings the device to where others can encrypt
// for it.
func (c *Client) openKeys(ctx context.Context, file string) error {
	pickle, err := c.secret("pickle", rand.Text)
	if err != nil {
		return err
	}
	db, err := sql.Open("sqlite", "file:"+file+"?_txlock=immediate&_pragma=foreign_keys(1)&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	wrapped, err := dbutil.NewWithDB(db, "sqlite")
	if err != nil {
		return errors.Join(err, db.Close())
	}
	c.api.Syncer = registering{c.syncer, c.syncer}
	if c.crypto, err = cryptohelper.NewCryptoHelper(c.api, []byte(pickle), wrapped); err != nil {
		return errors.Join(err, db.Close())
	}
	if err := c.crypto.Init(ctx); err != nil {
		return err
	}
	c.api.Crypto = c.crypto
	c.db = wrapped
	if err := c.crossSign(ctx); err != nil {
		return err
	}
	return c.openVerification(ctx)
}

// name is where a secret of this account is in the keyring.
func (c *Client) name(what string) string {
	sum := sha256.Sum256([]byte(string(c.me) + "/" + c.o.Account.Device))
	return "matrix/" + what + "/" + hex.EncodeToString(sum[:12])
}

// secret is a secret of the keyring, made if it is not there.
func (c *Client) secret(what string, fresh func() string) (string, error) {
	s, err := c.o.Keys.Get(c.name(what))
	if err == nil {
		return s.Reveal(), nil
	}
	if !errors.Is(err, sys.NotFound) {
		return "", err
	}
	text := fresh()
	return text, c.o.Keys.Set(c.name(what), keyring.NewSecret(text))
}
