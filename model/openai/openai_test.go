package openai_test

import (
	"testing"

	"matrixos/model"
	"matrixos/model/modeltest"
	"matrixos/model/openai"
	"matrixos/sys"
)

func open(t testing.TB, url, key string) model.Model {
	t.Helper()
	m, err := openai.New(openai.Options{
		Key: key, BaseURL: url + "/v1", Idle: modeltest.Idle, MaxRetries: modeltest.Retries,
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
		o    openai.Options
		kind sys.Kind
	}{
		"no key":     {openai.Options{}, sys.Unauthorized},
		"no address": {openai.Options{BaseURL: "localhost:11434"}, sys.Invalid},
	} {
		m, err := openai.New(c.o)
		if m != nil || sys.KindOf(err) != c.kind || sys.HintOf(err) == "" {
			t.Errorf("%s: %v, %v; want %q with a hint", name, m, err, c.kind)
		}
	}
	if _, err := openai.New(openai.Options{BaseURL: "http://127.0.0.1:11434/v1"}); err != nil {
		t.Errorf("a server of one's own wants no key: %v", err)
	}
}
