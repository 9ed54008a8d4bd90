package front

import (
	"net/http"
	"strings"
)

// What other servers may send at once and in one piece. A transaction has at most 50
// events of 64 KB and 100 notices.
const (
	peersMost       = 256
	peerMost        = 32 // from one address
	transactionMost = 12 << 20
	otherMost       = 1 << 20
)

// Federation serves other homeservers: their API, our keys, and where we are. Media
// goes out only by their API, to servers that sign their request.
func (f *Front) Federation() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /_matrix/federation/v1/query/profile", f.queryProfile)
	mux.Handle("/_matrix/federation/", f.proxy)
	mux.Handle("GET /_matrix/key/", f.proxy)
	mux.Handle("POST /_matrix/key/", f.proxy)
	mux.Handle("GET /.well-known/matrix/server", f.proxy)
	mux.HandleFunc("/", func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusNotFound, "M_UNRECOGNIZED", "other servers find nothing else here")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Cookie")
		leave, ok := f.peers.take(address(r))
		if !ok {
			tooMuch(w, 0)
			return
		}
		defer leave()
		most := int64(otherMost)
		switch path := r.URL.Path; {
		case strings.HasPrefix(path, "/_matrix/federation/v1/send/"):
			most = transactionMost
		case strings.HasPrefix(path, "/_matrix/federation/v2/invite/"), strings.HasPrefix(path, "/_matrix/federation/v1/invite/"):
			if wait, ok := f.invites.allow(address(r) + " " + originOf(r)); !ok {
				tooMuch(w, wait)
				return
			}
		}
		if r.ContentLength > most {
			refuse(w, http.StatusRequestEntityTooLarge, "M_TOO_LARGE", "the request is too large")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, most)
		mux.ServeHTTP(w, r)
	})
}

// originOf is the server that r says it comes from. Whether it does, its signature
// tells the homeserver.
func originOf(r *http.Request) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "origin=")
	name, _, _ := strings.Cut(rest, ",")
	name = strings.Trim(strings.TrimSpace(name), `"`)
	return name[:min(len(name), 255)]
}
