package reference

import (
	"fmt"
	"html"
	"strings"
)

const pageHead = `<!DOCTYPE html>
<html lang="%[1]s">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>%[2]s · Rollcall</title>
<link rel="icon" href="%[3]s">
<link rel="stylesheet" href="%[4]s">
</head>
<body>
<header class="top"><a class="brand" href="/console">Rollcall</a><nav aria-label="%[5]s"><ul><li><a href="/console/try">%[6]s</a></li><li><a href="/docs/errors" aria-current="page">%[2]s</a></li></ul></nav></header>
<main class="errors">
`

// titles are the words around the document, by language.
var titles = map[string]struct{ errors, menu, try string }{
	"en": {"Errors", "Menu", "Try it"},
	"zh": {"错误", "菜单", "试一试"},
}

// render makes a page of the Markdown that docs/errors.md has: headings,
// paragraphs of one line, and tables, whose rows can be linked to by their first
// cell.
func render(language, markdown string) []byte {
	var b strings.Builder
	t := titles[language]
	fmt.Fprintf(&b, pageHead, language, t.errors, icon(), style(), t.menu, t.try)
	inTable := false
	lines := strings.Split(markdown, "\n")
	for i, line := range lines {
		line = strings.TrimSpace(line)
		if isRow := strings.HasPrefix(line, "|"); isRow != inTable {
			inTable = isRow
			b.WriteString(map[bool]string{true: "<div class=\"scroll\" tabindex=\"0\"><table>\n", false: "</table></div>\n"}[isRow])
		}
		if i+1 < len(lines) && strings.HasPrefix(lines[i+1], "|---") {
			fmt.Fprintf(&b, "<tr>%s</tr>\n", cells(line, "th"))
			continue
		}
		renderLine(&b, line)
	}
	b.WriteString("</main>\n</body>\n</html>\n")
	return []byte(b.String())
}

func renderLine(b *strings.Builder, line string) {
	switch {
	case line == "", strings.HasPrefix(line, "<!--"), strings.HasPrefix(line, "|---"), strings.HasPrefix(line, "["): // the last one leads to the other language
	case strings.HasPrefix(line, "|"):
		id, _, _ := strings.Cut(strings.TrimPrefix(line, "| "), " ")
		fmt.Fprintf(b, "<tr id=\"%s\">%s</tr>\n", html.EscapeString(id), cells(line, "td"))
	case strings.HasPrefix(line, "## "):
		fmt.Fprintf(b, "<h2>%s</h2>\n", html.EscapeString(line[3:]))
	case strings.HasPrefix(line, "# "):
		fmt.Fprintf(b, "<h1>%s</h1>\n", html.EscapeString(line[2:]))
	default:
		fmt.Fprintf(b, "<p>%s</p>\n", html.EscapeString(line))
	}
}

// cells returns the cells of a row of a table.
func cells(line, tag string) string {
	var b strings.Builder
	for cell := range strings.SplitSeq(strings.Trim(line, "| "), " | ") {
		fmt.Fprintf(&b, "<%s>%s</%s>", tag, strings.ReplaceAll(html.EscapeString(cell), "`", ""), tag)
	}
	return b.String()
}
