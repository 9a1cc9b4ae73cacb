package harness

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"rollcall/internal/loadgen"
)

// copied is the name of the database that stepCopy copies into.
const copied = "rollcall-copied"

// copyStore copies an embedded store with the accounts of the stage into an empty database,
// with "rollcall copy".
func (b *bench) copyStore(ctx context.Context, st *Stage, t turn) (err error) {
	d := b.cluster.database(copied)
	if err := d.migrate(ctx); err != nil {
		return err
	}
	source := newRollcall(b.env.Rollcall, filepath.Join(b.env.Dir, copied))
	defer func() { err = errors.Join(err, source.stop()) }()
	if err := source.start(ctx); err != nil {
		return err
	}
	if _, err := source.load(ctx, loadgen.Options{Workload: stepStream, Accounts: st.Accounts}); err != nil {
		return err
	}
	if err := source.end(syscall.SIGTERM); err != nil {
		return err
	}
	if err := d.prepare(ctx, loadgen.ImportNew); err != nil {
		return err
	}
	began := time.Now()
	cmd := exec.CommandContext(ctx, b.env.Rollcall, "copy", "--from", "pebble:"+filepath.Join(source.dir, "accounts"), "--to", d.url,
		"--seal-keys", filepath.Join(source.dir, sealKeys))
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%w\n%s", err, out)
	}
	res := &loadgen.Result{Workload: t.step, Calls: st.Accounts / 100, Accounts: st.Accounts, Elapsed: time.Since(began), Latency: new(loadgen.Histogram)}
	b.add(newSample(res, cpu{}), t, st)
	b.say("round %d  %-19s %-20s %9.0f accounts/s  %v", b.round.number+1, t.server, t.step, res.AccountsPerSecond(), res.Elapsed.Round(time.Millisecond))
	return d.reset(ctx)
}

// add adds a sample of a step that is no load of a server.
func (b *bench) add(s Sample, t turn, st *Stage) {
	s.Server, s.Accounts, s.Round = t.server, st.Accounts, b.round.number
	b.Samples = append(b.Samples, s)
}
