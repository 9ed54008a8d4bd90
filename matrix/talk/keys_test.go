package talk

import (
	"context"
	"crypto/rand"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/journal"
	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/sys"
)

// Changed implements Guard, as do the next two: everybody may compare emoji.
func (p *person) Changed(_ context.Context, tx *journal.Tx, who sys.Handle) error {
	tx.OnCommit(func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.changed = append(p.changed, who)
	})
	return nil
}

func (p *person) MayVerify(context.Context, sys.Handle) bool { return true }
func (p *person) Verifying(context.Context, Verification)    {}

// at waits until the newest verification of a person is at a stage.
func (p *person) at(stage Stage) (v Verification) {
	p.t.Helper()
	until(p.t, string(p.c.Me())+" is at "+string(stage), func() bool {
		list := p.c.Verifications()
		if len(list) > 0 {
			v = list[len(list)-1]
		}
		return v.Stage == stage
	})
	return v
}

func (p *person) step(v Verification, act string) {
	p.t.Helper()
	if err := p.c.Verify(p.t.Context(), v.ID, act); err != nil {
		p.t.Fatal(act, err)
	}
}

// inRoomVerification lets two people compare emoji in the room that they share.
func inRoomVerification(t *testing.T, anna, ben *person) {
	if _, err := anna.c.StartVerification(t.Context(), ben.c.Me()); err != nil {
		t.Fatal(err)
	}
	ben.step(ben.at(Asked), "accept")
	mine, theirs := anna.at(Compare), ben.at(Compare)
	if len(mine.Emoji) != 7 || !slices.Equal(mine.Emoji, theirs.Emoji) || mine.With != ben.c.Me() || theirs.With != anna.c.Me() {
		t.Fatalf("%+v, %+v", mine, theirs)
	}
	anna.step(mine, "match")
	anna.at(Confirmed)
	ben.step(theirs, "match")
	anna.at(Done)
	ben.at(Done)
	for _, p := range [][2]*person{{anna, ben}, {ben, anna}} {
		if ok, err := p[0].c.crypto.Machine().IsUserTrusted(t.Context(), id.UserID(p[1].c.Me())); err != nil || !ok {
			t.Errorf("%s does not trust: %v", p[0].c.Me(), err)
		}
	}
	if _, err := anna.c.StartVerification(t.Context(), ben.c.Me()); err != nil {
		t.Fatal(err)
	}
	ben.step(ben.at(Asked), "accept")
	ben.step(ben.at(Compare), "differ")
	if v := anna.at(Cancelled); v.Why == "" || len(v.Emoji) > 0 {
		t.Errorf("%+v", v)
	}
	if err := anna.c.Verify(t.Context(), "unknown", "match"); sys.KindOf(err) != sys.NotFound {
		t.Error(err)
	}
}

// lostKeys lets a person lose the file of keys, and then the keyring.
func lostKeys(t *testing.T, hs matrix.Homeserver, anna, ben *person, room string) {
	until(t, "everything is backed up", func() bool {
		s, err := ben.c.Security(t.Context())
		left, failed := ben.c.crypto.Machine().CryptoStore.GetGroupSessionsWithoutKeyBackupVersion(t.Context(), id.KeyBackupVersion(s.Backup.Version)).AsList()
		return err == nil && failed == nil && s.Verified && s.Backup.Keys > 0 && len(left) == 0
	})
	raw := make([]byte, 32)
	_, _ = rand.Read(raw)
	words, err := ben.c.NewRecovery(t.Context(), raw)
	if err != nil {
		t.Fatal(err)
	}
	reads := func(what string) {
		t.Helper()
		until(t, what, func() bool {
			page, err := ben.c.Timeline(t.Context(), room, "", 200)
			return err == nil && slices.ContainsFunc(page.Messages, func(m Message) bool { return m.Body == "once only" })
		})
	}
	lose := func(device string) {
		t.Helper()
		ben.stop()
		if err := os.RemoveAll(filepath.Join(ben.dir, "m")); err != nil {
			t.Fatal(err)
		}
		ben.device = device
		ben.start(hs, "ben")
	}
	lose("SECOND")
	reads("the history is read after the file of keys was lost")
	if s, err := ben.c.Security(t.Context()); err != nil || !s.Verified || s.Identity != "here" {
		t.Errorf("%+v %v", s, err)
	}
	ben.keys = newKeys(t)
	lose("THIRD")
	if s, err := ben.c.Security(t.Context()); err != nil || s.Verified || s.Identity != "elsewhere" {
		t.Errorf("%+v %v", s, err)
	}
	if err := ben.c.Recover(t.Context(), keyring.NewSecret("EsTT wrong")); sys.KindOf(err) != sys.Invalid {
		t.Error(err)
	}
	if err := ben.c.Recover(t.Context(), words); err != nil {
		t.Fatal(err)
	}
	reads("the history is read after a recovery")
	if s, err := ben.c.Security(t.Context()); err != nil || !s.Verified || s.Identity != "here" {
		t.Errorf("%+v %v", s, err)
	}
	anna.mu.Lock()
	defer anna.mu.Unlock()
	if len(anna.changed) > 0 {
		t.Errorf("a lost device is told as a changed identity: %v", anna.changed)
	}
}

