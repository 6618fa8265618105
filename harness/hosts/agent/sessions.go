package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"perg/harness/engine"
	"perg/harness/hosts/wire"
	"perg/harness/store"
)

// errNoLane: the controller speaks of a lane that this process has no server for.
var errNoLane = errors.New("there is no server for it here")

// A session is a lane of the controller's on this machine.
type session struct {
	wire.Opening
	server  engine.Server
	version string
	gpus    []string
	gate    gate

	mu      sync.Mutex
	flights map[store.Key]*flight // calls that are being made, by key
	sign    time.Time             // when a reply came last
	looks   looks
}

// sessions are those that are open, by lane.
type sessions struct {
	mu  sync.Mutex
	all map[string]*session

	opening sync.Mutex // one after the other: an earlier lane has its devices until it is closed
	ending  bool       // no call is begun any more
	calls   sync.WaitGroup
}

func (s *sessions) of(lane string) *session {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.all[lane]
}

// open gives a lane its server. One that a controller of before had opened, and that
// is what is asked for, is taken over with what it has in memory; others on the same
// devices end.
func (s *sessions) open(ctx context.Context, a *agent, o wire.Opening) (wire.Opened, error) {
	s.opening.Lock()
	defer s.opening.Unlock()
	for _, d := range o.Devices {
		if !slices.ContainsFunc(a.Fleet.Devices, func(own device) bool { return own.ID == d }) {
			return wire.Opened{}, fmt.Errorf("there is no device %q here", d)
		}
	}
	if len(o.Devices) == 0 {
		return wire.Opened{}, errors.New("a lane without devices")
	}
	old := s.of(o.Lane)
	if old != nil && slices.Equal(old.Devices, o.Devices) && old.Config == o.Config {
		if version, err := old.server.Version(ctx); err == nil {
			return wire.Opened{Version: version, GPUs: old.gpus}, nil
		}
	}
	if err := s.close(o.Lane); err != nil {
		a.Warn(err.Error())
	}
	server, err := a.Fleet.Open(ctx, o.Lane, o.Devices, o.Config)
	if err != nil {
		return wire.Opened{}, err
	}
	version, err := server.Version(ctx)
	if err != nil {
		return wire.Opened{}, errors.Join(err, server.Close())
	}
	n := &session{Opening: o, server: server, version: version, gpus: a.Fleet.GPUs(o.Devices), flights: make(map[store.Key]*flight)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.all == nil {
		s.all = make(map[string]*session)
	}
	s.all[o.Lane] = n
	return wire.Opened{Version: version, GPUs: n.gpus}, nil
}

func (s *sessions) close(lane string) error {
	s.mu.Lock()
	old := s.all[lane]
	delete(s.all, lane)
	s.mu.Unlock()
	if old == nil {
		return nil
	}
	return old.server.Close()
}

func (s *sessions) closeAll() {
	s.mu.Lock()
	var lanes []string
	for lane := range s.all {
		lanes = append(lanes, lane)
	}
	s.mu.Unlock()
	var closing sync.WaitGroup
	for _, lane := range lanes {
		closing.Go(func() { s.close(lane) })
	}
	closing.Wait()
}

// idle says whether no call is being made.
func (s *sessions) idle() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, n := range s.all {
		if n.busy() {
			return false
		}
	}
	return true
}

func (n *session) busy() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.flights) > 0
}

// begins says whether a call may still be made; calls is done with it then.
func (s *sessions) begins() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ending {
		return false
	}
	s.calls.Add(1)
	return true
}

// drain has no call begin any more, and waits for those in flight.
func (s *sessions) drain() {
	s.mu.Lock()
	s.ending = true
	s.mu.Unlock()
	s.calls.Wait()
}
