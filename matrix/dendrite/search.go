package dendrite

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/blevesearch/bleve/v2"
	"github.com/matrix-org/gomatrixserverlib/spec"
	"github.com/tidwall/gjson"

	"github.com/element-hq/dendrite/internal/fulltext"
	"github.com/element-hq/dendrite/internal/sqlutil"
	rooms "github.com/element-hq/dendrite/roomserver/types"
	"github.com/element-hq/dendrite/setup/config"
	"github.com/element-hq/dendrite/setup/process"
	"github.com/element-hq/dendrite/syncapi/storage"
)

// gathered is how long the search index keeps what is new in memory before it writes it,
// all in one piece. It is found from the first moment.
const gathered = 10 * time.Second

// prepareSearch readies the index that clients search in. As Dendrite opens it, the index
// writes each message to the disk by itself and merges its files each time, which is
// more work than everything else that a message takes. Ours writes now and then; what a
// stop or a crash takes from it is in the database of events, and is entered at the
// next start. So is everything if the index is not there or cannot be read.
func prepareSearch(ctx context.Context, cfg *config.SyncAPI) error {
	dir := string(cfg.Fulltext.IndexPath)
	err := catchUp(ctx, cfg)
	if err != nil && ctx.Err() == nil { // it is a copy: one that is broken is made anew
		if err = os.RemoveAll(dir); err == nil {
			err = catchUp(ctx, cfg)
		}
	}
	return errors.Join(err, writeSeldom(dir))
}

// catchUp enters what the events have and the index has not, and waits for the disk.
func catchUp(ctx context.Context, cfg *config.SyncAPI) (err error) {
	dir := string(cfg.Fulltext.IndexPath)
	if _, err := os.Stat(dir); errors.Is(err, os.ErrNotExist) {
		made := process.NewProcessContext()
		_, err := fulltext.New(made, cfg.Fulltext)
		made.ShutdownDendrite() // closes it; it cannot be opened before that
		if err != nil {
			return err
		}
	}
	index, err := bleve.OpenUsing(dir, map[string]any{"unsafe_batch": false, "scorchPersisterOptions": map[string]any{}})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, index.Close()) }()
	at, err := newest(index)
	if err != nil {
		return err
	}
	reading := process.NewProcessContext()
	defer reading.ShutdownDendrite()
	events, err := storage.NewSyncServerDatasource(ctx, sqlutil.NewConnectionManager(reading, config.DatabaseOptions{}), &cfg.Database)
	if err != nil {
		return err
	}
	search := fulltext.Search{FulltextIndex: index}
	for {
		page, err := events.ReIndex(ctx, 1000, at)
		if err != nil || len(page) == 0 {
			return err
		}
		if at, err = enter(&search, page); err != nil {
			return err
		}
	}
}

// newest is the position of the newest event in an index, 0 if it has none.
func newest(index bleve.Index) (int64, error) {
	r := bleve.NewSearchRequestOptions(bleve.NewMatchAllQuery(), 1, 0, false)
	r.Fields = []string{"StreamPosition"}
	r.SortBy([]string{"-StreamPosition"})
	found, err := index.Search(r)
	if err != nil || len(found.Hits) == 0 {
		return 0, err
	}
	at, _ := found.Hits[0].Fields["StreamPosition"].(float64)
	return int64(at), nil
}

// enter puts events into an index as Dendrite does when they arrive, and returns the
// position of the last.
func enter(search *fulltext.Search, page map[int64]rooms.HeaderedEvent) (last int64, err error) {
	var elements []fulltext.IndexElement
	var edited []string
	for at, e := range page {
		last = max(last, at)
		text, instead := said(&e)
		if strings.TrimSpace(text) == "" {
			continue
		}
		element := fulltext.IndexElement{EventID: e.EventID(), RoomID: e.RoomID().String(), Content: text, StreamPosition: at}
		element.SetContentType(e.Type())
		elements = append(elements, element)
		if instead != "" {
			edited = append(edited, instead)
		}
	}
	if err := search.Index(elements...); err != nil {
		return 0, err
	}
	for _, id := range edited {
		if err := search.Delete(id); err != nil {
			return 0, err
		}
	}
	return last, nil
}

// said is what is searched of an event, and the event that it stands instead of.
func said(e *rooms.HeaderedEvent) (text, instead string) {
	field := map[string]string{"m.room.message": "body", spec.MRoomName: "name", spec.MRoomTopic: "topic"}[e.Type()]
	if relation := gjson.GetBytes(e.Content(), "m\\.relates_to"); relation.Get("rel_type").Str == "m.replace" {
		instead = relation.Get("event_id").Str
	}
	return gjson.GetBytes(e.Content(), field).String(), instead
}

// writeSeldom sets in an index how Dendrite opens it.
func writeSeldom(dir string) error {
	file := filepath.Join(dir, "index_meta.json")
	before, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	meta := map[string]any{}
	if err := json.Unmarshal(before, &meta); err != nil {
		return err
	}
	meta["config"] = map[string]any{"unsafe_batch": true, "scorchPersisterOptions": map[string]any{"PersisterNapTimeMSec": gathered.Milliseconds()}}
	after, err := json.Marshal(meta)
	if err != nil || bytes.Equal(before, after) {
		return err
	}
	fresh := file + ".new"
	if err := os.WriteFile(fresh, after, 0o600); err != nil {
		return err
	}
	return os.Rename(fresh, file)
}
