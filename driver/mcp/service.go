package mcp

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/modelcontextprotocol/go-sdk/auth"
	"github.com/modelcontextprotocol/go-sdk/mcp"

	"matrixos/driver"
	"matrixos/sys"
)

// Login makes what signs in at a service, with client for its own requests.
type Login func(c Config, client *http.Client) (auth.OAuthHandler, error)

// service connects to a service on the network, through the gate.
func (o *Opener) service(ctx context.Context, c Config, changed func()) (driver.Driver, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		return nil, bad(c.Name, err)
	}
	client := o.Gate.Client()
	if t, ok := client.Transport.(*http.Transport); ok {
		t.ResponseHeaderTimeout = 0 // a call may take long before it answers; it has a time of its own
	}
	headers := http.Header{}
	for k, v := range c.Headers {
		var failed error
		filled := keyForm.ReplaceAllStringFunc(v, func(m string) string {
			key, err := o.Secret(keyForm.FindStringSubmatch(m)[1])
			if err != nil {
				failed = err
			}
			return key.Reveal()
		})
		if failed != nil {
			return nil, failed
		}
		headers.Set(k, filled)
	}
	t := &mcp.StreamableClientTransport{Endpoint: c.URL, HTTPClient: &http.Client{
		Transport: speaking{client.Transport, u, headers}, CheckRedirect: client.CheckRedirect,
	}, MaxEventSize: frameMost}
	if o.Login != nil && headers.Get("Authorization") == "" {
		if t.OAuthHandler, err = o.Login(c, client); err != nil {
			return nil, err
		}
	}
	d, err := connect(ctx, c, o.Version, t, nil, nil, changed)
	switch {
	case err == nil:
		return d, nil
	case errors.Is(err, sys.Unauthorized):
		return nil, unsigned(c.Name, errors.New("it asks for a sign-in"))
	}
	return nil, err
}

// speaking adds the owner's headers to requests to the service itself, and to no
// other that it leads to.
type speaking struct {
	http.RoundTripper
	to      *url.URL
	headers http.Header
}

// RoundTrip implements http.RoundTripper.
func (s speaking) RoundTrip(r *http.Request) (*http.Response, error) {
	if len(s.headers) > 0 && r.URL.Scheme == s.to.Scheme && strings.EqualFold(r.URL.Host, s.to.Host) {
		r = r.Clone(r.Context())
		for k, v := range s.headers {
			r.Header[k] = v
		}
	}
	return s.RoundTripper.RoundTrip(r)
}
