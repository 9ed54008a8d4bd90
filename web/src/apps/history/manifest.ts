import { History } from "lucide-react";
import { lazy } from "react";
import type { Program } from "../../desktop/program.ts";

export const history: Program = { name: "history", title: "History", icon: History, size: { w: 1040, h: 680 }, Component: lazy(() => import("./HistoryView.tsx")) };
