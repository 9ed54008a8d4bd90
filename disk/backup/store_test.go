package backup

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"

	"matrixos/sys"
)

// judge tries what every store promises.
func judge(t *testing.T, s Store) {
	ctx := context.Background()
	if _, err := s.Get(ctx, "packs/none"); sys.KindOf(err) != sys.NotFound {
		t.Errorf("nothing there: %v", err)
	}
	if err := s.Delete(ctx, "packs/none"); err != nil {
		t.Errorf("deleting nothing: %v", err)
	}
	for name, b := range map[string][]byte{"packs/a": []byte("1"), "packs/b": []byte("22"), "snapshots/x-1": bytes.Repeat([]byte("z"), 3<<20), "top": []byte("t")} {
		if err := s.Put(ctx, name, []byte("before")); err != nil {
			t.Fatal(err)
		}
		if err := s.Put(ctx, name, b); err != nil {
			t.Fatal(err)
		}
		if got, err := s.Get(ctx, name); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
	list, err := s.List(ctx, "packs/")
	if err != nil || len(list) != 2 || list[0] != (Object{"packs/a", 1}) || list[1].Name != "packs/b" {
		t.Errorf("%v, %v", list, err)
	}
	if list, err = s.List(ctx, ""); err != nil || len(list) != 4 {
		t.Errorf("%v, %v", list, err)
	}
	if err := s.Delete(ctx, "packs/a"); err != nil {
		t.Error(err)
	}
	if list, err = s.List(ctx, "packs/"); err != nil || len(list) != 1 {
		t.Errorf("%v, %v", list, err)
	}
	stopped, stop := context.WithCancel(ctx)
	stop()
	if err := s.Put(stopped, "late", []byte("x")); err == nil {
		t.Error("it writes when stopped")
	}
}

func TestShelf(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "s")
	s := shelf{dir}
	if err := s.Put(context.Background(), "a", nil); sys.KindOf(err) != sys.Unavailable || sys.HintOf(err) == "" {
		t.Errorf("an unmounted disk: %v", err)
	}
	judge(t, shelf{t.TempDir()})
}

// service is a real S3 server on loopback, which can be made to misbehave.
type service struct {
	url   string
	wrong atomic.Pointer[func(w http.ResponseWriter, r *http.Request, next http.Handler)]
	seen  atomic.Int64
}

func newService(t *testing.T) *service {
	t.Helper()
	backend := s3mem.New()
	if err := backend.CreateBucket("bucket"); err != nil {
		t.Fatal(err)
	}
	s3 := gofakes3.New(backend).Server()
	v := &service{}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		v.seen.Add(1)
		if wrong := v.wrong.Load(); wrong != nil {
			(*wrong)(w, r, s3)
			return
		}
		s3.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	v.url = srv.URL
	return v
}

func (v *service) misbehave(fn func(w http.ResponseWriter, r *http.Request, next http.Handler)) {
	v.wrong.Store(&fn)
}

func (v *service) place() Place {
	return Place{Dest: "s3://bucket/my/home", Endpoint: v.url, Region: "us-east-1", AccessKey: "me", SecretKey: "canary-secret"}
}

// store opens the bucket with short waits between attempts.
func (v *service) store(t *testing.T) Store {
	t.Helper()
	s, err := OpenStore(v.place())
	if err != nil {
		t.Fatal(err)
	}
	p, _ := s.(*patient)
	p.waits = []time.Duration{time.Millisecond, time.Millisecond}
	return p
}

func TestBucket(t *testing.T) { judge(t, newService(t).store(t)) }

func TestBucketTroubles(t *testing.T) {
	ctx := context.Background()
	v := newService(t)
	s := v.store(t)
	answer := func(status int, code string) func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
		return func(w http.ResponseWriter, r *http.Request, _ http.Handler) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/xml")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "<Error><Code>"+code+"</Code><Message>no</Message></Error>")
		}
	}
	for _, c := range []struct {
		what string
		do   func(w http.ResponseWriter, r *http.Request, next http.Handler)
		want sys.Kind
	}{
		{"500", answer(500, "InternalError"), sys.Unavailable},
		{"503", answer(503, "SlowDown"), sys.Unavailable},
		{"wrong key", answer(403, "SignatureDoesNotMatch"), sys.Unauthorized},
		{"no such key", answer(403, "InvalidAccessKeyId"), sys.Unauthorized},
		{"no bucket", answer(404, "NoSuchBucket"), sys.Invalid},
		{"connection cut", func(http.ResponseWriter, *http.Request, http.Handler) { panic(http.ErrAbortHandler) }, sys.Unavailable},
		{"upload cut short", func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			if r.Method != http.MethodPut {
				next.ServeHTTP(w, r)
				return
			}
			_, _ = io.Copy(io.Discard, r.Body) // it claims to have all, and keeps two bytes
			short, err := http.NewRequestWithContext(r.Context(), http.MethodPut, r.URL.String(), strings.NewReader("ab"))
			if err != nil {
				panic(err)
			}
			next.ServeHTTP(w, short)
		}, sys.Unavailable},
	} {
		v.misbehave(c.do)
		err := s.Put(ctx, "packs/x", []byte("content"))
		if sys.KindOf(err) != c.want || sys.HintOf(err) == "" || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v", c.what, err)
		}
	}
	// A timeout.
	v.misbehave(func(_ http.ResponseWriter, r *http.Request, _ http.Handler) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	})
	short, stop := context.WithTimeout(ctx, 50*time.Millisecond)
	defer stop()
	if err := s.Put(short, "packs/y", []byte("content")); err == nil {
		t.Error("a service that does not answer")
	}
	// What fails in passing is tried again.
	var failures atomic.Int64
	v.misbehave(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if failures.Add(1) <= 2 {
			answer(500, "InternalError")(w, r, next)
			return
		}
		next.ServeHTTP(w, r)
	})
	if err := s.Put(ctx, "packs/z", []byte("content")); err != nil {
		t.Errorf("after two failures: %v", err)
	}
}

// A whole life in a bucket that fails now and then.
func TestBackupToBucket(t *testing.T) {
	ctx := context.Background()
	v := newService(t)
	var n atomic.Int64
	v.misbehave(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		if n.Add(1)%7 == 0 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(w, r)
	})
	s := v.store(t)
	key, err := Init(ctx, v.place(), s, "")
	if err != nil {
		t.Fatal(err)
	}
	r, err := Open(ctx, s, key)
	if err != nil {
		t.Fatal(err)
	}
	d := lived(t)
	run(t, r, d)
	put(t, d.Root(), "note.md", "changed\n")
	snap := run(t, r, d)
	home := filepath.Join(t.TempDir(), "h")
	if _, err := r.Restore(ctx, snap, home, RestoreOptions{}); err != nil {
		t.Fatal(err)
	}
	equal(t, d.Root(), home, 200)
	if p, err := r.Prune(ctx, Keep{Last: 1}); err != nil || p.Snapshots != 1 {
		t.Errorf("%+v, %v", p, err)
	}
	if damage, err := r.Verify(ctx, false); err != nil || len(damage) != 0 {
		t.Errorf("%v, %v", damage, err)
	}
}
