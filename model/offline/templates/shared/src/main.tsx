import { createRoot } from "react-dom/client";
import Main from "./App";

createRoot(document.getElementById("root")!).render(<Main />);
