package boot

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"slices"
	"strings"
	"sync"

	"matrixos/disk"
	"matrixos/engine"
	"matrixos/engine/claude"
	"matrixos/engine/coder"
	"matrixos/engine/native"
	"matrixos/gateway"
	"matrixos/kernel"
	"matrixos/keyring"
	"matrixos/model"
	"matrixos/model/anthropic"
	"matrixos/model/offline"
	"matrixos/model/openai"
	"matrixos/sys"
)

// The providers, as they stand before the colon of a model's name.
const (
	offlineModel  = "offline"
	anthropicName = "anthropic"
	openaiName    = "openai"
	claudeCode    = "claude-code"
	codexName     = "codex" // before the name of a model, which may have a provider's before it
)

// suggested is the model that a bare provider name or a bare key means.
var suggested = map[string]string{anthropicName: "claude-opus-4-6", claudeCode: "claude-opus-4-6"}

// models resolves model names to engines, and keeps the owner's choice. What a
// name means is looked up anew for every request, so that a key or an address
// entered in Settings counts at once.
type models struct {
	disk     *disk.Disk
	keys     *keyring.Keyring
	override string // from the command line
	env      func(string) string
	log      *slog.Logger
	builtIn  model.Model
	offline  engine.Engine
	confine  func(claude.Launch) (*claude.Program, error)                    // nil where the machine offers none
	agent    func(program string) func(coder.Launch) (*coder.Program, error) // as confine, for coding agents
	scratch  string                                                          // where programs that run conversations keep what is theirs
	safe     bool                                                            // no model runs
	good     sys.LandingID                                                   // in safe mode, where the settings are read; 0: the newest

	mu      sync.Mutex
	apis    map[string]model.Model   // by provider, key and address
	engines map[string]engine.Engine // as above, and by program
}

var (
	_ kernel.Models  = (*models)(nil)
	_ gateway.Models = (*models)(nil)
)

func newModels(d *disk.Disk, keys *keyring.Keyring, override string, env func(string) string, log *slog.Logger) (*models, error) {
	builtIn, err := offline.New()
	if err != nil {
		return nil, err
	}
	scratch, err := clearScratch(d.Root())
	if err != nil {
		return nil, err
	}
	return &models{
		scratch: scratch, disk: d, keys: keys, override: override, env: env, log: log,
		builtIn: builtIn, offline: native.New(builtIn, log), apis: map[string]model.Model{}, engines: map[string]engine.Engine{},
	}, nil
}

// Default is the model that answers when a request names none: the command
// line's, MATRIXOS_MODEL, the setting, what a key in the environment suggests,
// and else the built-in one.
func (m *models) Default() string { return m.set(m.good) }

// set is the model that answers by the settings as of a landing, 0 being the newest.
func (m *models) set(at sys.LandingID) string {
	c, why, err := lastConfig(m.disk, at)
	if why != nil || err != nil {
		m.log.Warn("the settings cannot be read; the model is the one of before", "error", errors.Join(why, err))
	}
	name := cmp.Or(m.override, m.env("MATRIXOS_MODEL"), c.Model)
	if name == "" && m.env("ANTHROPIC_API_KEY") != "" {
		name = anthropicName + ":" + suggested[anthropicName]
	}
	return cmp.Or(name, offlineModel)
}

// Engine implements kernel.Models.
func (m *models) Engine(name string) (engine.Engine, string, error) {
	if m.safe {
		return nil, "", &sys.Error{
			Op: "use model", Path: name, Kind: sys.Unavailable, Err: errors.New("Matrix OS is in safe mode: it crashed three times within a minute, so no model runs"),
			Hint: "take back what was changed last with `matrixos undo`, then start it again",
		}
	}
	return m.engine(name)
}