// replacedIdentity is somebody else who has the account, or the same with a new client.
func replacedIdentity(t *testing.T, hs matrix.Homeserver, anna, ben *person, room string) {
	const password = "a password of ben's"
	if _, err := hs.EnsureUser(t.Context(), matrix.User{Local: "ben", Password: keyring.NewSecret(password), AccountOnly: true}); err != nil {
		t.Fatal(err)
	}
	if _, _, err := ben.c.crypto.Machine().GenerateAndUploadCrossSigningKeysWithPassword(t.Context(), password, ""); err != nil {
		t.Fatal(err)
	}
	if err := ben.c.crypto.Machine().SignOwnDevice(t.Context(), ben.c.crypto.Machine().OwnIdentity()); err != nil {
		t.Fatal(err)
	}
	until(t, "anna hears of it", func() bool {
		anna.mu.Lock()
		defer anna.mu.Unlock()
		return slices.Contains(anna.changed, ben.c.Me())
	})
	say := func(text string) Message {
		t.Helper()
		ben.post(Letter{Once: text, Room: room, Content: Text(text, false)})
		until(t, text, func() bool { return slices.Contains(anna.bodies(), text) })
		return anna.heard[len(anna.heard)-1]
	}
	if m := say("it is me, honestly"); m.Verified {
		t.Errorf("%+v", m)
	}
	if err := anna.c.AcceptIdentity(t.Context(), ben.c.Me()); err != nil {
		t.Fatal(err)
	}
	if m := say("thank you"); !m.Verified {
		t.Errorf("%+v", m)
	}
	if list, err := anna.c.Changed(t.Context()); err != nil || len(list) > 0 {
		t.Errorf("%v %v", list, err)
	}
	if err := anna.c.AcceptIdentity(t.Context(), ben.c.Me()); sys.KindOf(err) != sys.NotFound {
		t.Error(err)
	}
}

// What others send about verifications that there are not, or out of turn, does nothing.
func foreignVerification(t *testing.T, anna, ben *person) {
	for _, kind := range []event.Type{event.ToDeviceVerificationMAC, event.ToDeviceVerificationKey, event.ToDeviceVerificationDone, event.ToDeviceVerificationStart, event.ToDeviceVerificationReady} {
		if _, err := ben.c.api.SendToDevice(t.Context(), kind, &mautrix.ReqSendToDevice{Messages: map[id.UserID]map[id.DeviceID]*event.Content{
			id.UserID(anna.c.Me()): {"*": {Raw: map[string]any{"transaction_id": "none", "mac": map[string]any{"ed25519:x": "AAAA"}, "keys": "AAAA", "key": "AAAA", "from_device": 7}}},
		}}); err != nil {
			t.Fatal(err)
		}
	}
	e := &event.Event{Sender: id.UserID(ben.c.Me()), Type: event.ToDeviceVerificationMAC}
	e.Content.Parsed = &event.VerificationMACEventContent{ToDeviceVerificationEvent: event.ToDeviceVerificationEvent{TransactionID: "t"}}
	anna.c.emoji.shown["t"] = &Verification{ID: "t"}
	defer delete(anna.c.emoji.shown, "t")
	if anna.c.emoji.fits(t.Context(), e) {
		t.Error("a MAC fits nothing")
	}
}
