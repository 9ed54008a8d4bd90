package talk

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"database/sql"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"go.mau.fi/util/dbutil"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
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
	return c.crossSign(ctx)
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

// crossSign makes the account's identity the first time, and signs this device with
// it: others then see that it is the account's own.
func (c *Client) crossSign(ctx context.Context) error {
	mach := c.crypto.Machine()
	kept, err := c.o.Keys.Get(c.name("identity"))
	if err == nil {
		var seeds crypto.CrossSigningSeeds
		if err := json.Unmarshal([]byte(kept.Reveal()), &seeds); err != nil {
			return fmt.Errorf("the identity in the keyring is damaged: %w", err)
		}
		if err := mach.ImportCrossSigningKeys(seeds); err != nil {
			return err
		}
		return c.signDevice(ctx)
	}
	if !errors.Is(err, sys.NotFound) {
		return err
	}
	has, _, err := mach.GetOwnVerificationStatus(ctx)
	if err != nil || has { // made by another client of the same person: not ours to replace
		return err
	}
	recovery, keys, err := mach.GenerateAndUploadCrossSigningKeys(ctx, func(*mautrix.RespUserInteractive) any { return nil }, "")
	if err != nil {
		return fmt.Errorf("publish the identity: %w", err)
	}
	mach.CrossSigningKeys = keys
	seeds, err := json.Marshal(mach.ExportCrossSigningKeys())
	if err != nil {
		return err
	}
	if err := errors.Join(c.o.Keys.Set(c.name("identity"), keyring.NewSecret(string(seeds))), c.o.Keys.Set(c.name("recovery"), keyring.NewSecret(recovery))); err != nil {
		return err
	}
	return c.signDevice(ctx)
}

// signDevice signs what is not signed yet.
func (c *Client) signDevice(ctx context.Context) error {
	mach := c.crypto.Machine()
	_, verified, err := mach.GetOwnVerificationStatus(ctx)
	if err != nil || verified {
		return err
	}
	if err := mach.SignOwnMasterKey(ctx); err != nil {
		return fmt.Errorf("sign the identity: %w", err)
	}
	if err := mach.SignOwnDevice(ctx, mach.OwnIdentity()); err != nil {
		return fmt.Errorf("sign the device: %w", err)
	}
	return nil
}

// RecoveryKey is what another client of the account asks for, to become verified and
// to read what was said before; NotFound if another client has made it.
func (c *Client) RecoveryKey() (keyring.Secret, error) { return c.o.Keys.Get(c.name("recovery")) }
