package sys

import (
	"errors"
	"regexp"
	"strings"
)

// localForm is what Matrix allows in a localpart, without the slash, which
// addresses of ours could not carry.
var localForm = regexp.MustCompile(`^[a-z0-9._=+-]+$`)

// maxHandle is how long a Matrix user id may be, in bytes.
const maxHandle = 255

// ParseHandle makes a Handle of what a person or a model wrote: "anna", "@anna"
// or "@anna:example.org". Without a domain it gets the one given. The error is of
// kind Invalid and says what may be written.
func ParseHandle(s, domain string) (Handle, error) {
	local, own, named := strings.Cut(strings.TrimPrefix(strings.TrimSpace(s), "@"), ":")
	if named {
		domain = own
	}
	h := Handle("@" + local + ":" + domain)
	bad := func(why, hint string) (Handle, error) {
		return "", &Error{Op: "read handle", Path: s, Kind: Invalid, Err: errors.New(why), Hint: hint}
	}
	switch {
	case !localForm.MatchString(local):
		return bad("it has characters that a handle cannot have", "use small letters a-z, digits, and . _ = + -, such as @anna")
	case domain == "" || strings.ContainsAny(domain, " /@\n\t"):
		return bad("its domain is none", "write a handle such as @anna:example.org")
	case len(h) > maxHandle:
		return bad("it is too long", "a handle has at most 255 bytes, the domain included")
	case strings.HasPrefix(local, "_"):
		return bad("names that begin with _ belong to bridges", "begin it with a letter")
	case strings.HasSuffix(local, "_ai"):
		return bad("names that end in _ai belong to the AIs of people", "leave _ai off: the AI of @anna is @anna_ai by itself")
	}
	return h, nil
}

// Parts are the name and the domain of h.
func (h Handle) Parts() (local, domain string) {
	local, domain, _ = strings.Cut(strings.TrimPrefix(string(h), "@"), ":")
	return local, domain
}
