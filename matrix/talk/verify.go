package talk

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"go.mau.fi/util/jsontime"
	"maunium.net/go/mautrix"
	"maunium.net/go/mautrix/crypto/verificationhelper"
	"maunium.net/go/mautrix/event"
	"maunium.net/go/mautrix/id"

	"matrixos/sys"
)

// Stage is how far a comparison of emoji is.
type Stage string

// The stages.
const (
	Asked     Stage = "asked"     // the other side wants to begin
	Waiting   Stage = "waiting"   // this side wants to begin
	Ready     Stage = "ready"     // both want to; the other side shows the emoji next, or this one starts
	Compare   Stage = "compare"   // the owner looks whether both show the same
	Confirmed Stage = "confirmed" // the owner has said so here, and not yet there
	Done      Stage = "done"
	Cancelled Stage = "cancelled"
)

// Verification is a comparison of emoji with another device of the account's, or with
// somebody else.
type Verification struct {
	ID      string
	With    sys.Handle
	Device  string // empty until one answers
	Stage   Stage
	Emoji   []Emoji // to compare
	Numbers []int   // the same, for who cannot see them
	Why     string  // it was cancelled
	Began   time.Time
}

// Emoji is one of seven.
type Emoji struct{ Symbol, Name string }

// Bounds of what others can have open here.
const (
	mostVerifications = 8
	verificationLasts = 10 * time.Minute
)

// verifier joins the library's state machine with a client. The library trusts whoever
// feeds it: so only events of the other side of a transaction that fit its state come
// through, one at a time, and none while the owner's own step is under way.
type verifier struct {
	c      *Client
	helper *verificationhelper.VerificationHelper
	syncer *mautrix.DefaultSyncer // to which the helper listens
	store  *transactions
	step   sync.Mutex // held for each step, above the helper's own lock

	mu    sync.Mutex
	shown map[id.VerificationTransactionID]*Verification
	start []id.VerificationTransactionID // ready, and begun here: the emoji are next
}

// openVerification joins the library's part.
func (c *Client) openVerification(ctx context.Context) error {
	v := &verifier{c: c, syncer: mautrix.NewDefaultSyncer(), store: &transactions{list: map[id.VerificationTransactionID]verificationhelper.VerificationTransaction{}}, shown: map[id.VerificationTransactionID]*Verification{}}
	v.helper = verificationhelper.NewVerificationHelper(c.api, c.crypto.Machine(), v.store, v, false, false, true)
	before := c.api.Syncer
	c.api.Syncer = v.syncer
	err := v.helper.Init(ctx)
	c.api.Syncer = before
	for _, t := range []event.Type{
		event.ToDeviceVerificationRequest, event.ToDeviceVerificationReady, event.ToDeviceVerificationStart, event.ToDeviceVerificationDone,
		event.ToDeviceVerificationCancel, event.ToDeviceVerificationAccept, event.ToDeviceVerificationKey, event.ToDeviceVerificationMAC,
	} {
		c.syncer.OnEventType(t, v.hear)
	}
	c.emoji = v
	return err
}

// hear takes one event of a verification.
func (v *verifier) hear(ctx context.Context, e *event.Event) {
	v.step.Lock()
	defer v.step.Unlock()
	defer func() {
		if p := recover(); p != nil { // foreign bytes in a library that trusts them
			v.c.o.Log.ErrorContext(ctx, "Matrix: a verification was not understood", "from", e.Sender, "panic", fmt.Sprint(p))
		}
	}()
	if !v.fits(ctx, e) {
		return
	}
	v.syncer.Dispatch(ctx, e)
	v.mu.Lock()
	start := v.start
	v.start = nil
	v.mu.Unlock()
	for _, txn := range start {
		if err := v.helper.StartSAS(ctx, txn); err != nil {
			v.c.o.Log.WarnContext(ctx, "Matrix: a verification does not begin", "with", e.Sender, "error", err)
		}
	}
}

// inRoom takes one event of a room, if it is of a verification.
func (v *verifier) inRoom(ctx context.Context, e *event.Event) {
	isRequest := e.Type.Type == event.EventMessage.Type && e.Content.Raw["msgtype"] == string(event.MsgVerificationRequest)
	if !isRequest && !e.Type.IsInRoomVerification() && e.Type.Type != event.InRoomVerificationDone.Type || sys.Handle(e.Sender) == v.c.me {
		return
	}
	same := *e
	same.Type.Class = event.MessageEventType
	if err := same.Content.ParseRaw(same.Type); err != nil && !errors.Is(err, event.ErrContentAlreadyParsed) {
		return // it is foreign, and has another form
	}
	if !isRequest { // the library takes the event's own name for the transaction's
		about, ok := same.Content.Parsed.(event.Relatable)
		if !ok || about.OptionalGetRelatesTo() == nil {
			return
		}
		same.ID = about.OptionalGetRelatesTo().EventID
	}
	v.hear(ctx, &same)
}

