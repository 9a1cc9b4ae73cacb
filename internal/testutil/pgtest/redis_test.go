package pgtest

import (
	"net/url"
	"strconv"
	"testing"
)

func TestRedis(t *testing.T) {
	var ports []int
	t.Run("servers", func(t *testing.T) {
		for range 2 {
			u, err := url.Parse(Redis(t))
			if err != nil {
				t.Fatal(err)
			}
			port, err := strconv.Atoi(u.Port())
			if err != nil || u.Scheme != "redis" {
				t.Fatalf("the URL is %s", u)
			}
			if err := ping(t.Context(), port); err != nil {
				t.Error(err)
			}
			ports = append(ports, port)
		}
	})
	for _, port := range ports {
		if err := ping(t.Context(), port); err == nil {
			t.Error("a server runs after its test")
		}
	}
}
