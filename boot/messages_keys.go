package boot

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/journal"
	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/door"
	"matrixos/matrix/talk"
	"matrixos/sys"
)

var (
	_ gateway.Identity = (*social)(nil)
	_ talk.Guard       = (*aiInbox)(nil)
	_ talk.Guard       = (*ownInbox)(nil)
)

// clientDir is where the keys of an account's client are, by its name.
func clientDir(d *disk.Disk, local string) string {
	return filepath.Join(d.Root(), sys.Store, "matrix", "clients", local)
}

// clientDevice is the device as which an account is signed in from a folder. Where the
// folder's keys are gone, it is a new one: others would not believe that the old one
// has other keys. Each has a name of its own, because the library takes a device of
// somebody else that is called as this one for this one. Homes of before are all
// called matrix.Device.
func clientDevice(dir string) (string, error) {
	file := filepath.Join(dir, "device")
	name, err := os.ReadFile(file)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return strings.TrimSpace(string(name)), err
	}
	if _, err := os.Stat(filepath.Join(dir, "keys.db")); err == nil || !errors.Is(err, fs.ErrNotExist) {
		return matrix.Device, err
	}
	fresh := matrix.Device + rand.Text()[:8]
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	return fresh, os.WriteFile(file, []byte(fresh+"\n"), 0o600)
}

// vouch has the owner's identity and the AI's sign each other, so that whoever trusts the
// one trusts the other.
func (m *messenger) vouch(ctx context.Context) {
	if err := errors.Join(m.own.Vouch(ctx, m.ai), m.ai.Vouch(ctx, m.own)); err != nil && ctx.Err() == nil {
		m.log.WarnContext(ctx, "you and your AI do not vouch for each other yet", "error", err)
	}
}

// changed reports whether somebody's identity is another than the accepted one.
func (m *messenger) changed(ctx context.Context, who sys.Handle) (bool, error) {
	mine, err := m.ai.Changed(ctx)
	if err != nil {
		return false, err
	}
	own, err := m.own.Changed(ctx)
	return slices.Contains(mine, who) || slices.Contains(own, who), err
}

// tellChanged says in a notice that an identity has changed, if the other client has
// not said so.
func (m *messenger) tellChanged(ctx context.Context, tx *journal.Tx, who sys.Handle, other *talk.Client) error {
	if m.hides()(who) {
		return nil
	}
	if other != nil {
		told, err := other.Changed(ctx)
		if err != nil || slices.Contains(told, who) {
			return err
		}
	}
	n := sys.NoticeData{
		Level: "error", Title: "The identity of " + string(who) + " has changed",
		Text: "They have set up Matrix anew, or somebody else writes in their name. Your AI takes nothing that they write as a request until you accept the new identity. Ask them by another way, then say so in Settings, or with `matrixos handle accept " + string(who) + "`.",
	}
	if who == m.owner() {
		n.Title, n.Text = "Your own identity on Matrix has changed", "Another client of your account has made a new one. If that was you, accept it in Settings or with `matrixos handle accept "+string(who)+"`, and give its recovery key to `matrixos handle recover`. If it was not, make a new password: `matrixos handle password`."
	}
	return tx.Append(sys.NewEvent(sys.EventNotice, n))
}

// mayVerify is whose wish to compare emoji the owner sees.
func (m *messenger) mayVerify(ctx context.Context, who sys.Handle) bool {
	if who == m.owner() {
		return true
	}
	pass, _, err := m.pass(who)
	if err != nil {
		m.log.WarnContext(ctx, "a wish to compare emoji was not shown", "from", who, "error", err)
		return false
	}
	return pass.Who == door.Contact
}

// tellVerifying has the desktop look again, and says that somebody wants to begin.
func (m *messenger) tellVerifying(ctx context.Context, v talk.Verification) {
	m.disk.Journal().Publish(sys.NewEvent(sys.EventSettings, sys.SettingsData{Path: "system/handle.json"}))
	if v.Stage != talk.Asked {
		return
	}
	n := sys.NoticeData{Level: "waiting", Title: string(v.With) + " wants to compare emoji", Text: "Do it in Settings, or with `matrixos handle verify`, if you see them or have them on the telephone."}
	if v.With == m.owner() {
		n.Title, n.Text = "Your device "+v.Device+" wants to be verified", "Compare the emoji in Settings, or with `matrixos handle verify`. If you have not just signed in there, do not: make a new password instead."
	}
	if _, err := m.disk.Journal().Append(context.WithoutCancel(ctx), sys.NewEvent(sys.EventNotice, n)); err != nil {
		m.log.WarnContext(ctx, "a notice could not be written", "error", err)
	}
}

// Changed implements talk.Guard.
func (i *aiInbox) Changed(ctx context.Context, tx *journal.Tx, who sys.Handle) error {
	return i.m.tellChanged(ctx, tx, who, i.m.own)
}

// MayVerify implements talk.Guard.
func (i *aiInbox) MayVerify(ctx context.Context, who sys.Handle) bool { return i.m.mayVerify(ctx, who) }

// Verifying implements talk.Guard.
func (i *aiInbox) Verifying(ctx context.Context, v talk.Verification) { i.m.tellVerifying(ctx, v) }

