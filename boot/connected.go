package boot

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"path"
	"strings"
	"sync/atomic"

	"github.com/google/uuid"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/egress"
	"matrixos/keyring"
	"matrixos/policy"
	"matrixos/sys"
)

// connected is how apps call services: those that have landed, with the key put in
// on the way, each call in the journal.
type connected struct {
	disk   *disk.Disk
	keys   *keyring.Keyring
	caller atomic.Pointer[egress.Caller] // set once there is a way out
}

// list names the services, and never their keys.
func (c *connected) list() ([]app.Integration, error) {
	view, err := c.disk.View(0)
	if err != nil {
		return nil, err
	}
	files, err := fs.Glob(view, policy.ServiceFolder+"*.json")
	if err != nil {
		return nil, err
	}
	out := []app.Integration{}
	for _, f := range files {
		name := strings.TrimSuffix(path.Base(f), ".json")
		i := app.Integration{Service: name, Label: name, Status: "broken"}
		text, err := fs.ReadFile(view, f)
		if err != nil {
			return nil, err
		}
		if s, err := egress.ParseService(text); err == nil {
			i.Label, i.Status = cmp.Or(s.Title, name), "needs_key"
			if egress.NewCaller(nil, c.keys).Ready(name, s) {
				i.Status = "active"
			}
		}
		out = append(out, i)
	}
	return out, nil
}

// call has a service do an action for an app that the owner has granted it.
func (c *connected) call(ctx context.Context, slug sys.Slug, service, action string, params json.RawMessage) (json.RawMessage, error) {
	caller := c.caller.Load()
	if caller == nil {
		return nil, &sys.Error{Op: "call service", Path: service, Kind: sys.Unavailable, Err: errors.New("the system is starting"), Hint: "try again"}
	}
	s, err := c.read(service)
	if err != nil {
		return nil, err
	}
	method, address, body, err := s.Prepare(action, params)
	if err != nil {
		return nil, err
	}
	if _, err := c.disk.Journal().Append(ctx, sys.NewEvent(sys.EventAudit, sys.AuditData{
		What: string(policy.Service), Target: service, Verdict: string(policy.Allowed), Why: "you have granted " + app.ServicePermission(service) + " to the app; action " + action, By: "app " + string(slug),
	})); err != nil {
		return nil, err
	}
	text, err := caller.Call(ctx, service, s, method, address, body, uuid.NewString())
	if err != nil {
		return nil, err
	}
	if json.Valid([]byte(text)) {
		return json.RawMessage(text), nil
	}
	return json.Marshal(text)
}

func (c *connected) read(service string) (egress.Service, error) {
	none := &sys.Error{Op: "call service", Path: service, Kind: sys.NotFound, Err: errors.New("it is not connected"), Hint: "have your agent connect it"}
	if !sys.Slug(service).Valid() {
		return egress.Service{}, none
	}
	view, err := c.disk.View(0)
	if err != nil {
		return egress.Service{}, err
	}
	text, err := fs.ReadFile(view, policy.ServiceFolder+service+".json")
	if errors.Is(err, fs.ErrNotExist) {
		return egress.Service{}, none
	}
	if err != nil {
		return egress.Service{}, err
	}
	return egress.ParseService(text)
}
