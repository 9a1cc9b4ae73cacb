package usersig

import (
	"bytes"
	"compress/zlib"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// FuzzParse parses whole texts. Few mutated texts have a valid checksum.
// FuzzPayload tests the code behind it.
func FuzzParse(f *testing.F) {
	for _, v := range vectorTexts {
		f.Add(v.text)
	}
	key := HMACKey(vectorSecret)
	f.Fuzz(func(t *testing.T, text string) { checkText(t, text, key) })
}

// FuzzPayload parses the JSON of a UserSig.
func FuzzPayload(f *testing.F) {
	f.Add(good)
	f.Add(good1)
	for _, value := range []string{`"YWJj"`, `"YWJj\n"`, `"x\nTLS.sdkappid:1"`, `""`, `null`} {
		f.Add(strings.Replace(good, "}", `,"TLS.userbuf":`+value+`}`, 1))
	}
	for _, v := range variants1 {
		thirdApp := `"TLS.appid_at_3rd":` + v.thirdApp + `,`
		if v.thirdApp == "" {
			thirdApp = ""
		}
		f.Add(strings.NewReplacer(`"TLS.appid_at_3rd":"0",`, thirdApp, `_type":"0"`, `_type":`+v.accountType).Replace(good1))
	}
	key := HMACKey(vectorSecret)
	f.Fuzz(func(t *testing.T, payload string) {
		text := envelop(t, payload, zlib.NoCompression)
		checkText(t, text, key)
		if s, err := Parse(text); err == nil {
			checkSigned(t, s, payload)
		}
	})
}

// checkSigned compares the signed text of s with one that is built from the
// JSON by package json alone.
func checkSigned(t *testing.T, s *Sig, payload string) {
	names := []string{"TLS.identifier", "TLS.sdkappid", "TLS.time", "TLS.expire", "TLS.userbuf"}
	if s.Version == 1 {
		names = []string{"TLS.appid_at_3rd", "TLS.account_type", "TLS.identifier", "TLS.sdk_appid", "TLS.time", "TLS.expire_after", "TLS.userbuf"}
	}
	d := json.NewDecoder(strings.NewReader(payload))
	d.UseNumber()
	var members map[string]any
	if err := d.Decode(&members); err != nil {
		t.Fatal(err)
	}
	var want strings.Builder
	for _, name := range names {
		if v := members[name]; v != nil {
			fmt.Fprintf(&want, "%s:%v\n", name, v)
		}
	}
	if got := string(s.appendSigned(nil)); got != want.String() {
		t.Fatalf("%q signs %q; want %q", payload, got, &want)
	}
	// No other UserSig has the same signed text: each line is where it belongs.
	fixed, userBuf, _ := strings.Cut("\n"+want.String(), "\nTLS.userbuf:")
	if n := strings.Count(fixed, "\nTLS."); members["TLS.appid_at_3rd"] != nil && s.Version == 1 && n != 6 || s.Version == 2 && n != 4 {
		t.Fatalf("%q has %d lines before the userbuf", &want, n)
	}
	if strings.Contains(userBuf, "\nTLS.") {
		t.Fatalf("the userbuf of %q reads as fields", &want)
	}
}

// checkText checks that a text is parsed or refused as malformed, that a parsed
// UserSig is valid and can be signed and parsed again, and that Explain and
// Verify agree.
func checkText(t *testing.T, text string, key Key) {
	r := Request{SDKAppID: vectorApp, Identifier: "xiaojun", Keys: []Key{key}, Now: at(0)}
	s, err := Parse(text)
	if err != nil {
		if !sameReason(err, &Error{Reason: Malformed}) {
			t.Fatalf("Parse = %v", err)
		}
		if e := Explain(text, r); e.Code != 70003 && text != "" {
			t.Fatalf("Parse: %v; Explain: %+v", err, e)
		}
		return
	}
	if err := validIdentifier(s.Identifier); err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	checkSameEnd(t, text, s, r)
	checkRoundTrip(t, s, key)
}

func checkSameEnd(t *testing.T, text string, s *Sig, r Request) {
	_, err := Verify(text, r)
	want := codeOf(err)
	e := Explain(text, r)
	unchecked := s.Version == 1 && want == BadSignature.Code()
	if e.Code != want && !unchecked {
		t.Fatalf("Verify: %v; Explain: %+v", err, e)
	}
	if len(e.Steps) != len(stepNames) {
		t.Fatalf("%d steps", len(e.Steps))
	}
	if _, err := json.Marshal(e); err != nil {
		t.Fatal(err)
	}
}

func checkRoundTrip(t *testing.T, s *Sig, key Key) {
	c := Claims{
		SDKAppID: s.SDKAppID, Identifier: s.Identifier, UserBuf: s.UserBuf,
		IssuedAt: time.Unix(s.IssuedAt%(1<<40), 0), Validity: time.Duration(s.Expire%(1<<30)) * time.Second,
	}
	text, err := Sign(key, c)
	if err != nil {
		return // too long when it is encoded again
	}
	again, err := Parse(text)
	if err != nil {
		t.Fatal(err)
	}
	if again.Identifier != s.Identifier || !bytes.Equal(again.UserBuf, s.UserBuf) || !key.signed(again) {
		t.Fatalf("%+v came back as %+v", s, again)
	}
}

// FuzzObject compares the walk over a flat object with package json.
func FuzzObject(f *testing.F) {
	for _, seed := range []string{
		good, good1, "{}", " {\t} ", `{"a":1,"a":2}`, `{"a\"}":"\\","b":null}`, `{"":-1.5e3}`, `{"a":{}}`, `{"a":[]}`, `[]`, "{\"\xff\":1}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		var o object
		if err := o.scan(b); err != nil {
			return
		}
		var want map[string]any
		if err := json.Unmarshal(b, &want); err != nil || !utf8.Valid(b) {
			t.Fatalf("%q accepted: %v", b, err)
		}
		if o.n != len(want) {
			t.Fatalf("%q: %d members; want %d", b, o.n, len(want))
		}
		for name, value := range want {
			if err := checkMember(&o, name, value); err != nil {
				t.Fatalf("%q: %q: %v", b, name, err)
			}
		}
	})
}

func checkMember(o *object, name string, want any) error {
	raw := o.get(name)
	if raw == nil && want != nil {
		return errors.New("absent")
	}
	if raw == nil {
		return nil
	}
	var got any
	if err := json.Unmarshal(raw, &got); err != nil {
		return err
	}
	if got != want {
		return errors.New("another value")
	}
	if s, ok := want.(string); ok && string(unquote(raw)) != s {
		return errors.New("another string")
	}
	return nil
}
