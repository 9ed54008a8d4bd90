import { Users } from "lucide-react";
import { lazy } from "react";
import type { Program } from "../../desktop/program.ts";

export const social: Program = { name: "social", title: "Social", icon: Users, size: { w: 760, h: 720 }, Component: lazy(() => import("./SocialView.tsx")) };
