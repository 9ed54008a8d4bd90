package test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/input"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/proto"
)

// Desk is the desktop in a real browser, with the owner signed in.
type Desk struct {
	t    testing.TB
	page *rod.Page
}

// patience is how long a desk waits for anything to appear: other tests keep the machine busy.
const patience = time.Minute

// Chromium starts a browser for the test; one that is missing fails. It leaves apps in
// the process of the desktop, where the tests reach into them; see chromiumApart.
func Chromium(t testing.TB) *rod.Browser {
	t.Helper()
	return chromium(t, func(l *launcher.Launcher) { l.Append("disable-features", "DocumentIsolationPolicy") })
}

// chromiumApart is the browser as people have it, with a process for each app's window.
func chromiumApart(t testing.TB) *rod.Browser {
	t.Helper()
	return chromium(t, func(l *launcher.Launcher) { l.Delete("disable-features").Delete("disable-site-isolation-trials") })
}

func chromium(t testing.TB, change func(*launcher.Launcher)) *rod.Browser {
	t.Helper()
	path := "/usr/bin/chromium"
	if named := os.Getenv("MATRIXOS_CHROMIUM"); named != "" {
		path = named
	}
	if _, err := os.Stat(path); err != nil {
		t.Fatalf("no Chromium: %v (make test installs it)", err)
	}
	l := launcher.New().Bin(path).Headless(true).NoSandbox(true).UserDataDir(t.TempDir()).
		Set("disable-gpu").Set("disable-quic").Set("no-first-run").Set("disable-background-networking").
		Set("disable-component-update").Set("disable-sync").Leakless(false)
	change(l)
	url, err := l.Launch()
	if err != nil {
		t.Fatal(err)
	}
	b := rod.New().ControlURL(url)
	if err := b.Connect(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close(); l.Kill() })
	return b
}

// SignIn opens the sign-in link in a window of the given size.
func (w *World) SignIn(b *rod.Browser, width, height int) *Desk {
	w.t.Helper()
	page, err := b.Page(proto.TargetCreateTarget{URL: "about:blank"})
	if err != nil {
		w.t.Fatal(err)
	}
	d := &Desk{t: w.t, page: page}
	ctx, cancel := context.WithTimeout(context.Background(), 6*time.Minute)
	w.t.Cleanup(cancel)
	d.page = page.Context(ctx) // whatever hangs, the test does not
	d.must(page.SetViewport(&proto.EmulationSetDeviceMetricsOverride{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 700}))
	d.must(d.page.Navigate(w.Link))
	d.must(d.page.WaitLoad())
	return d
}

func (d *Desk) must(err error) {
	d.t.Helper()
	if err != nil {
		d.Shot("failure")
		d.t.Fatal(err)
	}
}

// find waits for an element.
func (d *Desk) find(p *rod.Page, selector string) *rod.Element {
	d.t.Helper()
	return d.wait(selector, func() (bool, *rod.Element, error) { return p.Has(selector) })
}

// named waits for an element of which the text matches.
func (d *Desk) named(p *rod.Page, selector, text string) *rod.Element {
	d.t.Helper()
	return d.wait(selector+" "+text, func() (bool, *rod.Element, error) { return p.HasR(selector, text) })
}

func (d *Desk) wait(what string, has func() (bool, *rod.Element, error)) *rod.Element {
	d.t.Helper()
	for began := time.Now(); ; time.Sleep(pause(began)) {
		ok, e, err := has()
		switch {
		case err == nil && ok:
			return e
		case time.Since(began) > patience:
			d.Shot("failure")
			d.t.Fatalf("%s is not to be seen (%v)", what, err)
		}
	}
}

// Follow opens a link of the desktop.
func (d *Desk) Follow(link string) {
	d.t.Helper()
	d.must(d.page.Navigate(strings.TrimSpace(link)))
	d.must(d.page.WaitLoad())
}

// Scheme emulates a light or dark system.
func (d *Desk) Scheme(name string) {
	d.t.Helper()
	d.must(proto.EmulationSetEmulatedMedia{Features: []*proto.EmulationMediaFeature{{Name: "prefers-color-scheme", Value: name}}}.Call(d.page))
}

