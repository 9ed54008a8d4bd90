package disk

import (
	"context"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"matrixos/sys"
)

// Rows of work that is refused, and then given up, wait for the owner with its
// files, over a restart and a collection.
func TestRefusedRowsAreKept(t *testing.T) {
	ctx := context.Background()
	for choice, want := range map[sys.ConflictChoice]string{
		sys.ChooseTheirs: "a:Green tea:0\nb:Milk:7\nc:Bread:0\nd:Jam:0",
		sys.ChooseOurs:   "a:Black tea:0\nb:Milk:7\nc:Bread:0\nd:Other jam:0",
	} {
		t.Run(string(choice), func(t *testing.T) {
			h := withTasks(t)
			tx := h.begin()
			run(t, h.private(tx), `UPDATE task SET title='Green tea' WHERE id='a'`, `INSERT INTO task VALUES('c','Bread',0)`, `INSERT INTO task VALUES('d','Jam',0)`)
			put(t, filepath.Join(tx.Dir(), "note.txt"), "mine")
			run(t, filepath.Join(h.root, tasks), `UPDATE task SET title='Black tea' WHERE id='a'`, `INSERT INTO task VALUES('d','Other jam',0)`)
			_, err := tx.Land(ctx, Landing{Title: "shopping"})
			var c *ConflictError
			if !errors.As(err, &c) || c.ID == "" {
				t.Fatalf("%v", err)
			}
			if err := tx.Drop(); err != nil {
				t.Fatal(err)
			}
			run(t, filepath.Join(h.root, tasks), `UPDATE task SET done=7 WHERE id='b'`) // the owner's app goes on
			h.collect(true)
			root := h.root
			h.close()
			h = open(t, root)
			h.git("fsck", "--strict")
			info, files, err := h.Conflict(ctx, c.ID)
			if err != nil || info.State != sys.ConflictWaiting || len(files) != 1 || files[0].Path != tasks || len(files[0].Rows) != 2 ||
				!strings.Contains(string(files[0].Ours), "Black tea") || !strings.Contains(string(files[0].Theirs), "Green tea") {
				t.Fatalf("%+v %+v %v", info, files, err)
			}
			if _, _, err := h.Resolve(ctx, c.ID, Answer{Choice: sys.ChooseBoth}); sys.KindOf(err) != sys.Invalid || sys.HintOf(err) == "" {
				t.Errorf("both, of rows: %v", err)
			}
			_, landed, err := h.Resolve(ctx, c.ID, Answer{Choice: choice})
			if err != nil || landed.ID == 0 || len(landed.Data) != 1 {
				t.Fatalf("%+v %v", landed, err)
			}
			if got := h.tasks(); got != want {
				t.Errorf("the rows are\n%s", got)
			}
			h.want("note.txt", "mine")
		})
	}
}

// Rows that fit wait with the file that does not.
func TestRowsWaitWithARefusedFile(t *testing.T) {
	ctx := context.Background()
	h := withTasks(t)
	tx := h.begin()
	run(t, h.private(tx), `INSERT INTO task VALUES('c','Bread',0)`)
	put(t, filepath.Join(tx.Dir(), "system/soul.md"), "theirs\n")
	h.put("system/soul.md", "ours\n")
	_, err := tx.Land(ctx, Landing{})
	var c *ConflictError
	if !errors.As(err, &c) || len(c.Files) != 1 {
		t.Fatalf("%v", err)
	}
	if err := tx.Drop(); err != nil {
		t.Fatal(err)
	}
	if _, _, err := h.Resolve(ctx, c.ID, Answer{Choice: sys.ChooseOurs}); err != nil {
		t.Fatal(err)
	}
	if h.want("system/soul.md", "ours\n"); !strings.Contains(h.tasks(), "c:Bread:0") {
		t.Errorf("the rows are\n%s", h.tasks())
	}
}
