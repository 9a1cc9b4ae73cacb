package admin

import (
	"encoding/base64"
	"fmt"
	"net/url"
	"strconv"
	"strings"

	"rollcall/internal/account"
)

// defaultLimit is the length of a page if the request names none.
const defaultLimit = 100

// limit returns the requested length of the page.
func (c *call) limit() (int, error) {
	text, ok := c.query["limit"]
	if !ok {
		return defaultLimit, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > account.MaxListLimit {
		return 0, bad(fmt.Sprintf("the limit is a number from 1 to %d", account.MaxListLimit))
	}
	return n, nil
}

// cursor returns the decoded cursor, or "" for the first page. Its meaning depends on
// the route.
func (c *call) cursor() (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(c.query["cursor"])
	if err != nil {
		return "", errCursor
	}
	return string(b), nil
}

// numericCursor returns a cursor that is a number, or 0 for the first page.
func (c *call) numericCursor() (uint64, error) {
	text, err := c.cursor()
	if err != nil || text == "" {
		return 0, err
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, errCursor
	}
	return n, nil
}

var errCursor = bad("the cursor is not the next_cursor of an answer; leave it out to begin at the first page")

// nextCursor encodes text as a cursor. The cursor of "" is "".
func nextCursor(text string) string { return base64.RawURLEncoding.EncodeToString([]byte(text)) }

// param returns the segment of the path of c that stands at {name} in the path of its
// route.
func (c *call) param(name string) string {
	pattern, path := c.route.Path, c.r.URL.EscapedPath()
	for pattern != "" {
		var place, segment string
		place, pattern, _ = strings.Cut(pattern, "/")
		segment, path, _ = strings.Cut(path, "/")
		if inner, ok := strings.CutPrefix(place, "{"); ok && strings.TrimSuffix(inner, "}") == name {
			value, _ := url.PathUnescape(segment) // net/http has done so before
			return value
		}
	}
	return ""
}

// app returns the SDKAppID in the path.
func (c *call) app() (account.AppID, error) {
	id, err := parseApp(c.param("sdkappid"))
	c.event.SetApp(uint32(id))
	return id, err
}

func parseApp(text string) (account.AppID, error) {
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || n == 0 {
		return 0, bad("the SDKAppID is a number from 1 to 4294967295")
	}
	return account.AppID(n), nil
}
