package boot

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"regexp"

	"matrixos/device"
	"matrixos/kernel"
	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/external"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

var (
	_ device.Messages   = (*devices)(nil)
	_ device.Talks      = carried{}
	_ matrix.Homeserver = borrowed{}
)

// deviceForm is what a device of the account is called that a home makes.
var deviceForm = regexp.MustCompile(`^` + matrix.Device + `[A-Z2-7]{8}$`)

// tokenKey is where the token of another device is kept, to end it.
func tokenKey(id device.ID) string {
	sum := sha256.Sum256([]byte(id))
	return "device/token/" + hex.EncodeToString(sum[:12])
}

// SignIn implements device.Messages: for the owner's account and no other.
func (d *devices) SignIn(ctx context.Context, one device.Device, name string) (string, error) {
	if !deviceForm.MatchString(name) || one.Matrix != "" && one.Matrix != name {
		return "", &sys.Error{Op: "sign in", Path: name, Kind: sys.Invalid, Err: errors.New("it is signed in already, as " + one.Matrix), Hint: "remove the device, and pair it again"}
	}
	m := d.s.people
	if err := m.ready(ctx); err != nil { // the account has its identity then
		return "", err
	}
	hs, err := m.server(ctx)
	if err != nil {
		return "", err
	}
	local, _ := m.owner().Parts()
	u := matrix.User{Local: local, Device: name, Label: "Matrix OS on " + one.Name}
	if had, err := d.keys.Get(tokenKey(one.ID)); err == nil {
		u.Token = had
	}
	a, err := hs.EnsureUser(ctx, u)
	if err != nil {
		return "", err
	}
	return a.Token.Reveal(), d.keys.Set(tokenKey(one.ID), a.Token)
}

// Vouch implements device.Messages.
func (d *devices) Vouch(ctx context.Context, name, fingerprint string) (string, error) {
	_, own, err := d.s.people.clients(ctx)
	if err != nil {
		return "", err
	}
	key, err := own.VouchFor(ctx, name, fingerprint)
	return key.Reveal(), err
}

// endSignIn ends the token of a device that was removed.
func (d *devices) endSignIn(ctx context.Context, id device.ID) error {
	token, err := d.keys.Get(tokenKey(id))
	if errors.Is(err, sys.NotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	hs, err := d.s.matrix.Server()
	if err != nil {
		return err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, hs.BaseURL()+"/_matrix/client/v3/logout", http.NoBody)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+token.Reveal())
	res, err := matrix.Client(hs).Do(r)
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode != http.StatusOK && res.StatusCode != http.StatusUnauthorized {
		return fmt.Errorf("the homeserver answers %s", res.Status)
	}
	return d.keys.Delete(tokenKey(id))
}

// endSignIns ends what an earlier removal could not.
func (d *devices) endSignIns(ctx context.Context) {
	list, err := d.roll.List(ctx)
	for _, one := range list {
		if one.Removed && err == nil {
			err = d.endSignIn(ctx, one.ID)
		}
	}
	if err != nil && ctx.Err() == nil {
		d.log.WarnContext(ctx, "a removed device is still signed in to the homeserver", "error", err)
	}
}

// borrowing is the homeserver of the first device, for another one.
type borrowing struct {
	first *device.First
	owner sys.Handle
}

// borrowing is nil on the first device. Without a key, nothing is reached.
func (d *devices) borrowing() *borrowing {
	if d.role == nil {
		return nil
	}
	return &borrowing{d.first, d.role.Handle}
}

func (b *borrowing) homeserver() (matrix.Homeserver, error) {
	if b.first == nil {
		return nil, &sys.Error{Op: "reach the first device", Kind: sys.Unavailable, Err: errors.New("the keyring is closed")}
	}
	_, domain := b.owner.Parts()
	s, err := external.New(external.Options{Domain: domain, URL: device.Base, Transport: b.first})
	return borrowed{s, b}, err
}

// borrowed is somebody else's homeserver that gives the owner's account without a
// password, and no other: not that of the AI.
type borrowed struct {
	*external.Server
	b *borrowing
}

