package admin

import (
	"strconv"
	"time"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"

	"rollcall/internal/adminapi"
)

// deviceWriter writes an [adminapi.Device] as its tags say. It is written by hand because
// every login responds with one, and reflection takes several times as long.
var deviceWriter = json.MarshalToFunc(func(enc *jsontext.Encoder, d *adminapi.Device) error {
	return enc.WriteValue(appendDevice(enc.AvailableBuffer(), d))
})

func appendDevice(b []byte, d *adminapi.Device) []byte {
	b = strconv.AppendUint(append(b, `{"id":`...), d.ID, 10)
	b = appendText(append(b, `,"platform":`...), d.Platform)
	b = appendText(append(b, `,"state":`...), d.State)
	if d.Instance != "" {
		b = appendText(append(b, `,"instance":`...), d.Instance)
	}
	if d.Address.IsValid() {
		b = d.Address.AppendTo(append(b, `,"address":"`...))
		b = append(b, '"')
	}
	b = appendTime(append(b, `,"login_at":`...), d.LoginAt, timeLayout)
	for _, t := range [...]struct {
		name string
		at   time.Time
	}{
		{`,"lost_at":`, d.LostAt}, {`,"silent_to":`, d.SilentTo}, {`,"expires_at":`, d.ExpiresAt}, {`,"vouched_to":`, d.VouchedTo},
	} {
		if !t.at.IsZero() {
			b = appendTime(append(b, t.name...), t.at, timeLayout)
		}
	}
	return append(b, '}')
}
