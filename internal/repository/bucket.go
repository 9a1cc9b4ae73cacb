package repository

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"
)

// Limits of a storage that may be slow or hang.
const (
	maxTries     = 5                // of a request
	callTimeout  = time.Minute      // of a request without a long body
	slowest      = 32 << 10         // bytes in a second of a long body; a slower storage counts as hanging
	lockTTL      = 5 * time.Minute  // after which a lock that was not renewed is void
	lockRenewal  = 30 * time.Second // between two renewals
	lockPatience = 2 * time.Minute  // without a renewal after which the holder writes no more
)

// locksPrefix is the prefix of the locks in a bucket.
const locksPrefix = "locks/"

// isLock reports whether a name is of a lock. A bucket of somebody else may have other names
// with the same prefix.
func isLock(name string) bool {
	random, ok := strings.CutPrefix(name, locksPrefix)
	return ok && randomForm.MatchString(random)
}

// A bucket is a backend in a bucket of a storage that speaks the protocol of S3.
type bucket struct {
	place Place
	core  minio.Core
}

func openBucket(p Place, o Options) (*bucket, error) {
	creds, err := credentialsOf(o.CredentialsFile)
	if err != nil {
		return nil, err
	}
	transport, err := minio.DefaultTransport(!p.insecure)
	if err != nil {
		return nil, err
	}
	transport.DialContext = (&net.Dialer{Timeout: 10 * time.Second, KeepAlive: 15 * time.Second}).DialContext
	transport.ResponseHeaderTimeout = callTimeout
	core, err := minio.NewCore(p.endpoint, &minio.Options{Creds: creds, Secure: !p.insecure, Region: p.region, MaxRetries: maxTries, Transport: transport})
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", p, err)
	}
	return &bucket{p, *core}, nil
}

// credentialsOf returns the credentials in a file of the form of ~/.aws/credentials, or
// those of the environment.
func credentialsOf(file string) (*credentials.Credentials, error) {
	creds := credentials.NewStaticV4(os.Getenv("AWS_ACCESS_KEY_ID"), os.Getenv("AWS_SECRET_ACCESS_KEY"), os.Getenv("AWS_SESSION_TOKEN"))
	if file != "" {
		creds = credentials.NewFileAWSCredentials(file, os.Getenv("AWS_PROFILE"))
	}
	v, err := creds.GetWithContext(&credentials.CredContext{Client: http.DefaultClient})
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file of credentials %s: correct its name", file)
	case file != "" && (err != nil || v.AccessKeyID == "" || v.SecretAccessKey == ""):
		return nil, fmt.Errorf("the file %s has no credentials: write the lines [default], aws_access_key_id = … and aws_secret_access_key = …", file)
	case err != nil || v.AccessKeyID == "" || v.SecretAccessKey == "":
		return nil, errors.New("there are no credentials for the storage: set $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY, or name a file of credentials")
	}
	return creds, nil
}

func (b *bucket) close() error { return nil }

// key returns the key of a name.
func (b *bucket) key(name string) string {
	if b.place.prefix == "" {
		return name
	}
	return b.place.prefix + "/" + name
}

// fault returns err, an error of the storage, with the place and a remedy.
func (b *bucket) fault(err error) error {
	if err == nil {
		return nil
	}
	resp := minio.ToErrorResponse(err)
	switch resp.Code {
	case minio.NoSuchKey:
		return fs.ErrNotExist
	case minio.NoSuchBucket:
		return fmt.Errorf("%s: there is no such bucket: create it, or correct the name", b.place)
	case minio.AccessDenied, minio.InvalidAccessKeyID, minio.SignatureDoesNotMatch:
		return fmt.Errorf("%s: the storage refuses the credentials (%s): correct them, or allow them to list, read, write and delete objects", b.place, resp.Code)
	}
	if _, ok := errors.AsType[*net.OpError](err); ok {
		return fmt.Errorf("%s: the storage does not answer: %w; correct the endpoint, or start the storage", b.place, err)
	}
	return fmt.Errorf("%s: %w", b.place, err)
}

// long returns a context for a request with a body of some bytes.
func long(ctx context.Context, bytes int64) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, callTimeout*maxTries+time.Duration(bytes/slowest)*time.Second, errors.New("the storage takes too long"))
}

func (b *bucket) put(ctx context.Context, name string, c content) error {
	ctx, cancel := long(ctx, c.bytes)
	defer cancel()
	in, err := c.open()
	if err != nil {
		return err
	}
	defer in.Close()
	info, err := b.core.Client.PutObject(ctx, b.place.bucket, b.key(name), reader(ctx, in), c.bytes, minio.PutObjectOptions{
		ContentType: "application/octet-stream",
		// The storage compares each part with its checksum, which is signed. Parts are sent
		// from memory, so they can be sent again.
		SendContentMd5: true, DisableContentSha256: true,
	})
	if err != nil {
		return b.fault(err)
	}
	if info.Size != c.bytes {
		return fmt.Errorf("%s: the storage has %d bytes of %s instead of %d", b.place, info.Size, name, c.bytes)
	}
	return nil
}

