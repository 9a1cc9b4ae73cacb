package dryrun

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"pgregory.net/rapid"

	"rollcall/internal/account"
	"rollcall/internal/source"
)

// write writes a file and returns its name.
func write(t testing.TB, name, text string) string {
	t.Helper()
	name = filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return name
}

// check reports on a file of text.
func check(t *testing.T, text string, o Options) *Report {
	t.Helper()
	o.Again = true
	r, err := Run(t.Context(), source.Read([]string{write(t, "a", text)}, nil, source.Options{}), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// summary writes the counts and the problems of a report, each as "kind rows what: lines".
func summary(r *Report) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%d rows: %d as %d, %d rejected\n", r.Rows, r.Accepted, r.Accounts, r.Rejected)
	for _, p := range append(r.Rejections, r.Warnings...) {
		what, _, _ := strings.Cut(p.What, ":")
		fmt.Fprintf(&b, "%s %d %s:", p.Kind, p.Rows, what)
		for _, x := range p.Examples {
			fmt.Fprintf(&b, " %d %s", x.Line, x.UserID)
			if x.Value != "" {
				fmt.Fprintf(&b, " (%s)", x.Value)
			}
			if x.Later != nil {
				fmt.Fprintf(&b, " + %d %s", x.Later.Line, x.Later.UserID)
			}
		}
		b.WriteString("\n")
	}
	return b.String()
}

func TestProblems(t *testing.T) {
	long := strings.Repeat("x", 501)
	strict := &account.App{Edition: account.Development, Settings: account.Settings{
		StrictIDs: true, Words: []string{"spam"}, CustomTags: []account.CustomTag{{Key: "vip", Number: true}, {Key: "ro", NoWrite: true}},
	}}
	// Phone numbers, of which some have lost a zero.
	var phones strings.Builder
	for i := range 100 {
		phones.WriteString(fmt.Sprintf("%d\n", 13800000000+i*7919))
	}
	var counted strings.Builder // 1 to 1,200,000, as if most were deleted
	for i := 1; i < 1_200_000; i += 7 {
		fmt.Fprintln(&counted, i)
	}
	for _, tt := range []struct {
		name, text string
		app        *account.App
		want       string
	}{
		{"clean", "userid,nick\nalice,Alice\nbob,\n", nil, "2 rows: 2 as 2, 0 rejected\n"},
		{"nothing but a header", "userid,nick\n", nil, "0 rows: 0 as 0, 0 rejected\n"},
		{
			"rules of ids", "userid,nick\n" + long[:33] + ",\n,A\n@x,\n#TOA#x,\n界,\na.b,\n", nil,
			"6 rows: 1 as 1, 5 rejected\nrejected 2 UserIDs that start with @ or #TOA# are reserved; choose another: 4 @x 5 #TOA#x\n" +
				"rejected 1 the UserID is longer than 32 bytes; shorten it: 2 " + long[:33] + "\nrejected 1 the UserID is empty; give 1 to 32 bytes: 3 \n" +
				"rejected 1 the UserID may hold only printable ASCII (0x20 to 0x7E): 6 界\n",
		},
		{"strict ids", "userid\na.b\na_b\n", strict, "2 rows: 1 as 1, 1 rejected\nrejected 1 the UserID may hold only letters, digits, _ and -: 2 a.b\n"},
		{
			"lengths", "userid,nick,face_url\na," + long + ",\nb,," + long + "\nc," + long[:500] + "," + long[:500] + "\n", nil,
			"3 rows: 1 as 1, 2 rejected\nrejected 1 Nick is longer than 500 bytes; shorten it: 2 a\nrejected 1 FaceUrl is longer than 500 bytes; shorten it: 3 b\n",
		},
		{"words", "userid,nick\na,Spammer\nb,x\n", strict, "2 rows: 1 as 1, 1 rejected\nrejected 1 Nick holds a word that the app does not allow; change it: 2 a\n"},
		{
			"faults", "userid,nick\na\nb,B,b\nc,C,c\nd,\xff\n界,\n用,\n", nil,
			"6 rows: 0 as 0, 6 rejected\nrejected 2 the line has 3 fields and the header 2 fields: 3 b 4 c\nrejected 2 the UserID may hold only printable ASCII (0x20 to 0x7E): 6 界 7 用\nrejected 1 the line has 1 field and the header 2 fields: 2 a\n" +
				"rejected 1 it is not UTF-8: 5 d\n",
		},
		{
			"tags", `{"userid":"a","profile":{"Tag_Profile_IM_Level":4294967296}}` + "\n" + `{"userid":"b","profile":{"Tag_Profile_IM_Gender":"male"}}` + "\n" +
				`{"userid":"c","profile":{"Tag_Profile_Custom_vip":1,"Tag_Profile_IM_Level":7}}` + "\n" + `{"userid":"d","profile":{"Tag_Profile_Custom_vip":"1"}}` + "\n" +
				`{"userid":"e","profile":{"Tag_Profile_Custom_x":"1"}}` + "\n" + `{"userid":"f","profile":{"Tag_Profile_Custom_ro":"1"}}` + "\n" + `{"userid":"g","profile":{"Tag_Profile_IM_Location":"spam"}}`, strict,
			"7 rows: 1 as 1, 6 rejected\nrejected 1 Tag_Profile_IM_Level takes an integer from 0 to 4294967295: 1 a\n" +
				`rejected 1 Tag_Profile_IM_Gender takes one of ["Gender_Type_Unknown" "Gender_Type_Female" "Gender_Type_Male"]: 2 b` + "\n" +
				"rejected 1 Tag_Profile_Custom_vip takes an integer from 0 to 18446744073709551615: 4 d\nrejected 1 \"Tag_Profile_Custom_x\": 5 e\n" +
				"rejected 1 the app does not let admins write Tag_Profile_Custom_ro; leave the tag out: 6 f\nrejected 1 Tag_Profile_IM_Location holds a word that the app does not allow; change it: 7 g\n",
		},
		{
			"numbers as text", "userid,Tag_Profile_Custom_vip\na,7\nb,x\n", &account.App{Settings: account.Settings{NumbersAsText: true, CustomTags: strict.Settings.CustomTags}},
			"2 rows: 1 as 1, 1 rejected\nrejected 1 Tag_Profile_Custom_vip takes an integer from 0 to 18446744073709551615: 3 b\n",
		},
		{
			"tags of an unknown app", `{"userid":"a","profile":{"Tag_Profile_Custom_x":7}}` + "\n" + `{"userid":"b","profile":{"Tag_Profile_Custom_x":"` + long + `"}}`, nil,
			"2 rows: 1 as 1, 1 rejected\nrejected 1 Tag_Profile_Custom_x is longer than 500 bytes; shorten it: 2 b\n",
		},
		{
			"duplicates", "userid,nick\na,1\nb,\na,2\n\nA,\na,3\nb," + long + "\n", nil,
			"6 rows: 5 as 3, 1 rejected\nrejected 1 Nick is longer than 500 bytes; shorten it: 8 b\nduplicates 2 followed by a later row of the same id, which wins: 2 a + 4 a 4 a + 7 a\n" +
				"case 1 with an id that differs from an earlier one only in case, so that both are accounts: 2 a + 6 A\n",
		},
		{
			"duplicates in a line", `[{"userid":"a"},{"userid":"b"},{"userid":"a"}]`, nil,
			"3 rows: 3 as 2, 0 rejected\nduplicates 1 followed by a later row of the same id, which wins: 1 a + 1 a\n",
		},
		{
			"bent", "userid\n1.38E+10\n1.38e10\n5E+12\n12e4\n1e2\na1E+10\n1.5E\n1.E+1\n1.5E+1000\n12345E+1\n7E1\n", nil,
			"11 rows: 11 as 11, 0 rejected\nbent 3 with an id like a number that a spreadsheet has rounded, such as 1.38E+10: 2 1.38E+10 3 1.38e10 4 5E+12\n",
		},
		{"blanks", "userid\n a\nb \nc c\n", nil, "3 rows: 3 as 3, 0 rejected\nblanks 2 with a blank at the beginning or end of the id: 2  a 3 b \n"},
		{
			"control characters", "userid,nick,face_url\na,\"A\nB\",\nb,x\x7fyyyyyyyyyyyyyyyyyyy,http://x\nc,界界界界界界,\td\nd,\t,\t\n", nil,
			"4 rows: 4 as 4, 0 rejected\ncontrol 4 with control characters such as line breaks in nick or picture: 2 a (A\nB) 4 b (x\x7fyyyyyyyyyyyyyyyyyyy) 5 c (\td) 6 d (\t)\n",
		},
		{"lost characters", "userid,nick\na,x\ufffd\nb,界\n", nil, "2 rows: 2 as 2, 0 rejected\nreplaced 1 with the character U+FFFD in nick or picture, so something was lost in an earlier conversion: 2 a (x\ufffd)\n"},
		{"words for nothing", "userid,nick\nNULL,x\nb,\\N\nc,undefined\nd,nullable\n", nil, "4 rows: 4 as 4, 0 rejected\nnull 3 with a word for nothing, such as NULL, as id or nick: 2 NULL 3 b (\\N) 4 c (undefined)\n"},
		{"lost zeros", "userid\n" + phones.String() + "1380013800\n138001380\n", nil, "102 rows: 102 as 102, 0 rejected\nzeros 2 with an id of digits that is shorter than the usual 11, as when a spreadsheet drops the zeros in front: 102 1380013800 103 138001380\n"},
		{"no lost zeros", "userid\n" + phones.String() + "01380013800\n1380013800\n", nil, "102 rows: 102 as 102, 0 rejected\n"},
		{"many short ones", "userid\n" + phones.String() + strings.ReplaceAll(phones.String(), "138", "13"), nil, "200 rows: 200 as 200, 0 rejected\n"},
		{"counted up", "userid\n" + counted.String(), nil, "171429 rows: 171429 as 171429, 0 rejected\n"},
		{"short numbers", "userid\n12345\n12346\n12347\n12348\n12349\n12350\n12351\n12352\n12353\n1\n", nil, "10 rows: 10 as 10, 0 rejected\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if diff := cmp.Diff(tt.want, summary(check(t, tt.text, Options{App: tt.app}))); diff != "" {
				t.Errorf("report (-want +got):\n%s", diff)
			}
		})
	}
}

