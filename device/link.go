package device

import (
	"encoding/base64"
	"errors"
	"net"
	"regexp"
	"strconv"
	"strings"

	"matrixos/sys"
)

// Link is what lets one device in, once: where the first device is, which key it
// proves, and the code.
type Link struct {
	Addrs []string // host:port, to be tried in order
	ID    ID       // of the first device
	Code  string
}

// scheme begins a link, so that people see what it is.
const scheme = "matrixos-device:"

var codeForm = regexp.MustCompile(`^[A-Z2-7]{20,64}$`)

// mostAddrs bounds where a device is looked for.
const mostAddrs = 8

// String is the form that people copy.
func (l Link) String() string {
	return scheme + strings.Join(l.Addrs, ",") + "/" + string(l.ID) + "/" + l.Code
}

// ParseLink reads a link; errors are of kind Invalid.
func ParseLink(s string) (Link, error) {
	bad := func(why string) (Link, error) {
		return Link{}, &sys.Error{Op: "read link", Kind: sys.Invalid, Err: errors.New(why), Hint: "copy the whole line that `matrixos device add NAME` prints on the first device"}
	}
	rest, ok := strings.CutPrefix(strings.TrimSpace(s), scheme)
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 {
		return bad("it is no link of a device")
	}
	l := Link{Addrs: strings.Split(parts[0], ","), ID: ID(parts[1]), Code: parts[2]}
	if raw, err := base64.RawURLEncoding.Strict().DecodeString(parts[1]); err != nil || len(raw) != 32 {
		return bad("the key in it is cut off")
	}
	if !codeForm.MatchString(l.Code) {
		return bad("the code in it is cut off")
	}
	if len(l.Addrs) > mostAddrs {
		return bad("it names too many addresses")
	}
	for _, a := range l.Addrs {
		if CheckAddr(a) != nil {
			return bad("it names no address")
		}
	}
	return l, nil
}

// CheckAddr reports what is wrong with host:port.
func CheckAddr(a string) error {
	host, port, err := net.SplitHostPort(a)
	n, convErr := strconv.Atoi(port)
	if err != nil || convErr != nil || host == "" || n < 1 || n > 65535 || strings.ContainsAny(host, "/, \t\r\n") || len(host) > 253 {
		return &sys.Error{Op: "read address", Path: a, Kind: sys.Invalid, Hint: "write HOST:PORT, such as 192.168.1.20:4010"}
	}
	return nil
}
