package talk

import (
	"context"
	"crypto/ecdh"
	"encoding/base64"
	"encoding/json"
	"errors"
	"time"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto"
	"maunium.net/go/mautrix/crypto/backup"
	"maunium.net/go/mautrix/crypto/signatures"
	"maunium.net/go/mautrix/id"

	"matrixos/keyring"
	"matrixos/sys"
)

// Backup is how the keys of rooms are kept on the server, encrypted.
type Backup struct {
	Version string // of the backup; empty before the first try
	Keys    int    // that the server has
	Foreign bool   // another client keeps it, and this one does not have its key
}

// backupEvery is how often it is looked whether there is something to back up, if
// nothing says so before.
const backupEvery = 10 * time.Minute

// backupChunk is how many keys are sent at once.
const backupChunk = 100

// backUp brings what the server's backup does not have there, and the first time what
// only the backup has here.
func (c *Client) backUp(ctx context.Context) error {
	version, key, err := c.backupVersion(ctx)
	if err != nil {
		return err
	}
	if version != "" {
		if err := errors.Join(c.restore(ctx, version, key), c.upload(ctx, version, key)); err != nil {
			return err
		}
	}
	select {
	case <-c.keys:
	case <-ctx.Done():
	case <-time.After(backupEvery):
	}
	return nil
}

// backupVersion is the backup that this client keeps; it is made if there is none. It
// is empty if another client keeps one whose key is not here.
func (c *Client) backupVersion(ctx context.Context) (id.KeyBackupVersion, *backup.MegolmBackupKey, error) {
	key, err := c.backupKey()
	if err != nil {
		return "", nil, err
	}
	latest, err := c.api.GetKeyBackupLatestVersion(ctx)
	if err != nil && !errors.Is(err, mautrix.MNotFound) {
		return "", nil, said("find the backup of keys of", string(c.me), err)
	}
	switch {
	case err == nil && key != nil && string(latest.AuthData.PublicKey) == public(key):
		c.setBackup(Backup{Version: string(latest.Version), Keys: latest.Count})
		return latest.Version, key, nil
	case err == nil || !c.ownsIdentity():
		c.setBackup(Backup{Foreign: err == nil})
		return "", nil, nil
	}
	return c.newBackup(ctx, key)
}

// newBackup begins a backup on the server, signed by the account's identity.
func (c *Client) newBackup(ctx context.Context, key *backup.MegolmBackupKey) (id.KeyBackupVersion, *backup.MegolmBackupKey, error) {
	if key == nil {
		var err error
		if key, err = backup.NewMegolmBackupKey(); err != nil {
			return "", nil, err
		}
		if err := c.keepBackupKey(ctx, key.Bytes()); err != nil {
			return "", nil, err
		}
	}
	master := c.crypto.Machine().CrossSigningKeys.MasterKey
	auth := backup.MegolmAuthData{PublicKey: id.Ed25519(public(key))}
	sig, err := master.SignJSON(auth)
	if err != nil {
		return "", nil, err
	}
	auth.Signatures = signatures.NewSingleSignature(id.UserID(c.me), id.KeyAlgorithmEd25519, master.PublicKey().String(), sig)
	made, err := c.api.CreateKeyBackupVersion(ctx, &mautrix.ReqRoomKeysVersionCreate[backup.MegolmAuthData]{Algorithm: id.KeyBackupAlgorithmMegolmBackupV1, AuthData: auth})
	if err != nil {
		return "", nil, said("begin a backup of the keys of", string(c.me), err)
	}
	c.setBackup(Backup{Version: string(made.Version)})
	return made.Version, key, nil
}

// backupKey is the backup's key, from the keyring; nil if there is none.
func (c *Client) backupKey() (*backup.MegolmBackupKey, error) {
	kept, err := c.o.Keys.Get(c.account("backup"))
	if errors.Is(err, sys.NotFound) {
		return nil, nil //nolint:nilnil // none is no failure
	}
	if err != nil {
		return nil, err
	}
	raw, err := base64.RawStdEncoding.DecodeString(kept.Reveal())
	if err != nil {
		return nil, err
	}
	private, err := ecdh.X25519().NewPrivateKey(raw)
	if err != nil {
		return nil, err
	}
	return &backup.MegolmBackupKey{PrivateKey: private}, nil
}

