package postgres

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/anishathalye/porcupine"

	"rollcall/internal/account"
	"rollcall/internal/testutil/pgtest"
)

// nodeVariable makes this test binary a node of TestLinear: it contains the URL.
const nodeVariable = "ROLLCALL_TEST_NODE"

// Operations on the id of TestLinear.
const (
	opImport = iota
	opDelete
	opCheck
	opKick
	opWatermark
	numOps
)

// An order is an operation that a node executes.
type order struct {
	N    int
	Op   int
	Kick int64
}

// An answer is the result of an order. Its zero value says that the outcome is unknown.
type answer struct {
	N        int
	Known    bool
	Refused  bool // nothing was changed
	OK       bool // the account existed, or was created
	Created  bool
	Internal uint64
	Kicked   int64
}

// TestNode is a process of TestLinear.
func TestNode(t *testing.T) {
	url := os.Getenv(nodeVariable)
	if url == "" {
		t.Skip("a part of TestLinear")
	}
	s := open(t, Options{URL: url})
	var mu sync.Mutex
	out := json.NewEncoder(os.Stdout)
	if err := out.Encode(answer{}); err != nil { // the node is ready
		t.Fatal(err)
	}
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var o order
		if err := json.Unmarshal(in.Bytes(), &o); err != nil {
			t.Fatal(err)
		}
		go func() {
			a := o.execute(s)
			mu.Lock()
			defer mu.Unlock()
			_ = out.Encode(a) // the other process may have ended
		}()
	}
}

// execute executes o.
func (o order) execute(s *Store) (a answer) {
	ctx, cancel := context.WithTimeout(context.Background(), callDeadline)
	defer cancel()
	now := time.Now()
	change := account.ChangePolicy{Now: now}
	var err error
	switch o.Op {
	case opImport:
		var rs []account.UpsertResult
		rs, err = s.Upsert(ctx, doubtApp, []account.Upsert{{ID: "a"}}, account.UpsertPolicy{Now: now, TombstoneBefore: account.AnyTombstone})
		if err == nil {
			a.OK, a.Created, a.Internal = rs[0].Code == account.OK, rs[0].Created, rs[0].InternalID
		}
	case opDelete, opKick:
		var cs []account.Code
		if o.Op == opDelete {
			cs, err = s.Delete(ctx, doubtApp, []account.UserID{"a"}, change)
		} else {
			cs, err = s.Update(ctx, doubtApp, []account.Patch{{ID: "a", Kicked: o.Kick}}, change)
		}
		a.OK = err == nil && cs[0] == account.OK
	case opCheck:
		var ss []account.Status
		if ss, err = s.Status(ctx, doubtApp, []account.UserID{"a"}); err == nil {
			a.OK, a.Internal, a.Kicked = ss[0].Exists(), ss[0].InternalID, ss[0].Kicked
		}
	case opWatermark:
		a.Kicked, err = s.Watermark(ctx, doubtApp, "a")
	}
	a.N, a.Known, a.Refused = o.N, err == nil, account.CodeOf(err) == account.Unavailable
	return a
}

// A node is a process that executes orders.
type node struct {
	t   *testing.T
	url string
	n   atomic.Int64 // of orders

	running sync.RWMutex // locked for a restart

	mu      sync.Mutex
	cmd     *exec.Cmd
	in      io.WriteCloser
	pending map[int]chan answer
}

func startNode(t *testing.T, url string) *node {
	n := &node{t: t, url: url}
	n.start()
	t.Cleanup(n.kill)
	return n
}

// start starts the process. If its connection is cut meanwhile, it starts another one.
func (n *node) start() {
	for !n.started() {
	}
}

func (n *node) started() bool {
	cmd := exec.Command("/proc/self/exe", "-test.run=^TestNode$")
	cmd.Env = append(os.Environ(), nodeVariable+"="+n.url)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		n.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		n.t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for ready := false; !ready; {
		if !lines.Scan() {
			_ = cmd.Wait() // it has failed
			return false
		}
		ready = strings.HasPrefix(lines.Text(), "{")
	}
	pending := map[int]chan answer{}
	n.mu.Lock()
	n.cmd, n.in, n.pending = cmd, in, pending
	n.mu.Unlock()
	go n.read(lines, pending)
	return true
}

