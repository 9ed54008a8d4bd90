package client

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"time"

	"matrixos/sys"
)

// BackupPlace is where backups are to go.
type BackupPlace struct {
	Dest       string `json:"dest"`
	Endpoint   string `json:"endpoint,omitempty"`
	Region     string `json:"region,omitempty"`
	AccessKey  string `json:"access_key,omitempty"`
	SecretKey  string `json:"secret_key,omitempty"`
	Passphrase string `json:"passphrase,omitempty"`
	Key        string `json:"key,omitempty"`
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
	Dest       string     `json:"dest"`
	Endpoint   string     `json:"endpoint,omitempty"`
	Key        bool       `json:"key"`
	LastBackup *BackupRun `json:"last_backup,omitempty"`
	LastDrill  *BackupRun `json:"last_drill,omitempty"`
	Failed     *BackupRun `json:"failed,omitempty"`
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
	Added   int64         `json:"added"`
}

// Drilled is the result of a restore drill.
type Drilled struct {
	Snapshot BackupSnapshot `json:"snapshot"`
	Files    int            `json:"files"`
	Bytes    int64          `json:"bytes"`
	Seconds  float64        `json:"seconds"`
}

// BackupDamage is an object of a backup that is missing or damaged.
type BackupDamage struct {
	Object    string   `json:"object"`
	Why       string   `json:"why"`
	Snapshots []string `json:"snapshots"`
	Files     []string `json:"files"`
}

// RestoreHome says what to restore, and where.
type RestoreHome struct {
	At      string `json:"at,omitempty"`
	Into    string `json:"into"`
	Partial bool   `json:"partial,omitempty"`
}

// RestoredHome says what came back.
type RestoredHome struct {
	Snapshot BackupSnapshot `json:"snapshot"`
	Files    int            `json:"files"`
	Bytes    int64          `json:"bytes"`
	Lost     []string       `json:"lost"`
}

// Backup asks how the backups are.
func (c *Client) Backup(ctx context.Context) (s BackupStatus, err error) {
	err = c.call(ctx, "read backup status", http.MethodGet, "/api/backup", nil, &s)
	return s, err
}

// BeginBackup chooses where backups go, and returns the key, once.
func (c *Client) BeginBackup(ctx context.Context, p BackupPlace) (key string, err error) {
	var out struct {
		Key string `json:"key"`
	}
	err = c.call(ctx, "begin backup", http.MethodPut, "/api/backup", p, &out)
	return out.Key, err
}

// RunBackup makes a backup now.
func (c *Client) RunBackup(ctx context.Context) (s BackupSnapshot, err error) {
	err = c.call(ctx, "back up", http.MethodPost, "/api/backup/run", struct{}{}, &s)
	return s, err
}

// DrillBackup tries to restore the newest snapshot.
func (c *Client) DrillBackup(ctx context.Context) (d Drilled, err error) {
	err = c.call(ctx, "drill", http.MethodPost, "/api/backup/drill", struct{}{}, &d)
	return d, err
}

// BackupList lists the backups there are, oldest first.
func (c *Client) BackupList(ctx context.Context) (list []BackupSnapshot, err error) {
	err = c.call(ctx, "list backups", http.MethodGet, "/api/backup/snapshots", nil, &list)
	return list, err
}

// VerifyBackup compares every object of the backups with its name.
func (c *Client) VerifyBackup(ctx context.Context, quick bool) (list []BackupDamage, err error) {
	err = c.call(ctx, "verify backup", http.MethodPost, "/api/backup/verify", map[string]bool{"quick": quick}, &list)
	return list, err
}

// RestoreBackup makes a home of a snapshot.
func (c *Client) RestoreBackup(ctx context.Context, r RestoreHome) (out RestoredHome, err error) {
	err = c.call(ctx, "restore", http.MethodPost, "/api/backup/restore", r, &out)
	return out, err
}

// Export writes the whole home to w; with a passphrase, keys go along under it.
// On error what was written is not an export.
func (c *Client) Export(ctx context.Context, w io.Writer, keys bool, passphrase string) error {
	const op = "export"
	b, err := json.Marshal(map[string]any{"keys": keys, "passphrase": passphrase})
	if err != nil {
		return &sys.Error{Op: op, Kind: sys.Invalid, Err: err}
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/api/export", bytes.NewReader(b))
	if err != nil {
		return &sys.Error{Op: op, Path: c.base, Kind: sys.Invalid, Err: err}
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", "Bearer "+c.token)
	res, err := c.http.Do(req)
	if err != nil {
		return c.unreachable(ctx, op, err)
	}
	defer res.Body.Close()
	if res.StatusCode >= http.StatusMultipleChoices {
		b, err := io.ReadAll(io.LimitReader(res.Body, 1<<20))
		if err != nil {
			return c.unreachable(ctx, op, err)
		}
		return failure(op, res.StatusCode, b)
	}
	if _, err := io.Copy(w, res.Body); err != nil {
		return &sys.Error{Op: op, Kind: sys.Unavailable, Err: err, Hint: "`matrixos logs` says why; make room or try again"}
	}
	return nil
}