// engine is Engine, but in safe mode too: a model can be chosen there for when it is over.
func (m *models) engine(name string) (engine.Engine, string, error) {
	provider, id, _ := strings.Cut(name, ":")
	id = cmp.Or(id, suggested[provider])
	unknown := func(why, hint string) (engine.Engine, string, error) {
		return nil, "", &sys.Error{Op: "use model", Path: name, Kind: sys.Invalid, Err: errors.New(why), Hint: hint}
	}
	switch provider {
	case offlineModel:
		return m.offline, offlineModel, nil
	case anthropicName, openaiName:
		if id == "" {
			return unknown("the name says no model", "write "+provider+":NAME")
		}
		e, err := m.remote(provider)
		return e, id, err
	case claudeCode:
		e, err := m.claudeCode()
		return e, id, err
	case codexName:
		if id == "" {
			return unknown("the name says no model", "write codex:NAME for one of OpenAI's, codex:anthropic:NAME or codex:offline")
		}
		return m.codex(id)
	}
	return unknown("there is no such provider", "write offline, anthropic:claude-opus-4-6, openai:NAME, claude-code:claude-opus-4-6 or codex:NAME")
}

// account is the key and the address of a provider, as of now.
func (m *models) account(provider string) (key, base string, err error) {
	c, _, err := lastConfig(m.disk, m.good)
	if err != nil {
		return "", "", err
	}
	key, err = m.key(provider)
	return key, cmp.Or(c.BaseURLs[provider], m.env(strings.ToUpper(provider)+"_BASE_URL")), err
}

