package sqlite

import (
	"strings"
	"testing"
)

func TestNetworkFileSystemsAreTold(t *testing.T) {
	const ext4, tmpfs, overlay, btrfs, fuse = 0xef53, 0x01021994, 0x794c7630, 0x9123683e, 0x65735546
	for magic, want := range map[int64]string{
		ext4: "", tmpfs: "", overlay: "", btrfs: "",
		0x6969: "nfs", 0xff534d42: "smb", 0xfe534d42: "smb", 0x517b: "smb", 0x00c36400: "ceph", 0x01021997: "9p", 0x5346414f: "afs",
		int64(int32(-0xacb2be)): "smb", // 0xff534d42 where the number is signed and 32 bits wide
	} {
		if got := networkName(magic, func() string { return "" }); got != want {
			t.Errorf("%#x: %q, want %q", magic, got, want)
		}
	}
	for mounted, want := range map[string]string{"fuse.sshfs": "fuse.sshfs", "fuse.rclone": "fuse.rclone", "fuse.gocryptfs": "", "fuseblk": "", "": ""} {
		if got := networkName(fuse, func() string { return mounted }); got != want {
			t.Errorf("%s: %q, want %q", mounted, got, want)
		}
	}
}

func TestTheTypeOfAMountIsRead(t *testing.T) {
	const mountinfo = `22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/root rw
90 22 0:51 / /home/u/remote rw,nosuid - fuse.sshfs host:/srv rw,user_id=0
91 22 0:52 / /home/u/none rw,nosuid master:3 propagate_from:2 - nfs4 host:/x rw`
	for device, want := range map[string]string{"254:0": "ext4", "0:51": "fuse.sshfs", "0:52": "nfs4", "0:53": ""} {
		if got := typeOfDevice(strings.NewReader(mountinfo), device); got != want {
			t.Errorf("%s: %q, want %q", device, got, want)
		}
	}
	if mountType(t.TempDir()) == "" {
		t.Error("the mount of a temporary directory has no type")
	}
}