// EnsureUser implements matrix.Homeserver.
func (s borrowed) EnsureUser(ctx context.Context, u matrix.User) (matrix.Account, error) {
	if local, _ := s.b.owner.Parts(); u.Local != local || u.AccountOnly {
		return matrix.Account{}, onFirst("sign in", u.Local)
	}
	if !u.Token.Empty() {
		a, err := s.Server.EnsureUser(ctx, u)
		if err == nil || sys.KindOf(err) != sys.Unauthorized {
			return a, err
		}
	}
	token, err := s.b.first.SignIn(ctx, u.Device)
	return matrix.Account{ID: s.b.owner, Device: u.Device, Token: keyring.NewSecret(token)}, err
}

// introduce has the first device sign this one's keys, and takes the key of the backup.
func (d *devices) introduce(ctx context.Context, own *talk.Client) error {
	d.mu.Lock()
	role := *d.role
	d.mu.Unlock()
	name := own.Device()
	if role.Vouched == name {
		return nil
	}
	key, err := d.first.Vouch(ctx, name, own.Fingerprint())
	if err != nil {
		return err
	}
	if key != "" {
		if err := talk.KeepBackupKey(d.keys, own.Me(), keyring.NewSecret(key)); err != nil {
			return err
		}
	}
	return d.setRole(ctx, func(r *device.Role) { r.Vouched = name })
}

// setRole changes what this home is, durably.
func (d *devices) setRole(ctx context.Context, change func(*device.Role)) error {
	d.mu.Lock()
	role := *d.role
	d.mu.Unlock()
	change(&role)
	if err := d.roll.SetRole(ctx, role); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.role = &role
	return nil
}

// carried are conversations and labels as they go from one device to another.
type carried struct{ s *System }

// Heads implements device.Talks.
func (c carried) Heads(ctx context.Context) (json.RawMessage, error) {
	list, err := c.s.kernel.TalkHeads(ctx)
	return packed(list, err)
}

func packed(v any, err error) (json.RawMessage, error) {
	if err != nil {
		return nil, err
	}
	return json.Marshal(v)
}

// Talk implements device.Talks.
func (c carried) Talk(ctx context.Context, id sys.Conversation) (json.RawMessage, error) {
	talk, err := c.s.kernel.CopyTalk(ctx, id)
	return packed(talk, err)
}

// Take implements device.Talks: the first device gives way to nobody.
func (c carried) Take(ctx context.Context, _ device.Device, raw json.RawMessage) error {
	return c.take(ctx, raw, "")
}

func (c carried) take(ctx context.Context, raw json.RawMessage, aside string) error {
	var talk kernel.TalkCopy
	if err := json.Unmarshal(raw, &talk); err != nil {
		return &sys.Error{Op: "take conversation", Kind: sys.Invalid, Err: err}
	}
	return c.s.kernel.TakeTalk(ctx, talk, aside)
}

// Labels implements device.Talks.
func (c carried) Labels(ctx context.Context) (json.RawMessage, error) {
	labels, err := c.s.kernel.Labelled(ctx)
	return packed(labels, err)
}

// Mark implements device.Talks.
func (c carried) Mark(ctx context.Context, raw json.RawMessage) error {
	var labels map[sys.Path]sys.Label
	if err := json.Unmarshal(raw, &labels); err != nil {
		return &sys.Error{Op: "take labels", Kind: sys.Invalid, Err: err}
	}
	by := map[sys.Label][]sys.Path{}
	for p, l := range labels {
		if l.Integrity > sys.Untrusted || l.Confidentiality > sys.OwnerOnly {
			return &sys.Error{Op: "take labels", Path: string(p), Kind: sys.Invalid, Err: errors.New("there is no such label")}
		}
		by[l] = append(by[l], p)
	}
	for l, paths := range by {
		if err := c.s.kernel.Mark(ctx, l, paths...); err != nil {
			return err
		}
	}
	return nil
}
