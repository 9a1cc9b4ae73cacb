package console

import (
	"rollcall/internal/console/view"
)

// start shows what the server and its apps do.
func (v *visit) start() (*content, error) {
	return &content{page: view.StartPage(&v.Page)}, nil
}
