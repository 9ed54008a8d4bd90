package app

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"

	"matrixos/app/internal/store"
	"matrixos/sys"
)

// maxParams bounds what one call brings: a key's value and some room.
const maxParams = store.MaxValue + 1<<20

// call is one call of an app, with the rights of its launch.
type call struct {
	r      *Runtime
	launch *launch
	*view
	params params
}

// params are the arguments of all methods; each reads its own.
type params struct {
	store.Query
	Table   string            `json:"table"`
	ID      string            `json:"id"`
	Data    json.RawMessage   `json:"data"`
	Seen    json.RawMessage   `json:"seen"`
	Rows    []json.RawMessage `json:"rows"`
	Key     string            `json:"key"`
	Value   json.RawMessage   `json:"value"`
	Message string            `json:"message"`
	Stack   string            `json:"stack"`
	Service string            `json:"service"`
	Action  string            `json:"action"`
	Params  json.RawMessage   `json:"params"`
	URL     string            `json:"url"`
	SQL     string            `json:"sql"`
	Path    string            `json:"path"`
	Text    string            `json:"text"`
	Room    string            `json:"room"`
	Title   string            `json:"title"`
	Turns   bool              `json:"turns"`
	After   *string           `json:"after"`
	Who     string            `json:"who"`
	Bytes   int64             `json:"bytes"`
	Before  int64             `json:"before"`
	Minutes int               `json:"minutes"`
}

type method func(*call, context.Context) (any, error)

var methods = map[string]method{
	"db.find":       (*call).find,
	"db.findOne":    (*call).findOne,
	"db.insert":     (*call).insert,
	"db.bulkInsert": (*call).bulkInsert,
	"db.update":     (*call).update,
	"db.bulkUpdate": (*call).bulkUpdate,
	"db.delete":     (*call).remove,
	"db.count":      (*call).count,
	"db.search":     (*call).search,
	"db.appInfo":    (*call).appInfo,
	"data.read":     (*call).readKey,
	"data.write":    (*call).writeKey,
	"app.file":      (*call).file,
	"app.error":     (*call).reportError,
	"app.stuck":     (*call).reportStuck,
	"app.heavy":     (*call).reportHeavy,
	"app.ready":     (*call).reportReady,
	"integrations":  (*call).integrations,
	"service":       (*call).service,
	"proxyFetch":    (*call).fetch,
	"gatewayFetch":  (*call).noGrant,
	"room.list":     (*call).roomList,
	"room.create":   (*call).roomCreate,
	"room.show":     (*call).roomShow,
	"room.set":      (*call).roomSet,
	"room.append":   (*call).roomAppend,
	"room.score":    (*call).roomScore,
	"room.act":      (*call).roomAct,
	"trial.query":   (*call).query,
}

// changing are the methods that a frozen launch refuses.
var changing = map[string]bool{
	"db.insert": true, "db.bulkInsert": true, "db.update": true, "db.bulkUpdate": true, "db.delete": true, "data.write": true,
}

