package rows

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
)

// magic begins an encoded changeset; its checksum ends it.
const magic = "MXRS1"

var errForm = errors.New("the record of changed rows is damaged")

// Encode returns the changeset in the form that Decode reads.
func (c Changeset) Encode() []byte {
	b := []byte(magic)
	str := func(s string) {
		b = binary.AppendUvarint(b, uint64(len(s)))
		b = append(b, s...)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Steps)))
	for _, s := range c.Steps {
		b = append(b, byte(s.Verb))
		for _, f := range []string{s.Kind, s.Table, s.Name, s.To, s.SQL, s.Was} {
			str(f)
		}
		b = binary.BigEndian.AppendUint64(b, s.Sum)
	}
	b = binary.AppendUvarint(b, uint64(len(c.Tables)))
	for _, t := range c.Tables {
		str(t.Name)
		b = binary.AppendUvarint(b, uint64(len(t.Columns)))
		for _, col := range t.Columns {
			str(col)
		}
		b = binary.AppendUvarint(b, uint64(len(t.Key)))
		for _, k := range t.Key {
			b = binary.AppendUvarint(b, uint64(k))
		}
		b = binary.AppendUvarint(b, uint64(len(t.Rows)))
		for _, r := range t.Rows {
			b = appendSide(appendSide(b, r.Old), r.New)
		}
	}
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
}

func appendSide(b []byte, values []any) []byte {
	if values == nil {
		return append(b, 0)
	}
	b = append(b, 1)
	for _, v := range values {
		b = appendValue(b, v)
	}
	return b
}

// appendValue writes a value so that two are equal if and only if their bytes are.
func appendValue(b []byte, v any) []byte {
	switch v := v.(type) {
	case int64:
		return binary.AppendVarint(append(b, 'i'), v)
	case float64:
		if v == 0 {
			v = 0 // there is one zero
		}
		return binary.BigEndian.AppendUint64(append(b, 'f'), math.Float64bits(v))
	case string:
		b = binary.AppendUvarint(append(b, 't'), uint64(len(v)))
		return append(b, v...)
	case []byte:
		b = binary.AppendUvarint(append(b, 'b'), uint64(len(v)))
		return append(b, v...)
	}
	return append(b, 'n')
}

// reader takes an encoded changeset apart; after a failure everything is zero.
type reader struct {
	b   []byte
	bad bool
}

func (r *reader) bytes(n uint64) []byte {
	if r.bad || n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return nil
	}
	out := r.b[:n:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) one() byte {
	if b := r.bytes(1); len(b) == 1 {
		return b[0]
	}
	return 0
}

// count is a number of items that take at least a byte each.
func (r *reader) count() int {
	n, size := binary.Uvarint(r.b)
	if r.bad || size <= 0 || n > uint64(len(r.b)) {
		r.bad, r.b = true, nil
		return 0
	}
	r.b = r.b[size:]
	return int(n)
}

func (r *reader) str() string { return string(r.bytes(uint64(r.count()))) }

func (r *reader) value() any {
	switch r.one() {
	case 'i':
		n, size := binary.Varint(r.b)
		if size <= 0 {
			r.bad, r.b = true, nil
			return nil
		}
		r.b = r.b[size:]
		return n
	case 'f':
		if b := r.bytes(8); b != nil {
			return math.Float64frombits(binary.BigEndian.Uint64(b))
		}
	case 't':
		return r.str()
	case 'b':
		return append([]byte{}, r.bytes(uint64(r.count()))...)
	case 'n':
	default:
		r.bad = true
	}
	return nil
}

func (r *reader) side(width int) []any {
	switch r.one() {
	case 0:
		return nil
	case 1:
	default:
		r.bad = true
	}
	out := make([]any, 0, min(width, len(r.b)))
	for range width {
		if r.bad {
			return nil
		}
		out = append(out, r.value())
	}
	return out
}

func (r *reader) table() Table {
	t := Table{Name: r.str()}
	for range r.count() {
		t.Columns = append(t.Columns, r.str())
	}
	for range r.count() {
		n, size := binary.Uvarint(r.b)
		if size <= 0 || n >= uint64(len(t.Columns)) {
			r.bad = true
			return t
		}
		r.b = r.b[size:]
		t.Key = append(t.Key, int(n))
	}
	for range r.count() {
		row := Row{Old: r.side(len(t.Columns)), New: r.side(len(t.Columns))}
		if row.Old == nil && row.New == nil {
			r.bad = true
		}
		if r.bad {
			return t
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// Decode reads an encoded changeset, which it does not trust.
func Decode(b []byte) (Changeset, error) {
	if len(b) < len(magic)+4 || string(b[:len(magic)]) != magic {
		return Changeset{}, fmt.Errorf("%w: it does not begin like one", errForm)
	}
	body := b[:len(b)-4]
	if crc32.ChecksumIEEE(body) != binary.BigEndian.Uint32(b[len(body):]) {
		return Changeset{}, fmt.Errorf("%w: its checksum is wrong", errForm)
	}
	r := &reader{b: body[len(magic):]}
	var c Changeset
	for range r.count() {
		s := Step{Verb: Verb(r.one()), Kind: r.str(), Table: r.str(), Name: r.str(), To: r.str(), SQL: r.str(), Was: r.str()}
		if sum := r.bytes(8); sum != nil {
			s.Sum = binary.BigEndian.Uint64(sum)
		}
		if s.Verb < Drop || s.Verb > Create {
			r.bad = true
		}
		c.Steps = append(c.Steps, s)
	}
	for range r.count() {
		c.Tables = append(c.Tables, r.table())
	}
	if r.bad || len(r.b) != 0 {
		return Changeset{}, fmt.Errorf("%w: it is cut off or too long", errForm)
	}
	return c, nil
}
