import React from "react";
import ReactDOM from "react-dom/client";
import Board from "./Board.jsx";
import levels from "./levels.json";
import rules from "./rules.txt?raw";
import tick from "./tick.svg?url";

function Game() {
  const [level, setLevel] = React.useState(0);
  const [best, setBest] = React.useState(null);
  React.useEffect(() => {
    window.MatrixOS.readData("best").then(setBest);
    return window.MatrixOS.onDataChange((key) => key === "best" && window.MatrixOS.readData("best").then(setBest));
  }, []);
  const won = (moves) => {
    if (best === null || moves < best) window.MatrixOS.writeData("best", moves);
    if (level + 1 < levels.length) setLevel(level + 1);
  };
  return (
    <>
      <h1>Level {level + 1}</h1>
      <Board key={level} start={levels[level]} onWon={won} />
      <p id="best">Best: {best ?? "none"} <img src={tick} alt="" width="12" /></p>
      <pre>{rules}</pre>
    </>
  );
}

ReactDOM.createRoot(document.getElementById("root")).render(<Game />);
