package test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// network joins network namespaces of the kernel, each with one interface, by a switch
// that the test holds: it may lose packets, send them twice, and be cut in two.
type network struct {
	ports []*port

	mu                       sync.Mutex
	random                   *rand.Rand
	loss, twin               float64      // the share of packets that is lost, and of those sent twice
	apart                    map[int]bool // who is cut off from the others, by port
	passed, lost, twins, cut int
}

// port is a namespace and the end of its interface that the switch has.
type port struct {
	namespace string
	address   string // such as 10.77.0.1
	tun       *os.File
}

// newNetwork makes n namespaces that reach each other.
func newNetwork(t testing.TB, n int) *network {
	t.Helper()
	if out, err := exec.Command("ip", "netns", "list").CombinedOutput(); err != nil || os.Geteuid() != 0 {
		t.Skipf("NOTE: network namespaces need root and iproute2, and what they would prove is not proved: %v %s", err, out)
	}
	w := &network{random: rand.New(rand.NewPCG(1, 2)), apart: map[int]bool{}}
	for i := range n {
		p := &port{namespace: fmt.Sprintf("matrixos-%d-%d", os.Getpid(), i+1), address: fmt.Sprintf("10.77.0.%d", i+1)}
		link := fmt.Sprintf("mx%d.%d", os.Getpid()%100000, i+1)
		ip := func(args ...string) {
			t.Helper()
			if out, err := exec.Command("ip", args...).CombinedOutput(); err != nil {
				t.Fatalf("ip %s: %v %s", strings.Join(args, " "), err, out)
			}
		}
		ip("netns", "add", p.namespace)
		t.Cleanup(func() { ip("netns", "del", p.namespace) })
		p.tun = openTUN(t, link)
		ip("link", "set", link, "netns", p.namespace)
		ip("-n", p.namespace, "addr", "add", p.address+"/24", "dev", link)
		ip("-n", p.namespace, "link", "set", link, "up")
		ip("-n", p.namespace, "link", "set", "lo", "up")
		w.ports = append(w.ports, p)
	}
	var all sync.WaitGroup
	for i := range w.ports {
		all.Go(func() { w.carry(i) })
	}
	t.Cleanup(func() {
		for _, p := range w.ports {
			_ = p.tun.Close()
		}
		all.Wait()
		t.Logf("%d packets passed, %d were lost, %d came twice, %d met the cut", w.passed, w.lost, w.twins, w.cut)
	})
	return w
}

// openTUN makes an interface whose packets are read from and written to the file.
func openTUN(t testing.TB, name string) *os.File {
	t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Skipf("NOTE: no tun device here, and what it would prove is not proved: %v", err)
	}
	request, err := unix.NewIfreq(name)
	if err == nil {
		request.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
		err = unix.IoctlIfreq(fd, unix.TUNSETIFF, request)
	}
	if err != nil {
		t.Fatal(err)
	}
	return os.NewFile(uintptr(fd), "/dev/net/tun")
}

// carry takes what comes from a port to where it is addressed, until the port is closed.
func (w *network) carry(from int) {
	packet := make([]byte, 64<<10)
	for {
		n, err := w.ports[from].tun.Read(packet)
		if err != nil {
			return
		}
		if n < 20 || packet[0]>>4 != 4 { // the kernel greets in IPv6
			continue
		}
		to := int(packet[19]) - 1 // its address ends in the port
		if to < 0 || to >= len(w.ports) {
			continue
		}
		for range w.copies(from, to) {
			_, _ = w.ports[to].tun.Write(packet[:n]) // a full queue loses it, as a network does
		}
	}
}

// copies decides how often a packet arrives.
func (w *network) copies(from, to int) int {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch x := w.random.Float64(); {
	case w.apart[from] != w.apart[to]:
		w.cut++
		return 0
	case x < w.loss:
		w.lost++
		return 0
	case x < w.loss+w.twin:
		w.twins++
		return 2
	}
	w.passed++
	return 1
}

// bad lets the network lose and repeat that share of packets.
func (w *network) bad(loss, twin float64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.loss, w.twin = loss, twin
}

// part cuts the ports off from the others; without any, all reach each other again.
func (w *network) part(ports ...int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.apart = map[int]bool{}
	for _, p := range ports {
		w.apart[p] = true
	}
}

// client speaks HTTP from within the namespace.
func (p *port) client() *http.Client {
	return &http.Client{Transport: &http.Transport{DialContext: p.dial}, Timeout: 3 * time.Minute}
}

func (p *port) dial(ctx context.Context, network, address string) (net.Conn, error) {
	type dialled struct {
		conn net.Conn
		err  error
	}
	done := make(chan dialled, 1)
	go func() {
		runtime.LockOSThread() // and never unlocked: the thread, which is in the namespace, ends with this
		space, err := os.Open(filepath.Join("/run/netns", p.namespace))
		if err != nil {
			done <- dialled{nil, err}
			return
		}
		defer space.Close()
		if err := unix.Setns(int(space.Fd()), unix.CLONE_NEWNET); err != nil {
			done <- dialled{nil, err}
			return
		}
		var d net.Dialer
		conn, err := d.DialContext(ctx, network, address)
		done <- dialled{conn, err}
	}()
	d := <-done
	return d.conn, d.err
}