// adapter is a provider with the key and address of now, which id stands for.
func (m *models) adapter(provider string) (api model.Model, id string, err error) {
	key, base, err := m.account(provider)
	if err != nil {
		return nil, "", err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	id = fmt.Sprintf("%s|%s|%s", provider, key, base)
	if api := m.apis[id]; api != nil {
		return api, id, nil
	}
	if provider == anthropicName {
		api, err = anthropic.New(anthropic.Options{Key: key, BaseURL: base, Logger: m.log})
	} else {
		api, err = openai.New(openai.Options{Key: key, BaseURL: base, Logger: m.log})
	}
	if err == nil {
		m.apis[id] = api
	}
	return api, id, err
}

// remote is the engine for a provider with the key and address of now.
func (m *models) remote(provider string) (engine.Engine, error) {
	api, id, err := m.adapter(provider)
	if err != nil {
		return nil, err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if e := m.engines[id]; e != nil {
		return e, nil
	}
	e := native.New(api, m.log)
	m.engines[id] = e
	return e, nil
}

// key is the owner's own, entered in Settings, or the environment's.
func (m *models) key(provider string) (string, error) {
	key, err := m.keys.Get(provider)
	found := cmp.Or(key.Reveal(), m.env(strings.ToUpper(provider)+"_API_KEY"))
	if found == "" && err != nil && !errors.Is(err, sys.NotFound) {
		return "", err
	}
	return found, nil
}

// attached reports whether a provider can be asked now.
func (m *models) attached(provider string) bool {
	var err error
	if provider == claudeCode {
		_, err = m.claudeCode()
	} else {
		_, err = m.remote(provider)
	}
	return err == nil
}

// describe says what to expect of a model.
func (m *models) describe(name string) gateway.Model {
	provider, id, _ := strings.Cut(name, ":")
	id = cmp.Or(id, suggested[provider])
	switch provider {
	case offlineModel:
		return gateway.Model{ID: name, Label: "Built-in", Note: "Rule-based, on this machine, free. It builds everyday apps; it is not a language model.", Attached: true}
	case anthropicName:
		return gateway.Model{ID: provider + ":" + id, Label: id, Note: "A language model of Anthropic, asked over the internet with your key.", NeedsKey: true, Attached: m.attached(provider)}
	case claudeCode:
		return gateway.Model{
			ID: provider + ":" + id, Label: id + " in Claude Code", NeedsKey: true,
			Note:     "The Claude Code program that you have installed runs the conversation, with your Anthropic key; Matrix OS keeps the key, the budget and the files.",
			Attached: m.attached(provider),
		}
	case codexName:
		_, _, err := m.engine(name)
		return gateway.Model{
			ID: name, Label: strings.TrimPrefix(id, openaiName+":") + " in Codex", NeedsKey: !strings.HasPrefix(id, offlineModel),
			Note:     "The Codex program that you have installed does the work, in a copy of your home; Matrix OS keeps the key, the budget and the files.",
			Attached: err == nil,
		}
	case openaiName:
		return gateway.Model{ID: name, Label: cmp.Or(id, "OpenAI or compatible"), Note: "Any OpenAI-compatible endpoint: OpenAI, OpenRouter, or Ollama, llama.cpp and vLLM on your own machine.", NeedsKey: true, Attached: m.attached(provider)}
	}
	return gateway.Model{ID: name, Label: name, Note: "Not known to this version."}
}

// Current implements gateway.Models. In safe mode, where none answers, it is the one that will
// when it is over.
func (m *models) Current() gateway.Model { return m.describe(m.set(0)) }

// Choices implements gateway.Models.
func (m *models) Choices(context.Context) ([]gateway.Model, error) {
	names := []string{offlineModel}
	for _, id := range []string{"claude-opus-5-5", "claude-sonnet-5-5", "claude-opus-4-6", "claude-haiku-4-5"} {
		names = append(names, anthropicName+":"+id)
	}
	names = append(names, openaiName)
	if _, err := claude.Find(m.env("MATRIXOS_CLAUDE")); err == nil {
		names = append(names, claudeCode+":"+suggested[claudeCode])
	}
	if _, err := findAgent(cmp.Or(m.env("MATRIXOS_CODEX"), codexName), ""); err == nil && m.agent != nil {
		names = append(names, codexName+":"+anthropicName+":"+suggested[anthropicName])
	}
	if now := m.set(0); !slices.Contains(names, now) {
		names = append(names, now)
	}
	out := make([]gateway.Model, 0, len(names))
	for _, n := range names {
		out = append(out, m.describe(n))
	}
	return out, nil
}

// Choose implements gateway.Models: the key goes to the keyring, name and
// address into system/config.json, as the owner's own landing.
func (m *models) Choose(ctx context.Context, c gateway.ModelChoice) error {
	provider, id, _ := strings.Cut(c.Model, ":")
	account := provider
	switch provider {
	case claudeCode:
		account = anthropicName // who answers its requests
	case codexName:
		account = openaiName
		if behind, _, qualified := strings.Cut(id, ":"); qualified {
			account = behind
		}
	}
	if c.Key != "" {
		if err := m.keys.Set(account, keyring.NewSecret(c.Key)); err != nil {
			return err
		}
	}
	_, err := m.disk.Edit(ctx, []sys.Path{configFile}, func(home *disk.View) (disk.Write, error) {
		return m.choosing(home, c, provider, account, id)
	})
	return err
}

// choosing sets the model in the settings, and the address of its provider.
func (m *models) choosing(home fs.FS, c gateway.ModelChoice, provider, account, id string) (disk.Write, error) {
	var now config
	if err := readJSONOf(home, configFile, &now); err != nil {
		return disk.Write{}, err
	}
	now.Model = c.Model
	if id == "" && suggested[provider] != "" {
		now.Model = provider + ":" + suggested[provider]
	}
	if c.BaseURL != "" {
		if now.BaseURLs == nil {
			now.BaseURLs = map[string]string{}
		}
		now.BaseURLs[account] = c.BaseURL
	}
	if err := m.usable(now); err != nil {
		return disk.Write{}, err
	}
	text, err := editConfig(home, map[string]any{"model": now.Model, "base_urls": now.BaseURLs})
	return disk.Write{
		Files: map[sys.Path][]byte{configFile: text},
		Kind:  sys.ByOwner, Title: "Chose the model " + now.Model,
	}, err
}

// usable reports why the model of c cannot be used, before it is chosen.
func (m *models) usable(c config) error {
	provider, _, _ := strings.Cut(c.Model, ":")
	if provider == openaiName && c.BaseURLs[provider] != "" {
		return nil // an address of one's own may need no key
	}
	_, _, err := m.engine(c.Model)
	return err
}
