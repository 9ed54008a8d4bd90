package backup

import (
	"context"
	"encoding/json"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"matrixos/sys"
)

type ring map[string]string

func (r ring) Get(name string) (string, error) {
	if v, ok := r[name]; ok {
		return v, nil
	}
	return "", sys.NotFound
}
func (r ring) Set(name, value string) error { r[name] = value; return nil }

// What is due runs once, also if it was missed; failures wait an hour, are
// written down, and are told once.
func TestTend(t *testing.T) {
	ctx := context.Background()
	d := lived(t)
	set := Settings{Every: 24 * time.Hour, Drill: 30 * 24 * time.Hour, Keep: Keep{Daily: 2}}
	secrets := ring{}
	k, err := NewKeeper(ctx, d, secrets, func() Settings { return set }, Beside{}, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	at := time.Now()
	k.now = func() time.Time { return at }
	k.tendOnce(ctx) // no place: nothing happens
	if _, err := k.Run(ctx); sys.KindOf(err) != sys.NotFound || sys.HintOf(err) == "" {
		t.Errorf("without a place: %v", err)
	}
	dest := filepath.Join(t.TempDir(), "b")
	key, err := k.Begin(ctx, Beginning{Place: Place{Dest: dest}})
	if err != nil {
		t.Fatal(err)
	}
	runs := func() (n, drills int) {
		t.Helper()
		err := d.Journal().QueryRow(ctx, `SELECT count(*), ifnull(sum(kind = 'drill'), 0) FROM backup_run`).Scan(&n, &drills)
		if err != nil {
			t.Fatal(err)
		}
		return n, drills
	}
	want := func(when string, n, drills int) {
		t.Helper()
		k.tendOnce(ctx)
		if a, b := runs(); a != n || b != drills {
			t.Errorf("%s: %d runs, %d drills; want %d, %d", when, a, b, n, drills)
		}
	}
	want("at once", 2, 1)
	want("a minute later", 2, 1)
	at = at.Add(25 * time.Hour)
	want("a day later", 3, 1)
	at = at.Add(100 * 24 * time.Hour)
	want("after a long time", 5, 2)
	s, err := k.Status(ctx)
	if err != nil || s.Dest != dest || !s.Key || s.LastBackup == nil || s.LastDrill == nil || s.Failed != nil || !s.LastDrill.Started.Equal(at.UTC()) {
		t.Errorf("%+v, %v", s, err)
	}
	var snap Snapshot
	if err := json.Unmarshal([]byte(s.LastBackup.Text), &snap); err != nil || snap.Landing != d.Head() {
		t.Errorf("%q, %v", s.LastBackup.Text, err)
	}
	// The disk is taken away, and comes back.
	if err := os.Rename(dest, dest+"-away"); err != nil {
		t.Fatal(err)
	}
	at = at.Add(25 * time.Hour)
	want("away", 6, 2)
	at = at.Add(time.Minute)
	want("just failed", 6, 2)
	at = at.Add(time.Hour)
	want("an hour later", 7, 2)
	if s, err = k.Status(ctx); err != nil || s.Failed == nil || s.LastBackup == nil {
		t.Errorf("%+v, %v", s, err)
	}
	var notices int
	if err := d.Journal().QueryRow(ctx, `SELECT count(*) FROM event WHERE kind = 'notice'`).Scan(&notices); err != nil || notices != 1 {
		t.Errorf("%d notices, %v", notices, err)
	}
	if err := os.Rename(dest+"-away", dest); err != nil {
		t.Fatal(err)
	}
	at = at.Add(time.Hour)
	want("back", 8, 2)
	// Another keeper of the home goes on with the key of the keyring; without it,
	// with the one that the owner has kept.
	delete(secrets, keySecret)
	k2, err := NewKeeper(ctx, d, secrets, func() Settings { return set }, Beside{}, "test", slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k2.List(ctx); sys.KindOf(err) != sys.Unauthorized {
		t.Errorf("without a key: %v", err)
	}
	if _, err := k2.Begin(ctx, Beginning{Place: Place{Dest: dest}, Key: key}); err != nil {
		t.Fatal(err)
	}
	if all, err := k2.List(ctx); err != nil || len(all) != 2 {
		t.Errorf("%d snapshots, %v", len(all), err)
	}
	if damage, err := k2.Verify(ctx, true); err != nil || len(damage) != 0 {
		t.Errorf("%v, %v", damage, err)
	}
	home := filepath.Join(t.TempDir(), "h")
	if _, err := k2.Restore(ctx, "", home, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	equal(t, d.Root(), home, 200)
}
