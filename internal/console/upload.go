package console

import (
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"

	"rollcall/internal/admin"
	"rollcall/internal/adminapi"
	"rollcall/internal/console/view"
	"rollcall/internal/httpx"
)

// Limits of a form with a file.
const (
	maxParts = 20
	maxPart  = 4 << 10 // bytes of a field

	// maxUnread is how much of a refused file is read in bytes, because many browsers show
	// the response only after they have sent all of the form.
	maxUnread = 64 << 20
)

// isFile reports whether the request is a form with a file.
func (v *visit) isFile() bool {
	kind, _, err := mime.ParseMediaType(v.r.Header.Get("Content-Type"))
	return err == nil && v.r.Method == http.MethodPost && kind == "multipart/form-data"
}

// upload begins an import of the file of a form, or says what it would do. The file is the
// last part, and goes to the route as it comes.
func (v *visit) upload() error {
	fields, file, err := v.parts()
	if err != nil {
		return v.refuseUpload(fields, &admin.Problem{Status: http.StatusBadRequest, Code: "bad-request", Detail: v.T(err.Error())})
	}
	check := v.query.Get("do") == "check"
	result, err := v.c.admin.Do(v.ctx, v.Token, v.w, v.uploadRequest(fields, file, check))
	if err != nil {
		return v.refuseUpload(fields, v.problemOf(err))
	}
	if !check {
		i, _ := result.(*adminapi.Import)
		v.putDone("imports.begun")
		return v.redirect(v.In("import", "key", i.Key))
	}
	return v.showUpload(http.StatusOK, &view.Sent{Form: "upload", Values: fields, Result: result})
}

// uploadRequest returns the request of a file with the fields before it.
func (v *visit) uploadRequest(fields url.Values, file *multipart.Part, check bool) admin.Request {
	r := v.ofApp("uploadImport", map[string]string{"file": file.FileName()})
	for name, values := range fields {
		if kind, name, _ := strings.Cut(name, ":"); kind == string(view.Query) {
			r.Query[name] = values[0]
		}
	}
	r.Body = io.Reader(file)
	if check {
		r.Route = "checkImport"
	} else {
		r.Header = map[string]string{"Idempotency-Key": fields.Get("text:key")}
	}
	httpx.EventFrom(v.ctx).Add(routeAttr(r.Route))
	return r
}

// Errors of forms with files. Each is the key of its text.
var (
	errForm   = errors.New("imports.bad-form")
	errNoFile = errors.New("imports.no-file")
)

// parts returns the fields before the file of a form, and the file.
func (v *visit) parts() (fields url.Values, file *multipart.Part, err error) {
	fields = url.Values{}
	form, err := v.r.MultipartReader()
	if err != nil {
		return fields, nil, errForm
	}
	for range maxParts {
		part, err := form.NextRawPart()
		if err == io.EOF {
			return fields, nil, errNoFile
		}
		if err != nil {
			return fields, nil, errForm
		}
		if part.FormName() == "file" {
			if part.FileName() == "" {
				return fields, nil, errNoFile
			}
			return fields, part, nil
		}
		text, err := io.ReadAll(io.LimitReader(part, maxPart+1))
		if err != nil || len(text) > maxPart {
			return fields, nil, errForm
		}
		fields.Add(part.FormName(), string(text))
	}
	return fields, nil, errForm
}

// refuseUpload shows the form with a problem.
func (v *visit) refuseUpload(fields url.Values, p *admin.Problem) error {
	_, _ = io.CopyN(io.Discard, v.r.Body, maxUnread) // the client may have gone
	return v.showUpload(p.Status, &view.Sent{Form: "upload", Values: fields, Problem: p})
}

// showUpload shows the page with the outcome of its form.
func (v *visit) showUpload(status int, sent *view.Sent) error {
	v.Address, v.Sent = v.In("imports"), sent
	body, err := v.imports()
	if err != nil {
		return v.problem(err)
	}
	return v.render(status, body.page)
}
