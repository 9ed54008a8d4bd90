import { createRoot } from "react-dom/client";
createRoot(document.getElementById("root")).render(<h1 className="p-4 bg-brand text-brand-dark rounded-card dark:underline">Retro</h1>);
