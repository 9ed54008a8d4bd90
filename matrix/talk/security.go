package talk

import (
	"context"

	"maunium.net/go/mautrix/id"
)

// Security is how safe the account's conversations are.
type Security struct {
	Device   string // this one
	Identity string // here, elsewhere, or replaced: another client has made a new one
	Verified bool   // the identity has signed this device
	Backup   Backup
	Devices  []Device
}

// Device is one place where the account is signed in.
type Device struct {
	ID, Name string
	Verified bool // signed by the identity
	Encrypts bool // it can read what is encrypted
}

// Security asks the server how the account is.
func (c *Client) Security(ctx context.Context) (Security, error) {
	s := Security{Device: string(c.api.DeviceID), Identity: "elsewhere"}
	c.mu.Lock()
	s.Backup = c.backup
	c.mu.Unlock()
	mach := c.crypto.Machine()
	keys, err := mach.FetchKeys(ctx, []id.UserID{id.UserID(c.me)}, true)
	if err != nil {
		return s, said("read the keys of", string(c.me), err)
	}
	if err := c.identities(ctx); err != nil {
		return s, err
	}
	if c.ownsIdentity() {
		s.Identity = "here"
		if now, err := c.masters(ctx); err != nil {
			return s, err
		} else if now[c.me].now != mach.CrossSigningKeys.MasterKey.PublicKey().String() {
			s.Identity = "replaced"
		}
	}
	list, err := c.api.GetDevicesInfo(ctx)
	if err != nil {
		return s, said("list the devices of", string(c.me), err)
	}
	for _, d := range list.Devices {
		one := Device{ID: string(d.DeviceID), Name: d.DisplayName}
		if known := keys[id.UserID(c.me)][d.DeviceID]; known != nil {
			one.Encrypts, one.Verified = true, mach.IsDeviceTrusted(ctx, known)
		}
		if one.ID == s.Device {
			s.Verified = one.Verified
		}
		s.Devices = append(s.Devices, one)
	}
	return s, nil
}
