package openai

import "testing"

func TestNear(t *testing.T) {
	for base, want := range map[string]bool{
		"http://127.0.0.1:11434/v1": true, "http://localhost:8080": true, "http://[::1]:8080/v1": true,
		"http://192.168.1.20:8000/v1": true, "https://api.openai.com/v1": false, "https://openrouter.ai/api/v1": false,
		"https://8.8.8.8": false, "https://localhost.example.org": false,
	} {
		if got := near(base); got != want {
			t.Errorf("near(%q) = %v", base, got)
		}
	}
}
