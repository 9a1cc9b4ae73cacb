// Package text contains the texts of the console in all its languages.
//
// Each language has one file of the same keys. A key is the path to a text, such as
// accounts.title. Texts may have the verbs of package fmt. Numbers are grouped as the
// language does it.
package text

import (
	_ "embed" // for the files
	"fmt"
	"maps"
	"slices"
	"sync"

	"github.com/goccy/go-yaml"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// A Language is a language of the console, as a BCP 47 tag.
type Language string

// Languages.
const (
	English Language = "en"
	Chinese Language = "zh"
)

// Languages returns all languages, each with its own name for itself.
func Languages() map[Language]string {
	return map[Language]string{English: "English", Chinese: "中文"}
}

//go:embed en.yaml
var english []byte

//go:embed zh.yaml
var chinese []byte

// Texts are the texts of one language.
type Texts struct {
	Language Language

	byKey   map[string]string
	printer *message.Printer
}

var (
	englishTexts = sync.OnceValue(func() *Texts { return load(English, english) })
	chineseTexts = sync.OnceValue(func() *Texts { return load(Chinese, chinese) })
)

// In returns the texts of a language. The first call reads them. Without the language, the
// texts are English.
func In(l Language) *Texts {
	if l == Chinese {
		return chineseTexts()
	}
	return englishTexts()
}

// load reads the texts of a language. It panics if they cannot be read, because they are a
// part of the program.
func load(l Language, file []byte) *Texts {
	var tree map[string]any
	if err := yaml.Unmarshal(file, &tree); err != nil {
		panic(fmt.Sprintf("text: %s.yaml: %v", l, err))
	}
	t := &Texts{Language: l, byKey: map[string]string{}, printer: message.NewPrinter(language.Make(string(l)))}
	t.flatten("", tree)
	return t
}

// flatten adds the texts of a tree. A key contains its path.
func (t *Texts) flatten(prefix string, tree map[string]any) {
	for name, v := range tree {
		switch v := v.(type) {
		case map[string]any:
			t.flatten(prefix+name+".", v)
		case string:
			t.byKey[prefix+name] = v
		default:
			panic(fmt.Sprintf("text: %s%s in %s.yaml is no text", prefix, name, t.Language))
		}
	}
}

// T returns the text of a key with its arguments. A key without a text is returned as it
// is; a test finds those that the console uses.
func (t *Texts) T(key string, args ...any) string {
	s, ok := t.byKey[key]
	switch {
	case !ok:
		return key
	case len(args) == 0:
		return s
	case !slices.ContainsFunc(args, func(a any) bool { _, isText := a.(string); return !isText }):
		return fmt.Sprintf(s, args...) // without numbers to group, which takes long
	}
	return t.printer.Sprintf(s, args...)
}

// Has reports whether there is a text.
func (t *Texts) Has(key string) bool { _, ok := t.byKey[key]; return ok }

// Keys returns the keys of all texts, sorted.
func (t *Texts) Keys() []string { return slices.Sorted(maps.Keys(t.byKey)) }

// Number returns n with its digits grouped.
func (t *Texts) Number(n int64) string { return t.printer.Sprintf("%d", n) }

var matcher = language.NewMatcher([]language.Tag{language.English, language.Chinese})

// Cookie is the name of the cookie with the language that a person has chosen.
const Cookie = "rollcall_lang"

// Choose returns the language that fits best: the chosen one if there is such a language,
// otherwise the best for the header Accept-Language, otherwise English.
func Choose(chosen, acceptLanguage string) Language {
	if l := Language(chosen); l == English || l == Chinese {
		return l
	}
	tags, _, err := language.ParseAcceptLanguage(acceptLanguage)
	if err != nil || len(tags) == 0 {
		return English
	}
	if _, i, _ := matcher.Match(tags...); i == 1 {
		return Chinese
	}
	return English
}
