package wire

import (
	"fmt"
	"regexp"
	"strings"
)

// The streams of JetStream, which are a lease and an outbox: all that is in them
// can be lost, and nothing is. Work goes to one agent, and is there until the agent
// has its replies on their way; a reply is there until it is durable in the
// controller's store.
const (
	WorkStream  = "PERG_WORK"
	ReplyStream = "PERG_REPLY"
	// PresenceBucket has an entry for each agent, which goes when the agent has not
	// renewed it.
	PresenceBucket = "perg_agent"
)

// Subjects are a run's. An agent may speak on its own alone.
type Subjects struct{ Run string }

func (s Subjects) Work(agent string) string    { return "perg.work." + s.Run + "." + agent }
func (s Subjects) Works() string               { return "perg.work." + s.Run + ".>" }
func (s Subjects) Reply(agent string) string   { return "perg.reply." + s.Run + "." + agent }
func (s Subjects) Replies() string             { return "perg.reply." + s.Run + ".*" }
func (s Subjects) Hello(agent string) string   { return "perg.hello." + s.Run + "." + agent }
func (s Subjects) Hellos() string              { return "perg.hello." + s.Run + ".*" }
func (s Subjects) Bye(agent string) string     { return "perg.bye." + s.Run + "." + agent }
func (s Subjects) Byes() string                { return "perg.bye." + s.Run + ".*" }
func (s Subjects) End() string                 { return "perg.end." + s.Run }
func (s Subjects) Samples(agent string) string { return "perg.live." + s.Run + "." + agent }
func (s Subjects) AllSamples() string          { return "perg.live." + s.Run + ".*" }

// Ask is where an agent is asked to do something.
func (s Subjects) Ask(agent string, op Op) string {
	return "perg.rpc." + s.Run + "." + agent + "." + string(op)
}

// Asked is all that an agent is asked.
func (s Subjects) Asked(agent string) string { return "perg.rpc." + s.Run + "." + agent + ".*" }

// Presence is an agent's key in the bucket of that name.
func (s Subjects) Presence(agent string) string { return s.Run + "." + agent }

// WorkConsumer is the durable consumer of an agent's work, ReplyConsumer that of
// all replies.
func (s Subjects) WorkConsumer(agent string) string { return "w-" + s.Run + "-" + agent }
func (s Subjects) ReplyConsumer() string            { return "ingest-" + s.Run }

// Inbox is the prefix of an agent's own.
func (s Subjects) Inbox(agent string) string { return "_INBOX_" + s.Run + "_" + agent }

var nameForm = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$`)

// CheckName says what is wrong with the name of a machine: it is part of subjects,
// of device names and of what people read.
func CheckName(name string) error {
	if !nameForm.MatchString(name) {
		return fmt.Errorf("%q is no name for a machine: letters from a to z, digits and - are, 63 at most", name)
	}
	return nil
}

var notInNames = regexp.MustCompile(`[^a-z0-9]+`)

// NameOf is the name of the machine with a host name, which may have none that is
// fit for one: see CheckName.
func NameOf(host string) string {
	host, _, _ = strings.Cut(strings.ToLower(host), ".")
	return strings.Trim(notInNames.ReplaceAllString(host, "-"), "-")
}
