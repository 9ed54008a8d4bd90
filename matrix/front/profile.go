package front

import (
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
)

// Limits of MSC4133: a whole profile, and the name of a field.
const (
	profileMost = 64 << 10
	fieldMost   = 255
)

// profiles keeps the fields of profiles beyond name and avatar, which the homeserver
// keeps. They are one small file: a home has few users.
type profiles struct {
	path string
	mu   sync.Mutex
	by   map[string]map[string]json.RawMessage
}

func openProfiles(dir string) (*profiles, error) {
	p := &profiles{path: filepath.Join(dir, "profiles.json"), by: map[string]map[string]json.RawMessage{}}
	err := readFile(p.path, &p.by)
	return p, err
}

// readFile reads JSON; a file that is not there leaves into alone.
func readFile(path string, into any) error {
	b, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(b, into)
}

// writeFile replaces a file as a whole, durably.
func writeFile(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.OpenFile(path+".new", os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(b)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

func (p *profiles) of(user string) map[string]json.RawMessage {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.by[user])
}

// set changes a field; nil deletes it. It is false if the profile would be too large.
func (p *profiles) set(user, field string, value json.RawMessage) (ok bool, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	next := maps.Clone(p.by[user])
	if next == nil {
		next = map[string]json.RawMessage{}
	}
	if delete(next, field); value != nil {
		next[field] = value
	}
	size := 0
	for k, v := range next {
		size += len(k) + len(v) + 4
	}
	if size > profileMost {
		return false, nil
	}
	all := maps.Clone(p.by)
	all[user] = next
	if err := writeFile(p.path, all); err != nil {
		return true, err
	}
	p.by = all
	return true, nil
}

// kept reports whether the homeserver keeps a field itself.
func kept(field string) bool { return field == "displayname" || field == "avatar_url" }

// profile is a user's whole profile.
func (f *Front) profile(w http.ResponseWriter, r *http.Request) {
	user := r.PathValue("user")
	all := map[string]json.RawMessage{}
	status, body, err := f.ask(r.Context(), r, "/_matrix/client/v3/profile/"+url.PathEscape(user), nil, &all)
	if err != nil || status != http.StatusOK {
		f.pass(w, r, status, body, err)
		return
	}
	maps.Copy(all, f.profiles.of(user))
	write(w, all)
}

func (f *Front) profileField(w http.ResponseWriter, r *http.Request) {
	user, field := r.PathValue("user"), r.PathValue("field")
	if kept(field) || !f.localUser(user) {
		f.toStable(w, r)
		return
	}
	value, ok := f.profiles.of(user)[field]
	if !ok {
		refuse(w, http.StatusNotFound, "M_NOT_FOUND", "the profile has no such field")
		return
	}
	write(w, map[string]json.RawMessage{field: value})
}

// toStable hands a request for a field to the homeserver, under the one path it knows.
func (f *Front) toStable(w http.ResponseWriter, r *http.Request) {
	out := r.Clone(r.Context())
	out.URL.Path = "/_matrix/client/v3/profile/" + r.PathValue("user") + "/" + r.PathValue("field")
	out.URL.RawPath = "/_matrix/client/v3/profile/" + url.PathEscape(r.PathValue("user")) + "/" + url.PathEscape(r.PathValue("field"))
	f.proxy.ServeHTTP(w, out)
}

// setProfileField changes or deletes a field of the caller's own profile.
func (f *Front) setProfileField(w http.ResponseWriter, r *http.Request) {
	user, field := r.PathValue("user"), r.PathValue("field")
	if kept(field) && r.Method == http.MethodPut {
		f.toStable(w, r)
		return
	}
	who, status, said, err := f.caller(r)
	switch {
	case err != nil || status != http.StatusOK:
		f.pass(w, r, status, said, err)
		return
	case who.User != user:
		refuse(w, http.StatusForbidden, "M_FORBIDDEN", "this is somebody else's profile")
		return
	case kept(field):
		refuse(w, http.StatusBadRequest, "M_INVALID_PARAM", "set it to an empty text instead")
		return
	case len(field) > fieldMost:
		refuse(w, http.StatusBadRequest, "M_KEY_TOO_LARGE", "the name of the field is too long")
		return
	}
	var value json.RawMessage
	if r.Method == http.MethodPut {
		var in map[string]json.RawMessage
		body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, profileMost))
		if err != nil || json.Unmarshal(body, &in) != nil || in[field] == nil {
			refuse(w, http.StatusBadRequest, "M_BAD_JSON", "the body is to be an object with the field in it")
			return
		}
		value = in[field]
	}
	ok, err := f.profiles.set(user, field, value)
	switch {
	case err != nil:
		f.log.WarnContext(r.Context(), "a profile could not be written", "error", err)
		refuse(w, http.StatusInternalServerError, "M_UNKNOWN", "it could not be kept")
	case !ok:
		refuse(w, http.StatusBadRequest, "M_PROFILE_TOO_LARGE", "a profile has at most 64 KB")
	default:
		write(w, struct{}{})
	}
}

// queryProfile adds the fields to what other servers are told.
func (f *Front) queryProfile(w http.ResponseWriter, r *http.Request) {
	user, field := r.URL.Query().Get("user_id"), r.URL.Query().Get("field")
	all := map[string]json.RawMessage{}
	if !f.localUser(user) || kept(field) {
		f.proxy.ServeHTTP(w, r)
		return
	}
	q := url.Values{"user_id": {user}}
	status, body, err := f.ask(r.Context(), r, r.URL.Path, q, &all)
	if err != nil || status != http.StatusOK {
		f.pass(w, r, status, body, err)
		return
	}
	maps.Copy(all, f.profiles.of(user))
	if field != "" {
		if all[field] == nil {
			refuse(w, http.StatusNotFound, "M_NOT_FOUND", "the profile has no such field")
			return
		}
		all = map[string]json.RawMessage{field: all[field]}
	}
	write(w, all)
}
