package source

import (
	"bytes"
	"fmt"
	"io"
	"iter"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// got is a row as a test compares it.
type got struct {
	Line                       int
	UserID, Nick, FaceURL, Raw string
	Fault                      string
}

// rowsOf reads everything. A test may name only a part of a fault.
func rowsOf(rows iter.Seq2[*Row, error]) (all []got, err error) {
	for r, err := range rows {
		if err != nil {
			return all, err
		}
		all = append(all, got{r.Line, string(r.UserID), string(r.Nick), string(r.FaceURL), string(r.Raw), r.Fault})
	}
	return all, nil
}

// readString reads text as standard input.
func readString(text string, o Options) ([]got, error) {
	return rowsOf(Read([]string{Stdin}, strings.NewReader(text), o))
}

// short writes rows as "line:userid|nick|face_url", or "line!fault".
func short(rows []got) string {
	var b strings.Builder
	for _, r := range rows {
		if r.Fault != "" {
			fmt.Fprintf(&b, "%d!%s\n", r.Line, r.Fault)
		} else {
			fmt.Fprintf(&b, "%d:%s|%s|%s\n", r.Line, r.UserID, r.Nick, r.FaceURL)
		}
	}
	return b.String()
}

func TestForms(t *testing.T) {
	long := strings.Repeat("x", MaxRecord+1)
	tests := []struct {
		name, text string
		o          Options
		want       string // as short writes it, each fault up to its first colon
		err        string
	}{
		{"CSV", "userid,nick,face_url\nalice,Alice,http://x\nbob,,\n", Options{}, "2:alice|Alice|http://x\n3:bob||\n", ""},
		{"CSV of Excel", "\xef\xbb\xbfUserID;Nick;FaceUrl\r\nalice;A;\r\n\r\nbob;B;u", Options{}, "2:alice|A|\n4:bob|B|u\n", ""},
		{"Excel's sep", "sep=;\nuserid;nick\nsep1;One\n", Options{}, "3:sep1|One|\n", ""},
		{"TSV", "userid\tnick\nalice\t\"A\tB\"\n", Options{}, "2:alice|A\tB|\n", ""},
		{"TSV of one column", "userid\nalice", Options{Format: TSV}, "2:alice||\n", ""},
		{"bars", "nick|userid\nA,B|alice", Options{}, "2:alice|A,B|\n", ""},
		{"delimiter given", "userid^nick\nalice^A", Options{Delimiter: '^'}, "2:alice|A|\n", ""},
		{"the console in Chinese", "用户名,昵称,账号类型,头像,创建时间\nalice,爱丽丝,普通,http://x,2024\n", Options{}, "2:alice|爱丽丝|http://x\n", ""},
		{"the console in English", "Username,Nickname,Type,Profile Photo,Creation Time\nalice,A,General,u,2024\n", Options{}, "2:alice|A|u\n", ""},
		{"mapped", "会员号,name,phone\n7,A,123\n", Options{Map: map[string]string{"会员号": "userid", "Name": "nick"}, Ignore: []string{"PHONE"}}, "2:7|A|\n", ""},
		{"quotes", "\"userid\",\"nick\"\r\n\"ali\"\"ce\",\"A\nB\r\nC\"\r\nbob,\"\"\r\n", Options{}, "2:ali\"ce|A\nB\r\nC|\n5:bob||\n", ""},
		{"quote at the end", "userid,nick\nalice,\"A\"", Options{}, "2:alice|A|\n", ""},
		{"comma at the end", "userid,nick\n\"alice\",", Options{}, "2:alice||\n", ""},
		{"header in two lines", "userid,\"nick\n\"\nalice,A", Options{}, "3:alice|A|\n", ""},
		{
			"faults of a table", "userid,nick\nalice\nbob,B,b\ncarol,\"C\"c\ndave,D\"\nerin,\xfc\n用,户\n用,户\nfrank,\"F\nfinn,x\n",
			Options{},
			"2!the line has 1 field and the header 2 fields\n3!the line has 3 fields and the header 2 fields\n4!something follows the quote that ends a value\n" +
				"5!a quote is inside of a value without quotes around it\n6!it is not UTF-8\n7:用|户|\n8:用|户|\n", "line 9: a quote opens here and is not closed in the rest of the file",
		},
		{"a quote that swallows lines", "userid,nick\nalice,\"A\nbob,B\ncarol,\"C\"\n", Options{}, "", "line 2: something follows the quote that ends a value: double the quotes inside of a value (the value runs on to line 4)"},
		{"a quote open in the last line", "userid,nick\nalice,\"A", Options{}, "2!a quote opens here and is not closed in the rest of the file\n", ""},
		{"a quote open for too long", "userid,nick\nalice,A\nbob,\"B\n" + strings.Repeat("c,C\n", 20_000), Options{}, "2:alice|A|\n", "line 3: a record is longer than 65536 bytes, as when a quote opens here"},
		{"a long line", "userid,nick\n" + long + "\nalice,A\n", Options{}, "2!the line is longer than 65536 bytes, and no account is\n3:alice|A|\n", ""},
		{"a long value in quotes", "userid,nick\nalice,\"" + long + "\"\nbob,\"B\"\n", Options{}, "2!the line is longer than 65536 bytes, and no account is\n3:bob|B|\n", ""},
		{"a long value in quotes, not closed", "userid,nick\nalice,\"A\"\"" + long + "\nbob,B\n", Options{}, "", "line 2: a record is longer than 65536 bytes, as when a quote opens here"},
		{"a long line at the end", "userid,nick\nalice,A\n" + long + long + long + long, Options{}, "2:alice|A|\n3!the line is longer than 65536 bytes, and no account is\n", ""},
		{"a long header", long, Options{}, "", "line 1: the line is longer than 65536 bytes, so it is no header"},
		{"no header", "alice,Alice,http://x\nbob,Bob,\n", Options{}, "", `line 1: "alice,Alice,http://x" is no header, because no column is called userid: write a first line`},
		{"ids", "alice\nbob\n", Options{}, "", `line 1: "alice" is no header`},
		{"ids on request", "\xef\xbb\xbfalice\r\n\r\nbob b\r\n\xfc\n户\n户", Options{Format: IDs}, "1:alice||\n3:bob b||\n4!it is not UTF-8\n5:户||\n6:户||\n", ""},
		{"rejects of a list", "\xef\xbb\xbfuserid,rollcall_line,rollcall_reason\na,7,bad\n", Options{Format: IDs}, "2:a||\n", ""},
		{"a list like a header", "userid1\nuserid-2", Options{Format: IDs}, "1:userid1||\n2:userid-2||\n", ""},
		{"unknown column", "userid,phone\nalice,1", Options{}, "", "line 1: the column phone is unknown: drop it with --ignore phone"},
		{"unknown tag", "userid,phone,Tag_Profile_IM_level\nalice,1,2", Options{}, "", "line 1: the column Tag_Profile_IM_level is no tag that an app can have: correct its spelling, or drop it with --ignore Tag_Profile_IM_level; a custom tag is"},
		{"unknown columns", "userid,phone,mail\nalice,1,", Options{}, "", "line 1: the columns phone,mail are unknown: drop them with --ignore phone,mail"},
		{"strange columns", "userid,\"a\nb\",phone no,\x1b[m\n", Options{}, "", "line 1: the columns \"a\\nb\",\"phone no\",\"\\x1b[m\" are unknown: drop them with"},
		{"a column twice", "userid,nick,UserID\na,b,c", Options{}, "", "line 1: the column userid occurs twice"},
		{"two columns for one", "userid,nick,nickname\na,b,c", Options{}, "", "line 1: the columns nick and nickname mean the same: drop one with --ignore nickname"},
		{"a column without a name", "userid,nick,\nalice,A,\nbob,B,x\n", Options{}, "2:alice|A|\n3!column 3 has a value here but no name in the header\n", ""},
		{"a header alone", "userid,nick\n", Options{}, "", ""},
		{"nothing", " \n\n", Options{}, "", "there is nothing in it"},
		{"no lines on request", "", Options{Format: NDJSON}, "", ""},

		{"JSON lines", `{"userid":"alice","nick":"A\n\u4e00"}` + "\r\n\n" + `{"UserID":"bob","FaceUrl":"u","Nick":null,"internal_id":"7"}`, Options{}, "1:alice|A\n一|\n3:bob||u\n", ""},
		{
			"faults of JSON lines", `{"userid":"a"}` + "\n" + `{"nick":"B"}` + "\n" + `{"userid":7}` + "\n" + `{"userid":"d","x":1}` + "\n" + `{"userid":"e"} {}` + "\n" + `{"userid":"f"` + "\n" +
				`{"userid":"g","UserID":"g"}` + "\n" + `{"userid":"h","userid":"h"}` + "\n" + `[1]` + "\n{\"userid\":\"\xfc\"}\n" + `{"userid":"i","nick":"\ud800"}` + "\n\"户\"\n\"户\"",
			Options{},
			"1:a||\n2!the object has no userid\n3!the value of \"userid\" is no text\n4!the key x is unknown\n5!something follows the JSON value\n6!malformed JSON\n" +
				"7!the key \"UserID\" means the same as one before it\n8!a key occurs twice in the object\n9!it is no JSON object\n10!it is not UTF-8\n11!malformed JSON\n12:户||\n13:户||\n", "",
		},
		{"unknown key", `{"userid":"a","phone":"1"}`, Options{}, "", "line 1: the key phone is unknown: drop it with --ignore phone"},
		{"keys ignored and mapped", `{"id":"a","phone":{"x":[1]},"name":"N"}`, Options{Ignore: []string{"phone"}, Map: map[string]string{"id": "userid", "name": "nick"}}, "1:a|N|\n", ""},
		{"a long line of JSON", `{"userid":"a"}` + "\n{" + long + "\n" + `{"userid":"b"}`, Options{}, "1:a||\n2!the line is longer than 65536 bytes, and no account is\n3:b||\n", ""},
		{"JSON array", "[\n {\"userid\":\"a\",\n  \"nick\":\"]}\\\"\"},\n {\"userid\":\"b\"}\n]\n", Options{}, "2:a|]}\"|\n4:b||\n", ""},
		{"empty JSON array", "[]", Options{}, "", ""},
		{"AccountList", "{\n\"AccountList\": [{\"UserID\":\"a\",\"Nick\":\"A\",\"FaceUrl\":\"u\"},\n{\"UserID\":\"b\"}]}", Options{}, "2:a|A|u\n3:b||\n", ""},
		{"Accounts, in lines", `{"Accounts":["a","b"]}` + "\n" + `{"Accounts":["c"]}`, Options{}, "1:a||\n1:b||\n2:c||\n", ""},
		{"account_import", "{\n \"Identifier\":\"a\",\n \"Nick\":\"A\",\n \"Type\": 0\n}", Options{}, "1:a|A|\n", ""},
		{"JSON cut off", `[{"userid":"a"},{"userid":"b"`, Options{}, "1:a||\n", "line 1: the value that begins here is not closed"},
		{"JSON array cut off", "[{\"userid\":\"a\"},\n", Options{}, "1:a||\n", "line 2: the JSON ends too early"},
		{"JSON without a comma", `[{"userid":"a"} {"userid":"b"}]`, Options{}, "1:a||\n", "line 1: a comma or ] is missing"},
		{"JSON of numbers", "[1]", Options{}, "", `line 1: "1" begins neither an object nor an id`},
		{"JSON value too long", `["a","` + long, Options{}, "1:a||\n", "line 1: the value that begins here is longer than 65536 bytes"},
		{"JSON with blanks", "[" + strings.Repeat(" \n", 300_000) + `"a"]`, Options{}, "300001:a||\n", ""},
		{"a body with more", `{"AccountList":[],"Accounts":["a"]}`, Options{}, "", "line 1: a body has AccountList or Accounts alone"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			rows, err := readString(tt.text, tt.o)
			for i := range rows {
				rows[i].Fault, _, _ = strings.Cut(rows[i].Fault, ":")
			}
			if diff := cmp.Diff(tt.want, short(rows)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			want := "standard input: " + tt.err
			if (err == nil) != (tt.err == "") || err != nil && !strings.HasPrefix(err.Error(), want) {
				t.Errorf("error %v, want %q", err, tt.err)
			}
		})
	}
}

// repeated yields n times a text, without keeping it in memory.
type repeated struct {
	text string
	n    int
	rest string
}

func (l *repeated) Read(p []byte) (int, error) {
	total := 0
	for total < len(p) {
		if l.rest == "" {
			if l.n == 0 {
				return total, io.EOF
			}
			l.n--
			l.rest = l.text
		}
		n := copy(p[total:], l.rest)
		l.rest = l.rest[n:]
		total += n
	}
	return total, nil
}

// BenchmarkCSV reads a million rows.
func BenchmarkCSV(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("userid,nick,face_url\n")
	for i := range 1_000_000 {
		fmt.Fprintf(&text, "user_%08d,Nick %d,https://example.com/%d.png\n", i, i, i)
	}
	benchmark(b, text.Bytes())
}

// BenchmarkQuoted reads a million rows with quotes around each value.
func BenchmarkQuoted(b *testing.B) {
	var text bytes.Buffer
	text.WriteString("userid,nick,face_url\n")
	for i := range 1_000_000 {
		fmt.Fprintf(&text, "\"user_%08d\",\"Nick %d\",\"https://example.com/%d.png\"\n", i, i, i)
	}
	benchmark(b, text.Bytes())
}

// BenchmarkNDJSON reads a million objects.
func BenchmarkNDJSON(b *testing.B) {
	var text bytes.Buffer
	for i := range 1_000_000 {
		fmt.Fprintf(&text, "{\"userid\":\"user_%08d\",\"nick\":\"Nick %d\",\"face_url\":\"https://example.com/%d.png\"}\n", i, i, i)
	}
	benchmark(b, text.Bytes())
}

// BenchmarkNDJSONTags reads a million objects with tags and escapes, as Python writes them.
func BenchmarkNDJSONTags(b *testing.B) {
	var text bytes.Buffer
	for i := range 1_000_000 {
		fmt.Fprintf(&text, `{"userid": "user_%08d", "nick": "\u7528\u6237 %d", "profile": {"Tag_Profile_IM_Gender": "Gender_Type_Male", "Tag_Profile_IM_Level": %d}}`+"\n", i, i, i)
	}
	benchmark(b, text.Bytes())
}

func benchmark(b *testing.B, text []byte) {
	b.ReportAllocs()
	n := 0
	for b.Loop() {
		for r, err := range Read([]string{Stdin}, bytes.NewReader(text), Options{}) {
			if err != nil || r.Fault != "" {
				b.Fatal(r, err)
			}
			n++
		}
	}
	b.ReportMetric(float64(n)/b.Elapsed().Seconds(), "rows/s")
}

// TestLongRaw writes the beginning of a line that is too long into another table, where it
// must not swallow the next line.
func TestLongRaw(t *testing.T) {
	long := strings.Repeat("x", MaxRecord)
	rows, err := readString("userid,nick\nalice,\""+long+"\"\n", Options{})
	if err != nil || len(rows) != 1 {
		t.Fatal(rows, err)
	}
	rows, err = readString("userid,nick\n"+rows[0].Raw[:100]+rows[0].Raw[MaxRecord-100:]+"\nbob,B\n", Options{})
	if err != nil || len(rows) != 2 {
		t.Error(rows, err)
	}
}
