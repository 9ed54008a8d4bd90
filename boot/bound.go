package boot

import (
	"cmp"
	"errors"
	"net"
	"slices"
	"strings"

	"matrixos/disk"
	"matrixos/egress"
	"matrixos/keyring"
	"matrixos/sys"
)

// bindingsFile says which keys commands may use where. Only the owner's hand
// changes it: who could, could send a key anywhere.
const bindingsFile sys.Path = "system/keys.json"

// boundKeys lends the keyring to commands, for the hosts that the owner has bound.
type boundKeys struct {
	disk *disk.Disk
	keys *keyring.Keyring
}

var _ egress.Keys = boundKeys{}

// hosts are the hosts of each key: "api.github.com", "git.home:8443", or
// "http://192.168.1.5" for one without TLS.
func (b boundKeys) hosts() (map[string][]string, error) {
	var f struct {
		Hosts map[string][]string `json:"hosts"`
	}
	err := readJSON(b.disk, 0, bindingsFile, &f)
	return f.Hosts, err
}

// Bound implements egress.Keys.
func (b boundKeys) Bound(scheme, address string) bool {
	all, err := b.hosts()
	if err != nil {
		return false // Secret says why
	}
	for _, hosts := range all {
		if slices.ContainsFunc(hosts, func(h string) bool { return isHost(h, scheme, address) }) {
			return true
		}
	}
	return false
}

// Secret implements egress.Keys.
func (b boundKeys) Secret(name, scheme, address string) (keyring.Secret, error) {
	all, err := b.hosts()
	if err != nil {
		return keyring.Secret{}, err
	}
	if !slices.ContainsFunc(all[name], func(h string) bool { return isHost(h, scheme, address) }) {
		return keyring.Secret{}, &sys.Error{
			Op: "use the key", Path: name, Kind: sys.Refused, Err: errors.New("it is not bound to " + scheme + "://" + address),
			Hint: "the owner can allow it: matrixos keys bind " + name + " HOST",
		}
	}
	return b.keys.Get(name)
}

// Named implements egress.Keys.
func (b boundKeys) Named(host string) bool {
	all, err := b.hosts()
	if err != nil {
		return false
	}
	for _, hosts := range all {
		if slices.ContainsFunc(hosts, func(h string) bool { _, name, _ := splitHost(h); return strings.EqualFold(name, host) }) {
			return true
		}
	}
	return false
}

// isHost reports whether an entry of the owner's means an address.
func isHost(entry, scheme, address string) bool {
	of, host, port := splitHost(entry)
	usual := map[string]string{"https": "443", "http": "80"}[of]
	return of == scheme && usual != "" && strings.EqualFold(net.JoinHostPort(host, cmp.Or(port, usual)), address)
}

// splitHost reads an entry of the owner's; port is empty if it names none.
func splitHost(entry string) (scheme, host, port string) {
	scheme, rest, found := strings.Cut(entry, "://")
	if !found {
		scheme, rest = "https", entry
	}
	host, port, err := net.SplitHostPort(rest)
	if err != nil {
		host, port = strings.Trim(rest, "[]"), ""
	}
	return scheme, host, port
}
