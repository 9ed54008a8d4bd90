package disk

import "sync/atomic"

// hooked is a hook that a test changes while the disk runs: what happens beside
// landings passes points of its own, on goroutines of its own.
type hooked struct {
	at atomic.Pointer[func(point string)]
}

func (k *hooked) option(o *Options) {
	o.Hook = func(point string) {
		if f := k.at.Load(); f != nil {
			(*f)(point)
		}
	}
}

// set makes f what is called at each point from now on; nil is nothing.
func (k *hooked) set(f func(point string)) {
	if f == nil {
		k.at.Store(nil)
		return
	}
	k.at.Store(&f)
}

// once is called at the next passing of a point, and then no more.
func (k *hooked) once(point string, f func()) {
	var done atomic.Bool
	k.set(func(p string) {
		if p == point && !done.Swap(true) {
			f()
		}
	})
}
