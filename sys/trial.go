package sys

import "encoding/json"

// TrialJob is one scenario that an open desktop is to play for the home.
type TrialJob struct {
	ID string `json:"id"`
	// Nonce is the right to speak of this job. Who takes it anew gets another one.
	Nonce   string          `json:"nonce"`
	Version string          `json:"version"` // of the app that is tried; what comes of it has to name it
	Work    json.RawMessage `json:"work"`    // for the conductor of the trial
}

// TrialAnswer is what a call of a window on trial yields: one of the two, as in a window
// of the owner's.
type TrialAnswer struct {
	Value json.RawMessage `json:"value,omitempty"`
	Error string          `json:"error,omitempty"`
}

// TrialOutcome is how a job ends: with a result, or given back.
type TrialOutcome struct {
	Nonce   string          `json:"nonce"`
	Version string          `json:"version"`
	Result  *ScenarioResult `json:"result,omitempty"` // nil: it is given back
	Hangs   bool            `json:"hangs,omitempty"`  // the window did not come to an end
}

// TrialData is the payload of EventTrial.
type TrialData struct {
	ID  string `json:"id"`
	App Slug   `json:"app"`
}
