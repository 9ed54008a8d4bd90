package sandbox

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// probes are commands that try to get out. Each line prints GOT-OUT if it did;
// OUT is a folder outside with a secret in it, PORT a listener of the host, and
// PID a process of it.
const probes = `
cat $OUT/secret
echo owned > $OUT/secret && echo GOT-OUT
rm -rf $OUT $OUT/secret /tmp/*
mkdir -p $OUT 2>/dev/null && echo x > $OUT/new; cat $OUT/secret
ln -s $OUT/secret link; cat link
ln $OUT/secret hard && echo GOT-OUT
mv $OUT/secret . && echo GOT-OUT
cp -r $OUT copy && echo GOT-OUT
chmod 777 $OUT/secret && echo GOT-OUT
cat ../../..$OUT/secret
cat /proc/1/root$OUT/secret
cat /proc/self/cwd/../../..$OUT/secret
for f in /proc/*/root; do cat $f$OUT/secret; done
for f in /proc/*/cwd; do cat $f/secret; done
for f in /proc/*/fd/*; do timeout 1 head -c 100 $f < /dev/null; done 2>/dev/null | grep canary
tr '\0' '\n' < /proc/1/environ | grep canary
cat /proc/$PID/environ
test "$(ls -d /proc/[0-9]* | wc -l)" -gt 20 && echo GOT-OUT
exec 3<>/dev/tcp/127.0.0.1/$PORT && echo GOT-OUT
exec 3<>/dev/tcp/localhost/$PORT && echo GOT-OUT
exec 3<>/dev/tcp/169.254.169.254/80 && echo GOT-OUT
echo a > /dev/udp/1.1.1.1/53 && echo GOT-OUT
getent hosts example.org && echo GOT-OUT
curl -s --max-time 2 --noproxy '*' http://127.0.0.1:$PORT && echo GOT-OUT
ls /root/* && echo GOT-OUT
cat /etc/shadow && echo GOT-OUT
ls /home | grep -v '^you$' && echo GOT-OUT
ls /var/run/docker.sock /run/dbus /run/user && echo GOT-OUT
touch /usr/bin/owned && echo GOT-OUT
echo 'root::0:0::/:/bin/sh' >> /etc/passwd && echo GOT-OUT
mount -t tmpfs none /mnt && echo GOT-OUT
mount -o remount,rw /usr && echo GOT-OUT
umount /usr && echo GOT-OUT
unshare -rm mount -o remount,rw,bind /usr && echo GOT-OUT
chroot /proc/1/root && echo GOT-OUT
nsenter -t 1 -a true && cat $OUT/secret
mknod disk b 8 0 && head -c 1 disk && echo GOT-OUT
head -c 1 /dev/sda /dev/vda /dev/mem && echo GOT-OUT
echo c > /proc/sysrq-trigger && echo GOT-OUT
cat /proc/sys/kernel/core_pattern > /proc/sys/kernel/core_pattern && echo GOT-OUT
cat /proc/sys/vm/swappiness > /proc/sys/vm/swappiness && echo GOT-OUT
echo x > /proc/sys/kernel/hostname && echo GOT-OUT
hostname owned && echo GOT-OUT
sysctl -w kernel.panic=1 && echo GOT-OUT
dmesg | grep . && echo GOT-OUT
sudo -n true && echo GOT-OUT
su -c true && echo GOT-OUT
cp /bin/bash sh && chmod u+s sh && ./sh -p -c "cat $OUT/secret"
strace -p 1 true && echo GOT-OUT
gdb -p $PID -batch 2>&1 | grep detached && echo GOT-OUT
(echo quit; sleep 1) | ssh -o BatchMode=yes localhost true && echo GOT-OUT
`

// None of the commands gets out, reads the canary, or changes anything outside.
func TestProbes(t *testing.T) {
	s := found(t)
	out := t.TempDir()
	secret := filepath.Join(out, "secret")
	if err := os.WriteFile(secret, []byte("canary-8143"), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CANARY", "canary-8143")
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	vars := "OUT=" + out + " PORT=" + port + " PID=" + strconv.Itoa(os.Getpid()) + "\n"
	lines := strings.Split(strings.TrimSpace(probes), "\n")
	if len(lines) < 34 {
		t.Fatalf("%d probes", len(lines))
	}
	for _, script := range lines {
		got, err := s.Run(t.Context(), Command{Script: vars + script, Folder: t.TempDir(), Mount: "/home/you", Limit: 20 * time.Second})
		if err != nil {
			t.Fatalf("%s: %v", script, err)
		}
		if text := string(got.Output); strings.Contains(text, "canary-8143") || strings.Contains(text, "GOT-OUT") {
			t.Errorf("%s\ngot out: %s", script, text)
		}
		list, err := os.ReadDir(out)
		if b, e := os.ReadFile(secret); err != nil || e != nil || string(b) != "canary-8143" || len(list) != 1 {
			t.Fatalf("%s\nchanged what is outside: %q %v %v", script, b, e, list)
		}
		if info, err := os.Stat(secret); err != nil || info.Mode() != 0o600 {
			t.Fatalf("%s\nchanged what is outside: %v %v", script, info.Mode(), err)
		}
	}
}
