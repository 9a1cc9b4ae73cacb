package records

import (
	"context"

	"rollcall/internal/account"
)

// A Node is a process that has links of devices. A process has a new ID at each start. Its
// links live as long as its lease. So a link costs no write while it lives.
type Node struct {
	ID    string `json:"i"`
	Until int64  `json:"u"` // end of its lease, in Unix milliseconds of real time

	version uint64 // of the record; 0 if there is none
}

// nodeKey checks the key of a Node, which is its ID.
func nodeKey(key string) (string, error) { return key, nil }

// Nodes returns all nodes, in the order of their IDs. A shared engine can show the state of
// up to [account.MaxStale] before. They are shared and must not be changed.
func (r *Registry) Nodes(ctx context.Context) ([]*Node, error) { return r.nodes.all(ctx) }

// KnownNode returns a node as Nodes does, or nil if there is none.
func (r *Registry) KnownNode(ctx context.Context, id string) (*Node, error) {
	n, _, err := r.nodes.get(ctx, id)
	return n, err
}

// NodeAt returns a node as it is stored, or nil if there is none. The caller owns it.
func (r *Registry) NodeAt(ctx context.Context, id string) (*Node, error) {
	rec, err := r.e.Record(ctx, kindNode, id)
	if account.CodeOf(err) == account.NoRecord {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	n, err := decode[Node](rec.Value)
	if err != nil {
		return nil, damaged(kindNode, id, err)
	}
	n.version = rec.Version
	return n, nil
}

// PutNode stores a node that is new, or that NodeAt has returned, or that PutNode has stored.
//
// Codes: Stale if another change came first.
func (r *Registry) PutNode(ctx context.Context, n *Node) error {
	number, err := r.e.Commit(ctx, account.Commit{Writes: []account.Write{{Kind: kindNode, Key: n.ID, Value: encode(n), If: n.version}}})
	if err == nil {
		n.version = number
	}
	return err
}

// RemoveNode removes a node that NodeAt has returned, and the messages to it.
//
// Codes: Stale if another change came first.
func (r *Registry) RemoveNode(ctx context.Context, n *Node) error {
	for {
		page, err := r.e.Records(ctx, account.RecordQuery{Kind: kindNodeMail, Prefix: nodePrefix(n.ID), Limit: mailPage})
		if err != nil {
			return err
		}
		node := account.Write{Kind: kindNode, Key: n.ID, If: n.version}
		if page.Next != "" {
			node.Value = encode(n)
		}
		number, err := r.e.Commit(ctx, account.Commit{Writes: append(removals(page.Records), node)})
		if err != nil || page.Next == "" {
			return err
		}
		n.version = number
	}
}

// removals returns the writes that remove messages to nodes.
func removals(recs []account.Record) (ws []account.Write) {
	for _, rec := range recs {
		ws = append(ws, account.Write{Kind: kindNodeMail, Key: rec.Key, If: account.AnyVersion})
	}
	return ws
}

// A LinkEnd names a link that has ended without the doing of its node, or of its device.
type LinkEnd struct {
	App    account.AppID  `json:"a"`
	User   account.UserID `json:"u"`
	Device uint64         `json:"d"`
	Node   string         `json:"-"` // the one that is told
	Link   uint64         `json:"l"`
	Reason string         `json:"r"` // package session has the reasons
}

// nodePrefix begins the keys of the messages to a node.
func nodePrefix(id string) string { return id + "/" }

// NodeMail returns the write that tells a node of the ends of links. It belongs to the commit
// that ends them. A commit can have one such write for each node.
func NodeMail(node string, ends []LinkEnd) account.Write {
	return account.Write{Kind: kindNodeMail, Key: nodePrefix(node), Value: encode(ends), Append: true}
}

// SendNodeMail writes what NodeMail has returned, for ends that are durable.
func (r *Registry) SendNodeMail(ctx context.Context, mail []account.Write) error {
	_, err := r.e.Commit(ctx, account.Commit{Writes: mail})
	return err
}

// NodeMailChanges returns a number that changes with the results of
// [Registry.TakeNodeMail]; see [account.Records.Changes].
func (r *Registry) NodeMailChanges() uint64 { return r.e.Changes(kindNodeMail) }

// mailPage is the number of messages that are taken at once.
const mailPage = 100

// TakeNodeMail calls each with what a node is told, and then removes the messages. Each can
// be called again with the same if the removal fails.
func (r *Registry) TakeNodeMail(ctx context.Context, node string, each func(LinkEnd)) error {
	for {
		page, err := r.e.Records(ctx, account.RecordQuery{Kind: kindNodeMail, Prefix: nodePrefix(node), Limit: mailPage})
		if err != nil || len(page.Records) == 0 {
			return err
		}
		for _, rec := range page.Records {
			ends, err := decode[[]LinkEnd](rec.Value)
			if err != nil {
				return damaged(kindNodeMail, rec.Key, err)
			}
			for _, end := range *ends {
				end.Node = node
				each(end)
			}
		}
		if _, err := r.e.Commit(ctx, account.Commit{Writes: removals(page.Records)}); err != nil {
			return err
		}
	}
}