// Call carries out one call of an app. Which app it is follows from the capability
// of its launch alone; a name in params is not looked at.
func (r *Runtime) Call(ctx context.Context, capability, name string, raw json.RawMessage) (json.RawMessage, error) {
	l, v := r.byCapability(capability)
	if l == nil {
		return nil, &sys.Error{Op: "call", Path: name, Kind: sys.Unauthorized, Err: errors.New("this window's right has ended"), Hint: "open the app again"}
	}
	m, ok := methods[name]
	if !ok {
		return nil, &sys.Error{Op: "call", Path: name, Kind: sys.NotFound, Err: fmt.Errorf("apps have no method %q", name)}
	}
	if len(raw) > maxParams {
		return nil, &sys.Error{Op: "call", Path: name, Kind: sys.Invalid, Err: fmt.Errorf("%d bytes at once; at most %d are allowed", len(raw), maxParams)}
	}
	if v.frozen && changing[name] {
		return nil, &sys.Error{Op: "change", Path: v.manifest.Name, Kind: sys.Refused, Err: errors.New("this is the app as it was: it can be looked at, not changed"), Hint: "open the app itself, or restore its folder"}
	}
	if r.room != nil && changing[name] && name != "db.delete" && !l.trial {
		if err := r.room(ctx, l.slug); err != nil {
			return nil, err
		}
	}
	c := &call{r: r, launch: l, view: v}
	if trimmed := bytes.TrimSpace(raw); len(trimmed) > 0 && string(trimmed) != "null" {
		if err := json.Unmarshal(trimmed, &c.params); err != nil {
			return nil, &sys.Error{Op: "call", Path: name, Kind: sys.Invalid, Err: fmt.Errorf("the arguments do not fit: %w", err)}
		}
	}
	value, err := m(c, ctx)
	if err != nil {
		return nil, err
	}
	if done, ok := value.(json.RawMessage); ok {
		return done, nil
	}
	out, err := json.Marshal(value)
	if err != nil {
		return nil, &sys.Error{Op: "call", Path: name, Kind: sys.Internal, Err: err}
	}
	return out, nil
}

func (c *call) tables() *store.Tables {
	return c.data.Tables(c.launch.slug, c.manifest.Storage.Tables)
}

// changed tells everybody who watches that rows or a key are different now. A
// preview works on its own copy, of which nobody else hears.
func (c *call) changed(d sys.TableData) {
	if !c.preview {
		d.App = c.launch.slug
		c.r.publish(sys.NewEvent(sys.EventData, d))
	}
}

func (c *call) find(ctx context.Context) (any, error) {
	return c.tables().Find(ctx, c.params.Table, c.params.Query)
}

func (c *call) findOne(ctx context.Context) (any, error) {
	return c.tables().FindOne(ctx, c.params.Table, c.params.ID)
}

func (c *call) insert(ctx context.Context) (any, error) {
	ids, err := c.tables().Insert(ctx, c.params.Table, []json.RawMessage{c.params.Data})
	if err != nil {
		return nil, err
	}
	c.changed(sys.TableData{Table: c.params.Table})
	return map[string]string{"id": ids[0]}, nil
}

func (c *call) bulkInsert(ctx context.Context) (any, error) {
	ids, err := c.tables().Insert(ctx, c.params.Table, c.params.Rows)
	if err != nil {
		return nil, err
	}
	c.changed(sys.TableData{Table: c.params.Table})
	return map[string][]string{"ids": ids}, nil
}

func (c *call) update(ctx context.Context) (any, error) {
	return c.patch(ctx, []store.Patch{{ID: c.params.ID, Data: c.params.Data, Seen: c.params.Seen}})
}

func (c *call) bulkUpdate(ctx context.Context) (any, error) {
	patches := make([]store.Patch, len(c.params.Rows))
	for i, raw := range c.params.Rows {
		if err := json.Unmarshal(raw, &patches[i]); err != nil {
			return nil, &sys.Error{Op: "update table", Path: c.params.Table, Kind: sys.Invalid, Err: fmt.Errorf("row %d: %w", i+1, err), Hint: "hand over [{id, data}, …]"}
		}
	}
	return c.patch(ctx, patches)
}

func (c *call) patch(ctx context.Context, patches []store.Patch) (any, error) {
	clashes, err := c.tables().Merge(ctx, c.params.Table, patches)
	if err != nil {
		return nil, err
	}
	if len(clashes) > 0 {
		return map[string]any{"updated": 0, "clashes": clashes}, nil
	}
	c.changed(sys.TableData{Table: c.params.Table})
	return map[string]int{"updated": len(patches)}, nil
}

func (c *call) remove(ctx context.Context) (any, error) {
	if err := c.tables().Delete(ctx, c.params.Table, c.params.ID); err != nil {
		return nil, err
	}
	c.changed(sys.TableData{Table: c.params.Table})
	return map[string]int{"deleted": 1}, nil
}

