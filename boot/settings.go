package boot

import (
	"cmp"
	"encoding/json"
	"io/fs"

	"matrixos/disk"
	"matrixos/gateway"
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
}

// readConfig reads the settings; a file that is missing counts as empty.
func readConfig(d *disk.Disk) (config, error) {
	var c config
	err := readJSON(d, configFile, &c)
	return c, err
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
