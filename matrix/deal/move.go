package deal

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"matrixos/sys"
)

// Key is where a chain is in the content of a Matrix message.
const Key = "os.matrix.deal"

// Version is the protocol's.
const Version = 1

// The bounds of what one deal may say.
const (
	mostMoves   = 16
	mostSlots   = 3
	mostTitle   = 200
	mostText    = 2000
	mostBytes   = 48 << 10 // of a chain as it travels
	shortest    = 5 * time.Minute
	longest     = 12 * time.Hour
	latestMilli = 1 << 52
)

// ID names a deal; who makes the first offer chooses it at random.
type ID string

// Kind is what a deal is about.
type Kind string

// The kinds of deal.
const (
	Meeting Kind = "meeting" // a time at which both are free
	Query   Kind = "query"   // something that the other owner publishes, or says
	Task    Kind = "task"    // work that the other owner takes over
)

// Act is what a move does.
type Act string

// The acts.
const (
	Offer    Act = "offer"    // the first move
	Counter  Act = "counter"  // another offer in place of the one that stands
	Accept   Act = "accept"   // of the offer that stands; a meeting's names one slot
	Confirm  Act = "confirm"  // of the acceptance, by who made the offer: agreed
	Reply    Act = "answer"   // the answer to a query
	Deliver  Act = "deliver"  // the result of a task
	Decline  Act = "decline"  // no
	Withdraw Act = "withdraw" // of one's own offer
	Expire   Act = "expire"   // one's own offer has run out
	Cancel   Act = "cancel"   // of what was agreed
)

// Slot is a span of time, in milliseconds since 1970 UTC; whole minutes.
type Slot struct {
	From int64 `json:"from"`
	To   int64 `json:"to"`
}

// Start is when the slot begins.
func (s Slot) Start() time.Time { return time.UnixMilli(s.From) }

// End is when the slot ends.
func (s Slot) End() time.Time { return time.UnixMilli(s.To) }

// Meets reports whether two slots have a moment in common.
func (s Slot) Meets(t Slot) bool { return s.From < t.To && t.From < s.To }

