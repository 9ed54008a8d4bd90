package boot

import (
	"cmp"
	"errors"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"time"

	"matrixos/egress"
	"matrixos/egress/media"
	"matrixos/egress/search"
	"matrixos/gateway"
	"matrixos/keyring"
	"matrixos/sys"
	"matrixos/syscalls"
)

// The providers of services, as they are named in system/config.json and in the
// keyring.
const (
	braveName      = "brave"
	tavilyName     = "tavily"
	searxngName    = "searxng"
	elevenlabsName = "elevenlabs"
	geminiName     = "gemini"
)

// services finds providers by the owner's settings and keys, anew for each use.
type services struct {
	models *models
	client *http.Client // providers are the owner's choice: any address, no redirects
}

var _ syscalls.Services = (*services)(nil)

func newServices(m *models) *services {
	return &services{m, &http.Client{
		Timeout:       3 * time.Minute,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// pick returns the chosen provider, or the first of those known that has a key.
func (s *services) pick(what string, known ...string) (string, config, error) {
	c, _, err := lastConfig(s.models.disk, 0)
	if err != nil {
		return "", c, err
	}
	if chosen := c.Services[what]; chosen != "" {
		if slices.Contains(known, chosen) {
			return chosen, c, nil
		}
		return "", c, &sys.Error{Op: "use", Path: chosen, Kind: sys.Invalid, Err: errors.New("it is no provider of this"), Hint: "set services." + what + " in system/config.json to " + strings.Join(known, ", ")}
	}
	for _, k := range known {
		if k == searxngName {
			if c.BaseURLs[k] != "" {
				return k, c, nil
			}
			continue
		}
		if key, err := s.models.key(k); err == nil && key != "" {
			return k, c, nil
		}
	}
	return "", c, &sys.Error{
		Op: "find a provider for", Path: what, Kind: sys.NotFound, Err: errors.New("none is attached"),
		Hint: "enter a key for " + strings.Join(known, ", ") + " in Settings",
	}
}

func (s *services) key(provider string) func() (keyring.Secret, error) {
	return func() (keyring.Secret, error) {
		key, err := s.models.key(provider)
		return keyring.NewSecret(key), err
	}
}

// Searcher implements syscalls.Services.
func (s *services) Searcher() (egress.Searcher, error) {
	name, c, err := s.pick("search", braveName, tavilyName, searxngName)
	if err != nil {
		return nil, err
	}
	base := c.BaseURLs[name]
	switch name {
	case braveName:
		return search.Brave(s.client, s.key(name), base), nil
	case tavilyName:
		return search.Tavily(s.client, s.key(name), base), nil
	}
	if base == "" {
		return nil, &sys.Error{Op: "search the web", Path: name, Kind: sys.Invalid, Err: errors.New("its address is missing"), Hint: "set base_urls.searxng in system/config.json, such as http://127.0.0.1:8888"}
	}
	return search.SearXNG(s.client, base), nil
}

// Painter implements syscalls.Services.
func (s *services) Painter() (egress.Painter, error) {
	name, c, err := s.pick("image", openaiName, geminiName)
	if err != nil {
		return nil, err
	}
	if name == geminiName {
		return s.gemini(c), nil
	}
	return s.openai(c), nil
}

// Speaker implements syscalls.Services.
func (s *services) Speaker() (egress.Speaker, error) {
	name, c, err := s.pick("voice", elevenlabsName, openaiName, geminiName)
	if err != nil {
		return nil, err
	}
	switch name {
	case elevenlabsName:
		return s.elevenlabs(c), nil
	case geminiName:
		return s.gemini(c), nil
	}
	return s.openai(c), nil
}

// Transcriber implements syscalls.Services.
func (s *services) Transcriber() (egress.Transcriber, error) {
	name, c, err := s.pick("transcribe", openaiName, elevenlabsName, geminiName)
	if err != nil {
		return nil, err
	}
	switch name {
	case elevenlabsName:
		return s.elevenlabs(c), nil
	case geminiName:
		return s.gemini(c), nil
	}
	return s.openai(c), nil
}

func (s *services) openai(c config) media.OpenAI {
	return media.NewOpenAI(s.client, s.key(openaiName), cmp.Or(c.BaseURLs[openaiName], s.models.env("OPENAI_BASE_URL")))
}

func (s *services) gemini(c config) media.Gemini {
	return media.NewGemini(s.client, s.key(geminiName), c.BaseURLs[geminiName])
}

func (s *services) elevenlabs(c config) media.ElevenLabs {
	return media.NewElevenLabs(s.client, s.key(elevenlabsName), c.BaseURLs[elevenlabsName])
}

// ownKeys is the keyring as the gateway sees it.
type ownKeys struct{ *keyring.Keyring }

var _ gateway.Keys = ownKeys{}

// Set keeps a key.
func (k ownKeys) Set(name, value string) error { return k.Keyring.Set(name, keyring.NewSecret(value)) }

// reachable reports whether the owner lets agents reach an address that is not
// public.
func (m *models) reachable(to netip.AddrPort) bool {
	c, err := readConfig(m.disk, 0)
	if err != nil {
		m.log.Warn("the settings cannot be read; only public addresses are reached", "error", err)
		return false
	}
	for _, entry := range c.Network.Allow {
		if p, err := netip.ParsePrefix(entry); err == nil && p.Contains(to.Addr()) {
			return true
		}
		if a, err := netip.ParseAddr(entry); err == nil && a == to.Addr() {
			return true
		}
		if ap, err := netip.ParseAddrPort(entry); err == nil && ap == to {
			return true
		}
	}
	return false
}
