package wire

import (
	"time"

	"perg/gpu"
	"perg/harness/engine"
	"perg/harness/schedule"
	"perg/models"
)

// Protocol is the form of all that is said. Who speaks another one is not let in.
const Protocol = 1

// How often an agent says that it is there, and after how long without that it is
// lost: its devices leave the schedule then.
const (
	PresenceEvery = 3 * time.Second
	LostAfter     = 12 * time.Second
	// WorkingEvery is how often something that takes its time says that it goes
	// on, and SilentAfter after how long without that it is given up.
	WorkingEvery = 2 * time.Second
	SilentAfter  = 10 * time.Second
	// LeaseFor is how long a chunk is an agent's without a sign of life of it.
	LeaseFor = 30 * time.Second
)

// Limits of what is sent at once.
const (
	MaxMessage = 1 << 20   // bytes of a message with work or replies
	MaxPiece   = 256 << 10 // of a piece of a stream
	MaxPart    = 768 << 10 // of a file that is written, beside what it says of itself
	MaxRead    = 4 << 20   // of a file that is read
	MaxCalls   = 512       // of a chunk, and replies of a batch
)

// A Hello is what an agent says of itself when it comes, and whenever its
// connection was made anew.
type Hello struct {
	Protocol int    `json:"protocol"`
	Perg     string `json:"perg"`
	Secret   string `json:"secret"` // of the token: a NATS server of the user's does not check it
	Name     string `json:"name"`
	Boot     string `json:"boot"`   // of the agent's process
	Ollama   string `json:"ollama"` // version
	// Devices have the names that they have on their machine.
	Devices   []schedule.Device  `json:"devices"`
	GPUs      map[string]gpu.GPU `json:"gpus"` // by device
	Inventory gpu.Inventory      `json:"inventory"`
	Processor string             `json:"processor"` // its name; "": not known
	Cores     int                `json:"cores"`
	Now       time.Time          `json:"now"`
}

// A Welcome is the answer to a Hello.
type Welcome struct {
	Refused  string        `json:"refused,omitempty"` // why; "": it is let in
	Boot     string        `json:"boot"`              // of the controller's process
	Interval time.Duration `json:"interval"`          // between GPU samples
}

// A Presence is what an agent says of itself while it is there.
type Presence struct {
	Boot string `json:"boot"`
}

// An Op is something that an agent is asked to do.
type Op string

// What an agent can be asked. It answers with pieces, and says while it works that
// it does.
const (
	Open      Op = "open"      // an Opening; the piece is an Opened
	Close     Op = "close"     // the lane's name
	Memory    Op = "memory"    // the devices; the piece is a list of engine.Memory, or null
	ReadAhead Op = "readahead" // a Model
	Tunnel    Op = "http"      // an HTTPRequest; the first piece is an HTTPResponse, the others its body
	Uses      Op = "uses"      // a Use of each GPU, by UUID
	Have      Op = "have"      // keys; the pieces are Answers
	Keys      Op = "keys"      // nothing; the pieces are the first 8 bytes of each key in the agent's store
	Samples   Op = "samples"   // whether to the last sample; the first piece is the name of a file of GPU samples, or empty, the others what is in it
	Received  Op = "received"  // the name of such a file, which can go
	Manifest  Op = "manifest"  // a Named; the pieces are the text of its manifest
	Read      Op = "read"      // a Part of a file of models; the pieces are what is in it
	Lacking   Op = "lacking"   // a Named with its manifest; the piece is a list of models.Rest
	Write     Op = "write"     // a Part and a newline, and what is to be in it
	Install   Op = "install"   // a Named with its manifest
	Stop      Op = "stop"      // the inbox of something that nobody waits for any more
)

// A Named is a model.
type Named struct {
	Name     string `json:"name"`
	Digest   string `json:"digest"`
	Manifest []byte `json:"manifest,omitempty"`
}

// A Part is bytes of a file of a store of models.
type Part struct {
	models.Blob
	At    int64 `json:"at"`
	Bytes int   `json:"bytes"`
}

// An Opening asks for the server of a lane, with devices to itself.
type Opening struct {
	Lane    string              `json:"lane"`
	Devices []string            `json:"devices"`
	Config  engine.ServerConfig `json:"config"`
}

// An Opened is a server that is there.
type Opened struct {
	Version string   `json:"version"`
	GPUs    []string `json:"gpus"`
}

// An HTTPRequest goes to the server of a lane, or to the one that says what is
// installed where the lane is "".
type HTTPRequest struct {
	Lane   string `json:"lane"`
	Method string `json:"method"`
	Path   string `json:"path"`
	Body   []byte `json:"body"`
}

// An HTTPResponse is what comes of it, but for its body.
type HTTPResponse struct {
	Status int    `json:"status"`
	Type   string `json:"type"` // Content-Type
}

// A Chunk is calls of one lane. It has all that the calls need.
type Chunk struct {
	Boot   string `json:"boot"` // of the controller's process
	Lane   string `json:"lane"`
	Width  int    `json:"width"` // calls that the lane's server works on at once
	Digest string `json:"digest"`
	Calls  []Call `json:"calls"`
}

// A Call is one request. Its key is that of its reply; where it has none, the
// reply is not kept.
type Call struct {
	ID      uint64         `json:"id"` // of the controller's process
	Key     []byte         `json:"key,omitempty"`
	Request models.Request `json:"request"`
}

// A Batch is what became of some calls.
type Batch struct {
	Agent   string   `json:"agent"`
	Answers []Answer `json:"answers"`
}

// An Answer is what became of a call: a reply, as the store writes it, or a fault.
type Answer struct {
	Boot  string        `json:"boot,omitempty"` // of the controller that asked
	ID    uint64        `json:"id,omitempty"`
	Lane  string        `json:"lane,omitempty"`
	Key   []byte        `json:"key,omitempty"`
	Reply []byte        `json:"reply,omitempty"`
	Kept  bool          `json:"kept,omitempty"` // the agent has the reply under its key, and the model's digest was looked at after it came
	Fault *models.Fault `json:"fault,omitempty"`
	Exits int           `json:"exits,omitempty"` // of the lane's server
}

// A Use is what a GPU is used for, in the words of the table of samples.
type Use struct {
	Host    string `json:"host"`
	Lane    string `json:"lane"`
	Variant string `json:"variant"`
	Method  string `json:"method"`
	Setting string `json:"setting"`
	Control string `json:"control"`
}
