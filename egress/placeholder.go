package egress

import (
	"encoding/base64"
	"errors"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"matrixos/keyring"
	"matrixos/sys"
)

// Keys lends secrets for the hosts that the owner has bound to them. A host is
// named with its port.
type Keys interface {
	// Bound reports whether any secret may go there.
	Bound(scheme, address string) bool
	// Named reports whether any secret is bound to a host, on whatever port.
	Named(host string) bool
	// Secret is the secret of a name for that host; Refused if it is not bound.
	Secret(name, scheme, address string) (keyring.Secret, error)
}

// placeholder stands for a secret in a header, such as {{key:github}}.
var placeholder = regexp.MustCompile(`\{\{key:([a-z0-9][a-z0-9._/-]{0,99})\}\}`)

// fill puts secrets in the place of placeholders in a header, and returns what
// must not come back. On error nothing may be sent.
func (p *Proxy) fill(h http.Header, scheme, address string) (put []string, err error) {
	for _, values := range h {
		for i, v := range values {
			basic, isBasic := strings.CutPrefix(v, "Basic ")
			if isBasic {
				text, e := base64.StdEncoding.DecodeString(basic)
				if e != nil || !placeholder.Match(text) {
					continue
				}
				v = string(text)
			}
			filled := placeholder.ReplaceAllStringFunc(v, func(m string) string {
				s, e := p.secret(placeholder.FindStringSubmatch(m)[1], scheme, address)
				if e != nil {
					err = errors.Join(err, e)
					return ""
				}
				put = append(put, s)
				return s
			})
			if isBasic {
				basic = base64.StdEncoding.EncodeToString([]byte(filled))
				put = append(put, basic)
				filled = "Basic " + basic
			}
			values[i] = filled
		}
	}
	slices.SortFunc(put, func(a, b string) int { return len(b) - len(a) }) // the longest first: one may be part of another
	return put, err
}

func (p *Proxy) secret(name, scheme, address string) (string, error) {
	if p.o.Keys == nil {
		return "", &sys.Error{Op: "use the key", Path: name, Kind: sys.Refused, Err: errors.New("no key is bound to a host")}
	}
	s, err := p.o.Keys.Secret(name, scheme, address)
	if err != nil {
		return "", err
	}
	if strings.ContainsAny(s.Reveal(), "\r\n") || s.Empty() {
		return "", &sys.Error{Op: "use the key", Path: name, Kind: sys.Invalid, Err: errors.New("it is no text for a header")}
	}
	return s.Reveal(), nil
}
