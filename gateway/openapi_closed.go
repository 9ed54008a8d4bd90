package gateway

import (
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"matrixos/kernel"
	"matrixos/sys"
)

// closed names the values of strings that come from a closed set, by schema and
// field, so that clients generated from the document know them.
func closed() map[string]map[string][]any {
	kinds := values(sys.Internal, sys.Invalid, sys.NotFound, sys.Exists, sys.Conflict, sys.Refused, sys.NeedsApproval, sys.OverBudget,
		sys.NotVerified, sys.Held, sys.TooNew, sys.NoSpace, sys.Unavailable, sys.Unauthorized, sys.Canceled)
	landings := values(sys.ByAgent, sys.ByOwner, sys.ByUndo, sys.BySystem, sys.ByHealer, sys.ByMerge)
	ops := values(sys.Added, sys.Modified, sys.Deleted, sys.Renamed)
	return map[string]map[string][]any{
		"Problem":    {"kind": kinds},
		"AnswerData": {"kind": kinds},
		"Process": {
			"state":       values(sys.Created, sys.Ready, sys.Running, sys.Waiting, sys.Landing, sys.Done, sys.Failed, sys.Killed, sys.Parked),
			"waiting_for": values(sys.ForModel, sys.ForTool, sys.ForChild, sys.ForApproval, sys.ForTimer, sys.ForMessage),
			"parked":      values(sys.ForBudget, sys.ForStop, sys.ForCrashes, sys.ForNoModel),
		},
		"LandingInfo":  {"kind": landings},
		"Cause":        {"kind": landings},
		"Change":       {"op": ops},
		"FileDiff":     {"op": ops},
		"ConflictInfo": {"state": values(sys.ConflictRetrying, sys.ConflictWaiting, sys.ConflictSettled)},
		"ConflictPath": {"choice": values(sys.ChooseOurs, sys.ChooseTheirs, sys.ChooseBoth, sys.ChooseFile)},
		"TaskData":     {"state": values(sys.TaskBlocked, sys.TaskReady, sys.TaskClaimed, sys.TaskDone, sys.TaskFailed, sys.TaskCancelled)},
		"MailData":     {"state": values(sys.MailSent, sys.MailDelivered, sys.MailRead, sys.MailExpired)},
		"EffectData":   {"state": values(sys.EffectPending, sys.EffectClaimed, sys.EffectDone, sys.EffectDead)},
		"JobStatus": {
			"missed": values(kernel.MissedSkip, kernel.MissedOnce, kernel.MissedAll),
			"result": values(kernel.ResultTold, kernel.ResultRunning, kernel.ResultOK, kernel.ResultFailed, kernel.ResultRests, kernel.ResultStopped),
		},
		"Origin":      {"by": values(kernel.MadeShipped, kernel.MadeByOwner, kernel.MadeBySelf)},
		"DriverInfo":  {"state": values(sys.DriverOff, sys.DriverFault, sys.DriverNew, sys.DriverReady, sys.DriverRunning, sys.DriverWaiting, sys.DriverBroken, sys.DriverBlocked)},
		"DriverTool":  {"may": values("own", "read", "write", "external", "off")},
		"DriverData":  {"state": values(sys.DriverOff, sys.DriverFault, sys.DriverNew, sys.DriverReady, sys.DriverRunning, sys.DriverWaiting, sys.DriverBroken, sys.DriverBlocked)},
		"MessageData": {"role": values("user", "assistant")},
		"NoticeData":  {"level": values("info", "waiting", "error")},
		"AuditData":   {"verdict": values("allow", "ask", "refuse")},
		"Diagnostic":  {"severity": values("error", "warning")},
		"HealCase": {
			"state": values(sys.HealDone, sys.HealProposed, sys.HealRests, sys.HealGone, sys.HealBack, sys.HealLeft, sys.HealUnproven, sys.HealEscaped),
			"rung":  values(sys.RungBytes, sys.RungHunk, sys.RungReplay, sys.RungSyntax, sys.RungModel),
			"by":    landings,
		},
		"Explanation": {"kind": values("text", "binary", "folder", "deleted")},
	}
}

func values[T ~string](list ...T) []any {
	out := make([]any, len(list))
	for i, v := range list {
		out[i] = string(v)
	}
	return out
}

// narrow makes the document's schemas say what they know: closed sets, and that a
// list which may be left out is never null. What comes in stays as it is.
func narrow(schemas huma.Registry) {
	for name, fields := range closed() {
		for field, set := range fields {
			schemas.Map()[name].Properties[field].Enum = set
		}
	}
	for name, s := range schemas.Map() {
		if strings.HasSuffix(name, "Request") || strings.HasSuffix(name, "Body") {
			continue
		}
		for field, p := range s.Properties {
			if p.Type == huma.TypeArray && !slices.Contains(s.Required, field) {
				p.Nullable = false
			}
		}
	}
}
