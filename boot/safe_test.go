package boot

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"matrixos/client"
	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/sys"
)

// crashed makes the log of starts of a home say that the last three ended in a crash, and
// that it ran well as of a landing.
func crashed(t *testing.T, home string, good sys.LandingID) {
	t.Helper()
	log := readStarts(home, time.Now)
	log.known.Good = good
	for i := range crashesMost {
		log.known.Starts = append(log.known.Starts, startEntry{Time: time.Now().Add(time.Duration(i-crashesMost) * time.Second)})
	}
	if err := log.writeLocked(); err != nil {
		t.Fatal(err)
	}
}

// TestInSafeModeTheOwnerMends: after three crashes the home starts without a model and by the
// settings that worked. There the owner changes settings, a damaged app is mended, a bad change
// of the settings is taken back under a later one, and once that is over all of it counts.
func TestInSafeModeTheOwnerMends(t *testing.T) {
	t.Setenv("MATRIXOS_CHROMIUM", "none")
	t.Setenv("MATRIXOS_KEYRING_PASSPHRASE", "test")
	home := filepath.Join(t.TempDir(), "home")
	start := func() *System {
		t.Helper()
		s, err := Start(t.Context(), Options{Home: home, Listen: "127.0.0.1:0"})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	s := start()
	end := func() {
		t.Helper()
		if s != nil {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		}
		s = nil
	}
	t.Cleanup(end)
	settings := func() (c config) {
		t.Helper()
		c, err := readConfig(s.disk, 0)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	const before = "{\n  \"model\": \"\",\n  \"heartbeat\": \"1h\"\n}\n"
	if _, err := s.write(t, sys.ByAgent, pair); err != nil {
		t.Fatal(err)
	}
	if _, err := s.write(t, sys.ByOwner, map[sys.Path]string{configFile: before}); err != nil {
		t.Fatal(err)
	}
	end() // in order: these settings are good
	s = start()
	good := s.starts.good()
	bad, err := s.write(t, sys.BySystem, map[sys.Path]string{configFile: strings.NewReplacer(`"model": ""`, `"model": "openai:x"`, "1h", "2h").Replace(before)})
	if err != nil {
		t.Fatal(err)
	}
	end()
	crashed(t, home, good)

	s = start()
	session, err := s.client.Session(t.Context())
	if err != nil || !session.Safe || s.models.Default() != offlineModel {
		t.Fatalf("%+v, %q, %v", session, s.models.Default(), err)
	}
	ask := func(text string) error {
		_, err := s.client.Follow(t.Context(), client.Ask{Text: text, From: "cli"}, func(client.Ticket) {}, func(sys.Event) error { return nil })
		return err
	}
	if err := ask("track my expenses"); sys.KindOf(err) != sys.Unavailable || !strings.Contains(err.Error(), "safe mode") {
		t.Errorf("a model runs in safe mode: %v", err)
	}

	// A setting, by hand and in the desktop.
	live := filepath.Join(home, string(configFile))
	text, err := os.ReadFile(live)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(live, []byte(strings.Replace(string(text), "{\n", "{\n  \"caps\": {\"day\": {\"usd\": 7}},\n", 1)), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := s.models.Choose(t.Context(), gateway.ModelChoice{Model: "offline"}); err != nil {
		t.Errorf("no model can be chosen for when safe mode is over: %v", err)
	}
	if now := s.models.Current().ID; now != offlineModel {
		t.Errorf("what was chosen is shown as %q", now)
	}

	// An app whose file a failing disk has cut short.
	const broken = "apps/pair/src/shown.ts"
	if err := os.WriteFile(filepath.Join(home, broken), []byte(pair[broken][:70]), 0o644); err != nil {
		t.Fatal(err)
	}
	if r, err := s.client.Heal(t.Context(), sys.HealOptions{App: "pair"}); err != nil {
		t.Errorf("%+v, %v", r, err)
	}
	list, err := s.client.Healed(t.Context(), "pair", 10)
	if err != nil || len(list) != 1 || list[0].State != sys.HealDone || list[0].Mode != 19 {
		t.Errorf("%+v, %v", list, err)
	}
	if raw, err := os.ReadFile(filepath.Join(home, broken)); err != nil || string(raw) != pair[broken] {
		t.Errorf("%s is %q, %v", broken, raw, err)
	}

	// The change of the settings that was bad, under the later ones.
	if _, _, err := s.disk.Undo(t.Context(), bad.ID, disk.UndoOptions{Partial: true}); err != nil {
		t.Error(err)
	}
	check := func(when string) {
		t.Helper()
		c := settings()
		if c.Model != offlineModel || c.Heartbeat != "1h" || c.Caps.Day == nil || c.Caps.Day.USD != 7 {
			t.Errorf("%s: the settings are %+v", when, c)
		}
	}
	check("in safe mode")
	if now := s.starts.good(); now != good || good == 0 {
		t.Errorf("a start in safe mode counts as good: %s, was %s", now, good)
	}
	end()

	s = start()
	if s.safe {
		t.Fatal("it ended in order, and is in safe mode again")
	}
	check("afterwards")
	view, err := s.disk.View(0)
	if err != nil {
		t.Fatal(err)
	}
	if found := s.apps.runtime.Check(t.Context(), view, "apps/pair"); len(found) > 0 {
		t.Errorf("%+v", found)
	}
	if err := ask("a reading list with author and rating"); err != nil {
		t.Errorf("no model runs afterwards: %v", err)
	}
}