// TestManyReasons checks that the kinds of problems are bounded, and their examples.
func TestManyReasons(t *testing.T) {
	var text strings.Builder
	text.WriteString("userid\n")
	for i := range 100 {
		text.WriteString("a" + strings.Repeat(",", i+1) + "\n" + "a,\n")
	}
	r := check(t, text.String(), Options{})
	sum := int64(0)
	for _, p := range r.Rejections {
		sum += p.Rows
		if len(p.Examples) > maxExamples {
			t.Errorf("%d examples of %s", len(p.Examples), p.What)
		}
	}
	if len(r.Rejections) != maxProblems || r.Rejected != 200 || sum != 200 || r.Rejections[0].Rows != 101 || r.Rejections[1].What != "other reasons" {
		t.Errorf("%d reasons, %d rejected, first %+v", len(r.Rejections), r.Rejected, r.Rejections[:2])
	}
}

// TestCollisions compares random files with a map. The memory is so small that most ids go
// to the temporary file.
func TestCollisions(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(rt, "ids")
		random := rand.New(rand.NewPCG(rapid.Uint64().Draw(rt, "seed"), 0))
		all := make([]int, rapid.IntRange(0, 5000).Draw(rt, "rows"))
		for i := range all {
			all[i] = random.IntN(n)
		}
		var rows []source.Row
		f := &source.File{Name: "f"}
		last, folded, different := map[string]int{}, map[string]int{}, int64(0)
		var same, variants [][2]int
		for i, k := range all {
			id := fmt.Sprintf("user-%d", k/2)
			if k%2 == 1 {
				id = strings.ToUpper(id)
			}
			line := i + 1
			rows = append(rows, source.Row{File: f, Line: line, UserID: []byte(id)})
			fold := strings.ToLower(id)
			switch {
			case last[id] > 0:
				same = append(same, [2]int{last[id], line})
			case folded[fold] > 0:
				variants = append(variants, [2]int{folded[fold], line})
				different++
			default:
				folded[fold] = line
				different++
			}
			last[id] = line
		}
		r, err := Run(t.Context(), each(rows), Options{Dir: dir, Memory: chunkSize, Again: true})
		if err != nil {
			rt.Fatal(err)
		}
		if r.Accounts != different || r.Duplicates != int64(len(same)) || r.CaseVariants != int64(len(variants)) {
			rt.Fatalf("%d different, %d same, %d variants; want %d, %d, %d", r.Accounts, r.Duplicates, r.CaseVariants, different, len(same), len(variants))
		}
		want := [][][2]int{same[:min(len(same), maxExamples)], variants[:min(len(variants), maxExamples)]}
		for i, kind := range []string{"duplicates", "case"} {
			var got [][2]int
			for _, p := range r.Warnings {
				for _, x := range p.Examples {
					if p.Kind == kind {
						got = append(got, [2]int{x.Line, x.Later.Line})
						if x.UserID != string(rows[x.Line-1].UserID) || x.Later.UserID != string(rows[x.Later.Line-1].UserID) {
							rt.Fatalf("ids of %+v", x)
						}
					}
				}
			}
			if diff := cmp.Diff(want[i], got); len(got)+len(want[i]) > 0 && diff != "" {
				rt.Fatalf("%s (-want +got):\n%s", kind, diff)
			}
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			rt.Fatalf("left behind: %v", left)
		}
	})
}

