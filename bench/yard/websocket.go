package yard

import (
	"context"
	"net/http"

	"github.com/coder/websocket"
)

// Websocket accepts WebSockets, the least that a server of links does. It keeps each until its
// client closes it. It ends when ctx ends.
func Websocket(ctx context.Context) error {
	return serve(ctx, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		conn, err := websocket.Accept(w, r, nil)
		if err != nil {
			return // the response says why
		}
		<-conn.CloseRead(context.WithoutCancel(r.Context())).Done()
	}))
}
