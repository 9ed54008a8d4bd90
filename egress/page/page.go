// Package page reads web pages for a model: it fetches through a Gate, finds
// the readable part, and gives it back as markdown. It runs no scripts, loads
// nothing that a page refers to, sends no cookies, and remembers what it read
// for a quarter of an hour.
package page

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"codeberg.org/readeck/go-readability/v2"
	markdown "github.com/JohannesKaufmann/html-to-markdown/v2"
	"github.com/JohannesKaufmann/html-to-markdown/v2/converter"
	"golang.org/x/net/html"
	"golang.org/x/net/html/charset"

	"matrixos/egress"
	"matrixos/sys"
)

// Limits of one page and of the memory of pages.
const (
	mostBytes  = 5 << 20   // read from the network, unpacked
	mostText   = 100 << 10 // given back
	mostCached = 64        // pages
	fresh      = 15 * time.Minute
	patience   = 45 * time.Second
)

// Reader reads pages. It may be used from any goroutine.
type Reader struct {
	client *http.Client
	now    func() time.Time

	mu    sync.Mutex
	pages map[string]egress.Page
}

var _ egress.Pages = (*Reader)(nil)

// New makes a Reader; now is the clock.
func New(gate *egress.Gate, now func() time.Time) *Reader {
	return &Reader{client: gate.Client(), now: now, pages: map[string]egress.Page{}}
}

// Read returns the page at an address. Errors: Invalid for what is no address of
// a page, Refused for an address inside, NotFound, Unavailable for the rest.
func (r *Reader) Read(ctx context.Context, address string) (egress.Page, error) {
	u, err := egress.ParseURL(address)
	if err != nil {
		return egress.Page{}, err
	}
	u.Fragment = ""
	if p, ok := r.cached(u.String()); ok {
		return p, nil
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	p, err := r.fetch(ctx, u)
	if err != nil {
		return egress.Page{}, explain(u, err)
	}
	r.keep(u.String(), p)
	return p, nil
}

func (r *Reader) fetch(ctx context.Context, u *url.URL) (_ egress.Page, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), http.NoBody)
	if err != nil {
		return egress.Page{}, err
	}
	req.Header.Set("User-Agent", "Mozilla/5.0 (compatible; MatrixOS)")
	req.Header.Set("Accept", "text/html,application/xhtml+xml,text/markdown,text/plain;q=0.9,application/json;q=0.8,*/*;q=0.1")
	res, err := r.client.Do(req)
	if err != nil {
		return egress.Page{}, err
	}
	defer func() { err = errors.Join(err, res.Body.Close()) }()
	if res.StatusCode/100 != 2 {
		return egress.Page{}, status(u, res.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(res.Body, mostBytes+1))
	if err != nil {
		return egress.Page{}, err
	}
	p := egress.Page{URL: res.Request.URL.String(), Fetched: r.now(), Cut: len(body) > mostBytes}
	body = body[:min(len(body), mostBytes)]
	if err := readInto(&p, res.Header.Get("Content-Type"), body, res.Request.URL); err != nil {
		return egress.Page{}, err
	}
	if len(p.Text) > mostText {
		p.Text, p.Cut = strings.ToValidUTF8(p.Text[:mostText], ""), true
	}
	return p, nil
}

// readInto turns a body into text by its media type.
func readInto(p *egress.Page, contentType string, body []byte, at *url.URL) error {
	kind, params, err := mime.ParseMediaType(cmp.Or(contentType, http.DetectContentType(body)))
	if err != nil {
		kind = "text/html"
	}
	switch {
	case kind == "text/html" || kind == "application/xhtml+xml":
		text, err := charset.NewReader(bytes.NewReader(body), contentType)
		if err != nil {
			return err
		}
		return readHTML(p, text, at)
	case strings.HasPrefix(kind, "text/"), strings.HasSuffix(kind, "json"), strings.HasSuffix(kind, "xml"), kind == "application/javascript", kind == "application/yaml":
		p.Text = string(body)
		if set := params["charset"]; !utf8.Valid(body) || set != "" && !strings.EqualFold(set, "utf-8") {
			text, err := charset.NewReader(bytes.NewReader(body), contentType)
			if err != nil {
				return err
			}
			whole, err := io.ReadAll(text)
			if err != nil {
				return err
			}
			p.Text = string(whole)
		}
		p.Text = strings.ToValidUTF8(p.Text, "�")
		return nil
	}
	return &sys.Error{Op: "read page", Path: at.Redacted(), Kind: sys.Invalid, Err: fmt.Errorf("it is %s, not text", kind), Hint: "look for a page about it"}
}

