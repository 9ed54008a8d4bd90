package syscalls

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"path"
	"strings"

	"github.com/google/uuid"

	"matrixos/egress"
	"matrixos/kernel"
	"matrixos/policy"
	"matrixos/sys"
)

const serviceName = `{"type":"string","pattern":"^[a-z0-9][a-z0-9-]{0,63}$"}`

// answerShown is how many bytes of a service's answer one call shows.
const answerShown = 30 << 10

type connectIn struct {
	Name    string          `json:"name"`
	Service json.RawMessage `json:"service"`
}

// connectService writes a service's description. The owner is asked when it lands,
// and enters the key themselves: it is never in a conversation.
func connectService(o Options) kernel.Syscall {
	return define("connect_service", false, []string{"name", "service"}, `"name":`+serviceName+`,
		"service":{"type":"object","description":"{title, base_url, auth: {style: none|bearer|basic|header|query, name}, actions: {name: {description, method, path: /items/{id}, params: JSON Schema}}}"}`,
		func(in connectIn) string { return "Connecting " + code(in.Name) },
		func(ctx context.Context, c *kernel.Call, in connectIn) (string, error) {
			s, err := egress.ParseService(in.Service)
			if err != nil {
				return "", err
			}
			text, err := json.MarshalIndent(s, "", "  ")
			if err != nil {
				return "", err
			}
			if err := writeFile(ctx, c, policy.ServiceFolder+in.Name+".json", string(text)+"\n"); err != nil {
				return "", err
			}
			said := fmt.Sprintf("The service %s has %s. The owner is asked before it lands.", in.Name, count(len(s.Actions), "action"))
			if o.Caller == nil || !o.Caller.Ready(in.Name, s) {
				said += " It needs its key, which only the owner enters: matrixos keys set " + egress.KeyName(in.Name) + ". Never ask for it here."
			}
			return said, nil
		})
}

type callIn struct {
	Service string          `json:"service"`
	Action  string          `json:"action"`
	Params  json.RawMessage `json:"params"`
}

func callService(o Options) kernel.Syscall {
	return define("call_service", false, []string{"service", "action"}, `"service":`+serviceName+`,
		"action":{"type":"string","minLength":1,"maxLength":64},
		"params":{"type":"object","description":"as the action's schema says"}`,
		func(in callIn) string { return "Calling " + code(in.Service) },
		func(ctx context.Context, c *kernel.Call, in callIn) (string, error) {
			if o.Caller == nil {
				return "", &sys.Error{Op: "call service", Path: in.Service, Kind: sys.Unavailable, Err: errors.New("this system has no way out")}
			}
			s, err := landedService(c, in.Service)
			if err != nil {
				return "", err
			}
			method, address, body, err := s.Prepare(in.Action, in.Params)
			if err != nil {
				return "", err
			}
			if err := c.Effect(ctx, serviceEffect(in.Service, in.Action, s, method, address, body)); err != nil {
				return "", err
			}
			c.Shows()
			c.Reads(outside)
			once := uuid.NewSHA1(uuid.NameSpaceOID, fmt.Appendf(nil, "%d %s %s", c.Provenance().Process, c.ID, c.Input)).String()
			text, err := o.Caller.Call(ctx, in.Service, s, method, address, body, once)
			if len(text) > answerShown {
				text = strings.ToValidUTF8(text[:answerShown], "") + "\n… (the answer is longer)"
			}
			return fence("the service "+in.Service, text), err
		})
}

// serviceEffect is what leaves the home: a read may carry something out, anything
// else changes something there. The owner has named the service by connecting it,
// which is enough for a read; what changes something there is asked.
func serviceEffect(name, action string, s egress.Service, method, address string, body []byte) policy.Effect {
	shown := map[string]any{"method": method, "address": address}
	if len(body) > 0 {
		shown["body"] = json.RawMessage(body)
	}
	e := policy.Effect{Kind: policy.Fetch, Named: true, Target: name, Text: fmt.Sprintf("Ask the service %s to %s", name, action), Args: args(shown)}
	if u, err := url.Parse(address); err == nil {
		e.Target = strings.ToLower(u.Hostname())
	}
	if s.Actions[action].Writes() {
		e.Kind, e.Target, e.Named = policy.Service, name, false
		e.Text = fmt.Sprintf("Have the service %s do %s (%s %s)", name, action, method, path.Base(address))
	}
	return e
}

// landedService reads a description from the newest landing: one that has not
// landed has not been approved.
func landedService(c *kernel.Call, name string) (egress.Service, error) {
	view, err := c.Disk().View(0)
	if err != nil {
		return egress.Service{}, err
	}
	file := policy.ServiceFolder + name + ".json"
	text, err := fs.ReadFile(view, file)
	if errors.Is(err, fs.ErrNotExist) {
		list, _ := fs.Glob(view, policy.ServiceFolder+"*.json") // the pattern is fixed
		var have []string
		for _, f := range list {
			have = append(have, strings.TrimSuffix(path.Base(f), ".json"))
		}
		return egress.Service{}, &sys.Error{Op: "call service", Path: name, Kind: sys.NotFound, Err: errors.New("it is not connected, or has not landed yet"), Hint: "connected: " + strings.Join(have, ", ") + "; connect_service connects one"}
	}
	if err != nil {
		return egress.Service{}, err
	}
	return egress.ParseService(text)
}
