package anthropic_test

import (
	"testing"

	"matrixos/model"
	"matrixos/model/anthropic"
	"matrixos/model/modeltest"
	"matrixos/sys"
)

func open(t testing.TB, url, key string) model.Model {
	t.Helper()
	m, err := anthropic.New(anthropic.Options{
		Key: key, BaseURL: url, Idle: modeltest.Idle, MaxRetries: modeltest.Retries,
		MaxWait: modeltest.MaxWait, Backoff: modeltest.Backoff,
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestConformance(t *testing.T) { modeltest.Run(t, open) }

func TestNewRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		o    anthropic.Options
		kind sys.Kind
	}{
		"no key":         {anthropic.Options{}, sys.Unauthorized},
		"no address":     {anthropic.Options{Key: "k", BaseURL: "api.example.org"}, sys.Invalid},
		"another scheme": {anthropic.Options{Key: "k", BaseURL: "ftp://api.example.org"}, sys.Invalid},
		"a user name":    {anthropic.Options{Key: "k", BaseURL: "https://me:pw@api.example.org"}, sys.Invalid},
	} {
		m, err := anthropic.New(c.o)
		if m != nil || sys.KindOf(err) != c.kind || sys.HintOf(err) == "" {
			t.Errorf("%s: %v, %v; want %q with a hint", name, m, err, c.kind)
		}
	}
}
