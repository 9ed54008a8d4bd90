package sys

// Integrity says how far what was read may be trusted; lower is less.
type Integrity int8

// The integrity levels. The zero value is the owner's own word.
const (
	FromOwner Integrity = iota
	FromApp
	Untrusted
)

// Confidentiality says who may learn what was read; higher is more private.
type Confidentiality int8

// The confidentiality levels.
const (
	Public Confidentiality = iota
	OwnerOnly
	Secret
)

// Label is what a process, a landing or a datum has been in touch with. The
// zero Label is public and the owner's own.
type Label struct {
	Integrity       Integrity       `json:"integrity"`
	Confidentiality Confidentiality `json:"confidentiality"`
}

// Join returns the label of something that has read both.
func (l Label) Join(m Label) Label {
	return Label{max(l.Integrity, m.Integrity), max(l.Confidentiality, m.Confidentiality)}
}

// String returns the form of the Label trailer, such as "owner/public".
func (l Label) String() string {
	in := [...]string{"owner", "app", "untrusted"}
	co := [...]string{"public", "owner", "secret"}
	return in[l.Integrity] + "/" + co[l.Confidentiality]
}
