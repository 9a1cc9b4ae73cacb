package console

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"sync"

	"rollcall/internal/account"
	"rollcall/internal/admin"
	"rollcall/internal/exporter"
)

// nameFile lets browsers store the response as a file of the app.
func (v *visit) nameFile(what, ending string) {
	v.w.Header().Set("Content-Disposition", fmt.Sprintf(`attachment; filename="%s-%d.%s"`, what, v.App.SDKAppID, ending))
}

// stream calls a route that writes its response to w. The response is a file only if the
// route accepts the request.
func (v *visit) stream(w http.ResponseWriter, r admin.Request) error {
	_, err := v.c.admin.Do(v.ctx, v.Token, w, r)
	if err != nil {
		v.w.Header().Del("Content-Disposition")
	}
	return err
}

// exportTable sends the export of r as a table of CSV. If the export breaks off, the response
// does, too.
func (v *visit) exportTable(r admin.Request) error {
	read, write := io.Pipe()
	var tabulated error
	var wg sync.WaitGroup
	wg.Go(func() {
		tabulated = tabulate(v.w, read, v.tableOptions(r))
		_ = read.CloseWithError(tabulated) // has no error
	})
	finish := func(err error) {
		_ = write.CloseWithError(err) // has no error
		wg.Wait()
	}
	whole := false
	defer func() {
		if !whole { // the route breaks the response off with a panic
			finish(http.ErrAbortHandler)
		}
	}()
	v.nameFile("accounts", "csv")
	err := v.stream(&tableResponse{v.w, write}, r)
	whole = true
	finish(err)
	if err == nil && tabulated != nil {
		panic(http.ErrAbortHandler) // breaks the response off
	}
	return err
}

// tableOptions returns the columns of the export of r. Spreadsheets show a table best with a
// mark of its encoding and without formulas.
func (v *visit) tableOptions(r admin.Request) exporter.TableOptions {
	o := exporter.TableOptions{
		Comma: ',', BOM: true, Safe: v.query.Get("exact") != "true", Others: true,
		Details: r.Query["details"] == "true", Deleted: r.Query["deleted"] == "true",
	}
	app := account.App{Settings: v.App.Settings}
	for _, tag := range app.Tags() {
		if tag == account.TagNick || tag == account.TagImage {
			continue // they have columns of their own
		}
		o.Tags = append(o.Tags, string(tag))
		if _, standard := account.StandardTag(tag); standard {
			continue
		}
		if spec, _ := app.Tag(tag); spec.IsNumber {
			o.Numbers = append(o.Numbers, string(tag))
		}
	}
	o.Tags = slices.Compact(o.Tags)
	return o
}

// tabulate writes the rows of an export as a table. Nothing is written before the first row
// has come, or the end.
func tabulate(w io.Writer, r io.Reader, o exporter.TableOptions) error {
	t, err := exporter.NewTable(w, o)
	if err != nil {
		return err
	}
	rows := exporter.NewRows(r)
	for {
		row, err := rows.Next()
		if err == io.EOF {
			return t.Flush()
		}
		if err != nil {
			return err
		}
		if err := t.Write(row); err != nil {
			return err
		}
	}
}

// A tableResponse is a response of an export whose rows go to a pipe.
type tableResponse struct {
	http.ResponseWriter
	rows *io.PipeWriter
}

// WriteHeader implements [http.ResponseWriter].
func (t *tableResponse) WriteHeader(status int) {
	t.Header().Set("Content-Type", "text/csv; charset=utf-8; header=present")
	t.ResponseWriter.WriteHeader(status)
}

// Write implements [http.ResponseWriter].
func (t *tableResponse) Write(b []byte) (int, error) { return t.rows.Write(b) }

// Unwrap returns the response, for [httpx.Stream] and [http.ResponseController].
func (t *tableResponse) Unwrap() http.ResponseWriter { return t.ResponseWriter }
