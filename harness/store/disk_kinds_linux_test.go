package store

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// A store is not made where several machines may write it; where they perhaps may,
// that is said.
func TestAStoreIsOnADiskOfItsMachine(t *testing.T) {
	real := statfs
	t.Cleanup(func() { statfs = real })
	for name, at := range map[string]struct {
		magic   uint32
		refused bool
		doubted bool
	}{
		"ext4": {magic: 0xef53}, "tmpfs": {magic: 0x01021994}, "xfs": {magic: 0x58465342}, "btrfs": {magic: 0x9123683e}, "overlay": {magic: 0x794c7630},
		"NFS": {0x6969, true, false}, "CIFS": {0xff534d42, true, false}, "SMB 2": {0xfe534d42, true, false}, "Lustre": {0x0bd00bd0, true, false},
		"GPFS": {0x47504653, true, false}, "Ceph": {0x00c36400, true, false}, "BeeGFS": {0x19830326, true, false},
		"FUSE": {0x65735546, false, true}, "9p": {0x01021997, false, true},
	} {
		t.Run(name, func(t *testing.T) {
			statfs = func(dir string, s *unix.Statfs_t) error {
				err := real(dir, s)
				s.Type = int64(int32(at.magic)) // as on machines where it has 32 bits
				return err
			}
			path := filepath.Join(t.TempDir(), "replies.db")
			s, err := Open(path)
			if err == nil {
				defer s.Close()
			}
			if refused := errors.Is(err, ErrShared); refused != at.refused || err != nil && !refused {
				t.Errorf("opened: %v", err)
			}
			if said := Doubt(path); (said != "") != at.doubted || at.doubted && !strings.Contains(said, "--store") {
				t.Errorf("doubted: %q", said)
			}
		})
	}
}