// fits reports whether an event belongs to what is under way, or begins something that
// may begin.
func (v *verifier) fits(ctx context.Context, e *event.Event) bool {
	if e.Type.Type == event.EventMessage.Type || e.Type == event.ToDeviceVerificationRequest {
		guard := v.c.guard
		return guard != nil && v.store.count(v.c.o.Now()) < mostVerifications && guard.MayVerify(ctx, sys.Handle(e.Sender))
	}
	txn, err := v.store.GetVerificationTransaction(ctx, transactionOf(e))
	if err != nil || txn.TheirUserID != e.Sender || txn.RoomID != e.RoomID {
		return false
	}
	switch e.Type.Type {
	case event.ToDeviceVerificationKey.Type:
		return txn.VerificationState == verificationhelper.VerificationStateSASAccepted && txn.EphemeralKey != nil && txn.StartEventContent != nil
	case event.ToDeviceVerificationMAC.Type:
		return txn.VerificationState == verificationhelper.VerificationStateSASKeysExchanged && txn.OtherPublicKey != nil
	case event.ToDeviceVerificationStart.Type:
		return e.Content.AsVerificationStart().FromDevice == txn.TheirDeviceID
	case event.ToDeviceVerificationDone.Type:
		return txn.StartEventContent != nil
	default:
		return true
	}
}

// transactionOf is what an event says it belongs to.
func transactionOf(e *event.Event) id.VerificationTransactionID {
	if e.ID != "" {
		return id.VerificationTransactionID(e.ID)
	}
	if t, ok := e.Content.Parsed.(event.VerificationTransactionable); ok {
		return t.GetTransactionID()
	}
	return ""
}

// change moves what is shown on, and tells.
func (v *verifier) change(ctx context.Context, txn id.VerificationTransactionID, how func(*Verification)) {
	v.mu.Lock()
	shown := v.shown[txn]
	if shown == nil {
		shown = &Verification{ID: string(txn), Began: v.c.o.Now()}
		v.shown[txn] = shown
	}
	how(shown)
	now := *shown
	v.mu.Unlock()
	if v.c.guard != nil {
		v.c.guard.Verifying(ctx, now)
	}
}

// VerificationRequested implements verificationhelper.RequiredCallbacks, as do the next
// ones; they are called with the helper's lock held.
func (v *verifier) VerificationRequested(ctx context.Context, txn id.VerificationTransactionID, from id.UserID, device id.DeviceID) {
	v.change(ctx, txn, func(s *Verification) {
		s.With, s.Device, s.Stage = sys.Handle(from), string(device), Asked
	})
}

// VerificationReady implements verificationhelper.RequiredCallbacks.
func (v *verifier) VerificationReady(ctx context.Context, txn id.VerificationTransactionID, device id.DeviceID, sas, _ bool, _ *verificationhelper.QRCode) {
	mine := false
	v.change(ctx, txn, func(s *Verification) {
		mine = s.Stage == Waiting
		s.Device, s.Stage = string(device), Ready
	})
	if mine && sas {
		v.mu.Lock()
		v.start = append(v.start, txn)
		v.mu.Unlock()
	}
}

// VerificationCancelled implements verificationhelper.RequiredCallbacks.
func (v *verifier) VerificationCancelled(ctx context.Context, txn id.VerificationTransactionID, _ event.VerificationCancelCode, reason string) {
	v.change(ctx, txn, func(s *Verification) { s.Stage, s.Why, s.Emoji, s.Numbers = Cancelled, reason, nil, nil })
}

// VerificationDone implements verificationhelper.RequiredCallbacks.
func (v *verifier) VerificationDone(ctx context.Context, txn id.VerificationTransactionID, _ event.VerificationMethod) {
	v.change(ctx, txn, func(s *Verification) { s.Stage, s.Emoji, s.Numbers = Done, nil, nil })
}

// ShowSAS implements verificationhelper.ShowSASCallbacks.
func (v *verifier) ShowSAS(ctx context.Context, txn id.VerificationTransactionID, emoji []rune, names []string, numbers []int) {
	v.change(ctx, txn, func(s *Verification) {
		s.Stage, s.Emoji, s.Numbers = Compare, nil, numbers
		for i, r := range emoji {
			s.Emoji = append(s.Emoji, Emoji{string(r), names[i]})
		}
	})
}

