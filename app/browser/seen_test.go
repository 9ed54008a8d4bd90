package browser

import "testing"

// The frame of a trial is drawn small, to be drawn cheaply; the app must not notice.
func TestAWindowIsAsLargeAsItSays(t *testing.T) {
	w := newWorld(t)
	w.static("seen", `<style>body{margin:0}div{height:33.3px;margin:0.7px 3.3px}</style><p id=p></p><div></div><div style="width:33.33%"></div><div style="position:absolute;top:783.5px;width:10px;height:33px"></div>
<script>
const said = [innerWidth + "x" + innerHeight, "dpr " + devicePixelRatio], boxes = [...document.querySelectorAll("div")];
const watch = new IntersectionObserver((all) => {
  for (const e of all) said.push(e.intersectionRatio.toFixed(1) + (e.intersectionRatio === 1 ? " whole" : " part"));
  p.textContent = said.join(", ") + ", at " + (document.elementFromPoint(5, 790) === boxes[2]) + ", " + boxes[1].getBoundingClientRect().width.toFixed(1);
}, { threshold: [0, 0.5, 1] });
for (const box of boxes) watch.observe(box);
</script>`, `{"see": "1100x800, dpr 1, 1.0 whole, 1.0 whole, 0.5 part, at true, 361.6"}`)
	for _, s := range w.run("seen") {
		if !s.Green {
			t.Errorf("%+v", s)
		}
	}
}
