import { useEffect, useRef, useState } from "react";
import styles from "./Board.module.css";

export default function Board({ start, onWon }) {
  const [lights, setLights] = useState(start);
  const moves = useRef(0);
  const canvas = useRef(null);
  const size = start.length;
  const press = (x, y) => {
    moves.current++;
    const next = lights.map((row, j) => row.map((on, i) => (Math.abs(i - x) + Math.abs(j - y) <= 1 ? 1 - on : on)));
    setLights(next);
    if (next.flat().every((on) => !on)) setTimeout(() => onWon(moves.current), 50);
  };
  useEffect(() => {
    const ctx = canvas.current.getContext("2d");
    lights.forEach((row, j) => row.forEach((on, i) => { ctx.fillStyle = on ? "#fc0" : "#333"; ctx.fillRect(i * 10, j * 10, 9, 9); }));
  }, [lights]);
  useEffect(() => {
    const onKey = (e) => { const n = Number(e.key); if (n >= 1 && n <= size) press(n - 1, n - 1); };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  });
  return (
    <div className={styles.board} style={{ gridTemplateColumns: `repeat(${size}, 40px)` }}>
      {lights.map((row, y) => row.map((on, x) => <button key={`${x},${y}`} className={on ? styles.on : styles.off} aria-label={`${x + 1},${y + 1} ${on ? "on" : "off"}`} onClick={() => press(x, y)} />))}
      <canvas ref={canvas} width={size * 10} height={size * 10} />
    </div>
  );
}
