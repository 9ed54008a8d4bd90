package boot

import (
	"context"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"testing/fstest"

	"matrixos/disk"
	"matrixos/sys"
)

func TestQuotaIsReadOrSaysWhatIsWrong(t *testing.T) {
	for _, c := range []struct {
		text  string
		want  disk.Quota
		wrong []string
	}{
		{text: ``},
		{text: `{"home": "20 GB", "each_app": 5000, "apps": {"photos": "1.5 GB", "notes": 0}}`,
			want: disk.Quota{Home: 20e9, Each: 5000, Apps: map[sys.Slug]int64{"photos": 15e8, "notes": 0}}},
		{text: `{"home": "2 gigs"}`, wrong: []string{"quota.home", `"2 gigs"`, "KB, MB, GB or TB"}},
		{text: `{"each_app": -4}`, wrong: []string{"quota.each_app", "-4", "KB, MB, GB or TB"}},
		{text: `{"apps": {"notes": true}}`, wrong: []string{"quota.apps.notes", "true"}},
		{text: `{"apps": {"No Such": "1 GB"}}`, wrong: []string{"No Such", "folder"}},
		{text: `{"house": "1 GB"}`, wrong: []string{"quota is", "each_app"}},
		{text: `"2 GB"`, wrong: []string{"quota is", "home"}},
	} {
		got, err := parseQuota(json.RawMessage(c.text))
		if len(c.wrong) == 0 && (err != nil || got.Home != c.want.Home || got.Each != c.want.Each || len(c.want.Apps) > 0 && !reflect.DeepEqual(got.Apps, c.want.Apps)) {
			t.Errorf("%s is %+v, %v", c.text, got, err)
		}
		for _, w := range c.wrong {
			if sys.KindOf(err) != sys.Invalid || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: %v does not say %q", c.text, err, w)
			}
		}
		tree := fstest.MapFS{string(configFile): {Data: []byte(`{"model": "offline", "quota": ` + c.text + `}`)}}
		if c.text == "" {
			delete(tree, string(configFile))
		}
		err = checkQuota(context.Background(), disk.Checked{Tree: tree, Changes: []sys.Change{{Path: configFile, Op: sys.Modified}}})
		if (err != nil) != (len(c.wrong) > 0) {
			t.Errorf("a landing with %s: %v", c.text, err)
		}
	}
}

// What stands in the settings is what holds, and a slip in it costs nothing else.
func TestQuotaFollowsTheSettings(t *testing.T) {
	ctx := context.Background()
	d, err := disk.Open(ctx, t.TempDir(), disk.Options{NoWatch: true})
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	d.SetQuota(quotaOf(d))
	settings := func(text string) {
		t.Helper()
		if _, err := d.Write(ctx, disk.Write{Kind: sys.ByOwner, Files: map[sys.Path][]byte{configFile: []byte(text)}}); err != nil {
			t.Fatal(err)
		}
	}
	settings(`{"model": "offline", "quota": {"apps": {"notes": "2 MB"}}}`)
	if used, problem, err := d.Quotas(ctx, true); err != nil || problem != "" || len(used) != 1 || used[0].Limit != 2e6 {
		t.Errorf("limits are %+v %q %v", used, problem, err)
	}
	settings(`{"model": "offline", "quota": {"apps": {"notes": "much"}}}`)
	if used, problem, err := d.Quotas(ctx, true); err != nil || !strings.Contains(problem, "quota.apps.notes") || len(used) != 1 || used[0].Limit != 2e6 {
		t.Errorf("limits are %+v %q %v", used, problem, err)
	}
	if c, err := readConfig(d, 0); err != nil || c.Model != "offline" {
		t.Errorf("the other settings are %+v, %v", c, err)
	}
}
