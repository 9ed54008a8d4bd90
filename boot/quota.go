package boot

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"sync"

	"matrixos/disk"
	"matrixos/sys"
)

// quotaConfig is the part of system/config.json about room:
//
//	"quota": {"home": "20 GB", "each_app": "2 GB", "apps": {"photos": "10 GB", "notes": 500000000}}
//
// Nothing, and 0, is no limit.
type quotaConfig struct {
	Home json.RawMessage            `json:"home"`
	Each json.RawMessage            `json:"each_app"`
	Apps map[string]json.RawMessage `json:"apps"`
}

// parseQuota reads the limits; the error names the field, its value and what is
// allowed.
func parseQuota(raw json.RawMessage) (disk.Quota, error) {
	var q disk.Quota
	if len(raw) == 0 {
		return q, nil
	}
	wrong := func(field string, value []byte, why string) (disk.Quota, error) {
		return disk.Quota{}, &sys.Error{
			Op: "read", Path: string(configFile), Kind: sys.Invalid, Err: fmt.Errorf("%s is %s", field, value), Hint: why,
		}
	}
	var c quotaConfig
	d := json.NewDecoder(bytes.NewReader(raw))
	d.DisallowUnknownFields()
	if err := d.Decode(&c); err != nil {
		return wrong("quota", raw, `write such as {"home": "20 GB", "each_app": "2 GB", "apps": {"photos": "10 GB"}}`)
	}
	var err error
	if q.Home, err = parseLimit(c.Home); err != nil {
		return wrong("quota.home", c.Home, err.Error())
	}
	if q.Each, err = parseLimit(c.Each); err != nil {
		return wrong("quota.each_app", c.Each, err.Error())
	}
	q.Apps = map[sys.Slug]int64{}
	for name, value := range c.Apps {
		if !sys.Slug(name).Valid() {
			return wrong("a name in quota.apps", []byte(fmt.Sprintf("%q", name)), "write the name of the app's folder in apps")
		}
		if q.Apps[sys.Slug(name)], err = parseLimit(value); err != nil {
			return wrong("quota.apps."+name, value, err.Error())
		}
	}
	return q, nil
}

// parseLimit reads a number of bytes, or a text such as "2 GB".
func parseLimit(raw json.RawMessage) (int64, error) {
	if len(raw) == 0 || string(raw) == "null" {
		return 0, nil
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		text = string(raw)
	}
	return disk.ParseSize(text)
}

// quotaOf reads the limits once per landing.
func quotaOf(d *disk.Disk) func() (disk.Quota, error) {
	var mu sync.Mutex
	var at sys.LandingID
	var now disk.Quota
	var why error
	return func() (disk.Quota, error) {
		mu.Lock()
		defer mu.Unlock()
		if head := d.Head(); at != head {
			at = head
			var c config
			if c, why = readConfig(d, 0); why == nil {
				now, why = parseQuota(c.Quota)
			}
		}
		return now, why
	}
}

// checkQuota keeps limits that cannot be read out of the settings. What the owner
// writes by hand is not checked: they are told.
func checkQuota(_ context.Context, c disk.Checked) error {
	for _, change := range c.Changes {
		if change.Path != configFile || change.Op == sys.Deleted {
			continue
		}
		text, err := fs.ReadFile(c.Tree, string(configFile))
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		var now config
		if json.Unmarshal(text, &now) != nil {
			return nil // not about room
		}
		if _, err := parseQuota(now.Quota); err != nil {
			return err
		}
	}
	return nil
}
