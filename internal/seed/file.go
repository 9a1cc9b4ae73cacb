package seed

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/account"
)

// MaxFile is the size of the largest file in bytes: about a hundred thousand accounts.
const MaxFile = 16 << 20

// A File is a seed file that was read.
type File struct {
	name  string
	apps  []app
	lines map[jsontext.Pointer]int // of all values
}

// An app is an app of a file. Its fields that are not given leave an app as it is.
type app struct {
	SDKAppID  uint32            `json:"sdkappid"`
	Name      string            `json:"name"`
	Edition   account.Edition   `json:"edition"`
	Secret    string            `json:"secret"`     // an HMAC key
	PublicKey string            `json:"public_key"` // an ECDSA public key in PEM
	Admins    []account.UserID  `json:"admins"`
	Settings  *account.Settings `json:"settings"`
	Accounts  []user            `json:"accounts"`
}

// A user is an account of a file.
type user struct {
	ID      account.UserID                 `json:"userid"`
	Nick    string                         `json:"nick"`
	FaceURL string                         `json:"face_url"`
	Profile map[account.Tag]jsontext.Value `json:"profile"`
	Devices []device                       `json:"devices"`

	CustomStatus string `json:"custom_status"`
}

// Read reads a seed file. It checks everything that does not depend on the apps of the
// store. commands are the commands that may have a rate limit. The error is one sentence
// that begins with the file and, where there is one, the line.
func Read(file string, commands []string) (*File, error) {
	f := &File{name: filepath.Clean(file), lines: map[jsontext.Pointer]int{}}
	text, err := readLimited(file)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", f.name, err)
	}
	tree, err := parse(bytes.TrimPrefix(text, []byte("\ufeff"))) // some editors begin a file with this mark
	if err != nil {
		return nil, f.locate(err)
	}
	c := &converter{lines: f.lines}
	doc, err := c.convert(tree)
	if err != nil {
		return nil, f.locate(err)
	}
	var content struct {
		Apps []app `json:"apps"`
	}
	if err := json.Unmarshal(doc, &content, json.RejectUnknownMembers(true)); err != nil {
		return nil, f.misfit(err)
	}
	f.apps = content.Apps
	return f, f.check(commands)
}

func readLimited(file string) ([]byte, error) {
	info, err := os.Stat(file)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, errors.New("there is no such seed file: correct its name")
	case err != nil:
		return nil, errors.New("the seed file cannot be read: check its name and its mode")
	case !info.Mode().IsRegular():
		return nil, errors.New("is not a file: name one")
	case info.Size() > MaxFile:
		return nil, fmt.Errorf("is larger than %d MiB: import so many accounts with \"rollcall import\"", MaxFile>>20)
	}
	return os.ReadFile(file)
}

// A lineError is an error in a line of a file.
type lineError struct {
	line int
	text string
}

func (e *lineError) Error() string { return e.text }

// locate returns err with the place in the file.
func (f *File) locate(err error) error {
	if e, ok := errors.AsType[*lineError](err); ok && e.line > 0 {
		return fmt.Errorf("%s:%d: %s", f.name, e.line, e.text)
	}
	return fmt.Errorf("%s: %w", f.name, err)
}

// errorf returns an error with the line of the value at a pointer, or of the nearest value
// around it.
func (f *File) errorf(at jsontext.Pointer, format string, args ...any) error {
	for at != "" && f.lines[at] == 0 {
		at = at.Parent()
	}
	return f.locate(&lineError{f.lines[at], fmt.Sprintf(format, args...)})
}

// misfit returns the error of a value that does not have the type of its field.
func (f *File) misfit(err error) error {
	e, ok := errors.AsType[*json.SemanticError](err)
	if !ok {
		return f.locate(errors.New("the file cannot be read as apps; compare it with docs/testing.md"))
	}
	at := e.JSONPointer
	if errors.Is(err, json.ErrUnknownName) {
		return f.errorf(at, "%s is unknown here: %s", account.Quote(at.LastToken()), hint(at))
	}
	if form := settingForm(at); form != "" {
		return f.errorf(at, "%s", form)
	}
	what := "in the form that docs/testing.md shows"
	if e.GoType != nil {
		what = cmp.Or(kinds[e.GoType.Kind()], what)
	}
	return f.errorf(at, "%s is not %s", cmp.Or(at.LastToken(), "the file"), what)
}

// settingForm describes the values of the setting at or above a pointer, or returns "".
func settingForm(at jsontext.Pointer) string {
	_, path, ok := strings.Cut(string(at), "/settings/")
	if !ok {
		return ""
	}
	name, _, _ := strings.Cut(path, "/")
	for _, form := range account.SettingForms() {
		if form.Name == name {
			return fmt.Sprintf("%s takes %s, as %s", name, form.Takes, form.Example)
		}
	}
	return ""
}
