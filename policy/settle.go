package policy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"path"
	"strings"

	"matrixos/sys"
)

// HandleFile says under which name the owner is known to others.
const HandleFile sys.Path = "system/handle.json"

// ServiceFolder holds a file for each service that may be called with a key.
const ServiceFolder = "system/services/"

// Settles returns the effects that a landing has beyond the home, whoever makes
// it and however it was written: who the owner is to others, and what may be
// called with the owner's keys. The owner is asked about each, with what the file
// says. content reads a file as it would land.
func Settles(changes []sys.Change, content func(sys.Path) ([]byte, error)) (out []Effect, err error) {
	for _, c := range changes {
		service := strings.HasPrefix(string(c.Path), ServiceFolder) && path.Ext(string(c.Path)) == ".json"
		if c.Path != HandleFile && !service || service && c.Op == sys.Deleted {
			continue
		}
		var text []byte
		if c.Op != sys.Deleted {
			if text, err = content(c.Path); err != nil {
				return nil, err
			}
		}
		e := Effect{Kind: Identity, Target: string(c.Path), Text: "Change " + string(c.Path) + ", which says who you are to others."}
		if service {
			e.Kind = Connect
		}
		sum := sha256.Sum256(text)
		shown := map[string]any{"path": c.Path, "sha256": hex.EncodeToString(sum[:])}
		settle(&e, shown, text)
		if e.Args, err = json.Marshal(shown); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, nil
}

// settle says in e what a file that can be read would settle. The hash in shown
// binds the approval to all of it.
func settle(e *Effect, shown map[string]any, text []byte) {
	if e.Kind == Connect {
		name := strings.TrimSuffix(path.Base(e.Target), ".json")
		var s struct {
			Base string `json:"base_url"`
			Auth struct {
				Style string `json:"style"`
			} `json:"auth"`
		}
		e.Text = "Let your agents call the service " + name + "."
		if json.Unmarshal(text, &s) == nil && s.Base != "" {
			shown["base_url"] = s.Base
			e.Text = fmt.Sprintf("Let your agents call the service %s at %s", name, s.Base)
			if s.Auth.Style != "none" {
				e.Text += ", with a key that you enter for it"
			}
			e.Text += "."
		}
		return
	}
	var h struct {
		Handle sys.Handle `json:"handle"`
		Name   string     `json:"display_name"`
	}
	if json.Unmarshal(text, &h) == nil && h.Handle != "" {
		shown["handle"], shown["display_name"] = h.Handle, h.Name
		e.Text = fmt.Sprintf("Be known to others as %s", h.Handle)
		if h.Name != "" {
			e.Text += fmt.Sprintf(" (%s)", h.Name)
		}
		e.Text += "."
	}
}
