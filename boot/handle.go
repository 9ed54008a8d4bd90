package boot

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"slices"

	"github.com/tidwall/sjson"

	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/keyring"
	"matrixos/matrix"
	"matrixos/matrix/public"
	"matrixos/matrix/reach"
	"matrixos/sys"
)

var _ gateway.Matrix = (*homeserver)(nil)

// identity is system/handle.json.
type identity struct {
	Handle sys.Handle   `json:"handle"`
	Name   string       `json:"display_name"`
	People []sys.Handle `json:"people,omitempty"` // who else has an account on the homeserver
}

func readIdentity(d *disk.Disk) (identity, error) {
	var id identity
	err := readJSON(d, 0, handleFile, &id)
	id.Handle = cmp.Or(id.Handle, localHandle)
	return id, err
}

// localHandle is whose a home is that says nothing.
const localHandle sys.Handle = "@you:" + matrix.LocalDomain

// Handle implements gateway.Matrix.
func (h *homeserver) Handle(context.Context) (gateway.HandleReply, error) {
	id, err := readIdentity(h.disk)
	if err != nil {
		return gateway.HandleReply{}, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	r := gateway.HandleReply{
		Handle: id.Handle, AI: matrix.AI(id.Handle), Local: matrix.IsLocal(id.Handle), People: append([]sys.Handle{}, id.People...),
		Driver: cmp.Or(h.config.Driver, driverChild), Phase: string(matrix.Stopped), Trouble: h.trouble,
	}
	if h.first != nil {
		r.Driver = driverExternal
	}
	if h.hs == nil {
		return r, nil
	}
	st := h.hs.State()
	r.Phase, r.Why, r.Restarts, r.PID = string(st.Phase), st.Why, st.Restarts, st.PID
	r.URL = h.address(h.config, h.hs.Domain())
	if r.Driver != driverExternal {
		r.Log = h.logFile(h.hs.Domain())
	}
	if h.ln != nil {
		r.Listen = h.ln.Addr().String()
	}
	return r, nil
}

// defaultListen is where a proxy on this machine finds the homeserver; the network does
// not, until the owner wants that.
const defaultListen = "127.0.0.1:8448"

// Claim implements gateway.Matrix. A handle is claimed once: every room and every
// message carries it, and nobody can be told that it has changed.
func (h *homeserver) Claim(ctx context.Context, in gateway.ClaimBody) (gateway.HandleReply, error) {
	h.claiming.Lock()
	defer h.claiming.Unlock()
	if h.first != nil {
		return gateway.HandleReply{}, onFirst("claim", in.Handle)
	}
	id, err := readIdentity(h.disk)
	if err != nil {
		return gateway.HandleReply{}, err
	}
	want, err := sys.ParseHandle(in.Handle, "")
	if err != nil {
		return gateway.HandleReply{}, err
	}
	if matrix.IsLocal(want) {
		return gateway.HandleReply{}, &sys.Error{Op: "claim", Path: string(want), Kind: sys.Invalid, Err: errors.New("its domain is no domain of the network"), Hint: "use a domain that you own, such as @anna:example.org"}
	}
	if !matrix.IsLocal(id.Handle) && id.Handle != want {
		return gateway.HandleReply{}, &sys.Error{
			Op: "claim", Path: string(want), Kind: sys.Conflict, Err: errors.New("this home is " + string(id.Handle)),
			Hint: "a handle cannot be changed: rooms, messages and other people's lists carry it. A new home can claim another one",
		}
	}
	listen, mode := cmp.Or(in.Listen, defaultListen), public.Mode(cmp.Or(in.TLS, string(public.Proxy)))
	_, domain := want.Parts()
	if err := tryListen(ctx, public.Options{Addr: listen, Mode: mode, Domain: domain, Certificate: in.Certificate, Key: in.Key, Logger: h.log}, h.listening()); err != nil {
		return gateway.HandleReply{}, err
	}
	if err := h.become(ctx, id.Handle, want, map[string]any{
		"matrix.allow_private": in.Private,
		"matrix.listen":        listen, "matrix.tls": string(mode), "matrix.certificate": in.Certificate, "matrix.key": in.Key, "matrix.email": in.Email, "matrix.public": in.Public,
	}); err != nil {
		return gateway.HandleReply{}, err
	}
	h.tend(ctx)
	return h.Handle(ctx)
}

// become lands the handle and the settings, and has the homeserver be theirs. The clients
// of the handle that was end before.
func (h *homeserver) become(ctx context.Context, was, want sys.Handle, settings map[string]any) error {
	_, domain := want.Parts()
	change := func() error {
		if err := h.keep(ctx, want, settings); err != nil {
			return err
		}
		if err := errors.Join(h.close(), h.open(domain)); err != nil || was == want {
			return err
		}
		return h.setAside(was)
	}
	if was == want || h.anew == nil {
		return change()
	}
	return h.anew(change)
}

// setAside keeps the keys of a handle that was where those of another account with the
// same name do not look for theirs.
func (h *homeserver) setAside(was sys.Handle) error {
	local, domain := was.Parts()
	for _, name := range []string{local, local + "_ai"} {
		dir := clientDir(h.disk, name)
		if err := os.Rename(dir, dir+"."+domain); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

func (h *homeserver) listening() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.ln != nil
}

// tryListen finds out whether the address and the certificate can be used, before
// anything is decided for good.
func tryListen(ctx context.Context, o public.Options, running bool) error {
	if running {
		return nil // the same handle again: the old listener has the port
	}
	ln, err := public.Listen(ctx, o)
	if err != nil {
		return err
	}
	return ln.Close()
}

// keep lands the handle and the settings, as one change of the owner's.
func (h *homeserver) keep(ctx context.Context, want sys.Handle, settings map[string]any) error {
	for k, v := range settings {
		if v == "" || v == false {
			delete(settings, k)
		}
	}
	_, err := h.disk.Edit(ctx, []sys.Path{configFile, handleFile}, func(home *disk.View) (disk.Write, error) {
		config, err := editConfig(home, settings)
		if err != nil {
			return disk.Write{}, err
		}
		text, err := editIdentity(home, "handle", want)
		return disk.Write{
			Files: map[sys.Path][]byte{configFile: config, handleFile: text}, Kind: sys.ByOwner, Title: "Claimed the handle " + string(want),
		}, err
	})
	return err
}

// editIdentity sets one field of system/handle.json, and leaves the rest.
func editIdentity(home fs.FS, field string, value any) ([]byte, error) {
	text, err := fs.ReadFile(home, string(handleFile))
	if missing(err) || err == nil && !json.Valid(text) {
		text = []byte("{}\n")
	} else if err != nil {
		return nil, err
	}
	return sjson.SetBytes(text, field, value)
}

// Look implements gateway.Matrix.
func (h *homeserver) Look(ctx context.Context, domain string) ([]gateway.HandleCheck, error) {
	h.mu.Lock()
	own, keyID := "", h.keyID
	if h.hs != nil {
		own = h.hs.Domain()
	}
	h.mu.Unlock()
	if domain = cmp.Or(domain, own); matrix.LocalOnly(domain) {
		return nil, &sys.Error{Op: "check", Path: domain, Kind: sys.Invalid, Err: errors.New("it is no domain of the network"), Hint: "name the domain that you want: matrixos handle check example.org"}
	}
	if domain != own {
		keyID = "" // another one's key is not known here
	}
	var list []gateway.HandleCheck
	for _, r := range new(reach.Looker).Look(ctx, domain, keyID) {
		list = append(list, gateway.HandleCheck(r))
	}
	return list, nil
}

// Password implements gateway.Matrix.
func (h *homeserver) Password(ctx context.Context, in gateway.PasswordBody) (gateway.PasswordReply, error) {
	h.claiming.Lock()
	defer h.claiming.Unlock()
	if h.first != nil {
		return gateway.PasswordReply{}, onFirst("set password", in.Name)
	}
	id, err := readIdentity(h.disk)
	if err != nil {
		return gateway.PasswordReply{}, err
	}
	hs, err := h.Server()
	if err != nil {
		return gateway.PasswordReply{}, err
	}
	who := id.Handle
	if in.Name != "" {
		if who, err = sys.ParseHandle(in.Name, hs.Domain()); err != nil {
			return gateway.PasswordReply{}, err
		}
	}
	if err := h.known(id, who, hs.Domain(), in.New); err != nil {
		return gateway.PasswordReply{}, err
	}
	out := gateway.PasswordReply{Handle: who, URL: h.clientURL()}
	password := in.Password
	if password == "" {
		password = newPassword()
		out.Password = password
	} else if len(password) < passwordLeast {
		return out, &sys.Error{Op: "set password", Kind: sys.Invalid, Err: errors.New("it is too short"), Hint: "it opens your messages to whoever guesses it: use ten characters or more, or let one be made"}
	}
	if h.isExternal() {
		if in.New || who != id.Handle || in.Password == "" {
			return out, &sys.Error{Op: "set password", Path: string(who), Kind: sys.Refused, Err: errors.New("the homeserver is somebody else's"), Hint: "give the password that you have there; accounts are made there too"}
		}
		if err := h.keys.Set(externalPassword, keyring.NewSecret(password)); err != nil {
			return out, err
		}
		return out, h.open(hs.Domain())
	}
	return out, h.ensure(ctx, hs, who, password, in.New)
}

const passwordLeast = 10

// known refuses accounts that are not there, and new ones that are.
func (h *homeserver) known(id identity, who sys.Handle, domain string, fresh bool) error {
	_, theirs := who.Parts()
	there := who == id.Handle || slices.Contains(id.People, who)
	switch {
	case theirs != domain:
		return &sys.Error{Op: "set password", Path: string(who), Kind: sys.Invalid, Err: errors.New("it is on another homeserver"), Hint: "accounts of this home end in :" + domain}
	case fresh && matrix.IsAI(who):
		return &sys.Error{Op: "add", Path: string(who), Kind: sys.Invalid, Err: errors.New("accounts that end in _ai are those of AIs"), Hint: "add the person; the account of their AI comes with it"}
	case fresh && there:
		return &sys.Error{Op: "add", Path: string(who), Kind: sys.Exists, Hint: "`matrixos handle password " + string(who) + "` gives it a new password"}
	case !fresh && !there:
		return &sys.Error{Op: "set password", Path: string(who), Kind: sys.NotFound, Hint: "`matrixos handle add " + string(who) + "` makes the account"}
	}
	return nil
}

// ensure makes the accounts or changes the password, and then says so in the home.
func (h *homeserver) ensure(ctx context.Context, hs matrix.Homeserver, who sys.Handle, password string, fresh bool) error {
	accounts := []sys.Handle{who}
	if fresh {
		accounts = append(accounts, matrix.AI(who))
	}
	for _, a := range accounts {
		local, _ := a.Parts()
		if _, err := hs.EnsureUser(ctx, matrix.User{Local: local, Password: keyring.NewSecret(password), AccountOnly: true}); err != nil {
			return err
		}
	}
	if !fresh {
		return nil
	}
	_, err := h.disk.Edit(ctx, []sys.Path{handleFile}, func(home *disk.View) (disk.Write, error) {
		var now identity
		if err := readJSONOf(home, handleFile, &now); err != nil {
			return disk.Write{}, err
		}
		text, err := editIdentity(home, "people", append(now.People, who))
		return disk.Write{Files: map[sys.Path][]byte{handleFile: text}, Kind: sys.ByOwner, Title: "Added " + string(who) + " to the homeserver"}, err
	})
	return err
}

func (h *homeserver) clientURL() string {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.address(h.config, h.hs.Domain())
}

func (h *homeserver) isExternal() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.config.Driver == driverExternal
}

// newPassword makes one that can be typed: 100 bits in groups of letters and digits.
func newPassword() string {
	t := rand.Text()[:20]
	return t[:5] + "-" + t[5:10] + "-" + t[10:15] + "-" + t[15:]
}
