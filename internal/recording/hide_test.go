package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"rollcall/internal/pseudonym"
)

// alphabets are characters of names, in scripts of different length.
var alphabets = []string{"abcdefghijklmnopqrstuvwxyz", "ABCDEFGHIJKLMNOPQRSTUVWXYZ", "0123456789", "的一是不了在人有我他这个们中来上大为和国地到以说时要就出会可也你对生能", "абвгдежзиклмнопрст", "가나다라마바사아자차카타파하"}

// newName returns a random text. Each of its words is long enough that no pseudonym
// contains it by chance.
func newName(rnd *rand.Rand) string {
	var words []string
	for range 1 + rnd.IntN(3) {
		alphabet := []rune(alphabets[rnd.IntN(len(alphabets))])
		word := make([]rune, 14+rnd.IntN(8))
		for i := range word {
			word[i] = alphabet[rnd.IntN(len(alphabet))]
		}
		words = append(words, string(word))
	}
	return strings.Join(words, []string{" ", "_", ".", "@", "-", "/"}[rnd.IntN(6)])
}

// asEscapes returns s as a string of JSON with an escape for each character.
func asEscapes(s string) string {
	var b strings.Builder
	for _, r := range s {
		fmt.Fprintf(&b, `\u%04x`, r)
	}
	return b.String()
}

// requests are bodies of requests with a name in many places. Some are no JSON.
var requests = []string{
	`{"UserID":"%s","Nick":"%[1]s","FaceUrl":"https://%[1]s/%[1]s.png?u=%[1]s"}`,
	`{"Accounts":["%s","@TLS#%[1]s"],"Unknown":{"deep":[["%[1]s"]]},"Tag":"%[1]s"}`,
	`{"From_Account":"%s","ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"%[1]s"},{"Tag":"Tag_Profile_IM_Gender","Value":"%[1]s"}]}`,
	`{"UserID": "%s", }`, `{'UserID':'%s'}`, `{UserID:%s}`, `UserID=%s&Nick=%[1]s`, `%s`, `"%s`, `{"a":"%s","%[1]s key":1`,
	`{"Status":"%s","ErrorInfo":"%[1]s","Platform":"%[1]s"}`, `[["%s"`, `<xml>%s</xml>`, "\ufeff{\"UserID\":\"%s\"}",
	`{"UserID":"x","UserID":"%s"}`, `{"UserID":"\q%s\u12"}`,
}

// responses are responses that repeat a name.
var responses = []string{
	`{"ActionStatus":"FAIL","ErrorCode":70402,"ErrorInfo":"the id %s is unknown, %[1]s"}`,
	`{"ActionStatus":"OK","ErrorCode":0,"ErrorInfo":"","ResultItem":[{"UserID":"%s","ResultInfo":"'%[1]s'","AccountStatus":"Imported"}],"Extra":"%[1]s"}`,
	`{"QueryResult":[{"To_Account":"%s","State":"Online","CustomStatus":"%[1]s"}],"ErrorDisplay":"(%[1]s)"}`,
	`<html>%s</html>`, ``,
}

// TestNothingLeft records random names in all places and searches the line for them.
func TestNothingLeft(t *testing.T) {
	seed := time.Now().UnixNano()
	rnd := rand.New(rand.NewPCG(uint64(seed), 0))
	key := pseudonym.New()
	for range 30 {
		for i, form := range requests {
			name := newName(rnd)
			written := name
			if rnd.IntN(4) == 0 {
				written = asEscapes(name)
			}
			h := newHider(key)
			e := Exchange{Request: Request{Method: "POST", Path: h.path("/v4/x/" + url.PathEscape(name+"!"))}}
			e.Request.Query, e.Request.UserSig = h.query("identifier="+url.QueryEscape(name)+"&sdkappid=1400000000&usersig=xxx&"+url.QueryEscape(name+"?")+"="+name, time.Now())
			e.Request.Body = newBody(rewrite(fmt.Appendf(nil, form, written), h))
			h.response = true
			e.Response.Body = newBody(rewrite(fmt.Appendf(nil, responses[i%len(responses)], name), h))
			if i%2 == 0 { // services cut what they repeat
				cut := name[:len(name)-3]
				e.Response.Body = newBody(rewrite(fmt.Appendf(nil, `{"ErrorInfo":"the id %s… is too long"}`, strings.ToValidUTF8(cut, "")), h))
			}
			text := everything(t, &e)
			for _, word := range strings.FieldsFunc(name, func(r rune) bool { return strings.ContainsRune(" _.@-/", r) }) {
				if r := []rune(word); strings.Contains(text, string(r[:len(r)-3])) {
					t.Fatalf("seed %d: %q of the request %q is left in %s", seed, word, form, text)
				}
			}
		}
	}
}

// everything returns the line of e, and its bodies without escapes.
func everything(t *testing.T, e *Exchange) string {
	t.Helper()
	b, err := line(e)
	if err != nil {
		t.Fatal(err)
	}
	return string(b) + "\n" + unquote(b) + "\n" + unquote(e.Request.raw()) + "\n" + unquote(e.Response.raw())
}