// Shot keeps a picture in MATRIXOS_SHOTS, if that names a folder.
func (d *Desk) Shot(name string) {
	dir := os.Getenv("MATRIXOS_SHOTS")
	if dir == "" {
		return
	}
	time.Sleep(400 * time.Millisecond) // what moves has come to rest
	img, err := d.page.Screenshot(false, nil)
	if err != nil {
		d.t.Logf("screenshot: %v", err)
		return
	}
	file := filepath.Join(dir, strings.ReplaceAll(d.t.Name(), "/", "-")+"-"+name+".png")
	if err := os.WriteFile(file, img, 0o644); err != nil {
		d.t.Log(err)
	}
}

// Ask types into the chat if its window is open, else into the line on the
// desk, and sends it.
func (d *Desk) Ask(text string) {
	d.t.Helper()
	selector := `.home textarea`
	if open, _, err := d.page.Has(`.window textarea[aria-label="Ask"]`); err == nil && open {
		selector = `.window textarea[aria-label="Ask"]`
	}
	line := d.find(d.page, selector)
	d.must(line.Timeout(patience).Input(text))
	d.must(line.Type(input.Enter))
}

// See waits for text anywhere on the desktop, app windows not included.
func (d *Desk) See(text string) {
	d.t.Helper()
	d.see(text, func() (*rod.Page, error) { return d.page, nil })
}

func (d *Desk) see(text string, page func() (*rod.Page, error)) {
	d.t.Helper()
	for began := time.Now(); ; time.Sleep(pause(began)) {
		body, err := words(page)
		switch {
		case err == nil && strings.Contains(body, text):
			return
		case time.Since(began) > patience:
			d.Shot("failure")
			d.t.Fatalf("%q is not to be seen (%v):\n%s", text, err, body)
		}
	}
}

// words is what a page shows. A frame that is just being replaced makes rod
// panic; that is an error like others, and passes.
func words(page func() (*rod.Page, error)) (text string, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("the page went away: %v", r)
		}
	}()
	p, err := page()
	if err != nil {
		return "", err
	}
	res, err := p.Eval(`() => document.body.innerText`)
	if err != nil {
		return "", err
	}
	return res.Value.Str(), nil
}

// OpenApp opens the newest app by its line on the desk.
func (d *Desk) OpenApp(name string) {
	d.t.Helper()
	d.must(d.named(d.page, ".home .suggestions button", "^"+name).Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
}

// Frame is the inside of one app's window, whichever build of the app it shows.
type Frame struct {
	d    *Desk
	name string
}

// App is the window of the app with the given name.
func (d *Desk) App(name string) *Frame { return &Frame{d, name} }

func (f *Frame) now() (*rod.Page, error) {
	ok, e, err := f.d.page.Has(fmt.Sprintf(`iframe.shown[title=%q]`, f.name))
	if err == nil && !ok {
		err = fmt.Errorf("there is no window of %s", f.name)
	}
	if err != nil {
		return nil, err
	}
	return e.Frame()
}

// page waits for the window.
func (f *Frame) page() *rod.Page {
	f.d.t.Helper()
	f.See("")
	p, err := f.now()
	f.d.must(err)
	return p
}

// See waits for text in the app.
func (f *Frame) See(text string) {
	f.d.t.Helper()
	f.d.see(text, f.now)
}

// Click presses the button with the given name.
func (f *Frame) Click(name string) {
	f.d.t.Helper()
	f.d.must(f.d.named(f.page(), "button", name).Timeout(patience).Click(proto.InputMouseButtonLeft, 1))
}

// Fill writes a value into the field with the given label, as typing does.
func (f *Frame) Fill(label, value string) {
	f.d.t.Helper()
	id, err := f.d.named(f.page(), "label", "^"+label).Attribute("for")
	f.d.must(err)
	if id == nil {
		f.d.t.Fatalf("the label %q has no field", label)
	}
	field := f.d.find(f.page(), fmt.Sprintf("[id=%q]", *id))
	_, err = field.Eval(`value => {
		const own = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(this), "value");
		own.set.call(this, value);
		for (const kind of ["input", "change"]) this.dispatchEvent(new Event(kind, { bubbles: true }));
	}`, value)
	f.d.must(err)
}

// SignInAgain signs another window in, by a fresh link of the command line.
func (w *World) SignInAgain(b *rod.Browser, width, height int) *Desk {
	w.t.Helper()
	w.Link = strings.TrimSpace(w.Do("signin").Stdout)
	return w.SignIn(b, width, height)
}
