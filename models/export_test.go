package models

import "time"

// StartServerOn is StartServer with a choice of ports.
var StartServerOn = startServer

var ReservePort = reservePort

// SetStop bounds each of the two ways in which a server is asked to end.
func (c *ServerConfig) SetStop(d time.Duration) { c.limits.stop = d }

// SetHealth makes a server hang that does not answer so many looks in a row.
func (c *ServerConfig) SetHealth(every time.Duration, after int) {
	c.limits.health = health{every, after}
}

// SetWell is how long a server is up that counts its restarts anew.
func (c *ServerConfig) SetWell(d time.Duration) { c.limits.well = d }

// Paths are all that a model has in a folder, or may have while it comes.
func (f Folder) Paths(m Manifest) []string {
	paths := append(f.Files(m), f.manifest(m.Name))
	for _, b := range m.Blobs {
		paths = append(paths, f.partial(b))
	}
	return paths
}
