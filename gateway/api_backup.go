package gateway

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"time"

	"matrixos/sys"
)

// Backups looks after the copies of the home; boot has one.
type Backups interface {
	Status(ctx context.Context) (BackupStatus, error)
	Begin(ctx context.Context, b BackupPlace) (key string, err error)
	Run(ctx context.Context) (BackupSnapshot, error)
	Drill(ctx context.Context) (Drilled, error)
	List(ctx context.Context) ([]BackupSnapshot, error)
	Copies
}

// Copies checks, restores and exports.
type Copies interface {
	Verify(ctx context.Context, quick bool) ([]BackupDamage, error)
	Restore(ctx context.Context, r RestoreHome) (RestoredHome, error)
	Export(ctx context.Context, w io.Writer, keys bool, passphrase string) error
}

// BackupPlace is where backups are to go. Key and credentials go to the keyring.
type BackupPlace struct {
	Dest       string `json:"dest" minLength:"1" maxLength:"4096" doc:"A folder, or s3://bucket/prefix"`
	Endpoint   string `json:"endpoint,omitempty" maxLength:"2048"`
	Region     string `json:"region,omitempty" maxLength:"100"`
	AccessKey  string `json:"access_key,omitempty" maxLength:"1000" writeOnly:"true"`
	SecretKey  string `json:"secret_key,omitempty" maxLength:"1000" writeOnly:"true"`
	Passphrase string `json:"passphrase,omitempty" maxLength:"1000" writeOnly:"true" doc:"Also keep the key there, locked with this"`
	Key        string `json:"key,omitempty" maxLength:"200" writeOnly:"true" doc:"Go on with backups that are there"`
}

// BackupKey is shown once.
type BackupKey struct {
	Key string `json:"key" doc:"Whoever has it can read the backups; without it nobody can"`
}

// BackupRun is what became of one run.
type BackupRun struct {
	Started time.Time `json:"started"`
	Ended   time.Time `json:"ended"`
	OK      bool      `json:"ok"`
	Text    string    `json:"text"`
}

// BackupStatus says how the backups are.
type BackupStatus struct {
	Dest       string     `json:"dest" doc:"Empty if no place is set"`
	Endpoint   string     `json:"endpoint"`
	Key        bool       `json:"key" doc:"This machine has the key"`
	LastBackup *BackupRun `json:"last_backup,omitempty"`
	LastDrill  *BackupRun `json:"last_drill,omitempty"`
	Failed     *BackupRun `json:"failed,omitempty" doc:"The newest run, if it failed"`
}

// BackupSnapshot is one backup.
type BackupSnapshot struct {
	ID      string        `json:"id"`
	Time    time.Time     `json:"time"`
	Landing sys.LandingID `json:"landing"`
	Home    string        `json:"home"`
	Version string        `json:"version"`
	Files   int           `json:"files"`
	Bytes   int64         `json:"bytes"`
	Added   int64         `json:"added" doc:"Bytes that its run uploaded"`
}

// Drilled is the result of a restore drill.
type Drilled struct {
	Snapshot BackupSnapshot `json:"snapshot"`
	Files    int            `json:"files"`
	Bytes    int64          `json:"bytes"`
	Seconds  float64        `json:"seconds"`
}

// BackupDamage is an object that is missing or not what its name says.
type BackupDamage struct {
	Object    string   `json:"object"`
	Why       string   `json:"why"`
	Snapshots []string `json:"snapshots" nullable:"false"`
	Files     []string `json:"files" nullable:"false" doc:"Some of those affected"`
}

// RestoreHome says what to restore, and where.
type RestoreHome struct {
	At      string `json:"at,omitempty" maxLength:"100" doc:"A snapshot's ID, or a date; absent: the newest"`
	Into    string `json:"into" minLength:"1" maxLength:"4096" doc:"An empty or new folder of this machine"`
	Partial bool   `json:"partial,omitempty" doc:"Bring back what can be, if objects are damaged"`
}

