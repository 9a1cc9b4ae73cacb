package wire

import (
	"bytes"
	stdjson "encoding/json"
	"fmt"
	"path/filepath"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"github.com/go-json-experiment/json"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// decodeAs decodes body as the server does for a command, and with Decode
// alone.
func decodeAs(d *Decoder, command string, request any, body []byte) (got, plain any, err, plainErr error) {
	plain = reflect.New(reflect.TypeOf(request)).Interface()
	plainErr = Decode(body, plain)
	switch command {
	case "account_import":
		got, err = d.Import(body)
	case "multiaccount_import":
		got, err = d.MultiImport(body)
	case "account_check":
		got, err = d.Check(body)
	default:
		got, err = plain, plainErr
	}
	return got, plain, err, plainErr
}

// otherPlaces are bodies, each with a gap, that a [Decoder] passes to Decode.
var otherPlaces = []string{
	`{"IsNeedDetail":%s}`, `{"To_Account":%s}`, `{"To_Account":["a",%s]}`, `{"From_Account":%s}`, `{"TagList":[%s]}`, `{"Identifier":%s}`,
	`{"DeleteItem":[%s]}`, `{"DeleteItem":[{"UserID":%s}]}`, `{"ProfileItem":[%s]}`, `{"ProfileItem":[{"Tag":%s,"Value":1}]}`, `{"ProfileItem":[{"Tag":"t","Value":%s}]}`,
}

// FuzzEveryBody decodes bodies as each command does and compares three
// decoders: that of the server, Decode, and encoding/json together with
// go-json-experiment, to which those of our rules are added that they lack.
func FuzzEveryBody(f *testing.F) {
	for _, file := range glob(f, filepath.Join("../../conformance/testdata", "*.txt")) {
		for line := range strings.Lines(file) {
			if strings.HasPrefix(line, "{") {
				f.Add([]byte(strings.TrimSpace(line)))
			}
		}
	}
	for _, place := range append(otherPlaces, places...) {
		for _, oddity := range edgeCases {
			f.Add(fmt.Appendf(nil, place, oddity))
		}
	}
	var d Decoder
	f.Fuzz(func(t *testing.T, body []byte) {
		want := acceptedElsewhere(body)
		for _, c := range Commands {
			got, plain, err, plainErr := decodeAs(&d, c.Name, c.Request, body)
			if err != plainErr || (err == nil) != want {
				t.Fatalf("%s: %v, Decode %v, want acceptance %v", c.Name, err, plainErr, want)
			}
			if err != nil {
				continue
			}
			if diff := cmp.Diff(plain, got, cmpopts.EquateEmpty()); diff != "" {
				t.Fatalf("%s (-Decode +server):\n%s", c.Name, diff)
			}
			agrees(t, c.Name, reflect.ValueOf(got).Elem(), readByStandard(t, body))
		}
	})
}

// acceptedElsewhere reports whether other decoders accept body as an object
// that is at most as deep as ours may be.
func acceptedElsewhere(body []byte) bool {
	var v2 map[string]any
	start := bytes.TrimLeft(body, " \t\r\n")
	return len(start) > 0 && start[0] == '{' && json.Unmarshal(body, &v2) == nil && stdjson.Valid(body) && depth(body) <= MaxDepth
}

// readByStandard decodes body with encoding/json, which shares no code with our
// decoder.
func readByStandard(t *testing.T, body []byte) any {
	dec := stdjson.NewDecoder(bytes.NewReader(body))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatal(err)
	}
	return v
}

// agrees checks that a value that we decoded equals x, which the standard
// library decoded. If the key is absent, x is nil.
func agrees(t *testing.T, at string, v reflect.Value, x any) {
	t.Helper()
	switch got := v.Interface().(type) {
	case Text:
		s, ok := x.(string)
		if want := (Text{s, kindFor(x, ok)}); got != want {
			t.Errorf("%s: %+v, want %+v", at, got, want)
		}
		return
	case Flag:
		if want := x == stdjson.Number("1"); bool(got) != want {
			t.Errorf("%s: %v, want %v", at, got, want)
		}
		return
	case Seconds:
		if want := secondsOf(x); got != want {
			t.Errorf("%s: %+v, want %+v", at, got, want)
		}
		return
	case Scalar:
		if want := scalarOf(x); got != want {
			t.Errorf("%s: %+v, want %+v", at, got, want)
		}
		return
	}
	content := v.FieldByName("V")
	if !content.IsValid() { // a request, or the content of an object
		members, _ := x.(map[string]any)
		for field, member := range v.Fields() {
			agrees(t, at+"."+field.Name, member, members[field.Name])
		}
		return
	}
	var ok bool
	if content.Kind() == reflect.Slice {
		items, isList := x.([]any)
		if ok = isList; ok && content.Len() == len(items) {
			for i, item := range items {
				agrees(t, fmt.Sprintf("%s[%d]", at, i), content.Index(i), item)
			}
		} else if ok {
			t.Errorf("%s: %d items, want %d", at, content.Len(), len(items))
		}
	} else if _, ok = x.(map[string]any); ok {
		agrees(t, at, content, x)
	}
	if kind := v.FieldByName("Kind").Interface(); kind != kindFor(x, ok) {
		t.Errorf("%s: kind %v of %v", at, kind, x)
	}
}

func kindFor(x any, ok bool) Kind {
	switch {
	case ok:
		return Valid
	case x == nil:
		return Absent
	}
	return Wrong
}

func secondsOf(x any) Seconds {
	if number, ok := x.(stdjson.Number); ok {
		if n, err := strconv.ParseUint(number.String(), 10, 32); err == nil {
			return Seconds{uint32(n), Valid}
		}
	}
	return Seconds{Kind: kindFor(x, false)}
}

func scalarOf(x any) Scalar {
	switch x := x.(type) {
	case string:
		return Scalar{Text: x, Kind: Valid}
	case stdjson.Number:
		if n, err := strconv.ParseUint(x.String(), 10, 64); err == nil {
			return Scalar{Number: n, IsNumber: true, Kind: Valid}
		}
	}
	return Scalar{Kind: kindFor(x, false)}
}
