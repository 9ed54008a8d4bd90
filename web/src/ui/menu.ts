// Context menus: one at a time, opened by any pointer or key event.
import { create } from "zustand";

export type MenuItem = { label: string; run(): void; loss?: boolean; key?: string } | null;

interface MenuState {
  at: { x: number; y: number } | null;
  items: readonly MenuItem[];
  from: HTMLElement | null; // gets the focus back
}

export const useMenu = create<MenuState>()(() => ({ at: null, items: [], from: null }));

interface Where {
  clientX: number;
  clientY: number;
  currentTarget: EventTarget & Element;
  preventDefault(): void;
}

/** openMenu shows items where the event was; without a position, under its element. */
export function openMenu(e: Where, items: readonly MenuItem[]): void {
  e.preventDefault();
  const box = e.currentTarget.getBoundingClientRect();
  const at = e.clientX || e.clientY ? { x: e.clientX, y: e.clientY } : { x: box.left, y: box.bottom + 4 };
  useMenu.setState({ at, items, from: document.activeElement as HTMLElement | null });
}

export function closeMenu(): void {
  const { from } = useMenu.getState();
  useMenu.setState({ at: null, items: [], from: null });
  from?.focus?.();
}
