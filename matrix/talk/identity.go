package talk

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/ssss"
	"maunium.net/go/mautrix/crypto/utils"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/keyring"
	"matrixos/sys"
)

// account is where a secret of the account, whatever the device, is in the keyring.
func (c *Client) account(what string) string {
	sum := sha256.Sum256([]byte(c.me))
	return "matrix/" + what + "/" + hex.EncodeToString(sum[:12])
}

// kept is the account's identity in the keyring. Homes of before kept it by device.
func (c *Client) kept() (seeds crypto.CrossSigningSeeds, err error) {
	text, err := c.o.Keys.Get(c.account("identity"))
	if errors.Is(err, sys.NotFound) {
		text, err = c.o.Keys.Get(c.name("identity"))
	}
	if err != nil {
		return seeds, err
	}
	if err := json.Unmarshal([]byte(text.Reveal()), &seeds); err != nil {
		return seeds, fmt.Errorf("the identity in the keyring is damaged: %w", err)
	}
	return seeds, nil
}

// crossSign makes the account's identity the first time, and signs this device with
// it: others then see that it is the account's own.
func (c *Client) crossSign(ctx context.Context) error {
	mach := c.crypto.Machine()
	seeds, err := c.kept()
	if err == nil {
		if err := mach.ImportCrossSigningKeys(seeds); err != nil {
			return err
		}
		if err := c.keepIdentity(ctx, seeds); err != nil {
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
	// The key of the secret storage is of no use later: NewRecovery makes one when the
	// owner wants to see it.
	_, keys, err := mach.GenerateAndUploadCrossSigningKeys(ctx, func(*mautrix.RespUserInteractive) any { return nil }, "")
	if err != nil {
		return fmt.Errorf("publish the identity: %w", err)
	}
	mach.CrossSigningKeys = keys
	if err := c.keepIdentity(ctx, mach.ExportCrossSigningKeys()); err != nil {
		return err
	}
	return c.signDevice(ctx)
}

// keepIdentity puts the account's private keys in the keyring, and where verified
// devices of the account may ask for them.
func (c *Client) keepIdentity(ctx context.Context, seeds crypto.CrossSigningSeeds) error {
	text, err := json.Marshal(seeds)
	if err != nil {
		return err
	}
	if had, err := c.o.Keys.Get(c.account("identity")); err != nil || had.Reveal() != string(text) {
		if err := c.o.Keys.Set(c.account("identity"), keyring.NewSecret(string(text))); err != nil {
			return err
		}
	}
	store := c.crypto.Machine().CryptoStore
	for name, seed := range map[id.Secret][]byte{id.SecretXSMaster: seeds.MasterKey, id.SecretXSSelfSigning: seeds.SelfSigningKey, id.SecretXSUserSigning: seeds.UserSigningKey} {
		if err := store.PutSecret(ctx, name, base64.RawStdEncoding.EncodeToString(seed)); err != nil {
			return err
		}
	}
	if key, err := c.backupKey(); err == nil && key != nil {
		return c.keepBackupKey(ctx, key.Bytes())
	}
	return nil
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

// ownsIdentity reports whether the private keys of the account's identity are here.
func (c *Client) ownsIdentity() bool { return c.crypto.Machine().CrossSigningKeys != nil }

// NewRecovery makes a recovery key, with which another client of the account becomes
// verified and reads what was said before. It is not kept; one that was made before
// is of no more use. Clients that are given the same raw key are recovered by the
// same words.
func (c *Client) NewRecovery(ctx context.Context, raw []byte) (keyring.Secret, error) {
	c.identity.Lock()
	defer c.identity.Unlock()
	if !c.ownsIdentity() {
		return keyring.Secret{}, c.notOurs("make a recovery key")
	}
	key, err := ssss.WrapKey(raw, nil)
	if err != nil {
		return keyring.Secret{}, err
	}
	mach := c.crypto.Machine()
	if err := mach.SSSS.SetKeyData(ctx, key.ID, key.Metadata); err != nil {
		return keyring.Secret{}, said("make a recovery key for", string(c.me), err)
	}
	if err := mach.UploadCrossSigningKeysToSSSS(ctx, key, mach.CrossSigningKeys); err != nil {
		return keyring.Secret{}, said("make a recovery key for", string(c.me), err)
	}
	version, backupKey, err := c.backupVersion(ctx)
	if err == nil && version == "" { // another client keeps a backup whose key is not here
		version, backupKey, err = c.newBackup(ctx, backupKey)
	}
	if err != nil {
		return keyring.Secret{}, err
	}
	if err := mach.SSSS.SetEncryptedAccountData(ctx, event.AccountDataMegolmBackupKey, backupKey.Bytes(), key); err != nil {
		return keyring.Secret{}, said("make a recovery key for", string(c.me), err)
	}
	if err := mach.SSSS.SetDefaultKeyID(ctx, key.ID); err != nil {
		return keyring.Secret{}, said("make a recovery key for", string(c.me), err)
	}
	c.newKeys()
	return keyring.NewSecret(key.RecoveryKey()), nil
}

func (c *Client) notOurs(op string) error {
	return &sys.Error{
		Op: op, Path: string(c.me), Kind: sys.Conflict, Err: errors.New("another client has made the identity of this account"),
		Hint: "verify this home from that client (`matrixos handle verify`), or give its recovery key to `matrixos handle recover`",
	}
}

// Recover takes over the account's identity and the key of its backup by a recovery key,
// and has the backup read.
func (c *Client) Recover(ctx context.Context, words keyring.Secret) error {
	wrong := &sys.Error{Op: "recover", Path: string(c.me), Kind: sys.Invalid, Err: errors.New("this is not the recovery key of the account"), Hint: "it is 48 letters and digits; `matrixos handle recovery` makes a new one in a home that has the identity"}
	if utils.DecodeBase58RecoveryKey(words.Reveal()) == nil {
		return wrong
	}
	c.identity.Lock()
	defer c.identity.Unlock()
	mach := c.crypto.Machine()
	if err := mach.VerifyWithRecoveryKey(ctx, words.Reveal()); errors.Is(err, ssss.ErrIncorrectSSSSKey) || errors.Is(err, ssss.ErrInvalidRecoveryKey) || errors.Is(err, ssss.ErrNotEncryptedForKey) {
		return wrong
	} else if err != nil {
		return said("recover", string(c.me), err)
	}
	if err := c.keepIdentity(ctx, mach.ExportCrossSigningKeys()); err != nil {
		return err
	}
	keyID, meta, err := mach.SSSS.GetDefaultKeyData(ctx)
	if err != nil {
		return said("recover", string(c.me), err)
	}
	key, err := meta.VerifyRecoveryKey(keyID, words.Reveal())
	if err != nil {
		return said("recover", string(c.me), err)
	}
	raw, err := mach.SSSS.GetDecryptedAccountData(ctx, event.AccountDataMegolmBackupKey, key)
	if errors.Is(err, mautrix.MNotFound) {
		return nil // nothing was backed up
	}
	if err != nil {
		return said("recover", string(c.me), err)
	}
	mach.GetAccount().KeyBackupVersion = ""
	if err := errors.Join(c.keepBackupKey(ctx, raw), mach.CryptoStore.PutAccount(ctx, mach.GetAccount())); err != nil {
		return err
	}
	c.newKeys()
	return nil
}

// Vouch signs the identity of another account that is the same owner's, so that who
// trusts the one trusts the other. It does nothing if either was made elsewhere.
func (c *Client) Vouch(ctx context.Context, other *Client) error {
	theirs, mach := other.crypto.Machine().CrossSigningKeys, c.crypto.Machine()
	if theirs == nil || !c.ownsIdentity() {
		return nil
	}
	if known, err := mach.IsUserTrusted(ctx, id.UserID(other.me)); err != nil || known {
		return err
	}
	if _, err := mach.FetchKeys(ctx, []id.UserID{id.UserID(other.me)}, true); err != nil {
		return said("read the keys of", string(other.me), err)
	}
	return said("sign the keys of", string(other.me), mach.SignUser(ctx, id.UserID(other.me), theirs.MasterKey.PublicKey()))
}
