import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";
import { iconTable } from "./icons.plugin.ts";

const gateway = process.env.MATRIXOS_GATEWAY ?? "http://127.0.0.1:4010";

export default defineConfig({
  plugins: [react(), iconTable(), keepFolder()],
  build: { target: "es2022", sourcemap: false, assetsInlineLimit: 0, modulePreload: { polyfill: false } },
  server: {
    host: "127.0.0.1",
    proxy: {
      "/api": { target: gateway, ws: true },
      "/app": gateway,
      "/runtime": gateway,
      "/signin": gateway,
    },
  },
});

// The Go side embeds dist, which must exist in a fresh checkout as well.
function keepFolder() {
  return {
    name: "matrixos-keep-folder",
    generateBundle(this: { emitFile(f: { type: "asset"; fileName: string; source: string }): void }) {
      this.emitFile({ type: "asset", fileName: ".keep", source: "" });
    },
  };
}
