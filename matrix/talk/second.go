package talk

import (
	"context"
	"encoding/base64"
	"errors"

	"maunium.net/go/mautrix/id"

	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/sys"
)

// The account on another device of its owner: that device is signed by the identity,
// which stays where it is, and gets the key of the backup, so that it reads what was
// said before.

// Fingerprint is the key by which others know this device.
func (c *Client) Fingerprint() string { return c.crypto.Machine().Fingerprint() }

// Device is as which this client is signed in.
func (c *Client) Device() string { return c.o.Account.Device }

// VouchFor has the account's identity sign another device of the account, if that has
// the fingerprint, and returns the key of the backup of keys, which has all keys that
// are here.
func (c *Client) VouchFor(ctx context.Context, device, fingerprint string) (keyring.Secret, error) {
	c.identity.Lock()
	defer c.identity.Unlock()
	if !c.ownsIdentity() {
		return keyring.Secret{}, c.notOurs("sign " + device + " as a device of")
	}
	mach := c.crypto.Machine()
	keys, err := mach.FetchKeys(ctx, []id.UserID{id.UserID(c.me)}, true)
	if err != nil {
		return keyring.Secret{}, said("read the keys of", string(c.me), err)
	}
	other := keys[id.UserID(c.me)][id.DeviceID(device)]
	if other == nil {
		return keyring.Secret{}, &sys.Error{Op: "sign device", Path: device, Kind: sys.Unavailable, Err: errors.New("the homeserver does not have its keys yet"), Hint: "it is tried again"}
	}
	if other.Fingerprint() != fingerprint {
		return keyring.Secret{}, &sys.Error{Op: "sign device", Path: device, Kind: sys.Refused, Err: errors.New("the homeserver has other keys for it than it says itself"), Hint: "remove the device, and pair it again; if that does not help, the homeserver is not to be trusted"}
	}
	if err := mach.SignOwnDevice(ctx, other); err != nil {
		return keyring.Secret{}, said("sign a device of", string(c.me), err)
	}
	version, key, err := c.backupVersion(ctx)
	if err != nil || version == "" {
		return keyring.Secret{}, err // another client keeps the backup
	}
	if err := c.upload(ctx, version, key); err != nil {
		return keyring.Secret{}, err
	}
	return keyring.NewSecret(base64.RawStdEncoding.EncodeToString(key.Bytes())), nil
}

// KeepBackupKey puts the key of an account's backup, as VouchFor gives it, where a
// client finds it that is opened then.
func KeepBackupKey(keys matrix.Keys, who sys.Handle, key keyring.Secret) error {
	return keys.Set((&Client{me: who}).account("backup"), key)
}

// readBefore reads the backup before the first messages come, so that those of before
// are read when they come: there may be more than can wait for their keys.
func (c *Client) readBefore(ctx context.Context) {
	since, err := c.position(ctx)
	if err != nil || since != "" {
		return
	}
	key, err := c.backupKey()
	if err != nil || key == nil {
		return
	}
	version, key, err := c.backupVersion(ctx)
	if err == nil && version != "" {
		err = c.restore(ctx, version, key)
	}
	if err != nil && ctx.Err() == nil {
		c.o.Log.WarnContext(ctx, "Matrix: what was said before is read later", "user", c.me, "error", err)
	}
}
