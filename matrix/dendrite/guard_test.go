package dendrite

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"testing/synctest"
	"time"
)

func echo(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) }

func transaction(room string) *http.Request {
	return httptest.NewRequest(http.MethodPut, sendPath+"1", bytes.NewBufferString(fmt.Sprintf(`{"pdus":[{"room_id":%q}]}`, room)))
}

// What concerns a room that is being joined waits for it; nothing else does.
func TestTheGuardHoldsWhatConcernsARoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		h := g.wrap(http.HandlerFunc(echo))
		joined := g.enter(joinKey("!a:x"))
		invited := g.enter(inviteKey("!a:x"))
		done := make(chan *httptest.ResponseRecorder, 2)
		ask := func(r *http.Request) {
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			done <- w
		}
		ask(transaction("!b:x"))
		if w := <-done; w.Code != http.StatusOK || w.Body.Len() == 0 {
			t.Errorf("another room: %d %q", w.Code, w.Body)
		}
		go ask(transaction("!a:x"))
		go ask(httptest.NewRequest(http.MethodGet, joinPath+"%21a%3Ax/@b:y", nil))
		synctest.Wait()
		if len(done) != 0 {
			t.Error("it did not wait")
		}
		joined()
		synctest.Wait()
		if len(done) != 1 {
			t.Error("the transaction still waits")
		}
		invited()
		synctest.Wait()
		if len(done) != 2 || (<-done).Code != http.StatusOK || (<-done).Code != http.StatusOK {
			t.Error("the join still waits")
		}
		if !g.idle() || g.held != 0 || g.waiting != 0 {
			t.Errorf("left behind: %d bytes, %d requests", g.held, g.waiting)
		}
	})
}

// A flood of transactions for a room that is being joined costs bounded memory and
// time; what is refused is told to come again.
func TestTheGuardIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGuard()
		h := g.wrap(http.HandlerFunc(echo))
		defer g.enter(joinKey("!a:x"))()
		codes := make(chan int, 2*mostWaiting)
		begun := time.Now()
		for range 2 * mostWaiting {
			go func() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, transaction("!a:x"))
				codes <- w.Code
			}()
		}
		synctest.Wait()
		if len(codes) != mostWaiting {
			t.Errorf("%d were refused at once, not %d", len(codes), mostWaiting)
		}
		big := transaction("!a:x")
		big.ContentLength = -1 // it does not say how much comes
		g.mu.Lock()
		g.waiting, g.held = 0, mostHeld-mostBody+1
		g.mu.Unlock()
		w := httptest.NewRecorder()
		h.ServeHTTP(w, big)
		if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
			t.Errorf("beyond the memory it may take: %d", w.Code)
		}
		for range 2 * mostWaiting {
			if code := <-codes; code != http.StatusServiceUnavailable {
				t.Errorf("one was let through: %d", code)
			}
		}
		if took := time.Since(begun); took != longestWait {
			t.Errorf("they waited %s", took)
		}
	})
}

// What is no transaction goes to Dendrite, which says what is wrong with it.
func FuzzHoldTransaction(f *testing.F) {
	for _, s := range []string{"", "{", `{"pdus":[{"room_id":7}]}`, `{"pdus":null}`, `[]`, `{"pdus":[{"room_id":"!b:x"}]}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		g := newGuard()
		defer g.enter(joinKey("!nobody's:x"))()
		w := httptest.NewRecorder()
		g.wrap(http.HandlerFunc(echo)).ServeHTTP(w, httptest.NewRequest(http.MethodPut, sendPath+"1", bytes.NewReader(body)))
		if w.Code != http.StatusOK || !bytes.Equal(w.Body.Bytes(), body) {
			t.Fatalf("%q came through as %d %q", body, w.Code, w.Body)
		}
	})
}
