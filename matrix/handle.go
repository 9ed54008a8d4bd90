package matrix

import (
	"strings"

	"matrixos/sys"
)

// LocalDomain is the domain of a handle that nobody has claimed. A server of that
// name never speaks with others, and gives the name to no one.
const LocalDomain = "local"

// aiSuffix ends the local part of every AI's handle.
const aiSuffix = "_ai"

// AI is the handle of the AI of a person: of @anna:example.org it is @anna_ai:example.org.
func AI(person sys.Handle) sys.Handle {
	local, domain := person.Parts()
	return sys.Handle("@" + local + aiSuffix + ":" + domain)
}

// IsAI reports whether h is the handle of an AI.
func IsAI(h sys.Handle) bool {
	local, _ := h.Parts()
	return strings.HasSuffix(local, aiSuffix)
}

// Person is whose AI h is; h itself if it is a person's.
func Person(h sys.Handle) sys.Handle {
	local, domain := h.Parts()
	return sys.Handle("@" + strings.TrimSuffix(local, aiSuffix) + ":" + domain)
}

// IsLocal reports whether h can be known on its own server only.
func IsLocal(h sys.Handle) bool {
	_, domain := h.Parts()
	return LocalOnly(domain)
}

// LocalOnly reports whether a server of that name never speaks with others.
func LocalOnly(domain string) bool {
	return domain == "" || domain == LocalDomain || domain == "localhost"
}

// ParseUser reads the id of any user, as it comes from the network: of an AI too, and
// with what Matrix allows in old names. The error is of kind Invalid.
func ParseUser(id string) (sys.Handle, error) {
	h := sys.Handle(id)
	local, domain := h.Parts()
	if !strings.HasPrefix(id, "@") || local == "" || domain == "" || len(id) > 255 || strings.ContainsFunc(id, unprintable) {
		return "", &sys.Error{Op: "read user id", Path: strings.ToValidUTF8(id[:min(len(id), 64)], "?"), Kind: sys.Invalid, Hint: "it looks like @anna:example.org"}
	}
	return h, nil
}

func unprintable(r rune) bool { return r <= ' ' || r == 0x7f || r > 0x7f }
