package store

import (
	"path/filepath"

	"golang.org/x/sys/unix"
)

// File systems by the number that statfs(2) gives them, beside those that package
// unix names.
const (
	lustre = 0x0bd00bd0
	gpfs   = 0x47504653
	beegfs = 0x19830326
)

func fileSystemOf(magic int64) (fileSystem, bool) {
	switch uint32(magic) {
	case unix.NFS_SUPER_MAGIC:
		return fileSystem{"NFS", true}, true
	case unix.CIFS_SUPER_MAGIC, unix.SMB_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return fileSystem{"CIFS", true}, true
	case unix.CEPH_SUPER_MAGIC:
		return fileSystem{"Ceph", true}, true
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return fileSystem{"AFS", true}, true
	case lustre:
		return fileSystem{"Lustre", true}, true
	case gpfs:
		return fileSystem{"GPFS", true}, true
	case beegfs:
		return fileSystem{"BeeGFS", true}, true
	case unix.FUSE_SUPER_MAGIC:
		return fileSystem{"FUSE", false}, true
	case unix.V9FS_MAGIC:
		return fileSystem{"9p", false}, true
	}
	return fileSystem{}, false
}

// statfs is unix.Statfs; tests have one that finds other file systems.
var statfs = unix.Statfs

// disk is the file system that a store at path is, or would be, on.
func disk(path string) (fileSystem, bool) {
	var s unix.Statfs_t
	if err := statfs(filepath.Dir(path), &s); err != nil {
		return fileSystem{}, false // opening it will say what is wrong
	}
	return fileSystemOf(int64(s.Type))
}
