package measure

import (
	"os"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// A Machine describes the machine of the figures.
type Machine struct {
	CPU         string  `json:"cpu"`
	Cores       int     `json:"cores"`
	Kernel      string  `json:"kernel"`
	GoVersion   string  `json:"go_version"`
	FdatasyncUs float64 `json:"fdatasync_us"` // median of appends of 4 KiB
	LoadBefore  string  `json:"load_before"`  // load averages, which show whether other programs ran
}

// Look describes the machine and the disk under dir.
func Look(dir string) (Machine, error) {
	const times = 200
	m := Machine{
		CPU: cpuModel(), Cores: runtime.NumCPU(), GoVersion: runtime.Version(),
		Kernel: line("/proc/sys/kernel/osrelease"), LoadBefore: line("/proc/loadavg"),
	}
	d, err := Fdatasync(dir, times)
	m.FdatasyncUs = float64(d) / float64(time.Microsecond)
	return m, err
}

func cpuModel() string {
	b, _ := os.ReadFile("/proc/cpuinfo") // without it the model is unknown
	for l := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(l, ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(value)
		}
	}
	return runtime.GOARCH
}

func line(file string) string {
	b, _ := os.ReadFile(file)
	return strings.TrimSpace(string(b))
}

// OwnCPU returns the CPU time of this process.
func OwnCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
