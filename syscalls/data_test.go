package syscalls_test

import (
	"path/filepath"
	"strings"
	"testing"

	"matrixos/disk"
	"matrixos/test/machine"
)

// Rows and files of one process land together; what reads them counts as having
// read the app's word.
func TestRowsLandWithFiles(t *testing.T) {
	w := newWorld(t, filepath.Join(t.TempDir(), "home"), newOutdoors(t), nil)
	defer w.Close()
	w.furnish("app_data", fourRows["app_data"])
	on := func(action string, more machine.Obj) use {
		a := machine.Obj{"app": "bread", "action": action, "table": "loaves"}
		for k, v := range more {
			a[k] = v
		}
		return use{"app_data", a}
	}
	said := w.run(
		on("insert", machine.Obj{"rows": []machine.Obj{{"name": "rye", "price": 4.1}, {"name": "rye", "price": 0.2}, {"name": "spelt", "price": 3}}}),
		use{"Write", machine.Obj{"file_path": "projects/bread.md", "content": "baked\n"}},
		on("sum", machine.Obj{"column": "price", "group_by": "name"}),
		on("count", machine.Obj{"where": machine.Obj{"price": machine.Obj{"$lt": 1}}}))
	if !strings.Contains(said, `{"sums":[{"group":"rye","sum":4.3,"rows":2},{"group":"spelt","sum":3,"rows":1}]}`) || !strings.Contains(said, "\n1\n") {
		t.Errorf("it heard %q", said)
	}
	log, err := w.Disk.Log(t.Context(), disk.Query{Limit: 1})
	if err != nil || len(log[0].Data) != 1 || len(log[0].Changes) < 1 || w.File("projects/bread.md") != "baked\n" {
		t.Fatalf("the landing %+v %v", log[0], err)
	}
	if said = w.run(on("search", machine.Obj{"text": "spel", "table": ""})); !strings.Contains(said, `{"found":[{"table":"loaves","row":{`) || strings.Contains(said, "rye") {
		t.Errorf("it found %q", said)
	}
	said = w.run(on("find", machine.Obj{"where": machine.Obj{"name": "spelt"}, "limit": 1}))
	id := said[strings.Index(said, `"id":"`)+6:][:36]
	said = w.run(on("update", machine.Obj{"id": id, "data": machine.Obj{"price": 5}}), on("sum", machine.Obj{"column": "price"}), on("sum", machine.Obj{"column": "name"}), on("find", machine.Obj{"table": "cakes"}))
	for _, want := range []string{`"sum":9.3,"rows":3`, "no column of numbers", "no such table; there are loaves"} {
		if !strings.Contains(said, want) {
			t.Errorf("it heard %q, want %q", said, want)
		}
	}
	if said = w.run(on("delete", machine.Obj{"id": id}), on("delete", machine.Obj{"id": id}), on("count", nil)); !strings.Contains(said, "\n2\n") || !strings.Contains(said, "no row with the id") {
		t.Errorf("it heard %q", said)
	}
}
