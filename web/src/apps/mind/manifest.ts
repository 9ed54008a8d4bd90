import { Brain } from "lucide-react";
import { lazy } from "react";
import type { Program } from "../../desktop/program.ts";

export const mind: Program = { name: "mind", title: "Mind", icon: Brain, size: { w: 760, h: 600 }, Component: lazy(() => import("./MindView.tsx")) };