// keepBackupKey puts the key in the keyring, and where verified devices of the account
// may ask for it.
func (c *Client) keepBackupKey(ctx context.Context, raw []byte) error {
	text := base64.RawStdEncoding.EncodeToString(raw)
	if err := c.o.Keys.Set(c.account("backup"), keyring.NewSecret(text)); err != nil {
		return err
	}
	return c.crypto.Machine().CryptoStore.PutSecret(ctx, id.SecretMegolmBackupV1, text)
}

func public(key *backup.MegolmBackupKey) string {
	return base64.RawStdEncoding.EncodeToString(key.PublicKey().Bytes())
}

// restore reads the whole backup, once for each file of keys: after the file was lost,
// and after a recovery.
func (c *Client) restore(ctx context.Context, version id.KeyBackupVersion, key *backup.MegolmBackupKey) error {
	mach := c.crypto.Machine()
	if mach.GetAccount().KeyBackupVersion == version {
		return nil
	}
	if err := mach.GetAndStoreKeyBackup(ctx, version, key); err != nil && !errors.Is(err, mautrix.MNotFound) {
		return said("read the backup of keys of", string(c.me), err)
	}
	c.identity.Lock()
	defer c.identity.Unlock()
	mach.GetAccount().KeyBackupVersion = version
	return mach.CryptoStore.PutAccount(ctx, mach.GetAccount())
}

// upload sends the keys that the backup does not have.
func (c *Client) upload(ctx context.Context, version id.KeyBackupVersion, key *backup.MegolmBackupKey) error {
	store := c.crypto.Machine().CryptoStore
	list, err := store.GetGroupSessionsWithoutKeyBackupVersion(ctx, version).AsList()
	if err != nil {
		return err
	}
	for len(list) > 0 {
		part := list[:min(backupChunk, len(list))]
		list = list[len(part):]
		req := mautrix.ReqKeyBackup{Rooms: map[id.RoomID]mautrix.ReqRoomKeyBackup{}}
		for _, s := range part {
			data, err := sealed(s, key)
			if err != nil {
				return err
			}
			if req.Rooms[s.RoomID].Sessions == nil {
				req.Rooms[s.RoomID] = mautrix.ReqRoomKeyBackup{Sessions: map[id.SessionID]mautrix.ReqKeyBackupData{}}
			}
			req.Rooms[s.RoomID].Sessions[s.ID()] = data
		}
		done, err := c.api.PutKeysInBackup(ctx, version, &req)
		if err != nil {
			return said("back up the keys of", string(c.me), err)
		}
		for _, s := range part {
			s.KeyBackupVersion = version
			if err := c.backedUp(ctx, s.ID(), version); err != nil {
				return err
			}
		}
		c.setBackup(Backup{Version: string(version), Keys: done.Count})
	}
	return nil
}

// backedUp notes that the backup has a key.
func (c *Client) backedUp(ctx context.Context, session id.SessionID, version id.KeyBackupVersion) error {
	store, ok := c.crypto.Machine().CryptoStore.(*crypto.SQLCryptoStore)
	if !ok {
		return errors.New("the keys are not in a database")
	}
	return store.SetGroupSessionKeyBackupVersion(ctx, session, version)
}

// sealed is a key as the backup has it.
func sealed(s *crypto.InboundGroupSession, key *backup.MegolmBackupKey) (mautrix.ReqKeyBackupData, error) {
	first := s.Internal.FirstKnownIndex()
	exported, err := s.Internal.Export(first)
	if err != nil {
		return mautrix.ReqKeyBackupData{}, err
	}
	data, err := backup.EncryptSessionData(key, backup.MegolmSessionData{
		Algorithm: id.AlgorithmMegolmV1, ForwardingKeyChain: append([]string{}, s.ForwardingChains...), SenderClaimedKeys: backup.SenderClaimedKeys{Ed25519: s.SigningKey},
		SenderKey: s.SenderKey, SessionKey: string(exported), SharedHistory: s.SharedHistory,
	})
	if err != nil {
		return mautrix.ReqKeyBackupData{}, err
	}
	raw, err := json.Marshal(data)
	return mautrix.ReqKeyBackupData{FirstMessageIndex: int(first), ForwardedCount: len(s.ForwardingChains), SessionData: raw}, err
}

func (c *Client) setBackup(b Backup) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.backup = b
}

// newKeys has the backup look for keys that it does not have.
func (c *Client) newKeys() {
	select {
	case c.keys <- struct{}{}:
	default:
	}
}
