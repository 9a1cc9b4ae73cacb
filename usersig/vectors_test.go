package usersig

import (
	"bytes"
	"compress/zlib"
	"encoding/base64"
	"strings"
	"testing"
	"time"
)

// The vectors were created with the vendor's Go module at a fixed time. Their
// signatures were checked with its Node and Python modules. The key is the
// sample in the documentation of the libraries.
const (
	vectorSecret = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e"
	vectorApp    = 1400000000
	vectorTime   = 1700000000
	halfYear     = 15552000

	sigV1 = "yLAe+w7WUeUuqbV9h/TX78u21oTGi+i9Zp1u3PpnY60="
	sigV2 = "LvA7d/Iw7gSsnskvVzBDPOCCDbuNCw4GHwTC0bip+B4="
	sigV3 = "QjT201xPkXk/aM1e+y0vakZb0K2iPrFue++0s5y6bFM="
	sigV4 = "y9Avb5xwHgIgoABbGakLaE0xs+v/dLcIPegbWfcbRLI="
	sigV5 = "uupaOmIqiVUsVoCDvmakmGU86GEQBV0Ie6Q+9GFbowM="
	sigV6 = "d7yTI1m/WWV8zDKJjParwTr5mzicr+wxOdyNeF7EMXg="

	idV6 = `a<b>&c"\用户`

	textV1 = "eAEArwBQ-3siVExTLnZlciI6IjIuMCIsIlRMUy5pZGVudGlmaWVyIjoiYWRtaW5pc3RyYXRvciIsIlRMUy5zZGthcHBpZCI6MTQwMDAwMDAwMCwiVExTLmV4cGlyZSI6ODY0MDAsIlRMUy50aW1lIjoxNzAwMDAwMDAwLCJUTFMuc2lnIjoieUxBZSt3N1dVZVV1cWJWOWgvVFg3OHUyMW9UR2kraTlacDF1M1Bwblk2MD0ifQoBAAD---AkM5w_"
)

