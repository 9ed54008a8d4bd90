package boot

import (
	"strings"
	"testing"

	"matrixos/sys"
)

// TestAWrongChangeThatBreaksARuleOfTheData: all that a person sees is right, and what is
// stored is not. The rule that the data of a scenario break is as good as a step that fails:
// the change is found, traced and taken back, and what came after it stays.
func TestAWrongChangeThatBreaksARuleOfTheData(t *testing.T) {
	b := newBench(t)
	code := `document.body.innerHTML = "<button>Weigh</button><p></p>";
document.querySelector("button").onclick = async () => {
	await MatrixOS.db.insert("things", { weight: 3 });
	document.querySelector("p").textContent = "weighed";
};
`
	files := map[sys.Path]string{}
	for p, text := range scales {
		files[p] = text
	}
	files["apps/scales/src/main.tsx"] = "// @ts-nocheck\n" + code
	files["apps/scales/contract.json"] = strings.Replace(scales["apps/scales/contract.json"], `[{"see": "kg"}]`, `[{"click": "button", "name": "Weigh"}, {"see": "weighed"}]`, 1)
	if _, err := b.s.write(t, sys.ByAgent, files); err != nil {
		t.Fatal(err)
	}
	b.s.disk.SetChecks() // no gate stands before what is planted
	wrong := strings.Replace(files["apps/scales/src/main.tsx"], "weight: 3", "weight: -3", 1)
	culprit, err := b.s.write(t, sys.ByAgent, map[sys.Path]string{"apps/scales/src/main.tsx": wrong})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := b.s.write(t, sys.ByAgent, map[sys.Path]string{"apps/scales/src/main.tsx": wrong + "export const later = 1;\n"}); err != nil {
		t.Fatal(err)
	}
	b.s.disk.SetChecks(b.s.apps.check)
	r, err := b.s.healer.Heal(t.Context(), sys.HealOptions{App: "scales"})
	if err != nil || len(r.Cases) != 1 || r.Cases[0].State != sys.HealDone || r.Cases[0].Culprit != culprit.ID {
		t.Fatalf("%+v, %v", r, err)
	}
	if got := string(b.read("apps/scales")["apps/scales/src/main.tsx"]); got != files["apps/scales/src/main.tsx"]+"export const later = 1;\n" {
		t.Errorf("%s", got)
	}
}
