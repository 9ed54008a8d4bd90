// Package api is how the adapters of egress speak to a provider's HTTP API: one
// request, a bounded answer, and errors that name the provider and the way out.
// It makes no second attempt: who asks knows whether asking twice costs twice.
package api

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/textproto"
	"strings"

	"matrixos/egress"
	"matrixos/keyring"
	"matrixos/sys"
)

// most is how many bytes of an answer are read.
const most = 64 << 20

// Provider is one endpoint with its key.
type Provider struct {
	Name   string // for people: "Brave"
	Base   string // the address before the path, without a slash at its end
	Client *http.Client
	// Key lends the key anew for each request, so that one entered in Settings
	// counts at once; nil for a provider that needs none.
	Key    func() (keyring.Secret, error)
	Header string // the header that the key goes into
	Prefix string // what stands before it, such as "Bearer "
}

// Call is one request.
type Call struct {
	Op     string // for errors: "search the web"
	Method string // POST if empty
	Path   string
	Body   any               // JSON; nil for none
	Form   map[string]string // a multipart form, with Upload as its file
	Upload *egress.File
}

// JSON makes a request and decodes the answer.
func (p Provider) JSON(ctx context.Context, c Call, into any) error {
	f, err := p.Do(ctx, c)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(f.Data, into); err != nil {
		return &sys.Error{Op: c.Op, Path: p.Name, Kind: sys.Unavailable, Err: fmt.Errorf("its answer cannot be read: %w", err)}
	}
	return nil
}

// Do makes a request and returns the answer's body and media type.
func (p Provider) Do(ctx context.Context, c Call) (_ egress.File, err error) {
	req, err := p.request(ctx, c)
	if err != nil {
		return egress.File{}, err
	}
	res, err := p.Client.Do(req)
	if err != nil {
		return egress.File{}, p.explain(c, err)
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	body, err := io.ReadAll(io.LimitReader(res.Body, most+1))
	if err != nil {
		return egress.File{}, p.explain(c, err)
	}
	if len(body) > most {
		return egress.File{}, p.fail(c, sys.Unavailable, "its answer is larger than 64 MB", "")
	}
	if res.StatusCode/100 != 2 {
		return egress.File{}, p.refused(c, res.StatusCode, body)
	}
	return egress.File{Type: res.Header.Get("Content-Type"), Data: body}, nil
}

func (p Provider) request(ctx context.Context, c Call) (*http.Request, error) {
	body, kind, err := c.body()
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, cmp.Or(c.Method, http.MethodPost), p.Base+c.Path, body)
	if err != nil {
		return nil, &sys.Error{Op: c.Op, Path: p.Name, Kind: sys.Invalid, Err: errors.New("its address cannot be read"), Hint: "mend the address in system/config.json"}
	}
	if kind != "" {
		req.Header.Set("Content-Type", kind)
	}
	if p.Key == nil {
		return req, nil
	}
	key, err := p.Key()
	if err != nil || key.Empty() {
		return nil, &sys.Error{Op: c.Op, Path: p.Name, Kind: sys.Unauthorized, Err: errors.New("there is no key for it"), Hint: "enter one in Settings, or with `matrixos keys set " + strings.ToLower(p.Name) + "`"}
	}
	req.Header.Set(p.Header, p.Prefix+key.Reveal())
	return req, nil
}

func (c Call) body() (io.Reader, string, error) {
	switch {
	case c.Form != nil:
		var b bytes.Buffer
		w := multipart.NewWriter(&b)
		for k, v := range c.Form {
			if err := w.WriteField(k, v); err != nil {
				return nil, "", err
			}
		}
		if c.Upload != nil {
			part, err := w.CreatePart(textproto.MIMEHeader{
				"Content-Disposition": {`form-data; name="file"; filename="recording` + Extension(c.Upload.Type) + `"`},
				"Content-Type":        {c.Upload.Type},
			})
			if err == nil {
				_, err = part.Write(c.Upload.Data)
			}
			if err != nil {
				return nil, "", err
			}
		}
		return &b, w.FormDataContentType(), w.Close()
	case c.Body != nil:
		b, err := json.Marshal(c.Body)
		return bytes.NewReader(b), "application/json", err
	}
	return http.NoBody, "", nil
}

// extensions are those of the media types that providers make and take.
var extensions = map[string]string{
	"image/png": ".png", "image/jpeg": ".jpg", "image/webp": ".webp", "audio/mpeg": ".mp3", "audio/mp3": ".mp3", "audio/wav": ".wav", "audio/x-wav": ".wav",
	"audio/ogg": ".ogg", "audio/opus": ".opus", "audio/webm": ".webm", "audio/mp4": ".m4a", "audio/x-m4a": ".m4a", "audio/aac": ".aac", "audio/flac": ".flac",
}

// Extension is the usual ending of a file of a media type, "" if it is not one of
// those known here.
func Extension(kind string) string {
	kind, _, _ = strings.Cut(kind, ";")
	return extensions[strings.TrimSpace(kind)]
}

func (p Provider) fail(c Call, kind sys.Kind, why, hint string) error {
	return &sys.Error{Op: c.Op, Path: p.Name, Kind: kind, Err: errors.New(why), Hint: hint}
}

// explain gives a failure of the network a kind. The address is left out: some
// providers want the key in it.
func (p Provider) explain(c Call, err error) error {
	var known *sys.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.Canceled):
		return p.fail(c, sys.Canceled, "stopped", "")
	case errors.Is(err, context.DeadlineExceeded):
		return p.fail(c, sys.Unavailable, "it did not answer in time", "try again later")
	}
	return p.fail(c, sys.Unavailable, "it cannot be reached", "check its address, and that this machine is online")
}

// refused says why a provider did not do it, in its own words where it has some.
func (p Provider) refused(c Call, code int, body []byte) error {
	why := fmt.Sprintf("it answered %d %s", code, http.StatusText(code))
	if said := words(body); said != "" {
		why += ": " + said
	}
	switch {
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return p.fail(c, sys.Unauthorized, why, "check the key in Settings")
	case code == http.StatusPaymentRequired:
		return p.fail(c, sys.OverBudget, why, "your account there has no credit left")
	case code == http.StatusTooManyRequests:
		return p.fail(c, sys.Unavailable, why, "wait a while, or choose another provider")
	case code/100 == 4:
		return p.fail(c, sys.Invalid, why, "say it differently")
	}
	return p.fail(c, sys.Unavailable, why, "try again later")
}

// words finds the message in an error of JSON, however it is wrapped.
func words(body []byte) string {
	var doc map[string]any
	if json.Unmarshal(body, &doc) != nil {
		return ""
	}
	for _, key := range []string{"message", "error", "detail"} {
		switch v := doc[key].(type) {
		case string:
			return cut(v)
		case map[string]any:
			for _, inner := range []string{"message", "detail", "error"} {
				if s, ok := v[inner].(string); ok {
					return cut(s)
				}
			}
		}
	}
	return ""
}

func cut(s string) string {
	if len(s) > 300 {
		s = strings.ToValidUTF8(s[:300], "") + "…"
	}
	return s
}
