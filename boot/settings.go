package boot

import (
	"cmp"
	"encoding/json"
	"io/fs"
	"log/slog"
	"sync"

	"matrixos/disk"
	"matrixos/gateway"
	"matrixos/kernel"
	"matrixos/sys"
)

// The settings files of a home.
const (
	configFile sys.Path = "system/config.json"
	handleFile sys.Path = "system/handle.json"
)

// config is system/config.json.
type config struct {
	Model    string            `json:"model"`
	BaseURLs map[string]string `json:"base_urls,omitempty"` // by provider
	kernel.Settings
}

// readConfig reads the settings; a file that is missing counts as empty.
func readConfig(d *disk.Disk) (config, error) {
	var c config
	err := readJSON(d, configFile, &c)
	return c, err
}

// settingsOf reads the kernel's part of the settings once per landing. Settings
// that cannot be read count as they were.
func settingsOf(d *disk.Disk, log *slog.Logger) func() kernel.Settings {
	var mu sync.Mutex
	var at sys.LandingID
	var now kernel.Settings
	return func() kernel.Settings {
		mu.Lock()
		defer mu.Unlock()
		if head := d.Head(); at != head {
			at = head
			c, err := readConfig(d)
			if err != nil {
				log.Warn("the settings cannot be read; they stay as they were", "error", err)
				return now
			}
			now = c.Settings
		}
		return now
	}
}

// readHandle reads whom the home belongs to, and falls back to a local handle:
// a damaged file must not keep the owner out.
func readHandle(d *disk.Disk) gateway.Owner {
	var h struct {
		Handle sys.Handle `json:"handle"`
		Name   string     `json:"display_name"`
	}
	_ = readJSON(d, handleFile, &h)
	return gateway.Owner{Handle: cmp.Or(h.Handle, "@you:local"), Name: h.Name}
}

func readJSON(d *disk.Disk, path sys.Path, into any) error {
	view, err := d.View(0)
	if err != nil {
		return err
	}
	text, err := fs.ReadFile(view, string(path))
	if missing(err) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, into); err != nil {
		return &sys.Error{Op: "read", Path: string(path), Kind: sys.Invalid, Err: err, Hint: "mend the file, or `matrixos undo` the change to it"}
	}
	return nil
}
