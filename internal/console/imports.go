package console

import (
	"crypto/rand"
	"encoding/csv"
	"net/http"
	"strconv"
	"strings"
	"time"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
	"rollcall/internal/exporter"
	"rollcall/internal/httpx"
)

// imports lists the imports of an app, and takes files.
func (v *visit) imports() (*content, error) {
	l := &view.ImportList{Read: v.ofApp("listImports", map[string]string{"cursor": v.query.Get("cursor")})}
	var err error
	if l.Page, err = call[adminapi.ImportPage](v, l.Read); err != nil {
		return nil, err
	}
	l.Upload, l.Create = v.uploadForm(), v.createForm()
	return &content{page: view.ImportsPage(&v.Page, l), forms: []*view.Form{l.Create}}, nil
}

// newKey returns a key for an import.
func newKey() string {
	return time.Now().UTC().Format("20060102-150405-") + strings.ToLower(rand.Text()[:6])
}

// uploadForm describes the form of a file. It is sent in parts, so [visit.upload] reads it.
func (v *visit) uploadForm() *view.Form {
	f := &view.Form{ID: "upload", Request: v.ofApp("uploadImport", map[string]string{"file": "FILE"}), Submit: "imports.upload"}
	f.Request.Header = map[string]string{"Idempotency-Key": newKey()}
	f.Fields = append([]view.Field{keyField(f.Request.Header["Idempotency-Key"])}, v.fileFields(view.Query)...)
	if sent := v.Of(f.ID); sent != nil { // after a dry run the import comes next
		for i := range f.Fields {
			f.Fields[i].Value = sent.Values.Get(f.Fields[i].Input())
		}
	}
	return f
}

// createForm imports a file of the server.
func (v *visit) createForm() *view.Form {
	return &view.Form{
		ID: "create", Request: v.ofApp("createImport", nil), Submit: "imports.create", Done: "imports.begun",
		Fields: append([]view.Field{
			{Name: "file", Kind: view.Text, Label: "imports.path", Hint: "imports.path-hint", Required: true},
			keyField(newKey()),
		}, v.fileFields(view.Text)[:4]...),
		NextOf: func(result any) string {
			i, _ := result.(*adminapi.Import)
			return v.In("import", "key", i.Key)
		},
	}
}

func keyField(key string) view.Field {
	return view.Field{Name: "key", Kind: view.Text, Label: "imports.key", Hint: "imports.key-hint", Value: key, Required: true}
}

// fileFields are the fields that say what a file is.
func (v *visit) fileFields(kind view.Kind) []view.Field {
	formats := []view.Choice{{Value: "", Text: v.T("imports.format-found")}}
	for _, f := range []string{"csv", "tsv", "ndjson", "json", "ids", "xlsx"} {
		formats = append(formats, view.Choice{Value: f, Text: f})
	}
	return []view.Field{
		{Name: "format", Kind: kind, Label: "imports.format", Hint: "imports.format-hint", Choices: formats},
		{Name: "encoding", Kind: kind, Label: "imports.encoding", Example: "gbk"},
		{Name: "delimiter", Kind: kind, Label: "imports.delimiter", Example: ";"},
		{Name: "sheet", Kind: kind, Label: "imports.sheet"},
		{Name: "map", Kind: kind, Label: "imports.map", Hint: "imports.map-hint", Example: "name=userid,label=nick"},
		{Name: "ignore", Kind: kind, Label: "imports.ignore", Example: "phone,email"},
	}
}

// oneImport shows how far an import is.
func (v *visit) oneImport() (*content, error) {
	o, err := v.readImport()
	if err != nil {
		return nil, err
	}
	o.ReadRejected = v.importRequest("listRejected", map[string]string{"after": v.query.Get("after")})
	if o.Rejected, err = call[adminapi.ImportRejectionPage](v, o.ReadRejected); err != nil {
		return nil, err
	}
	o.Pause, o.Resume = v.importForm("pause", "pauseImport"), v.importForm("resume", "resumeImport")
	o.Cancel = v.importForm("cancel", "cancelImport")
	o.Cancel.Danger, o.Cancel.Confirm = true, o.Import.Key
	o.Rate = v.importForm("rate", "changeImport")
	o.Rate.Submit = "imports.set-rate"
	o.Rate.Fields = []view.Field{{
		Name: "rate", Kind: view.Number, Label: "imports.rate", Hint: "imports.rate-hint", Value: strconv.FormatInt(o.Import.Rate, 10), Required: true,
	}}
	return &content{page: view.ImportPage(&v.Page, o), forms: []*view.Form{o.Pause, o.Resume, o.Cancel, o.Rate}}, nil
}

func (v *visit) readImport() (*view.OneImport, error) {
	o := &view.OneImport{Read: v.importRequest("readImport", nil)}
	var err error
	o.Import, err = call[*adminapi.Import](v, o.Read)
	return o, err
}

// importRequest returns a request of a route that belongs to the import of the page.
func (v *visit) importRequest(route string, query map[string]string) admin.Request {
	return admin.Request{Route: route, Params: v.OfApp("key", v.query.Get("key")), Query: query}
}

func (v *visit) importForm(id, route string) *view.Form {
	return &view.Form{ID: id, Request: v.importRequest(route, nil), Submit: "imports." + id, Done: "imports.changed"}
}

// importProgress is the part of the page of an import that a script reads again and again.
func (v *visit) importProgress() error {
	o, err := v.readImport()
	if err != nil {
		return err
	}
	return v.render(http.StatusOK, view.ImportProgress(&v.Page, o.Import))
}

// rejectedRows is how many rejected rows are read at once.
const rejectedRows = 1000

// rejectedTime is how long a client may take for them.
const rejectedTime = time.Minute

// rejectedTable sends the rejected rows of an import as a table. Spreadsheets take no cell of
// it for a formula.
func (v *visit) rejectedTable() error {
	r := v.importRequest("listRejected", map[string]string{"limit": strconv.Itoa(rejectedRows)})
	page, err := call[adminapi.ImportRejectionPage](v, r)
	if err != nil {
		return err
	}
	if err := httpx.Stream(v.w); err != nil {
		return err
	}
	v.nameFile("rejected-"+v.query.Get("key"), "csv")
	v.w.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	w := csv.NewWriter(v.w)
	w.UseCRLF = true
	_ = w.Write([]string{"\ufeffrow", "line", "userid", "code", "reason"}) // Error below tells
	for {
		_ = httpx.Extend(v.w, rejectedTime) // an error means that there are no deadlines
		for i := range page.Rejected {
			_ = w.Write(rejectedRow(&page.Rejected[i]))
		}
		if w.Flush(); w.Error() != nil || page.NextAfter == 0 {
			break // or the client has gone
		}
		r.Query["after"] = strconv.FormatInt(page.NextAfter, 10)
		if page, err = call[adminapi.ImportRejectionPage](v, r); err != nil {
			panic(http.ErrAbortHandler) // breaks the response off, so that nobody takes it for the whole
		}
	}
	return nil
}

func rejectedRow(r *adminapi.ImportRejection) []string {
	line, code := "", ""
	if r.Line > 0 {
		line = strconv.Itoa(r.Line)
	}
	if r.Code > 0 {
		code = strconv.Itoa(r.Code)
	}
	id := r.UserID
	if id != "" && strings.IndexByte(exporter.Formula, id[0]) >= 0 {
		id = "'" + id
	}
	return []string{strconv.FormatInt(r.Row, 10), line, id, code, r.Reason}
}