// get implements backend. The request ends when the body is closed, or when it is so slow
// that the storage counts as hanging.
func (b *bucket) get(ctx context.Context, name string) (io.ReadCloser, error) {
	ctx, cancel := context.WithCancel(ctx)
	watch := time.AfterFunc(callTimeout*maxTries, cancel)
	body, info, _, err := b.core.GetObject(ctx, b.place.bucket, b.key(name), minio.GetObjectOptions{})
	if err != nil {
		cancel()
		return nil, b.fault(err)
	}
	watch.Reset(callTimeout*maxTries + time.Duration(max(info.Size, 0)/slowest)*time.Second)
	return &bucketBody{body, func() { watch.Stop(); cancel() }}, nil
}

// A bucketBody is the body of an object.
type bucketBody struct {
	io.ReadCloser
	end func()
}

func (b *bucketBody) Close() error {
	b.end()
	return b.ReadCloser.Close()
}

func (b *bucket) list(ctx context.Context, prefix string, fn func(string, int64) error) error {
	return b.each(ctx, prefix, func(o minio.ObjectInfo) error {
		return fn(strings.TrimPrefix(o.Key, b.key("")), o.Size)
	})
}

// each calls fn for each object with a prefix.
func (b *bucket) each(ctx context.Context, prefix string, fn func(minio.ObjectInfo) error) error {
	ctx, cancel := context.WithCancel(ctx) // ends the listing
	defer cancel()
	for o := range b.core.Client.ListObjectsIter(ctx, b.place.bucket, minio.ListObjectsOptions{Prefix: b.key(prefix), Recursive: true}) {
		if o.Err != nil {
			return b.fault(o.Err)
		}
		if err := fn(o); err != nil {
			return err
		}
	}
	return ctx.Err()
}

func (b *bucket) remove(ctx context.Context, name string) error {
	ctx, cancel := long(ctx, 0)
	defer cancel()
	err := b.fault(b.core.Client.RemoveObject(ctx, b.place.bucket, b.key(name), minio.RemoveObjectOptions{}))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

func (b *bucket) settle(context.Context, string) error { return nil }

func (b *bucket) empty(ctx context.Context) (bool, error) {
	full := errors.New("not empty")
	err := b.list(ctx, "", func(name string, _ int64) error {
		if isLock(name) {
			return nil
		}
		return full
	})
	if errors.Is(err, full) {
		return false, nil
	}
	return err == nil, err
}

// lock implements backend. The holder of a lock is the only object below locks/ that is
// younger than lockTTL by the clock of the storage. Two processes that create theirs at
// once see each other, and both give way.
func (b *bucket) lock(ctx context.Context) (context.Context, func(), error) {
	name := locksPrefix + rand.Text()
	if err := b.put(ctx, name, b.owner()); err != nil {
		return nil, nil, err
	}
	if err := b.alone(ctx, name); err != nil {
		return nil, nil, errors.Join(err, b.remove(context.WithoutCancel(ctx), name))
	}
	locked, lose := context.WithCancelCause(ctx)
	renewed := make(chan struct{})
	go func() {
		defer close(renewed)
		b.renew(locked, lose, name)
	}()
	release := func() {
		lose(context.Canceled)
		<-renewed
		_ = b.remove(context.WithoutCancel(ctx), name) // it is void after lockTTL anyhow
	}
	return locked, release, nil
}

// owner says to people who has the lock.
func (b *bucket) owner() content {
	host, _ := os.Hostname()
	return bytesContent(fmt.Appendf(nil, "process %d on %s\n", os.Getpid(), host))
}

// alone returns an error unless name is the only lock that is not void. It removes void
// ones.
func (b *bucket) alone(ctx context.Context, name string) error {
	var mine time.Time
	others := map[string]time.Time{}
	err := b.each(ctx, locksPrefix, func(o minio.ObjectInfo) error {
		if o.Key == b.key(name) {
			mine = o.LastModified
			return nil
		}
		if name := strings.TrimPrefix(o.Key, b.key("")); isLock(name) {
			others[name] = o.LastModified
		}
		return nil
	})
	if err != nil {
		return err
	}
	if mine.IsZero() {
		return fmt.Errorf("%s: the storage does not list what was just written, so no lock can be kept there", b.place)
	}
	for other, at := range others {
		if mine.Sub(at) < lockTTL {
			return fmt.Errorf("%w; if it was killed, its lock ends within %v", ErrLocked, lockTTL)
		}
		if err := b.remove(ctx, other); err != nil {
			return err
		}
	}
	return nil
}

// renew renews a lock until ctx ends. It ends ctx if the lock cannot be renewed, early
// enough that no other process has taken it.
func (b *bucket) renew(ctx context.Context, lose context.CancelCauseFunc, name string) {
	ticker := time.NewTicker(lockRenewal)
	defer ticker.Stop()
	last := time.Now().Round(0) // by the clock, because the machine may sleep
	for {
		patience := time.NewTimer(time.Until(last.Add(lockPatience)))
		select {
		case <-ctx.Done():
			patience.Stop()
			return
		case <-patience.C:
			lose(fmt.Errorf("it was not renewed for %v", lockPatience))
			return
		case <-ticker.C:
			patience.Stop()
		}
		start := time.Now().Round(0)
		if start.Sub(last) > lockPatience {
			lose(fmt.Errorf("it was not renewed for %v", start.Sub(last)))
			return
		}
		call, cancel := context.WithDeadline(ctx, last.Add(lockPatience))
		if b.put(call, name, b.owner()) == nil {
			last = start
		}
		cancel()
	}
}