// each yields rows.
func each(rows []source.Row) iter.Seq2[*source.Row, error] {
	return func(yield func(*source.Row, error) bool) {
		for i := range rows {
			if !yield(&rows[i], nil) {
				return
			}
		}
	}
}

// TestLargeTable lets the tables of a partition grow.
func TestLargeTable(t *testing.T) {
	s := newIDs(t.TempDir(), chunkSize)
	defer s.close()
	const n = 5000
	for i := range 2 * n {
		id := uint64(i % n)
		if err := s.add(idHash{id * partitions << 20, id}, place(i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if s.file == nil {
		t.Error("no temporary file")
	}
	if err := s.add(idHash{(n + 5) * partitions << 20, 7}, 2*n+1); err != nil { // half of its hash is that of another id
		t.Fatal(err)
	}
	r, err := s.tally(func() error { return nil })
	if err != nil || r.different != n+1 || r.same.rows != n || r.folded.rows != 0 {
		t.Errorf("%d different, %d same, %d variants, error %v", r.different, r.same.rows, r.folded.rows, err)
	}
}

// TestFullDisk has no space for the temporary file.
func TestFullDisk(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	s := newIDs("", 1)
	s.file = full
	for i := range place(1000) {
		if err = s.add(idHash{0, uint64(i)}, i+1); err != nil {
			break
		}
	}
	if err == nil || !strings.HasSuffix(err.Error(), "set TMPDIR to a directory with more space (write /dev/full: no space left on device)") {
		t.Error("error:", err)
	}
	if err := full.Close(); err != nil {
		t.Fatal(err)
	}

	rows := make([]source.Row, 200)
	for i := range rows {
		rows[i] = source.Row{File: new(source.File), Line: i + 1, UserID: []byte("a")}
	}
	r, err := Run(t.Context(), each(rows), Options{Dir: filepath.Join(t.TempDir(), "missing"), Memory: 1})
	if err == nil || r != nil || !strings.Contains(err.Error(), "set TMPDIR") {
		t.Error("without a directory:", err)
	}
}

// TestInterrupted ends the context in the middle of the rows, and while a read blocks.
func TestInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("interrupted")
	dir := t.TempDir()
	endless := func(yield func(*source.Row, error) bool) {
		f := new(source.File)
		for i := 1; yield(&source.Row{File: f, Line: i, UserID: []byte("a")}, nil); i++ {
			if i == 100_000 {
				cancel(why)
			}
		}
	}
	if r, err := Run(ctx, endless, Options{Dir: dir, Memory: 1}); err != why || r != nil {
		t.Errorf("report %v, error %v", r, err)
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	in, out := io.Pipe()
	defer out.Close() // ends the read
	if r, err := Run(ctx, source.Read([]string{source.Stdin}, in, source.Options{}), Options{}); err != why || r != nil {
		t.Errorf("report %v, error %v", r, err)
	}
}

// TestCutOff reads a compressed file of which the end is missing.
func TestCutOff(t *testing.T) {
	var b strings.Builder
	w := gzip.NewWriter(&b)
	fmt.Fprintln(w, "userid,nick")
	for i := range 100_000 {
		fmt.Fprintf(w, "user%d,%d\n", i%50_000, i*i)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	name := write(t, "a.csv.gz", b.String()[:b.Len()*3/4])
	r, err := Run(t.Context(), source.Read([]string{name}, nil, source.Options{}), Options{Again: true})
	if err == nil || r == nil {
		t.Fatal(r, err)
	}
	if r.Rows < 50_000 || r.Rows >= 100_000 || r.Accounts != 50_000 || r.Duplicates != r.Rows-50_000 {
		t.Errorf("report %+v", r)
	}
	if r.Stopped != err.Error() || !strings.Contains(r.Stopped, "the compressed file is cut off: copy it again") {
		t.Errorf("stopped %q, error %v", r.Stopped, err)
	}
}

// TestStdin cannot read the rows again, so the ids of duplicates are unknown.
func TestStdin(t *testing.T) {
	r, err := Run(t.Context(), source.Read([]string{source.Stdin}, strings.NewReader("userid\na\nb\na\n"), source.Options{}), Options{})
	if err != nil {
		t.Fatal(err)
	}
	const want = "3 rows: 3 as 2, 0 rejected\nduplicates 1 followed by a later row of the same id, which wins: 2  + 4 \n"
	if got := summary(r); got != want {
		t.Errorf("report %q, want %q", got, want)
	}
}

// TestFiles reads several files, of which later ones have the ids of earlier ones.
func TestFiles(t *testing.T) {
	a, b := write(t, "a.csv", "userid\nx\ny\n"), write(t, "b.json", "{\"userid\":\"Y\"}\n{\"userid\":\"x\"}\n")
	r, err := Run(t.Context(), source.Read([]string{a, b}, nil, source.Options{}), Options{Again: true})
	if err != nil {
		t.Fatal(err)
	}
	want := []Problem{
		{"duplicates", r.Warnings[0].What, 1, []Example{{File: a, Line: 2, UserID: "x", Later: &Example{File: b, Line: 2, UserID: "x"}}}},
		{"case", r.Warnings[1].What, 1, []Example{{File: a, Line: 3, UserID: "y", Later: &Example{File: b, Line: 1, UserID: "Y"}}}},
	}
	ignore := cmp.FilterPath(func(p cmp.Path) bool { return p.Last().String() == ".hash" }, cmp.Ignore())
	if diff := cmp.Diff(want, r.Warnings, ignore); diff != "" {
		t.Errorf("warnings (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{a, b}, r.Files); diff != "" {
		t.Error(diff)
	}
}

// TestProgress counts the calls of Progress.
func TestProgress(t *testing.T) {
	text := "userid\n" + strings.Repeat("a\n", 3*progressRows) + "@\n"
	var seen []int64
	check(t, text, Options{Progress: func(f *source.File, rows, rejected int64) {
		if f.Offset() == 0 || rejected != 0 {
			t.Error(f.Offset(), rejected)
		}
		seen = append(seen, rows)
	}})
	if diff := cmp.Diff([]int64{0, progressRows, 2 * progressRows, 3 * progressRows}, seen); diff != "" {
		t.Error(diff)
	}
}

func TestSpecial(t *testing.T) {
	for text, want := range map[string][2]bool{
		"": {}, "abcdefgh~ }!": {}, "abcdefg\x1f": {false, true}, "\x00bcdefgh": {false, true}, "abcdefgh\n": {false, true}, "ab\x7fdefgh": {false, true},
		"界界界界": {true, false}, "\x80\x80\x80\x80\x80\x80\x80\x80": {true, false}, "\xffxxxxxx\x7f": {true, true}, "é": {true, false},
	} {
		if wide, low := special([]byte(text)); wide != want[0] || low != want[1] {
			t.Errorf("%q: wide %v, low %v", text, wide, low)
		}
	}
}
