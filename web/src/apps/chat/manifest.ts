import { MessageSquareText } from "lucide-react";
import { lazy } from "react";
import type { Program } from "../../desktop/program.ts";

export const chat: Program = {
  name: "chat",
  title: "Ask",
  icon: MessageSquareText,
  size: { w: 760, h: 640 },
  Component: lazy(() => import("./Chat.tsx")),
};
