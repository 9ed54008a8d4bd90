package room

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"matrixos/sys"
)

// Names on the network.
const (
	// Type is the type of a room of an app, in the room's first event.
	Type = "os.matrix.app"
	// EventType is the type of the event that brings an entry.
	EventType = "os.matrix.app.entry"
)

// Bounds of what a room holds. They are part of the rules: all homes leave out the same.
const (
	MostEntries = 10000 // of one member, over the life of a room
	MostValue   = 4096  // bytes of one value
	MostKey     = 64
	MostMembers = 20
	mostAfter   = 8
	mostContent = 16 << 10
	deepest     = 16
)

// Version is that of the form of entries.
const Version = 1

// Kind is what an entry does.
type Kind string

// The kinds.
const (
	Set   Kind = "set"   // gives a key a value; null takes the key away
	Move  Kind = "move"  // adds to the log
	Score Kind = "score" // claims a score, signed
)

// ID names an entry: a hash of it, of its room and of who wrote it. Nobody claims it,
// everybody computes it.
type ID string

// Entry is what a member writes.
type Entry struct {
	V     int    `json:"v"`
	N     int    `json:"n"` // the how-manieth of its author in this room, from 1
	Kind  Kind   `json:"kind"`
	Key   string `json:"key,omitempty"`   // of a set; of a score its board
	After []ID   `json:"after,omitempty"` // what it builds on: of a set what the key held, of a move the newest one
	Value string `json:"value"`           // JSON, as a text
	Proof *Proof `json:"proof,omitempty"` // of a score
}

// Proof is what makes a score its author's.
type Proof struct {
	At  int64  `json:"at"`  // when it was signed, in milliseconds
	Key string `json:"key"` // base64 without padding, as deals have it; Ed25519
	Sig string `json:"sig"`
}

// Posted is an entry with who wrote it.
type Posted struct {
	Entry
	ID   ID
	By   sys.Handle
	At   time.Time // as their server says; no rule looks at it
	Sent bool      // the room has it
}

var (
	b64      = base64.RawStdEncoding
	idForm   = regexp.MustCompile(`^[A-Za-z0-9_-]{32}$`)
	keyTaken = func(r rune) bool { return unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || r == utf8.RuneError }
)

// Parse reads the content of an event. Fields that it does not know it leaves alone, as
// Matrix asks for.
func Parse(content []byte) (Entry, error) {
	var e Entry
	if len(content) > mostContent {
		return e, bad("it is larger than an entry can be")
	}
	if err := json.Unmarshal(content, &e); err != nil {
		return e, bad(err.Error())
	}
	return e, e.valid()
}

// valid judges the form of an entry by itself.
func (e Entry) valid() error {
	switch {
	case e.V != Version:
		return bad("its version is not known here")
	case e.N < 1 || e.N > MostEntries:
		return bad(fmt.Sprintf("it is number %d, and may be 1 to %d", e.N, MostEntries))
	case e.Kind != Set && e.Kind != Move && e.Kind != Score:
		return bad("its kind is not known")
	case (e.Kind == Move) != (e.Key == ""):
		return bad("a value and a score have a key, a move has none")
	case len(e.Key) > MostKey || strings.ContainsFunc(e.Key, keyTaken):
		return bad("its key is too long or has characters that cannot be seen")
	case len(e.After) > mostAfter || e.Kind == Score && len(e.After) > 0:
		return bad("it follows too much")
	case strings.ContainsRune(e.Value, utf8.RuneError):
		return bad("its value has characters that are none")
	case len(e.Value) > MostValue:
		return bad(fmt.Sprintf("its value has %d bytes, and may have %d", len(e.Value), MostValue))
	case (e.Kind == Score) != (e.Proof != nil):
		return bad("a score is signed, and nothing else")
	}
	for i, id := range e.After {
		if !idForm.MatchString(string(id)) || i > 0 && e.After[i-1] >= id {
			return bad("what it follows is not named in order")
		}
	}
	if e.Kind == Score {
		if n, err := strconv.ParseInt(e.Value, 10, 54); err != nil || strconv.FormatInt(n, 10) != e.Value {
			return bad("its score is no whole number")
		}
	}
	return shallow(e.Value)
}

// shallow refuses what is no JSON, or too deep for whoever reads it.
func shallow(value string) error {
	if !json.Valid([]byte(value)) {
		return bad("its value is no JSON")
	}
	dec := json.NewDecoder(strings.NewReader(value))
	dec.UseNumber() // one of any size is a number
	for depth := 0; ; {
		switch t, err := dec.Token(); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return bad("its value is no JSON: " + err.Error())
		case t == json.Delim('{'), t == json.Delim('['):
			if depth++; depth > deepest {
				return bad("its value is too deep")
			}
		case t == json.Delim('}'), t == json.Delim(']'):
			depth--
		}
	}
}

// IDOf is what an entry of by's in a room is called: the first 24 bytes of the SHA-256
// of its parts, each behind its length.
func (e Entry) IDOf(room string, by sys.Handle) ID {
	parts := []string{room, string(by), strconv.Itoa(e.V), strconv.Itoa(e.N), string(e.Kind), e.Key, e.Value, strconv.Itoa(len(e.After))}
	for _, id := range e.After {
		parts = append(parts, string(id))
	}
	if e.Proof != nil {
		parts = append(parts, strconv.FormatInt(e.Proof.At, 10), e.Proof.Key, e.Proof.Sig)
	}
	sum := sha256.Sum256(strung(parts...))
	return ID(base64.RawURLEncoding.EncodeToString(sum[:24]))
}

// strung puts texts behind their lengths, so that no two lists give the same bytes.
func strung(parts ...string) []byte {
	var out bytes.Buffer
	for _, p := range parts {
		fmt.Fprintf(&out, "%d:%s,", len(p), p)
	}
	return out.Bytes()
}

// signed is what is signed of a score: who claims it, where and when, and how much.
func (e Entry) signed(room string, by sys.Handle) []byte {
	return strung("matrixos score 1", room, string(by), e.Key, e.Value, strconv.FormatInt(e.Proof.At, 10))
}

// Sign makes a score its author's.
func (e Entry) Sign(room string, by sys.Handle, at time.Time, key ed25519.PrivateKey) Entry {
	e.Proof = &Proof{At: at.UnixMilli(), Key: b64.EncodeToString(key.Public().(ed25519.PublicKey))}
	e.Proof.Sig = b64.EncodeToString(ed25519.Sign(key, e.signed(room, by)))
	return e
}

// Genuine refuses a score that by did not sign for this room, or that was altered since.
// Whether the key is theirs it does not know.
func (e Entry) Genuine(room string, by sys.Handle) error {
	if e.Kind != Score {
		return nil
	}
	key, err := b64.DecodeString(e.Proof.Key)
	if err != nil || len(key) != ed25519.PublicKeySize {
		return bad("its key is none")
	}
	sig, err := b64.DecodeString(e.Proof.Sig)
	if err != nil || !ed25519.Verify(key, e.signed(room, by), sig) {
		return &sys.Error{Op: "read score", Path: string(by), Kind: sys.Refused, Err: errors.New("its signature is not right: somebody else claims it, or it was altered")}
	}
	return nil
}

func bad(why string) error {
	return &sys.Error{Op: "read entry", Kind: sys.Invalid, Err: errors.New(why), Hint: "nothing was done with it"}
}
