package gateway

import (
	"net"
	"net/http"
	"net/url"
	"path"
	"strings"

	"matrixos/sys"
)

// origins maps each Host header that may reach the gateway to the one Origin
// that belongs to it.
type origins map[string]string

// originsOf reads a list such as "http://127.0.0.1:4000".
func originsOf(list []string) (origins, error) {
	o := origins{}
	for _, s := range list {
		u, err := url.Parse(s)
		if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || u.Path != "" || u.RawQuery != "" {
			return nil, &sys.Error{
				Op: "read origin", Path: s, Kind: sys.Invalid, Err: err,
				Hint: "write it as a browser shows it, without a path: https://desk.example.org",
			}
		}
		o[strings.ToLower(u.Host)] = u.Scheme + "://" + strings.ToLower(u.Host)
	}
	return o, nil
}

// OriginsOf lists the origins under which a browser on this machine reaches a
// listener at a, and the address itself if it is a specific one.
func OriginsOf(a net.Addr) []string {
	if a.Network() == pipeNetwork {
		return []string{"http://" + pipeHost}
	}
	host, port, err := net.SplitHostPort(a.String())
	if err != nil {
		return nil
	}
	var list []string
	ip := net.ParseIP(host)
	if ip == nil || ip.IsLoopback() || ip.IsUnspecified() {
		for _, h := range []string{"127.0.0.1", "localhost", "::1"} {
			list = append(list, "http://"+net.JoinHostPort(h, port))
		}
	}
	if ip != nil && !ip.IsUnspecified() && !ip.IsLoopback() {
		list = append(list, "http://"+net.JoinHostPort(host, port))
	}
	if port == "80" { // browsers leave the default port out
		for _, o := range list {
			list = append(list, strings.TrimSuffix(o, ":80"))
		}
	}
	return list
}

// admit decides whether r may come from where it says it comes from; nil means
// yes. It does not ask who r is: that is the session's part.
func (o origins) admit(r *http.Request) *Problem {
	own, ok := o[strings.ToLower(r.Host)]
	if !ok {
		return newProblem(http.StatusMisdirectedRequest, sys.Refused,
			"this server does not answer to the name "+r.Host,
			"open the address that `matrixos up` printed; other names are allowed with --origin")
	}
	if !clean(r.URL.Path) {
		return newProblem(http.StatusBadRequest, sys.Invalid, "the address is not in its shortest form", "remove // and .. from it")
	}
	reads := r.Method == http.MethodGet || r.Method == http.MethodHead
	frame := strings.HasPrefix(r.URL.Path, "/app/") // the ticket in the address is the right
	from := r.Header.Values("Origin")
	bearer := strings.HasPrefix(r.Header.Get("Authorization"), "Bearer ")
	switch {
	case len(from) > 1:
		return elsewhere("several origins")
	case len(from) == 1 && from[0] == "null":
		if !frame {
			return elsewhere("an opaque origin")
		}
	case len(from) == 1 && from[0] != own:
		return elsewhere(from[0])
	case len(from) == 0 && !reads && !bearer:
		return elsewhere("an unknown origin")
	}
	switch r.Header.Get("Sec-Fetch-Site") {
	case "", "same-origin", "none":
		return nil
	}
	if frame || (reads && landing(r)) {
		return nil
	}
	return elsewhere("another site")
}

// landing reports whether r opens the desktop in a tab from elsewhere: a link
// in a mail, say. Nothing is done by it but showing the page; a sign-in link
// must have been clicked by a person.
func landing(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Mode") != "navigate" || r.Header.Get("Sec-Fetch-Dest") != "document" {
		return false
	}
	switch r.URL.Path {
	case "/":
		return true
	case SignInBack: // from the service where the owner has signed in
		return true
	case "/signin":
		return r.Header.Get("Sec-Fetch-User") == "?1"
	}
	return false
}

func elsewhere(from string) *Problem {
	return newProblem(http.StatusForbidden, sys.Refused, "the request comes from "+from+", not from this desktop",
		"use the desktop itself, or send the token in an Authorization header")
}

// clean reports whether p is what the router will see, so that no check and no
// handler can disagree about it.
func clean(p string) bool {
	if !strings.HasPrefix(p, "/") || strings.ContainsAny(p, "\\\x00") {
		return false
	}
	c := path.Clean(p)
	return p == c || p == c+"/"
}