func readHTML(p *egress.Page, text io.Reader, at *url.URL) error {
	doc, err := html.ParseWithOptions(text, html.ParseOptionEnableScripting(false))
	if err != nil { // it is nested deeper than any real page
		return &sys.Error{Op: "read page", Path: at.Redacted(), Kind: sys.Invalid, Err: err, Hint: "look for another source"}
	}
	prune(doc)
	p.Title = title(doc)
	body := doc
	// A copy goes to the search for the article, which takes the tree apart.
	var whole bytes.Buffer
	if err := html.Render(&whole, doc); err != nil {
		return err
	}
	if article, err := readability.FromReader(&whole, at); err == nil && article.Node != nil {
		p.Title = cmp.Or(article.Title(), p.Title)
		body = article.Node
	}
	out, err := markdown.ConvertNode(body, converter.WithDomain(at.Scheme+"://"+at.Host))
	if err != nil {
		return err
	}
	p.Text = strings.TrimSpace(string(out))
	return nil
}

// prune takes out what nobody reads, and what is hidden from a person: text that
// only a machine would see is where instructions to machines are put.
func prune(n *html.Node) {
	for c := n.FirstChild; c != nil; {
		next := c.NextSibling
		if c.Type == html.CommentNode || c.Type == html.ElementNode && (mute[c.Data] || hidden(c)) {
			n.RemoveChild(c)
		} else {
			prune(c)
		}
		c = next
	}
}

var mute = map[string]bool{"script": true, "style": true, "noscript": true, "template": true, "iframe": true, "object": true, "svg": true, "form": true}

func hidden(n *html.Node) bool {
	for _, a := range n.Attr {
		switch a.Key {
		case "hidden":
			return true
		case "aria-hidden":
			if a.Val == "true" {
				return true
			}
		case "style":
			style := strings.ReplaceAll(strings.ToLower(a.Val), " ", "")
			if strings.Contains(style, "display:none") || strings.Contains(style, "visibility:hidden") || strings.Contains(style, "font-size:0") || strings.Contains(style, "opacity:0;") {
				return true
			}
		}
	}
	return false
}

func title(doc *html.Node) string {
	for n := range doc.Descendants() {
		if n.Type == html.ElementNode && n.Data == "title" && n.FirstChild != nil {
			return strings.Join(strings.Fields(n.FirstChild.Data), " ")
		}
	}
	return ""
}

func (r *Reader) cached(key string) (egress.Page, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	p, ok := r.pages[key]
	return p, ok && r.now().Sub(p.Fetched) < fresh
}

func (r *Reader) keep(key string, p egress.Page) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pages) >= mostCached {
		oldest := ""
		for k, c := range r.pages {
			if oldest == "" || c.Fetched.Before(r.pages[oldest].Fetched) {
				oldest = k
			}
		}
		delete(r.pages, oldest)
	}
	r.pages[key] = p
}

func status(u *url.URL, code int) error {
	e := &sys.Error{Op: "read page", Path: u.Redacted(), Kind: sys.Unavailable, Err: fmt.Errorf("the server answered %d %s", code, http.StatusText(code))}
	switch code {
	case http.StatusNotFound, http.StatusGone:
		e.Kind, e.Hint = sys.NotFound, "search for it, or try another address"
	case http.StatusUnauthorized, http.StatusForbidden:
		e.Kind, e.Hint = sys.Unauthorized, "the page is not open to everybody; look for another source"
	case http.StatusTooManyRequests:
		e.Hint = "wait a while, or look for another source"
	}
	return e
}

// explain gives a failure of the network a kind and a way out.
func explain(u *url.URL, err error) error {
	var known *sys.Error
	switch {
	case errors.As(err, &known):
		return known
	case errors.Is(err, context.DeadlineExceeded):
		return &sys.Error{Op: "read page", Path: u.Redacted(), Kind: sys.Unavailable, Err: errors.New("it did not answer in time"), Hint: "try again later, or another source"}
	case errors.Is(err, context.Canceled):
		return &sys.Error{Op: "read page", Path: u.Redacted(), Kind: sys.Canceled, Err: err}
	}
	return &sys.Error{Op: "read page", Path: u.Redacted(), Kind: sys.Unavailable, Err: err, Hint: "check the address, and that this machine is online"}
}
