package wire

import (
	"fmt"
	"testing"

	"pgregory.net/rapid"
)

// sameAppend fails if Append and Encode differ on v.
func sameAppend(t interface {
	Helper()
	Fatalf(string, ...any)
}, v any,
) {
	t.Helper()
	want, wantErr := Encode(v)
	got, err := Append([]byte("x"), v)
	if (err != nil) != (wantErr != nil) {
		t.Fatalf("%+v: error %v; Encode: %v", v, err, wantErr)
	}
	if err == nil && string(got) != "x"+string(want) || err != nil && string(got) != "x" {
		t.Fatalf("%+v: Append = %s\nEncode = %s", v, got, want)
	}
}

// anyText draws texts of all kinds, including invalid UTF-8.
func anyText() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.StringMatching(`[ -~]{0,40}`), rapid.String(),
		rapid.StringOf(rapid.SampledFrom([]rune("ab\"\\/<>&'\x00\x1f\n\t\x7fé中\u2028\u2029\ufeff\ufffd😀"))),
		rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) }),
	)
}

func TestAppendIsEncode(t *testing.T) {
	code := rapid.Map(rapid.Int(), func(n int) Code { return Code(n) })
	text := anyText()
	rapid.Check(t, func(t *rapid.T) {
		h := Head{text.Draw(t, "status"), code.Draw(t, "code"), text.Draw(t, "info")}
		info := HeadInfoFirst{h.ActionStatus, h.ErrorInfo, h.ErrorCode}
		results := rapid.SliceOf(rapid.Custom(func(t *rapid.T) CheckResult {
			return CheckResult{text.Draw(t, "id"), code.Draw(t, "code"), text.Draw(t, "info"), text.Draw(t, "status")}
		}))
		sameAppend(t, h)
		sameAppend(t, &info)
		sameAppend(t, &MultiImportResponse{h, rapid.SliceOf(text).Draw(t, "ids")})
		sameAppend(t, &CheckResponse{h, results.Draw(t, "results")})
		statuses := rapid.SliceOf(rapid.Custom(func(t *rapid.T) OnlineStatus {
			s := OnlineStatus{To_Account: text.Draw(t, "id"), Status: text.Draw(t, "status"), State: text.Draw(t, "state")}
			if rapid.Bool().Draw(t, "custom") {
				s.CustomStatus = new(text.Draw(t, "custom status"))
			}
			for range rapid.IntRange(0, 3).Draw(t, "devices") {
				d := DeviceStatus{Platform: text.Draw(t, "platform"), Status: text.Draw(t, "status")}
				if rapid.Bool().Draw(t, "instance") {
					d.Instid = new(rapid.Uint64().Draw(t, "instid"))
				}
				s.Detail = append(s.Detail, d)
			}
			return s
		}))
		unknown := rapid.SliceOf(rapid.Custom(func(t *rapid.T) StatusError { return StatusError{text.Draw(t, "id"), code.Draw(t, "code")} }))
		sameAppend(t, &OnlineStatusResponse{info, statuses.Draw(t, "statuses"), unknown.Draw(t, "unknown")})
		sameAppend(t, &DeleteResponse{Head: h}) // a type that appendFast does not know
	})
}

func TestAppendEmpty(t *testing.T) {
	for _, v := range []any{Head{}, &HeadInfoFirst{}, &MultiImportResponse{}, &CheckResponse{}, &CheckResponse{ResultItem: []CheckResult{}}, &OnlineStatusResponse{}} {
		sameAppend(t, v)
	}
}

// FuzzAppend puts one text into every place of a response.
func FuzzAppend(f *testing.F) {
	for _, seed := range []string{"", "user_00000001", "é\n", "\xff", "\u2028<>&\"\\/", "\x7f\x00"} {
		f.Add(seed, 70402)
	}
	f.Fuzz(func(t *testing.T, text string, code int) {
		h := Head{text, Code(code), text}
		sameAppend(t, h)
		sameAppend(t, &HeadInfoFirst{text, text, Code(code)})
		sameAppend(t, &MultiImportResponse{h, []string{text, text}})
		sameAppend(t, &CheckResponse{h, []CheckResult{{text, Code(code), text, text}}})
	})
}

// checkResponse returns a response for n ids.
func checkResponse(n int) *CheckResponse {
	resp := &CheckResponse{Head: Success}
	for i := range n {
		resp.ResultItem = append(resp.ResultItem, CheckResult{UserID: fmt.Sprintf("user_%08d", i), AccountStatus: Imported})
	}
	return resp
}

func BenchmarkAppend(b *testing.B) {
	var buf []byte
	check := checkResponse(100)
	for _, bench := range []struct {
		name   string
		append func() ([]byte, error)
	}{
		{"check", func() ([]byte, error) { return Append(buf[:0], check) }},
		{"check/generic", func() ([]byte, error) { return Encode(check) }},
		{"import", func() ([]byte, error) { return Append(buf[:0], &SuccessInfoFirst) }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				var err error
				if buf, err = bench.append(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
