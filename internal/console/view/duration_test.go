package view

import (
	"testing"
	"time"

	"rollcall/internal/console/text"
)

func TestDuration(t *testing.T) {
	en, zh := &Page{Texts: text.In(text.English)}, &Page{Texts: text.In(text.Chinese)}
	for d, want := range map[time.Duration][2]string{
		0:                                  {"0 s", "0 秒"},
		-1500 * time.Millisecond:           {"-1 s", "-1 秒"},
		30 * time.Millisecond:              {"30 ms", "30 毫秒"},
		49 * time.Minute:                   {"49 min", "49 分钟"},
		61 * time.Second:                   {"1 min 1 s", "1 分钟 1 秒"},
		26*time.Hour + 59*time.Minute:      {"1 d 2 h", "1 天 2 小时"},
		24*time.Hour + 59*time.Minute:      {"1 d", "1 天"},
		-(2000*24*time.Hour + 1*time.Hour): {"-2,000 d 1 h", "-2,000 天 1 小时"},
	} {
		if got := [2]string{en.duration(d), zh.duration(d)}; got != want {
			t.Errorf("%s is %q, want %q", d, got, want)
		}
	}
}