// read receives answers until the process ends. The outcome of the other orders is unknown.
func (n *node) read(lines *bufio.Scanner, pending map[int]chan answer) {
	for lines.Scan() {
		var a answer
		if json.Unmarshal(lines.Bytes(), &a) != nil {
			continue // of package testing
		}
		n.mu.Lock()
		if c := pending[a.N]; c != nil {
			c <- a
			delete(pending, a.N)
		}
		n.mu.Unlock()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range pending {
		c <- answer{}
	}
	clear(pending)
}

// kill ends the process with SIGKILL.
func (n *node) kill() {
	n.mu.Lock()
	defer n.mu.Unlock()
	_ = n.cmd.Process.Kill() // it may have ended
	_ = n.cmd.Wait()         // so does every killed process
}

// restart kills the process and starts another one.
func (n *node) restart() {
	n.running.Lock()
	defer n.running.Unlock()
	n.kill()
	n.start()
}

// do executes an order.
func (n *node) do(o order) answer {
	o.N = int(n.n.Add(1))
	c := make(chan answer, 1)
	text, err := json.Marshal(o)
	if err != nil {
		n.t.Error(err)
	}
	n.running.RLock()
	n.mu.Lock()
	n.pending[o.N] = c
	_, err = n.in.Write(append(text, '\n'))
	n.mu.Unlock()
	n.running.RUnlock()
	if err != nil {
		n.t.Errorf("a node has ended by itself: %v", err)
	}
	return <-c
}

// A history records operations.
type history struct {
	began time.Time
	mu    sync.Mutex
	ops   []porcupine.Operation
}

func (h *history) now() int64 { return int64(time.Since(h.began)) }

func (h *history) add(client int, o order, a answer, call, end int64) {
	if a.Refused {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.ops = append(h.ops, porcupine.Operation{ClientId: client, Input: o, Output: a, Call: call, Return: end})
}

// A status is the state of the id in the model.
type status struct {
	exists   bool
	internal uint64 // 0 is not known
	kicked   int64
}

// step returns the states that an operation can lead to.
func step(state, input, output any) []any {
	st, o, a := state.(status), input.(order), output.(answer)
	next := st
	switch o.Op {
	case opImport:
		if !st.exists {
			next.exists, next.internal = true, a.Internal
		} else if next.internal == 0 {
			next.internal = a.Internal
		}
		if !a.Known {
			return []any{st, next}
		}
		if !a.OK || a.Created == st.exists || next.internal != a.Internal {
			return nil
		}
	case opDelete:
		next.exists, next.internal = false, 0
		if !a.Known {
			return []any{st, next}
		}
		if a.OK != st.exists {
			return nil
		}
	case opKick:
		if st.exists {
			next.kicked = max(st.kicked, o.Kick)
		}
		if !a.Known {
			return []any{st, next}
		}
		if a.OK != st.exists {
			return nil
		}
	case opCheck:
		if st.exists && st.internal == 0 {
			next.internal = a.Internal
		}
		if a.Known && (a.OK != st.exists || a.Internal != next.internal || a.Kicked != st.kicked) {
			return nil
		}
		if !a.Known {
			return []any{st}
		}
	}
	return []any{next}
}

var model = porcupine.NondeterministicModel{
	Init:  func() []any { return []any{status{}} },
	Step:  step,
	Equal: func(a, b any) bool { return a == b },
}

// TestLinear executes imports, deletions, checks and kicks of one id on two processes. One
// of them is killed again and again, and connections are cut at their commits. The history
// is linearizable. Watermarks are late by at most [account.MaxStale], and not at all on the
// node of the kick.
func TestLinear(t *testing.T) {
	if citusURL != "" {
		t.Skip("the connections to the workers do not pass the proxy")
	}
	direct := database(t)
	s := open(t, Options{URL: direct})
	commit(t, s, account.Commit{Spaces: []account.Space{{App: doubtApp, Now: doubtTime}}})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	p := pgtest.StartProxy(t, direct)
	nodes := []*node{startNode(t, p.URL(direct)), startNode(t, p.URL(direct))}
	h := &history{began: time.Now()}
	var marks []mark
	var kick atomic.Int64
	var done atomic.Int32
	var clients sync.WaitGroup
	const perClient = 120
	for client := range 4 {
		clients.Go(func() {
			n := nodes[client%2]
			for range perClient {
				o := order{Op: rand.IntN(numOps)}
				if o.Op == opKick {
					o.Kick = kick.Add(1)
				}
				call := h.now()
				a := n.do(o)
				end := h.now()
				done.Add(1)
				if !a.Known && !a.Refused {
					end = 1 << 60 // it can still happen
				}
				if o.Op == opWatermark {
					h.mu.Lock()
					marks = append(marks, mark{client % 2, a, call})
					h.mu.Unlock()
					continue
				}
				h.add(client, o, a, call, end)
			}
		})
	}
	disturbed := make(chan struct{})
	go func() {
		defer close(disturbed)
		planned := int32(0)
		for round := int32(1); round <= 3; round++ {
			for done.Load() < round*perClient {
				if done.Load() > planned { // not more often, so that most calls succeed
					p.Plan([]pgtest.Cut{{BeforeCommit: true}, {AfterCommit: true}}[rand.IntN(2)])
					planned = done.Load() + 12
				}
				time.Sleep(time.Millisecond)
			}
			nodes[1].restart()
		}
	}()
	clients.Wait()
	<-disturbed
	unknown := 0
	for _, op := range h.ops {
		if !op.Output.(answer).Known {
			unknown++
		}
	}
	t.Logf("%d operations, %d of them with an unknown outcome; %d connections were cut", len(h.ops), unknown, p.Cuts())
	if unknown == 0 || unknown > len(h.ops)/4 || p.Cuts() < 10 {
		t.Error("the test proves nothing")
	}
	if r := porcupine.CheckOperationsTimeout(model.ToModel(), h.ops, time.Minute); r != porcupine.Ok {
		t.Errorf("the history is not linearizable: %v", r)
		for _, op := range h.ops {
			t.Logf("%d: %+v %+v %v-%v", op.ClientId, op.Input, op.Output, time.Duration(op.Call), time.Duration(op.Return))
		}
	}
	checkMarks(t, h, marks)
}

// A mark is a watermark that a node has returned.
type mark struct {
	node   int
	answer answer
	call   int64
}

// checkMarks checks watermarks against the kicks. A killed node forgets which kicks were its
// own, but learns them before it serves.
func checkMarks(t *testing.T, h *history, marks []mark) {
	t.Helper()
	for _, m := range marks {
		if !m.answer.Known {
			continue
		}
		for _, op := range h.ops {
			o, a := op.Input.(order), op.Output.(answer)
			if o.Op != opKick || !a.OK || o.Kick <= m.answer.Kicked {
				continue
			}
			late := time.Duration(m.call - op.Return)
			if late > account.MaxStale || late > 0 && op.ClientId%2 == m.node {
				t.Errorf("a watermark on node %d is %d, and the kick %d on node %d was acknowledged %v before", m.node, m.answer.Kicked, o.Kick, op.ClientId%2, late)
			}
		}
	}
}