// TestHide checks what is kept and what is replaced.
func TestHide(t *testing.T) {
	h := newHider(pseudonym.New())
	id := h.hide("alice")
	for _, tt := range []struct {
		response bool
		in, want string
	}{
		{false, `{"UserID":"alice","Type":0}`, `{"UserID":"` + id + `","Type":0}`},
		{false, `{"UserID" : "\u0061lice" }`, `{"UserID" : "` + asEscapes(id[:1]) + id[1:] + `" }`},
		{false, `{"UserID":"administrator"}`, `{"UserID":"administrator"}`},
		{false, `{"TagList":["Tag_Profile_IM_Nick","Tag_Profile_Custom_Test"]}`, `{"TagList":["Tag_Profile_IM_Nick","Tag_Profile_Custom_Test"]}`},
		{false, `{"Value":"Gender_Type_Male","IsNeedDetail":1}`, `{"Value":"Gender_Type_Male","IsNeedDetail":1}`},
		{false, `{"Value":"7","x":None}`, `{"Value":"7","x":None}`},
		{false, `{UserID:"alice"}`, `{UserID:"` + id + `"}`},
		{false, `{"a":[true,null,12,-1.5]}`, `{"a":[true,null,12,-1.5]}`},
		{true, `{"Status":"PushOnline","ErrorInfo":"no alice here"}`, `{"Status":"PushOnline","ErrorInfo":"no ` + id + ` here"}`},
		{true, `{"ErrorInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist"}`, `{"ErrorInfo":"Err_TLS_PT_Open_Login_Account_Not_Exist"}`},
		{true, `{"ErrorInfo":"malice"}`, `{"ErrorInfo":"malice"}`},
		{true, `{"To_Account":"@TLS#NOT_FOUND"}`, `{"To_Account":"@TLS#NOT_FOUND"}`},
	} {
		h.response = tt.response
		if got := string(rewrite([]byte(tt.in), h)); got != tt.want {
			t.Errorf("%s\n got: %s\nwant: %s", tt.in, got, tt.want)
		}
	}
}

// FuzzBody rewrites any body: JSON stays JSON, what is no UTF-8 stays so, and a second
// rewriter that changes nothing finds the same parts.
func FuzzBody(f *testing.F) {
	for _, form := range append(append([]string{}, requests...), responses...) {
		f.Add(fmt.Appendf(nil, strings.ReplaceAll(form, "%s", "%[1]s"), "alice_liddell"))
	}
	f.Add([]byte("{\"a\":\"\xff\\ud83d\\ude00\\ud83d\"}"))
	f.Add([]byte("\"\\\xe2"))
	f.Add(bytes.Repeat([]byte("["), 1000))
	key := pseudonym.New()
	f.Fuzz(func(t *testing.T, body []byte) {
		for _, response := range []bool{false, true} {
			h := newHider(key)
			h.response = response
			got := rewrite(body, h)
			if json.Valid(body) && !json.Valid(got) {
				t.Errorf("%q became %q, which is no JSON", body, got)
			}
			if utf8.Valid(body) != utf8.Valid(got) {
				t.Errorf("%q became %q", body, got)
			}
			if same := rewrite(got, idCollector{}); !bytes.Equal(same, got) {
				t.Errorf("%q changed into %q without a change", got, same)
			}
			if _, ok := parse(body); ok {
				if _, ok := parse(got); !ok {
					t.Errorf("%q became %q, which cannot be compared", body, got)
				}
			}
		}
	})
}

// TestDigits checks that digits have one pseudonym, as a number and as a text, whichever
// comes first, and that it is a number in JSON.
func TestDigits(t *testing.T) {
	key := pseudonym.New()
	for n := range 200 {
		var seen []string
		for _, form := range []string{`["%d",%[1]d]`, `[%d,"%[1]d"]`} {
			got := rewrite(fmt.Appendf(nil, form, 10086+n), newHider(key))
			if !json.Valid(got) {
				t.Fatalf("%s is no JSON", got)
			}
			seen = append(seen, strings.Trim(strings.ReplaceAll(string(got), `"`, ""), "[]"))
		}
		if first, second, _ := strings.Cut(seen[0], ","); first != second || seen[0] != seen[1] {
			t.Fatalf("%d became %v", 10086+n, seen)
		}
	}
}

// TestInfo checks that an error text keeps nothing of the call, in another case neither,
// and no address.
func TestInfo(t *testing.T) {
	const sig = "eJwtzM0KgkAUhuFbGc56iHPmTydoVYugghYVtIpwpjyVJjpJFN17k7r8ng-eD*zX"
	h := newHider(pseudonym.New())
	h.query("identifier=Zhangsan&usersig="+sig+"&x=%zzSecret", time.Now())
	h.response = true
	got := h.info("bad " + sig + ", " + sig[:20] + " of ZHANGSAN or zhangsan at 203.0.113.77, 203.0.113.78:443, 2001:db8::17, with %zzSecret")
	for _, left := range []string{sig[:20], "ZHANGSAN", "zhangsan", "203.0.113", "2001:db8", "Secret"} {
		if strings.Contains(got, left) {
			t.Errorf("%q is left in %q", left, got)
		}
	}
	if !strings.HasPrefix(got, "bad ") || !strings.Contains(got, " of ") {
		t.Errorf("the words are gone: %q", got)
	}
}
