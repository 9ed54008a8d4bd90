package boot

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/tidwall/sjson"

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
	Scrub    struct {
		EveryDays   int `json:"every_days"`
		MBPerSecond int `json:"mb_per_second"`
	} `json:"scrub,omitzero"` // how the home checks itself in idle time
	Backup *backupConfig `json:"backup,omitempty"`
	Matrix matrixConfig  `json:"matrix,omitzero"`
	kernel.Settings
	// Services names the provider of "search", "image", "voice" and "transcribe";
	// one that is not named is the first that has a key.
	Services map[string]string `json:"services,omitempty"`
	Network  struct {
		// Allow lists addresses of the owner's own network that agents may reach:
		// "192.168.1.5", "192.168.1.5:8080" or "192.168.1.0/24".
		Allow []string `json:"allow,omitempty"`
	} `json:"network,omitzero"`
}

// readConfig reads the settings as of a landing, 0 meaning the newest; a file that
// is missing counts as empty.
func readConfig(d *disk.Disk, at sys.LandingID) (config, error) {
	var c config
	err := readJSON(d, at, configFile, &c)
	return c, err
}

// lastConfig reads the settings, or if they cannot be read the newest ones before
// that can, which is said in why; it is an error if there are none.
func lastConfig(d *disk.Disk, at sys.LandingID) (c config, why, err error) {
	c, why = readConfig(d, at)
	if sys.KindOf(why) != sys.Invalid {
		return c, nil, why
	}
	list, err := d.Log(context.Background(), disk.Query{Path: configFile})
	if err != nil {
		return config{}, why, err
	}
	for _, l := range list {
		if at != 0 && l.ID >= at {
			continue
		}
		if c, err := readConfig(d, l.ID); err == nil {
			return c, why, nil
		}
	}
	return config{}, why, why
}

// settingsOf reads the kernel's part of the settings once per landing; those that
// cannot be read count as they were, and the owner is told. A good landing, if
// given, is where they are read instead.
func settingsOf(d *disk.Disk, good sys.LandingID, log *slog.Logger) func() kernel.Settings {
	var mu sync.Mutex
	var at sys.LandingID
	var now kernel.Settings
	return func() kernel.Settings {
		mu.Lock()
		defer mu.Unlock()
		if head := d.Head(); at != head {
			at = head
			c, why, err := lastConfig(d, good)
			if why != nil || err != nil {
				log.Warn("the settings cannot be read; they stay as they were", "error", errors.Join(why, err))
				d.Journal().Publish(sys.NewEvent(sys.EventNotice, sys.NoticeData{
					Level: "error", Title: "Your settings cannot be read", Text: fmt.Sprintf("They stay as they were. Mend %s, or take the change to it back.", configFile),
				}))
			}
			if err != nil {
				return now
			}
			now = c.Settings
		}
		return now
	}
}

// editConfig is the text of the settings with some fields set; what else the
// owner has in the file, and how it is laid out, stays.
func editConfig(home fs.FS, fields map[string]any) ([]byte, error) {
	text, err := fs.ReadFile(home, string(configFile))
	if err != nil && !missing(err) {
		return nil, err
	}
	if len(bytes.TrimSpace(text)) == 0 {
		text = []byte("{}\n")
	}
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		if text, err = sjson.SetBytes(text, name, fields[name]); err != nil {
			return nil, err
		}
	}
	return text, nil
}

// careOf reads how the home looks after itself; settings that cannot be read
// count as before.
func careOf(d *disk.Disk) func() disk.Care {
	return func() disk.Care {
		c, _, err := lastConfig(d, 0)
		if err != nil {
			return disk.Care{}
		}
		return disk.Care{ScrubEvery: time.Duration(c.Scrub.EveryDays) * 24 * time.Hour, ScrubRate: int64(c.Scrub.MBPerSecond) << 20}
	}
}

// readHandle reads whom the home belongs to, and falls back to a local handle:
// a damaged file must not keep the owner out.
func readHandle(d *disk.Disk) gateway.Owner {
	var h struct {
		Handle sys.Handle `json:"handle"`
		Name   string     `json:"display_name"`
	}
	_ = readJSON(d, 0, handleFile, &h)
	return gateway.Owner{Handle: cmp.Or(h.Handle, localHandle), Name: h.Name}
}

func readJSON(d *disk.Disk, at sys.LandingID, path sys.Path, into any) error {
	view, err := d.View(at)
	if err != nil {
		return err
	}
	return readJSONOf(view, path, into)
}

func readJSONOf(home fs.FS, path sys.Path, into any) error {
	text, err := fs.ReadFile(home, string(path))
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
