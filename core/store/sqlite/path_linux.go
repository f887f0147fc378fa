package sqlite

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// readOnlyMount is the flag of a file system that is mounted read-only.
const readOnlyMount = unix.ST_RDONLY

// networkFS names the network file system that a directory is on, or returns "". What it cannot find out counts as
// local.
func networkFS(dir string) string {
	var fs unix.Statfs_t
	if unix.Statfs(dir, &fs) != nil {
		return ""
	}
	return networkName(int64(fs.Type), func() string { return mountType(dir) })
}

// networkName tells network file systems by the magic number that Linux gives them (statfs(2)). All of FUSE has one
// number: there the type of the mount decides.
func networkName(magic int64, mounted func() string) string {
	switch uint32(magic) {
	case unix.NFS_SUPER_MAGIC:
		return "nfs"
	case unix.SMB_SUPER_MAGIC, unix.CIFS_SUPER_MAGIC, unix.SMB2_SUPER_MAGIC:
		return "smb"
	case unix.AFS_SUPER_MAGIC, unix.AFS_FS_MAGIC:
		return "afs"
	case unix.CEPH_SUPER_MAGIC:
		return "ceph"
	case unix.CODA_SUPER_MAGIC:
		return "coda"
	case unix.V9FS_MAGIC:
		return "9p"
	case 0x564c:
		return "ncp"
	case 0x0bd00bd0:
		return "lustre"
	case 0x47504653:
		return "gpfs"
	case unix.FUSE_SUPER_MAGIC:
		return networkFUSE(mounted())
	}
	return ""
}

// networkFUSE keeps the types of FUSE mounts that reach over a network.
func networkFUSE(mountType string) string {
	switch strings.TrimPrefix(mountType, "fuse.") {
	case "sshfs", "rclone", "s3fs", "goofys", "geesefs", "mount-s3", "gcsfuse", "blobfuse", "blobfuse2", "davfs", "davfs2",
		"curlftpfs", "glusterfs", "ceph", "ceph-fuse", "juicefs", "JuiceFS", "seaweedfs", "moosefs", "mfs", "beegfs",
		"gvfsd-fuse", "kio-fuse", "google-drive-ocamlfuse", "onedriver", "vmhgfs-fuse", "hdfs", "fuse_dfs", "smbnetfs":
		return mountType
	}
	return ""
}

// mountType returns the type of the mount that a directory is on, as /proc/self/mountinfo has it (proc(5)), or "".
func mountType(dir string) string {
	var st unix.Stat_t
	if unix.Stat(dir, &st) != nil {
		return ""
	}
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return ""
	}
	defer func() { _ = f.Close() }() // only read
	return typeOfDevice(f, fmt.Sprintf("%d:%d", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev))))
}

// typeOfDevice finds a device, third in a line of mountinfo; the type is the first word after " - ".
func typeOfDevice(mountinfo io.Reader, device string) string {
	for lines := bufio.NewScanner(mountinfo); lines.Scan(); {
		mount, super, _ := strings.Cut(lines.Text(), " - ")
		words := strings.Fields(mount)
		if len(words) > 2 && words[2] == device {
			kind, _, _ := strings.Cut(super, " ")
			return kind
		}
	}
	return ""
}
