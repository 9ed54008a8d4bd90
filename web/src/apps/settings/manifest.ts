import { Settings } from "lucide-react";
import { lazy } from "react";
import type { Program } from "../../desktop/program.ts";

export const settings: Program = { name: "settings", title: "Settings", icon: Settings, size: { w: 640, h: 620 }, Component: lazy(() => import("./SettingsView.tsx")) };