// drop forgets everything that is under way.
func (v *verifier) drop() {
	if v != nil {
		v.store.clear()
	}
}

// Verifications are the comparisons under way, and those that ended in the last minutes.
func (c *Client) Verifications() []Verification {
	c.emoji.mu.Lock()
	defer c.emoji.mu.Unlock()
	out := []Verification{}
	for txn, v := range c.emoji.shown {
		if c.o.Now().Sub(v.Began) > 2*verificationLasts {
			delete(c.emoji.shown, txn)
			continue
		}
		out = append(out, *v)
	}
	slices.SortFunc(out, func(a, b Verification) int { return a.Began.Compare(b.Began) })
	return out
}

// StartVerification asks the account's other devices, or somebody else in the room with
// them, to compare emoji.
func (c *Client) StartVerification(ctx context.Context, who sys.Handle) (string, error) {
	v := c.emoji
	var txn id.VerificationTransactionID
	v.step.Lock()
	defer v.step.Unlock()
	var err error
	if who == "" || who == c.me {
		who = c.me
		if _, err = c.crypto.Machine().FetchKeys(ctx, []id.UserID{id.UserID(who)}, true); err == nil {
			txn, err = v.helper.StartVerification(ctx, id.UserID(who))
		}
	} else {
		txn, err = v.ask(ctx, who)
	}
	if err != nil {
		return "", said("verify", string(who), err)
	}
	v.change(ctx, txn, func(s *Verification) { s.With, s.Stage = who, Waiting })
	return string(txn), nil
}

// ask asks somebody in the room with them. The library's own way encrypts what is then
// encrypted once more.
func (v *verifier) ask(ctx context.Context, who sys.Handle) (id.VerificationTransactionID, error) {
	room, err := v.c.RoomWith(ctx, who)
	if err != nil {
		return "", err
	}
	if err := v.c.know(ctx, room); err != nil {
		return "", err
	}
	sent, err := v.c.api.SendMessageEvent(ctx, id.RoomID(room), event.EventMessage, &event.MessageEventContent{
		MsgType: event.MsgVerificationRequest, Body: string(v.c.me) + " wants to compare emoji with you, which your client does not know how to do.",
		FromDevice: v.c.api.DeviceID, Methods: []event.VerificationMethod{event.VerificationMethodSAS}, To: id.UserID(who),
	})
	if err != nil {
		return "", err
	}
	txn := id.VerificationTransactionID(sent.EventID)
	return txn, v.store.SaveVerificationTransaction(ctx, verificationhelper.VerificationTransaction{
		ExpirationTime: jsontime.UM(v.c.o.Now().Add(verificationLasts)), RoomID: id.RoomID(room), VerificationState: verificationhelper.VerificationStateRequested,
		TransactionID: txn, TheirUserID: id.UserID(who),
	})
}

// Verify takes the owner's next step: accept, start, match, differ or cancel.
func (c *Client) Verify(ctx context.Context, txn, act string) error {
	v, name := c.emoji, id.VerificationTransactionID(txn)
	v.step.Lock()
	defer v.step.Unlock()
	if _, err := v.store.GetVerificationTransaction(ctx, name); err != nil {
		return &sys.Error{Op: "verify", Path: txn, Kind: sys.NotFound, Err: errors.New("it is over, or never was"), Hint: "begin anew"}
	}
	var err error
	switch act {
	case "accept":
		err = v.helper.AcceptVerification(ctx, name)
	case "start":
		err = v.helper.StartSAS(ctx, name)
	case "match":
		if err = v.helper.ConfirmSAS(ctx, name); err == nil {
			v.change(ctx, name, func(s *Verification) {
				if s.Stage == Compare {
					s.Stage = Confirmed
				}
			})
		}
	case "differ", "cancel":
		code, why := event.VerificationCancelCodeUser, "it was cancelled in Matrix OS"
		if act == "differ" {
			code, why = event.VerificationCancelCodeSASMismatch, "the emoji were not the same"
		}
		if err = v.helper.CancelVerification(ctx, name, code, why); err == nil {
			v.VerificationCancelled(ctx, name, code, why)
		}
	default:
		return &sys.Error{Op: "verify", Path: act, Kind: sys.Invalid, Err: errors.New("there is no such step"), Hint: "accept, start, match, differ or cancel"}
	}
	var e *sys.Error
	if err != nil && !errors.As(err, &e) {
		return &sys.Error{Op: act + " verification", Path: txn, Kind: sys.Conflict, Err: err, Hint: "look how far it is"}
	}
	return err
}