// Changed implements talk.Guard.
func (i *ownInbox) Changed(ctx context.Context, tx *journal.Tx, who sys.Handle) error {
	return i.m.tellChanged(ctx, tx, who, i.m.ai)
}

// MayVerify implements talk.Guard.
func (i *ownInbox) MayVerify(ctx context.Context, who sys.Handle) bool {
	return i.m.mayVerify(ctx, who)
}

// Verifying implements talk.Guard.
func (i *ownInbox) Verifying(ctx context.Context, v talk.Verification) { i.m.tellVerifying(ctx, v) }

// both are the clients that run here.
func (m *messenger) both() []*talk.Client {
	if m.ai == nil {
		return []*talk.Client{m.own}
	}
	return []*talk.Client{m.own, m.ai}
}

// Security implements gateway.Identity.
func (s *social) Security(ctx context.Context) (gateway.SecurityInfo, error) {
	out := gateway.SecurityInfo{Devices: []gateway.DeviceInfo{}, Verifications: []gateway.VerificationInfo{}, Changed: []sys.Handle{}}
	m, err := s.messenger(ctx)
	if err != nil {
		return out, err
	}
	st, err := m.own.Security(ctx)
	if err != nil {
		return out, err
	}
	out.Device, out.Identity, out.Verified = st.Device, st.Identity, st.Verified
	out.Backup = gateway.KeyBackupInfo{Version: st.Backup.Version, Keys: st.Backup.Keys, Foreign: st.Backup.Foreign}
	for _, d := range st.Devices {
		out.Devices = append(out.Devices, gateway.DeviceInfo(d))
	}
	for _, c := range m.both() {
		for _, v := range c.Verifications() {
			out.Verifications = append(out.Verifications, verificationInfo(c.Me(), v))
		}
		changed, err := c.Changed(ctx)
		if err != nil {
			return out, err
		}
		for _, who := range changed {
			if !slices.Contains(out.Changed, who) {
				out.Changed = append(out.Changed, who)
			}
		}
	}
	return out, nil
}

func verificationInfo(as sys.Handle, v talk.Verification) gateway.VerificationInfo {
	info := gateway.VerificationInfo{ID: v.ID, As: as, With: v.With, Device: v.Device, Stage: string(v.Stage), Emoji: []gateway.EmojiInfo{}, Numbers: append([]int{}, v.Numbers...), Why: v.Why}
	for _, e := range v.Emoji {
		info.Emoji = append(info.Emoji, gateway.EmojiInfo(e))
	}
	return info
}

// Verify implements gateway.Identity.
func (s *social) Verify(ctx context.Context, b gateway.VerifyBody) (gateway.SecurityInfo, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return gateway.SecurityInfo{}, err
	}
	if b.Act == "begin" {
		if b.With != "" {
			if _, err := matrix.ParseUser(string(b.With)); err != nil {
				return gateway.SecurityInfo{}, err
			}
		}
		_, err = m.own.StartVerification(ctx, b.With)
	} else {
		c := m.own
		if m.ai != nil && slices.ContainsFunc(m.ai.Verifications(), func(v talk.Verification) bool { return v.ID == b.ID }) {
			c = m.ai
		}
		err = c.Verify(ctx, b.ID, b.Act)
	}
	if err != nil {
		return gateway.SecurityInfo{}, err
	}
	return s.Security(ctx)
}

// Recovery implements gateway.Identity: one key recovers the owner's account and the AI's.
func (s *social) Recovery(ctx context.Context) (string, error) {
	m, err := s.messenger(ctx)
	if err != nil {
		return "", err
	}
	raw := make([]byte, 32)
	_, _ = rand.Read(raw) // it never fails
	words, err := m.own.NewRecovery(ctx, raw)
	if err != nil || m.ai == nil {
		return words.Reveal(), err
	}
	if _, err := m.ai.NewRecovery(ctx, raw); err != nil {
		return "", err
	}
	return words.Reveal(), nil
}

// Recover implements gateway.Identity. The AI's account is recovered if the same key is
// its key; somebody who has made their own identity with another client has another.
func (s *social) Recover(ctx context.Context, key string) error {
	m, err := s.messenger(ctx)
	if err != nil {
		return err
	}
	words := keyring.NewSecret(strings.TrimSpace(key))
	if err := m.own.Recover(ctx, words); err != nil {
		return err
	}
	if m.ai == nil {
		return nil
	}
	if err := m.ai.Recover(ctx, words); err != nil && sys.KindOf(err) != sys.Invalid && sys.KindOf(err) != sys.NotFound {
		return err
	}
	m.vouch(ctx)
	return nil
}

// AcceptIdentity implements gateway.Identity.
func (s *social) AcceptIdentity(ctx context.Context, who sys.Handle) error {
	m, err := s.messenger(ctx)
	if err != nil {
		return err
	}
	mine := m.own.AcceptIdentity(ctx, who)
	if m.ai == nil {
		return mine
	}
	theirs := m.ai.AcceptIdentity(ctx, who)
	if sys.KindOf(mine) == sys.NotFound || sys.KindOf(theirs) == sys.NotFound {
		if mine == nil || theirs == nil {
			return nil
		}
		if sys.KindOf(mine) == sys.NotFound {
			return theirs
		}
		return mine
	}
	return cmp.Or(mine, theirs)
}
