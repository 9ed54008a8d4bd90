package sys

import "io"

// ByLength is the body of a request that a proxy hands on, which ends by its length in
// bytes. A transport reads on after the length, to see that nothing follows; by then the
// answer may have begun, which closes the body, and that read would fail and break the
// answer off. A body of unknown length (below 0) or none is handed on as it is.
func ByLength(body io.ReadCloser, length int64) io.ReadCloser {
	if length <= 0 {
		return body
	}
	return byLength{io.LimitReader(body, length), body}
}

type byLength struct {
	io.Reader
	io.Closer
}
