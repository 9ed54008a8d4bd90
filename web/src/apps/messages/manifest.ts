import { MessagesSquare } from "lucide-react";
import { lazy } from "react";
import type { Program } from "../../desktop/program.ts";

export const messages: Program = { name: "messages", title: "Messages", icon: MessagesSquare, size: { w: 980, h: 660 }, Component: lazy(() => import("./MessagesView.tsx")) };
