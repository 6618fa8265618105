package models

import (
	"context"
	"net"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/ollama/ollama/api"
)

// SameServer says whether two addresses lead to one server, on which two lanes
// would put each other's models out of memory. It asks both for at most 5 s;
// where they do not answer, only the addresses count.
//
//   - One name, port and path is one server; so are two names of one address,
//     unless the servers list different models: one proxy may stand before
//     several servers, told apart by name.
//   - Two addresses of this machine on one port may be one listener or two (it
//     may listen on 127.0.0.1 and another on 127.0.0.2). They are one where
//     both have the same version and list the same models, changed at the same
//     nanosecond.
//   - Whatever the addresses, as behind proxies: a model in memory that both
//     unload at the same nanosecond is one model.
func SameServer(ctx context.Context, a, b *Client) bool {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if a.base.Port() == b.base.Port() && a.base.Path == b.base.Path {
		if strings.EqualFold(a.base.Hostname(), b.base.Hostname()) {
			return true
		}
		of, to := addresses(ctx, a), addresses(ctx, b)
		shared := slices.ContainsFunc(of, func(ip net.IP) bool { return slices.ContainsFunc(to, ip.Equal) })
		x, xOK := a.looks(ctx)
		y, yOK := b.looks(ctx)
		switch alike := x.version == y.version && slices.Equal(x.models, y.models); {
		case shared && (!xOK || !yOK || alike):
			return true
		case ours(of) && ours(to) && xOK && yOK && alike && len(x.models) > 0:
			return true
		}
	}
	return sharesMemory(ctx, a, b)
}

// A look is what tells one server from another.
type look struct {
	version string
	models  []string // name, digest and time of change
}

func (c *Client) looks(ctx context.Context) (l look, ok bool) {
	var err error
	if l.version, err = c.Version(ctx); err != nil {
		return l, false
	}
	var list api.ListResponse
	if err := c.do(ctx, http.MethodGet, "/api/tags", nil, &list); err != nil {
		return l, false
	}
	for _, m := range list.Models {
		l.models = append(l.models, m.Name+" "+m.Digest+" "+m.ModifiedAt.UTC().Format(time.RFC3339Nano))
	}
	slices.Sort(l.models)
	return l, true
}

// sharesMemory says whether both servers will unload one model at one time,
// which each call to it moves.
func sharesMemory(ctx context.Context, a, b *Client) bool {
	var of, to api.ProcessResponse
	if a.do(ctx, http.MethodGet, "/api/ps", nil, &of) != nil || b.do(ctx, http.MethodGet, "/api/ps", nil, &to) != nil {
		return false
	}
	return slices.ContainsFunc(of.Models, func(m api.ProcessModelResponse) bool {
		return !m.ExpiresAt.IsZero() && slices.ContainsFunc(to.Models, func(n api.ProcessModelResponse) bool {
			return m.Name == n.Name && m.Digest == n.Digest && m.ExpiresAt.Equal(n.ExpiresAt)
		})
	})
}

// addresses are those that a client's host name has now; none where it has none.
func addresses(ctx context.Context, c *Client) []net.IP {
	all, _ := net.DefaultResolver.LookupIP(ctx, "ip", c.base.Hostname())
	return all
}

// ours says whether an address is one of this machine's.
func ours(addresses []net.IP) bool {
	local, _ := net.InterfaceAddrs()
	return slices.ContainsFunc(addresses, func(ip net.IP) bool {
		return ip.IsLoopback() || slices.ContainsFunc(local, func(l net.Addr) bool {
			n, ok := l.(*net.IPNet)
			return ok && n.IP.Equal(ip)
		})
	})
}
