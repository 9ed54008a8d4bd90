package test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/go-rod/rod"
	"github.com/go-rod/rod/lib/launcher"
	"github.com/go-rod/rod/lib/proto"
)

// Desk is the desktop in a real browser, with the owner signed in.
type Desk struct {
	t    testing.TB
	page *rod.Page
}

// patience is how long a desk waits for anything to appear.
const patience = 15 * time.Second

// Chromium starts a browser for the test; one that is missing fails.
func Chromium(t testing.TB) *rod.Browser {
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
	d.must(page.SetViewport(&proto.EmulationSetDeviceMetricsOverride{Width: width, Height: height, DeviceScaleFactor: 1, Mobile: width < 700}))
	d.must(page.Navigate(w.Link))
	d.must(page.WaitLoad())
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
	e, err := p.Timeout(patience).Element(selector)
	if err != nil {
		d.Shot("failure")
		d.t.Fatalf("%s: %v", selector, err)
	}
	return e.CancelTimeout()
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

// Frame is the inside of one app's window.
type Frame struct {
	d    *Desk
	page *rod.Page
	slug string
}
