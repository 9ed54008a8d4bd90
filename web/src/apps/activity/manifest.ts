import { Activity } from "lucide-react";
import { lazy } from "react";
import type { Program } from "../../desktop/program.ts";

export const activity: Program = { name: "activity", title: "Activity", icon: Activity, size: { w: 720, h: 520 }, Component: lazy(() => import("./ActivityView.tsx")) };
