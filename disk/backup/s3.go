package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"matrixos/sys"
)

// bucket is a store in an S3-compatible service.
type bucket struct {
	client *minio.Client
	name   string
	prefix string // "" or ends in "/"
	where  string // for errors
}

var _ Store = (*bucket)(nil)

// patience is how long one object may take.
const patience = 5 * time.Minute

func newBucket(p Place) (*bucket, error) {
	bad := func(why, hint string) (*bucket, error) {
		return nil, &sys.Error{Op: "open backup", Path: p.Dest, Kind: sys.Invalid, Err: errors.New(why), Hint: hint}
	}
	name, prefix, _ := strings.Cut(strings.TrimPrefix(p.Dest, "s3://"), "/")
	if name == "" {
		return bad("it names no bucket", "write s3://BUCKET/PREFIX")
	}
	if p.AccessKey == "" || p.SecretKey == "" {
		return nil, &sys.Error{Op: "open backup", Path: p.Dest, Kind: sys.Unauthorized, Err: errors.New("there are no credentials for the store"), Hint: "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for `matrixos backup init`; they go to the keyring"}
	}
	endpoint := p.Endpoint
	if endpoint == "" {
		endpoint = "https://s3.amazonaws.com"
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil {
		return bad("the endpoint is no address", "write --endpoint https://HOST")
	}
	if prefix = strings.Trim(prefix, "/"); prefix != "" {
		prefix += "/"
	}
	transport, err := minio.DefaultTransport(u.Scheme == "https")
	if err != nil {
		return nil, err
	}
	transport.ResponseHeaderTimeout = time.Minute
	c, err := minio.New(u.Host, &minio.Options{
		Creds: credentials.NewStaticV4(p.AccessKey, p.SecretKey, ""), Secure: u.Scheme == "https",
		Region: p.Region, Transport: transport, MaxRetries: 1, // patient tries again
	})
	if err != nil {
		return bad(err.Error(), "write --endpoint https://HOST")
	}
	return &bucket{client: c, name: name, prefix: prefix, where: u.Host + "/" + name}, nil
}

func (b *bucket) Put(ctx context.Context, name string, data []byte) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	_, err := b.client.PutObject(ctx, b.name, b.prefix+name, bytes.NewReader(data), int64(len(data)),
		minio.PutObjectOptions{ContentType: "application/octet-stream", SendContentMd5: true, DisableMultipart: true})
	if err != nil {
		return b.fail(ctx, "write backup", name, err)
	}
	// What the service says that it has is compared: an upload that was cut
	// short on the way must not count.
	st, err := b.client.StatObject(ctx, b.name, b.prefix+name, minio.StatObjectOptions{})
	if err == nil && st.Size != int64(len(data)) {
		err = fmt.Errorf("%d of %d bytes arrived", st.Size, len(data))
	}
	return b.fail(ctx, "write backup", name, err)
}

func (b *bucket) Get(ctx context.Context, name string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	o, err := b.client.GetObject(ctx, b.name, b.prefix+name, minio.GetObjectOptions{})
	if err != nil {
		return nil, b.fail(ctx, "read backup", name, err)
	}
	data, err := io.ReadAll(o)
	if e := o.Close(); err == nil {
		err = e
	}
	return data, b.fail(ctx, "read backup", name, err)
}

func (b *bucket) List(ctx context.Context, prefix string) ([]Object, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var out []Object
	for o := range b.client.ListObjects(ctx, b.name, minio.ListObjectsOptions{Prefix: b.prefix + prefix, Recursive: true}) {
		if o.Err != nil {
			return nil, b.fail(ctx, "list backup", prefix, o.Err)
		}
		out = append(out, Object{strings.TrimPrefix(o.Key, b.prefix), o.Size})
	}
	slices.SortFunc(out, func(x, y Object) int { return strings.Compare(x.Name, y.Name) })
	return out, nil
}

func (b *bucket) Delete(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return b.fail(ctx, "delete from backup", name, b.client.RemoveObject(ctx, b.name, b.prefix+name, minio.RemoveObjectOptions{}))
}

// fail says what went wrong in our words, by what the service answered.
func (b *bucket) fail(ctx context.Context, op, name string, err error) error {
	if err == nil {
		return nil
	}
	e := &sys.Error{Op: op, Path: b.where + "/" + b.prefix + name, Kind: sys.Unavailable, Err: err, Hint: "check the connection and the endpoint, and try again; what was uploaded is not lost"}
	r := minio.ToErrorResponse(err)
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Kind, e.Hint = sys.Canceled, ""
	case r.Code == "NoSuchBucket":
		e.Kind, e.Hint = sys.Invalid, "make the bucket "+b.name+" first, or name another"
	case r.StatusCode == http.StatusNotFound:
		e.Kind, e.Hint = sys.NotFound, ""
	case r.StatusCode == http.StatusForbidden || r.StatusCode == http.StatusUnauthorized || r.Code == "InvalidAccessKeyId" || r.Code == "SignatureDoesNotMatch":
		e.Kind, e.Hint = sys.Unauthorized, "the store refuses the credentials: check the access key, the secret and its rights on the bucket"
	case r.StatusCode == http.StatusInsufficientStorage || r.Code == "QuotaExceeded":
		e.Kind, e.Hint = sys.NoSpace, "the store is full"
	}
	return e
}