// RestoredHome says what came back.
type RestoredHome struct {
	Snapshot BackupSnapshot `json:"snapshot"`
	Files    int            `json:"files"`
	Bytes    int64          `json:"bytes"`
	Lost     []string       `json:"lost" nullable:"false"`
}

// backupAPI registers backups.
func (g *Gateway) backupAPI() {
	register(g, http.MethodGet, "/api/backup", "get-backup", "How the backups are", func(ctx context.Context, _ *struct{}) (*reply[BackupStatus], error) {
		s, err := g.o.Backups.Status(ctx)
		return &reply[BackupStatus]{s}, err
	})
	register(g, http.MethodPut, "/api/backup", "begin-backup", "Choose where backups go; answers with the key, once", func(ctx context.Context, in *reply[BackupPlace]) (*reply[BackupKey], error) {
		key, err := g.o.Backups.Begin(ctx, in.Body)
		return &reply[BackupKey]{BackupKey{key}}, err
	})
	register(g, http.MethodPost, "/api/backup/run", "run-backup", "Back up now", func(ctx context.Context, _ *struct{}) (*reply[BackupSnapshot], error) {
		s, err := g.o.Backups.Run(ctx)
		return &reply[BackupSnapshot]{s}, err
	})
	register(g, http.MethodPost, "/api/backup/drill", "drill-backup", "Restore the newest snapshot into a scratch folder, and compare", func(ctx context.Context, _ *struct{}) (*reply[Drilled], error) {
		d, err := g.o.Backups.Drill(ctx)
		return &reply[Drilled]{d}, err
	})
	register(g, http.MethodGet, "/api/backup/snapshots", "list-backups", "Backups there are, oldest first", func(ctx context.Context, _ *struct{}) (*reply[[]BackupSnapshot], error) {
		list, err := g.o.Backups.List(ctx)
		return &reply[[]BackupSnapshot]{all(list)}, err
	})
	register(g, http.MethodPost, "/api/backup/verify", "verify-backup", "Compare every object with its name", func(ctx context.Context, in *struct {
		Body struct {
			Quick bool `json:"quick,omitempty" doc:"Only look whether it is there, with the right size"`
		}
	}) (*reply[[]BackupDamage], error,
	) {
		list, err := g.o.Backups.Verify(ctx, in.Body.Quick)
		return &reply[[]BackupDamage]{all(list)}, err
	})
	register(g, http.MethodPost, "/api/backup/restore", "restore-backup", "Make a home of a snapshot, in an empty folder", func(ctx context.Context, in *reply[RestoreHome]) (*reply[RestoredHome], error) {
		r, err := g.o.Backups.Restore(ctx, in.Body)
		return &reply[RestoredHome]{r}, err
	})
}

// export streams the whole home. A failure after the first byte cuts the
// connection, so that the reader knows that it does not have all.
func (g *Gateway) export(w http.ResponseWriter, r *http.Request) {
	var in struct {
		Keys       bool   `json:"keys"`
		Passphrase string `json:"passphrase"`
	}
	if err := json.NewDecoder(http.MaxBytesReader(w, r.Body, 1<<16)).Decode(&in); err != nil && !errors.Is(err, io.EOF) {
		problemOf(&sys.Error{Op: "export", Kind: sys.Invalid, Err: err, Hint: "send a JSON document"}).write(w)
		return
	}
	out := &lazyReply{w: w}
	err := g.o.Backups.Export(r.Context(), out, in.Keys, in.Passphrase)
	switch {
	case err == nil:
	case !out.begun:
		_ = g.failed(r.Context(), "export", err)
		problemOf(err).write(w)
	default:
		_ = g.failed(r.Context(), "export", err)
		panic(http.ErrAbortHandler)
	}
}

// lazyReply sends its header with the first byte.
type lazyReply struct {
	w     http.ResponseWriter
	begun bool
}

func (l *lazyReply) Write(p []byte) (int, error) {
	if !l.begun {
		l.begun = true
		l.w.Header().Set("Content-Type", "application/zstd")
		l.w.Header().Set("Content-Disposition", `attachment; filename="home.mxhome"`)
		l.w.Header().Set("Cache-Control", "no-store")
	}
	return l.w.Write(p)
}
