package repository

import (
	"errors"
	"fmt"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"rollcall/internal/durable"
)

// A Place says where a repository is: in a directory, or in a bucket.
type Place struct {
	dir string // "" for a bucket

	bucket   string
	prefix   string // of all names in the bucket, without slashes around it; "" for none
	endpoint string // host, with a port or without
	region   string
	insecure bool // HTTP instead of HTTPS
}

// scheme begins the place of a repository in a bucket.
const scheme = "s3://"

// awsEndpoint is the endpoint of a place without one.
const awsEndpoint = "s3.amazonaws.com"

var (
	bucketForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$`)
	prefixForm   = regexp.MustCompile(`^[A-Za-z0-9._-]+(/[A-Za-z0-9._-]+)*$`)
	endpointForm = regexp.MustCompile(`^([A-Za-z0-9.-]+|\[[0-9a-fA-F:]+\])(:[0-9]{1,5})?$`)
	regionForm   = regexp.MustCompile(`^[a-z0-9-]*$`)
)

// ParsePlace parses the place of a repository: the name of a directory, or
// s3://BUCKET/PREFIX?endpoint=HOST:PORT&region=REGION&insecure=true, whose prefix and
// parameters may be absent.
func ParsePlace(text string) (Place, error) {
	if text == "" {
		return Place{}, errors.New("the place of the backups is empty: name a directory, or s3://BUCKET/PREFIX")
	}
	if strings.ContainsRune(text, 0) {
		return Place{}, errors.New("the place of the backups has a character NUL, which no path may have: remove it")
	}
	if strings.HasPrefix(text, scheme) {
		return parseBucket(text)
	}
	if strings.HasPrefix(text, "s3:") {
		return Place{}, errors.New("the place of the backups begins with s3: and a slash is missing: write s3://BUCKET/PREFIX")
	}
	if before, _, ok := strings.Cut(text, "://"); ok {
		return Place{}, fmt.Errorf("the place of the backups begins with %.20q: name a directory, or s3://BUCKET/PREFIX", before+"://")
	}
	dir, err := filepath.Abs(text)
	return Place{dir: dir}, err
}

// parseBucket parses a place in a bucket. Its errors do not repeat the text, which may
// have a password.
func parseBucket(text string) (Place, error) {
	u, err := url.Parse(text)
	if err != nil {
		return Place{}, errors.New("the place of the backups is no URL: write s3://BUCKET/PREFIX?endpoint=HOST:PORT")
	}
	if u.User != nil {
		return Place{}, errors.New("the place of the backups has a user or a password: give them in $AWS_ACCESS_KEY_ID and $AWS_SECRET_ACCESS_KEY, or in a file of credentials")
	}
	p := Place{bucket: u.Host, prefix: strings.Trim(u.Path, "/"), endpoint: awsEndpoint}
	for key, values := range u.Query() {
		value := values[len(values)-1]
		switch key {
		case "endpoint":
			p.endpoint = value
		case "region":
			p.region = value
		case "insecure":
			if p.insecure, err = strconv.ParseBool(value); err != nil {
				return Place{}, errors.New("insecure is neither true nor false in the place of the backups")
			}
		default:
			return Place{}, fmt.Errorf("the place of the backups has the parameter %.40q: only endpoint, region and insecure are known", key)
		}
	}
	return p, p.check()
}

func (p Place) check() error {
	switch {
	case p.bucket == "":
		return errors.New("the place of the backups has no bucket: write s3://BUCKET/PREFIX")
	case !bucketForm.MatchString(p.bucket):
		return errors.New("the name of the bucket in the place of the backups has other characters than small letters, digits, dots and dashes, or not 3 to 63 of them")
	case p.prefix != "" && (!prefixForm.MatchString(p.prefix) || path.Clean(p.prefix) != p.prefix || strings.HasPrefix(p.prefix, "..")):
		return errors.New("the prefix in the place of the backups has other characters than letters, digits, dots, dashes and slashes")
	case !endpointForm.MatchString(p.endpoint):
		return errors.New("the endpoint in the place of the backups is no HOST or HOST:PORT")
	case !regionForm.MatchString(p.region):
		return errors.New("the region in the place of the backups is none")
	case p.endpoint == awsEndpoint && p.insecure:
		return errors.New("the place of the backups is insecure and has no endpoint: give the endpoint, or leave insecure out")
	}
	return nil
}

// Bucket reports whether p is in a bucket.
func (p Place) Bucket() bool { return p.dir == "" }

// String returns the place in the form of [ParsePlace]. It contains no secret.
func (p Place) String() string {
	if p.dir != "" {
		return p.dir
	}
	text := scheme + path.Join(p.bucket, p.prefix)
	q := url.Values{}
	if p.endpoint != awsEndpoint {
		q.Set("endpoint", p.endpoint)
	}
	if p.region != "" {
		q.Set("region", p.region)
	}
	if p.insecure {
		q.Set("insecure", "true")
	}
	if len(q) > 0 {
		text += "?" + q.Encode()
	}
	return text
}

// Is reports whether a text names a repository, and not a plain copy of a store or nothing
// at all. It reads nothing but the name of a file.
func Is(text string) bool {
	p, err := ParsePlace(text)
	if err != nil {
		return false
	}
	if p.dir == "" {
		return true
	}
	_, err = os.Lstat(filepath.Join(p.dir, formatFile))
	return err == nil
}

// create creates the directory of a place. A bucket must exist.
func (p Place) create() error {
	if p.dir == "" {
		return nil
	}
	return durable.Mkdir(p.dir)
}

// backend opens the backend of a place.
func (p Place) backend(o Options) (backend, error) {
	if p.dir == "" {
		return openBucket(p, o)
	}
	return openDirectory(p.dir)
}
