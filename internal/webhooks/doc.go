// Package webhooks sends the events of apps to the URLs of their webhooks.
//
// An app chooses one of two modes:
//
//   - faithful is the vendor's way. A sink of the directory puts an event into a queue in the
//     memory of the server that made the change. There is one attempt, and an event is lost
//     with the server, or if the queue is full. Losses are counted.
//   - reliable keeps an event in the outbox, in the commit of its change. One server of those
//     that share a store delivers it and retries for a day; see reliable.go. An event that
//     cannot be delivered becomes a dead letter, which can be replayed.
//
// In both modes the events of an account are sent one after the other in their order, and
// those of several accounts at once.
//
// A [guard] keeps requests out of the own network, and no redirect is followed. Errors and
// log events contain no query, because it is signed, and no body.
package webhooks
