package test

import (
	"strings"
	"testing"

	"matrixos/sys"
)

// TestMode14ThreeCrashesStartSafeMode: the desktop is there and says so, files can
// be read and changes undone, no model runs, and the settings are the last good
// ones.
func TestMode14ThreeCrashesStartSafeMode(t *testing.T) {
	w := NewWorld(t)
	w.Up()
	w.Do("ask", request)
	w.Stop() // in order: these settings are good
	for range 3 {
		w.Up()
		w.Crash()
	}
	w.Up()
	w.Run("status").says(t, 0, "safe mode")
	w.Run("ask", "a reading list").says(t, 1, "safe mode", "undo")
	await(t, w.connect(), "notice", func(e sys.Event) bool {
		return e.Kind == sys.EventNotice && strings.Contains(string(e.Data), "safe mode")
	})
	if apps := w.Do("apps").Stdout; !strings.Contains(apps, "expenses") {
		t.Errorf("apps: %s", apps)
	}
	desk := w.SignInAgain(Chromium(t), 1280, 860)
	desk.See("Safe mode")
	desk.See("no model answers")
	desk.Shot("safe")
	w.Do("undo")
	w.Stop()
	w.Up() // it ended in order: back to normal
	w.Do("ask", "a reading list")
}
