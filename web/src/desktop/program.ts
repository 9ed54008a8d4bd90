// What a built-in program tells the desktop about itself. The desktop knows none
// of them; main.tsx hands it the list.
import type { LucideIcon } from "lucide-react";
import type { ComponentType } from "react";
import type { Context } from "../commands/registry.ts";
import type { Size } from "./windows/transitions.ts";

export interface ProgramProps {
  arg?: string; // such as the landing that history is to show
  context(): Context; // for performing commands
}

export interface Program {
  name: string;
  title: string;
  icon: LucideIcon;
  size: Size;
  Component: ComponentType<ProgramProps>; // lazy
}
