package driver

import (
	"bytes"
	"cmp"
	"fmt"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"matrixos/sys"
)

// Offer is a tool that may be called.
type Offer struct {
	Server string
	Full   string // mcp__server__tool
	Tool   Tool
	Reach  Reach
	// Outside says that the driver is, or reaches, somebody else, whatever this tool
	// does there.
	Outside bool

	Schema *jsonschema.Schema // of its arguments
	output *jsonschema.Schema // of its results, or nil
}

func newOffer(e Entry, t Tool) (Offer, error) {
	o := Offer{
		Server: e.Name, Full: FullName(e.Name, t.Name), Tool: t, Reach: cmp.Or(e.Tools[t.Name], e.Reach), Outside: e.Reach == External,
	}
	var err error
	if o.Schema, err = schemaOf(t.Schema); err != nil {
		return o, err
	}
	if len(t.Output) > 0 {
		o.output, err = schemaOf(t.Output)
	}
	return o, err
}

func schemaOf(raw []byte) (*jsonschema.Schema, error) {
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	return compileSchema(doc)
}

// check holds a result against what the tool says about its results.
func (o Offer) check(r Result) error {
	if o.output == nil || r.Failed {
		return nil
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(r.Data))
	if err == nil {
		err = o.output.Validate(doc)
	}
	if err != nil {
		return &sys.Error{
			Op: "call", Path: o.Full, Kind: sys.Unavailable, Err: fmt.Errorf("its answer is not of the form that it promises: %s", Clean(err.Error(), 300)),
			Hint: "do without it, and say so",
		}
	}
	return nil
}