func (c *call) count(ctx context.Context) (any, error) {
	return c.tables().Count(ctx, c.params.Table, c.params.Where)
}

func (c *call) search(ctx context.Context) (any, error) {
	limit := 0
	if c.params.Limit != nil {
		limit = *c.params.Limit
	}
	return c.tables().Search(ctx, c.params.Table, c.params.Text, limit)
}

func (c *call) appInfo(context.Context) (any, error) {
	m := c.manifest
	return map[string]any{"slug": m.Slug, "name": m.Name, "version": m.Version, "tables": columnsOf(m), "preview": c.preview}, nil
}

func (c *call) readKey(context.Context) (any, error) {
	return c.data.ReadKey(c.launch.slug, c.params.Key)
}

func (c *call) writeKey(context.Context) (any, error) {
	if err := c.data.WriteKey(c.launch.slug, c.params.Key, c.params.Value); err != nil {
		return nil, err
	}
	c.changed(sys.TableData{Key: c.params.Key})
	return nil, nil
}

// file is one of the app's own files, as its window may load it by address; nil if
// there is none.
func (c *call) file(context.Context) (any, error) {
	if c.result == nil || !fs.ValidPath(c.params.Path) {
		return nil, nil
	}
	raw, ok := c.result.Files[c.params.Path]
	if !ok {
		return nil, nil
	}
	return map[string]any{"type": contentType(c.params.Path), "base64": raw}, nil // []byte becomes base64
}

// reportError is the beacon of a running app: what it failed at, for the owner and
// for whoever repairs it.
func (c *call) reportError(context.Context) (any, error) {
	text := strings.TrimSpace(c.params.Message + "\n" + c.params.Stack)
	if len(text) > 4000 {
		text = strings.ToValidUTF8(text[:4000], "") + "…"
	}
	c.report(Threw, "ran into an error", text, text)
	return nil, nil
}

// reportStuck is the desktop's word that a window does not answer any more. What is handed
// on is always the same, so that the next time is known again.
func (c *call) reportStuck(context.Context) (any, error) {
	c.report(Stuck, "does not answer", "It is stuck, or takes very long over something.", "Its window stopped answering.")
	return nil, nil
}

// reportHeavy is the desktop's word of the memory that a window takes.
func (c *call) reportHeavy(context.Context) (any, error) {
	text := fmt.Sprintf("%d MB now.", c.params.Bytes>>20)
	if c.params.Minutes > 0 {
		text = fmt.Sprintf("%d MB now, %d MB %d minutes ago.", c.params.Bytes>>20, c.params.Before>>20, c.params.Minutes)
	}
	c.report(Heavy, "takes much memory", text, "Its window took more and more memory.")
	return nil, nil
}

// report tells the owner what a window noticed, and whoever repairs apps what to know it by.
// In a trial the trial tells.
func (c *call) report(how Failure, what, text, known string) {
	if c.launch.trial {
		return
	}
	c.r.log.Warn("an app does not do well", "slug", c.launch.slug, "how", how, "preview", c.preview, "text", text)
	c.r.publish(sys.NewEvent(sys.EventNotice, sys.NoticeData{Level: "error", Title: c.manifest.Name + " " + what, Text: text, App: c.launch.slug}))
	if c.r.failed != nil && !c.preview && !c.frozen {
		c.r.failed(c.launch.slug, how, known)
	}
}

func (c *call) reportReady(context.Context) (any, error) {
	c.r.log.Debug("an app is ready", "slug", c.launch.slug)
	return nil, nil
}

func (c *call) noGrant(context.Context) (any, error) {
	return nil, &sys.Error{Op: "reach", Path: "the network", Kind: sys.Refused, Err: fmt.Errorf("%s has no grant for it", c.manifest.Name), Hint: "apps read from hosts that their manifest names under permissions, with proxyFetch"}
}
