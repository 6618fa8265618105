package fleet

import (
	"context"
	"os"
	"strings"

	"perg/harness/hint"
	"perg/models"
)

// A Client is what a run asks of an inference server; *models.Client says what
// the methods promise. Another kind of server is another implementation, chosen
// by its address in newClient.
type Client interface {
	Host() string
	Local() bool // whether it is on this machine

	Version(context.Context) (string, error)
	Catalogue(context.Context) ([]models.Installed, error)
	Details(ctx context.Context, name string) (models.Details, error)
	Tokenizer(ctx context.Context, name string) (*models.Tokenizer, error)
	CountTokens(context.Context, models.Request) (int, error)
	Quantize(ctx context.Context, catalogue []models.Installed, source models.Installed, level string, progress func(done, total int64)) (models.Installed, error)
	Delete(ctx context.Context, name string) error
	PullSize(ctx context.Context, name string) (bytes int64, err error)
	Pull(ctx context.Context, name string, progress func(done, total int64)) error

	Load(ctx context.Context, model string, o models.Options) (models.Loaded, error)
	Unload(ctx context.Context, model string) error
	InMemory(ctx context.Context, model string) ([]models.Loaded, error)
	Chat(context.Context, models.Request) (models.Response, error)
}

// newClient makes the client of a server by its address.
func (o Options) newClient(host string) (*models.Client, error) {
	c, err := models.NewClient(host)
	if err != nil {
		return nil, &hint.Error{Err: err, Usage: true}
	}
	if c.Header, err = models.Headers(o.Headers, os.LookupEnv); err != nil {
		return nil, &hint.Error{Err: err, Usage: true}
	}
	c.Report, c.Patience = o.Warn, o.Patience
	return c, nil
}

// sameServer says whether two clients speak to one server, on which two lanes
// would put each other's models out of memory.
func sameServer(ctx context.Context, a, b Client) bool {
	x, ok := a.(*models.Client)
	y, and := b.(*models.Client)
	if ok && and {
		return models.SameServer(ctx, x, y)
	}
	return a.Host() == b.Host()
}

// Hosts are the addresses of the servers that a run would use as they are:
// those that are named, else OLLAMA_HOST, else where Ollama listens by default.
// named says whether the user named them.
func Hosts(hosts []string) (all []string, named bool) {
	if len(hosts) > 0 {
		return hosts, true
	}
	if host := strings.Trim(os.Getenv("OLLAMA_HOST"), ` "'`); host != "" {
		return []string{host}, true
	}
	return []string{models.DefaultHost}, false
}

// EngineOf is what computes on a server; "" where it does not say.
func EngineOf(ctx context.Context, c Client) models.Engine {
	version, _ := c.Version(ctx)
	return models.EngineOf(version)
}