// Terms are what is offered, accepted or handed over.
type Terms struct {
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`  // more words: a question, an answer, a result
	Slots []Slot `json:"slots,omitempty"` // of a meeting
	Due   int64  `json:"due,omitempty"`   // of a task, in milliseconds since 1970 UTC
}

// Move is one signed step of a deal.
type Move struct {
	V       int        `json:"v"`
	Deal    ID         `json:"deal"`
	Kind    Kind       `json:"kind"`
	Seq     int        `json:"seq"`
	Prev    string     `json:"prev"` // the hash of the move before; "" of the first
	From    sys.Handle `json:"from"` // owners, not their AIs
	To      sys.Handle `json:"to"`
	Act     Act        `json:"act"`
	Terms   Terms      `json:"terms"`
	Expires int64      `json:"expires,omitempty"` // of an offer
	At      int64      `json:"at"`                // when it was made, by its author's clock
	By      string     `json:"key"`               // the author's ed25519 key, base64
	Sig     string     `json:"sig,omitempty"`
}

// Chain is a deal as far as it has come, its first move first.
type Chain []Move

var (
	b64     = base64.RawStdEncoding
	idForm  = regexp.MustCompile(`^[a-z2-7]{26}$`)
	whoForm = regexp.MustCompile(`^@[a-z0-9._=/+-]{1,200}:[A-Za-z0-9.:\[\]-]{1,200}$`)
)

// Parse reads what travels in a message. It is strict: a field that is not known,
// a text with characters that cannot be seen, or anything out of bounds is an
// error of kind Invalid. It does not verify; see Check.
func Parse(raw []byte) (Chain, error) {
	if len(raw) > mostBytes {
		return nil, bad("read deal", "", "it is larger than a deal can be")
	}
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.DisallowUnknownFields()
	var c Chain
	if err := dec.Decode(&c); err != nil {
		return nil, bad("read deal", "", err.Error())
	}
	if dec.More() {
		return nil, bad("read deal", "", "something follows it")
	}
	if len(c) == 0 || len(c) > mostMoves {
		return nil, bad("read deal", "", fmt.Sprintf("it has %d moves, and may have 1 to %d", len(c), mostMoves))
	}
	for i, m := range c {
		if err := m.valid(i); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// Raw is the chain as it travels.
func (c Chain) Raw() json.RawMessage {
	raw, err := json.Marshal(c)
	if err != nil {
		panic("deal: " + err.Error()) // only our own types
	}
	return raw
}

// valid judges the form of a move by itself.
func (m Move) valid(seq int) error {
	no := func(why string) error { return bad("read deal", string(m.Deal), fmt.Sprintf("move %d: %s", seq, why)) }
	switch {
	case m.V != Version:
		return no("its version is not known here")
	case !idForm.MatchString(string(m.Deal)):
		return no("its name is none")
	case m.Kind != Meeting && m.Kind != Query && m.Kind != Task:
		return no("its kind is not known")
	case m.Seq != seq:
		return no("it is out of its place")
	case !whoForm.MatchString(string(m.From)) || !whoForm.MatchString(string(m.To)) || m.From == m.To:
		return no("it is not between two handles")
	case m.At <= 0 || m.At > latestMilli || m.Expires < 0 || m.Expires > latestMilli || m.Terms.Due < 0 || m.Terms.Due > latestMilli:
		return no("a time in it is none")
	case len(m.Prev) > 64 || len(m.By) > 64 || len(m.Sig) > 128:
		return no("a key or signature in it is none")
	}
	if why := m.Terms.wrong(m.Kind, m.Act); why != "" {
		return no(why)
	}
	return nil
}

// wrong says what terms may not be said with an act; "" if they may.
func (t Terms) wrong(kind Kind, act Act) string {
	switch {
	case !seen(t.Title, mostTitle, false):
		return "its title is too long or has characters that cannot be seen"
	case !seen(t.Text, mostText, true):
		return "its text is too long or has characters that cannot be seen"
	case len(t.Slots) > mostSlots || len(t.Slots) > 0 && kind != Meeting:
		return "it has slots that it may not have"
	}
	for i, s := range t.Slots {
		if why := s.wrong(); why != "" {
			return why
		}
		for _, other := range t.Slots[:i] {
			if s.Meets(other) {
				return "two of its slots meet"
			}
		}
	}
	switch act {
	case Offer, Counter:
		if t.Title == "" || kind == Meeting && len(t.Slots) == 0 {
			return "an offer needs a title, and one of a meeting a slot"
		}
	case Accept:
		if kind == Meeting && len(t.Slots) != 1 {
			return "accepting a meeting names one slot"
		}
	case Reply, Deliver:
		if t.Text == "" {
			return "there is nothing in it"
		}
	case Confirm, Decline, Withdraw, Expire, Cancel:
		if len(t.Slots) > 0 || t.Title != "" || t.Due != 0 {
			return "it may only give a reason"
		}
	default:
		return "what it does is not known"
	}
	return ""
}

func (s Slot) wrong() string {
	d := time.Duration(s.To-s.From) * time.Millisecond
	switch {
	case s.From <= 0 || s.From > latestMilli || s.To > latestMilli || s.From%60000 != 0 || s.To%60000 != 0:
		return "a slot has a time that is none"
	case d < shortest || d > longest:
		return "a slot is too short or too long"
	}
	return ""
}

// seen reports whether all of a text can be seen by who reads it.
func seen(s string, most int, lines bool) bool {
	if !utf8.ValidString(s) || utf8.RuneCountInString(s) > most {
		return false
	}
	return !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) && (!lines || r != '\n') || unicode.Is(unicode.Cf, r) || r == '\u2028' || r == '\u2029' || r == utf8.RuneError
	})
}

// signed is what is signed of a move: canonical JSON without the signature, which is
// keys in order, no spaces, and characters as they are.
func (m Move) signed() []byte {
	m.Sig = ""
	raw, err := json.Marshal(m)
	if err != nil {
		panic("deal: " + err.Error()) // only our own types
	}
	var v any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&v); err != nil {
		panic("deal: " + err.Error())
	}
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil { // a map's keys are sorted
		panic("deal: " + err.Error())
	}
	return bytes.TrimSuffix(out.Bytes(), []byte("\n"))
}

// Hash identifies a move with its signature; the next one names it.
func (m Move) Hash() string {
	sum := sha256.Sum256(append(m.signed(), m.Sig...))
	return b64.EncodeToString(sum[:])
}

// sign makes the move its author's.
func (m Move) sign(key ed25519.PrivateKey) Move {
	m.By = PublicKey(key)
	m.Sig = b64.EncodeToString(ed25519.Sign(key, m.signed()))
	return m
}

// PublicKey is how others know a key.
func PublicKey(key ed25519.PrivateKey) string {
	return b64.EncodeToString(key.Public().(ed25519.PublicKey))
}

// genuine reports whether the move was signed with the key that it names.
func (m Move) genuine() bool {
	key, err := b64.DecodeString(m.By)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return false
	}
	sig, err := b64.DecodeString(m.Sig)
	return err == nil && ed25519.Verify(key, m.signed(), sig)
}

func bad(op, path, why string) error {
	return &sys.Error{Op: op, Path: path, Kind: sys.Invalid, Err: errors.New(why), Hint: "nothing was done with it"}
}
