import * as Dialog from "@radix-ui/react-dialog";
import { Tabs } from "radix-ui";
import { QueryClient, QueryClientProvider, useQuery } from "@tanstack/react-query";
import { Chess } from "chess.js";
import confetti from "canvas-confetti";
import { Command } from "cmdk";
import dayjs from "dayjs";
import utc from "dayjs/plugin/utc";
import { AnimatePresence, motion } from "framer-motion";
import { produce } from "immer";
import _, { debounce } from "lodash";
import { Plus } from "lucide-react";
import { marked } from "marked";
import { motion as again } from "motion/react";
import { nanoid } from "nanoid";
import Papa from "papaparse";
import { useForm } from "react-hook-form";
import { BrowserRouter, Link, Route, Routes } from "react-router-dom";
import { toast, Toaster } from "sonner";
import { v4 as uuid } from "uuid";
import { z } from "zod";
import { create } from "zustand";
import { persist } from "zustand/middleware";
import { DndContext } from "@dnd-kit/core";
import { SortableContext } from "@dnd-kit/sortable";
import { CSS } from "@dnd-kit/utilities";
import { Button } from "@/components/ui/button";

dayjs.extend(utc);
const useCount = create<{ n: number; more(): void }>()((set) => ({ n: 0, more: () => set(produce((s) => void s.n++)) }));
const client = new QueryClient();

function facts(): string[] {
  return [
    new Chess().moves().length + " moves",
    dayjs.utc("2026-11-26T10:00:00Z").format("DD/MM HH:mm"),
    _.chunk([1, 2, 3], 2).length + typeof debounce,
    nanoid(8).length + "/" + uuid().length,
    Papa.parse("a,b\n1,2").data.length + " lines",
    z.object({ n: z.number() }).safeParse({ n: "x" }).success + "",
    z.number().safeParse("x").error!.issues[0]!.message,
    CSS.Transform.toString({ x: 1, y: 2, scaleX: 1, scaleY: 1 }) ?? "",
    [typeof confetti, typeof persist, typeof again.div, typeof SortableContext].join(),
  ];
}

function Home() {
  const { n, more } = useCount();
  const { register, handleSubmit } = useForm<{ name: string }>();
  const { data } = useQuery({ queryKey: ["x"], queryFn: async () => "fetched" });
  return (
    <div>
      <Button onClick={more}><Plus /> Count {n}</Button>
      <p data-testid="query">{data}</p>
      <p data-testid="markdown" dangerouslySetInnerHTML={{ __html: marked.parse("**bold**") as string }} />
      <form onSubmit={handleSubmit(({ name }) => toast(`Hello ${name}`))}>
        <label>Name <input {...register("name", { required: true })} /></label>
        <Button type="submit">Greet</Button>
      </form>
      <Dialog.Root>
        <Dialog.Trigger asChild><Button size="sm">Details</Button></Dialog.Trigger>
        <Dialog.Portal><Dialog.Overlay className="fixed inset-0" /><Dialog.Content aria-describedby={undefined} className="fixed top-8 animate-in fade-in"><Dialog.Title>Details of the shelf</Dialog.Title><Dialog.Close>Close</Dialog.Close></Dialog.Content></Dialog.Portal>
      </Dialog.Root>
      <Tabs.Root defaultValue="a"><Tabs.List><Tabs.Trigger value="a">A</Tabs.Trigger></Tabs.List><Tabs.Content value="a">Tab A</Tabs.Content></Tabs.Root>
      <Command label="Palette"><Command.Input /><Command.List><Command.Item>Apple</Command.Item></Command.List></Command>
      <AnimatePresence>{n > 0 && <motion.p initial={{ opacity: 0 }} animate={{ opacity: 1 }} data-testid="motion">moved</motion.p>}</AnimatePresence>
      <Link to="/about">About</Link>
    </div>
  );
}

export default function App() {
  return (
    <QueryClientProvider client={client}>
      <DndContext>
        <BrowserRouter>
          <ul data-testid="facts">{facts().map((f) => <li key={f}>{f}</li>)}</ul>
          <Routes>
            <Route path="/" element={<Home />} />
            <Route path="/about" element={<h1 className="text-3xl">About this shelf</h1>} />
          </Routes>
          <Toaster />
        </BrowserRouter>
      </DndContext>
    </QueryClientProvider>
  );
}
