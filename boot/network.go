package boot

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"matrixos/app"
	"matrixos/disk"
	"matrixos/egress"
	"matrixos/gateway"
	"matrixos/sys"
)

const (
	mostFetched   = 2 << 20
	fetchPatience = 20 * time.Second
)

// network is how apps read from hosts: through the gate, without cookies or keys,
// and only what the owner has granted in system/grants.json.
func network(gate *egress.Gate, d *disk.Disk, log *slog.Logger) app.Network {
	client := gate.Client()
	redirect := client.CheckRedirect
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if r.URL.Host != via[0].URL.Host { // the grant is for one host
			return &sys.Error{Op: "fetch", Path: via[0].URL.Host, Kind: sys.Refused, Err: errors.New("it redirects to " + r.URL.Host), Hint: "name that host in the app's permissions"}
		}
		return redirect(r, via)
	}
	return app.Network{
		Fetch: func(ctx context.Context, address string) (json.RawMessage, error) { return fetch(ctx, client, address) },
		Granted: func(slug sys.Slug, permission string) bool {
			all, err := grants(d)
			if err != nil {
				log.WarnContext(context.Background(), "grants of apps cannot be read; none counts", "error", err)
			}
			return slices.Contains(all[slug], permission)
		},
	}
}

func grants(d *disk.Disk) (map[sys.Slug][]string, error) {
	view, err := d.View(0)
	if err != nil {
		return nil, err
	}
	raw, err := fs.ReadFile(view, string(gateway.GrantsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all map[sys.Slug][]string
	if err == nil {
		err = json.Unmarshal(raw, &all)
	}
	return all, err
}

// fetch reads one address. An answer that is JSON is returned as it is, any other as
// a text.
func fetch(ctx context.Context, client *http.Client, address string) (_ json.RawMessage, err error) {
	ctx, cancel := context.WithTimeout(ctx, fetchPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, http.NoBody)
	if err != nil {
		return nil, err
	}
	unreachable := func(why error) error {
		return &sys.Error{Op: "reach", Path: req.URL.Host, Kind: sys.Unavailable, Err: why, Hint: "check that this machine is online, and try again"}
	}
	req.Header.Set("User-Agent", "MatrixOS")
	req.Header.Set("Accept", "application/json,text/*;q=0.5")
	res, err := client.Do(req)
	if err != nil {
		var whole *url.Error
		if errors.As(err, &whole) {
			err = whole.Err // it names the whole address
		}
		if kind := sys.KindOf(err); kind == sys.Refused || kind == sys.Unavailable {
			return nil, err
		}
		return nil, unreachable(err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode/100 != 2 {
		return nil, unreachable(fmt.Errorf("it answers with status %d", res.StatusCode))
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, mostFetched+1))
	if err != nil {
		return nil, unreachable(err)
	}
	if len(body) > mostFetched {
		return nil, unreachable(fmt.Errorf("it answers with more than %d bytes", mostFetched))
	}
	if json.Valid(body) {
		return body, nil
	}
	return json.Marshal(string(body))
}
