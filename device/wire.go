package device

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"matrixos/sys"
)

// protocol is which calls and which meaning of them both sides know. A home that
// speaks another one is told so, and nothing else happens.
const protocol = "1"

const protocolHeader = "Matrixos-Device"

// bodyMost bounds a document of either side.
const bodyMost = 64 << 20

// Pairing is what comes with a code.
type Pairing struct {
	Code    string `json:"code"`
	Version string `json:"version"`
}

// Welcome is what the first device says to one that it lets in.
type Welcome struct {
	Name    string     `json:"name"` // as which it is known from now on
	Of      string     `json:"of"`   // what the first device is called
	Handle  sys.Handle `json:"handle"`
	Version string     `json:"version"`
	Seq     sys.Seq    `json:"seq"` // how far its journal is
	// Number is the how-manieth device the one that asks is, from 1; those that were removed
	// count.
	Number int `json:"number"`
	// Signs is the seed of the key that signs what is the owner's, in base64: all devices of
	// theirs sign by one. Only who has just been let in is told.
	Signs string `json:"signs,omitempty"`
}

// Signing asks for a device of the owner's account.
type Signing struct {
	Device string `json:"device"`
	Token  string `json:"token,omitempty"` // the answer
}

// Vouching asks that a device of the account be signed by its identity.
type Vouching struct {
	Device string `json:"device"`
	Key    string `json:"key"`              // its ed25519 fingerprint
	Backup string `json:"backup,omitempty"` // the answer: the key of the backup of keys
}

// Moment is how far the first device's journal is.
type Moment struct {
	Seq sys.Seq `json:"seq"`
}

// refusal is an error as it travels.
type refusal struct {
	Kind sys.Kind `json:"kind"`
	Text string   `json:"text"`
	Hint string   `json:"hint,omitempty"`
}

// removed is what a device hears that is let in no more.
func removed() error {
	return &sys.Error{Op: "reach the first device", Kind: sys.Refused, Err: ErrRemoved, Hint: "what is here stays; pair again with `matrixos device add NAME` there and `matrixos up --join LINK` here"}
}

// ErrRemoved means that the first device lets this one in no more.
var ErrRemoved = errors.New("this device was removed")

const removedKind sys.Kind = "removed" // on the wire only

func refuse(w http.ResponseWriter, err error) {
	r := refusal{Kind: sys.KindOf(err), Text: err.Error(), Hint: sys.HintOf(err)}
	status := http.StatusConflict
	switch {
	case errors.Is(err, ErrRemoved):
		r.Kind, status = removedKind, http.StatusForbidden
	case r.Kind == sys.Unauthorized:
		status = http.StatusForbidden
	case r.Kind == sys.NotFound:
		status = http.StatusNotFound
	case r.Kind == sys.TooNew:
		status = http.StatusUpgradeRequired
	case r.Kind == sys.Invalid:
		status = http.StatusBadRequest
	case r.Kind == sys.Unavailable, r.Kind == sys.Internal:
		status = http.StatusServiceUnavailable
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(r) // whoever asked is gone, then
}

func answer(w http.ResponseWriter, v any, err error) {
	if err != nil {
		refuse(w, err)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // whoever asked is gone, then
}

// body reads the document of a request.
func body(w http.ResponseWriter, r *http.Request, into any) error {
	err := json.NewDecoder(http.MaxBytesReader(w, r.Body, bodyMost)).Decode(into)
	if err != nil {
		return &sys.Error{Op: "read request", Path: r.URL.Path, Kind: sys.Invalid, Err: err}
	}
	return nil
}

// heard makes an error of an answer that is none.
func heard(res *http.Response) error {
	var r refusal
	if err := json.NewDecoder(io.LimitReader(res.Body, 1<<20)).Decode(&r); err != nil || r.Kind == "" {
		return &sys.Error{Op: "ask the first device", Kind: sys.Unavailable, Err: errors.New("it answers " + res.Status)}
	}
	if r.Kind == removedKind {
		return removed()
	}
	return &sys.Error{Op: "ask the first device", Kind: r.Kind, Err: errors.New(r.Text), Hint: r.Hint}
}