// vectorTexts are complete UserSigs as the libraries write them.
var vectorTexts = []struct {
	name, text, identifier, userBuf string
	expire                          int64
}{
	{"V1 Go", textV1, "administrator", "", 86400},
	{"V1 Node", "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwokpuZl5mcUlRYkl*UVQBcUp2YkFBZkpSlaGJgZQAJEpycxNVbIyNEcVTa0oyCxKVbKyMDOBCRVnpitZKVX6OKZql5uHh6aGlhYmhVlm6IdEmFuUGhnmh7hnamdaRhUYlhoHFORFmhnYKtUCAK0SM5I_", "administrator", "", 86400},
	{"V1 Python", "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkElNyM-Myi0uKEkvyi2BKilOyEwsKMlOACgxNDKAAKpdaUZBZlAqUsTAzgQuWZOaChAzN0RQXZ6aDLKn0cUzVLjcPD00NLS1MCrPM0A*JMLcoNTLMD3HP1M60jCowLDUOKMiLNDOwVaoFAD4PNPI_", "administrator", "", 86400},
	{"V2 Go", "eAEArABT-3siVExTLnZlciI6IjIuMCIsIlRMUy5pZGVudGlmaWVyIjoieGlhb2p1biIsIlRMUy5zZGthcHBpZCI6MTQwMDAwMDAwMCwiVExTLmV4cGlyZSI6MTU1NTIwMDAsIlRMUy50aW1lIjoxNzAwMDAwMDAwLCJUTFMuc2lnIjoiTHZBN2QvSXc3Z1NzbnNrdlZ6QkRQT0NDRGJ1TkN3NEdId1RDMGJpcCtCND0ifQoBAAD--9-DMfw_", "xiaojun", "", halfYear},
	{"V2 Node", "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwhWZiflZpXlQqeKU7MSCgswUJStDEwMogMiUZOamKlkZmqOKplYUZBaBxE1NTY3gosWZ6UpWSj5ljuYp*p7l5unBxXnF2WVhVU4uAf7Ozi5JpX7O5SbuHuUhzgZJmQXaTia2SrUAohcx8g__", "xiaojun", "", halfYear},
	{"V2 Python", "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkKjIT87NK82CSxSnZiQUFmSlAKUMTAyiAyqVWFGQWpYJkTE1NjRDiJZm5YFFzNPXFmekgG3zKHM1T9D3LzdODi-OKs8vCqpxcAvydnV2SSv2cy03cPcpDnA2SMgu0nUxslWoBHdYzUg__", "xiaojun", "", halfYear},
	{"V3 Go", "eAEAwQA*-3siVExTLnZlciI6IjIuMCIsIlRMUy5pZGVudGlmaWVyIjoieGlhb2p1biIsIlRMUy5zZGthcHBpZCI6MTQwMDAwMDAwMCwiVExTLmV4cGlyZSI6MTU1NTIwMDAsIlRMUy50aW1lIjoxNzAwMDAwMDAwLCJUTFMudXNlcmJ1ZiI6IllXSmoiLCJUTFMuc2lnIjoiUWpUMjAxeFBrWGsvYU0xZSt5MHZha1piMEsyaVByRnVlKyswczV5NmJGTT0ifQoBAAD--ye1N*Q_", "xiaojun", "YWJj", halfYear},
	{"V4 Go", "eAEA5QAa-3siVExTLnZlciI6IjIuMCIsIlRMUy5pZGVudGlmaWVyIjoieGlhb2p1biIsIlRMUy5zZGthcHBpZCI6MTQwMDAwMDAwMCwiVExTLmV4cGlyZSI6MTU1NTIwMDAsIlRMUy50aW1lIjoxNzAwMDAwMDAwLCJUTFMudXNlcmJ1ZiI6IkFBQUhlR2xoYjJwMWJsTnlUZ0FBQUNjUVprRS9BQUFBQVA4QUFBQUEiLCJUTFMuc2lnIjoieTlBdmI1eHdIZ0lnb0FCYkdha0xhRTB4cyt2L2RMY0lQZWdiV2ZjYlJMST0ifQoBAAD--*9eQ8M_", "xiaojun", "AAAHeGlhb2p1blNyTgAAACcQZkE/AAAAAP8AAAAA", halfYear},
	{"V6 Go", "eAEAwQA*-3siVExTLnZlciI6IjIuMCIsIlRMUy5pZGVudGlmaWVyIjoiYVx1MDAzY2JcdTAwM2VcdTAwMjZjXCJcXOeUqOaItyIsIlRMUy5zZGthcHBpZCI6MTQwMDAwMDAwMCwiVExTLmV4cGlyZSI6ODY0MDAsIlRMUy50aW1lIjoxNzAwMDAwMDAwLCJUTFMuc2lnIjoiZDd5VEkxbS9XV1Y4ekRLSmpQYXJ3VHI1bXppY3Ird3hPZHlOZUY3RU1YZz0ifQoBAAD--1XFOwU_", idV6, "", 86400},
}

// at returns the time d seconds after the vectors were issued.
func at(d int64) time.Time { return time.Unix(vectorTime+d, 0) }

func vectorRequest(identifier string) Request {
	return Request{SDKAppID: vectorApp, Identifier: identifier, Keys: []Key{HMACKey(vectorSecret)}, Now: at(0)}
}

// envelop encodes a payload as the libraries do, without code of this package.
func envelop(t testing.TB, payload string, level int) string {
	t.Helper()
	var b bytes.Buffer
	w, err := zlib.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(payload)); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return escape(base64.StdEncoding.EncodeToString(b.Bytes()))
}

func escape(s string) string {
	return strings.NewReplacer("+", "*", "/", "-", "=", "_").Replace(s)
}

func unbase64(t testing.TB, s string) []byte {
	t.Helper()
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}
