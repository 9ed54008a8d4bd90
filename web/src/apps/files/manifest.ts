import { Folder } from "lucide-react";
import { lazy } from "react";
import type { Program } from "../../desktop/program.ts";

export const files: Program = { name: "files", title: "Files", icon: Folder, size: { w: 860, h: 580 }, Component: lazy(() => import("./FilesView.tsx")) };
