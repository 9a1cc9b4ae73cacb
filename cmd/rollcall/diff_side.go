package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"rollcall/client"
	"rollcall/internal/diff"
	"rollcall/internal/progress"
	"rollcall/internal/source"
)

// A diffSide is A or B of a comparison.
type diffSide struct {
	name       string
	connection connection     // of a server
	vendor     bool           // it lists no accounts
	options    source.Options // of a file
	isFile     bool

	fields diff.Fields
	rows   diff.Rows // nil of the vendor
	tags   []string  // custom tags that can occur
	api    *client.Client
	export *client.ExportReader
	file   *diff.File
}

// contextSide is the beginning of a side that a context file names.
const contextSide = "context:"

// side returns the side that an argument names.
func (c *diffCmd) side(name string, app uint32, token string) (*diffSide, error) {
	s := &diffSide{name: name, connection: c.connection, fields: diff.All}
	s.connection.SDKAppID = cmp.Or(app, c.SDKAppID)
	s.connection.AdminTokenFile = cmp.Or(token, c.AdminTokenFile)
	if file, ok := strings.CutPrefix(name, contextSide); ok {
		s.connection.Context, s.connection.URL = cmp.Or(file, c.Context), ""
		return s, nil
	}
	if strings.HasPrefix(name, vendorTarget) || strings.HasPrefix(name, "http://") || strings.HasPrefix(name, "https://") {
		address, _, err := targetURL(name)
		if err != nil {
			return nil, &usageError{err}
		}
		s.connection.URL, s.vendor = address, isVendor(address)
		return s, nil
	}
	s.isFile = true
	var err error
	s.options, err = c.options()
	return s, err
}

// open opens s, so that it has rows or, of the vendor, an API.
func (s *diffSide) open(ctx context.Context, env *environment) (err error) {
	switch {
	case s.isFile:
		if s.file, err = diff.Sort(until(ctx, source.Read([]string{s.name}, env.stdin, s.options))); err == nil {
			s.fields, s.rows, s.tags = s.file.Fields, s.file.Sorted(), customTags(s.file.Tags)
		}
	case s.vendor:
		s.api, err = s.connection.account(ctx, env)
	default:
		err = s.openExport(ctx, env)
	}
	if _, named := errors.AsType[*source.Error](err); err == nil || named {
		return err
	}
	return fmt.Errorf("%s: %w", clean(s.name), err)
}

// openExport begins an export.
func (s *diffSide) openExport(ctx context.Context, env *environment) error {
	api, app, err := s.connection.adminApp(env)
	if err != nil {
		return err
	}
	found, err := api.App(ctx, app)
	if err != nil {
		return err
	}
	for _, tag := range found.Settings.CustomTags {
		s.tags = append(s.tags, string(tag.Tag()))
	}
	if s.export, err = api.Export(ctx, app, client.ExportQuery{}); err != nil {
		return err
	}
	s.rows = diff.Export(s.export)
	return nil
}

// customTags returns the custom tags among tags.
func customTags(tags []string) (custom []string) {
	for _, tag := range tags {
		if !strings.HasPrefix(tag, "Tag_Profile_IM_") {
			custom = append(custom, tag)
		}
	}
	return custom
}

// faulty returns how many lines of a file are no accounts.
func (s *diffSide) faulty() int64 {
	if s.file == nil {
		return 0
	}
	return s.file.Faulty
}

// report prints which lines of a file are no accounts.
func (s *diffSide) report(w io.Writer) {
	if s.faulty() == 0 {
		return
	}
	for _, fault := range s.file.Faults {
		fmt.Fprintln(w, cleanLines(fault))
	}
	if more := s.file.Faulty - int64(len(s.file.Faults)); more > 0 {
		fmt.Fprintf(w, "and %s more\n", progress.Count(more))
	}
	fmt.Fprintf(w, "%s of %s no account\n", counted(s.file.Faulty, "line"), clean(s.name))
}

func (s *diffSide) close() {
	var errs []error
	if s.export != nil {
		errs = append(errs, s.export.Close())
	}
	errs = append(errs, s.file.Close())
	_ = errors.Join(errs...) // both were only read
}
