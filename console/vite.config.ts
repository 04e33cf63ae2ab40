import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

const here = fileURLToPath(new URL(".", import.meta.url));

/** A static build with relative addresses, so that it can be served from any folder of any web server. */
export default defineConfig({
  root: here,
  base: "./",
  plugins: [react()],
  resolve: {
    alias: { "@protocol": fileURLToPath(new URL("../src/protocol", import.meta.url)) },
  },
  build: {
    outDir: fileURLToPath(new URL("../dist/console", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    // The policy of the page allows no data: addresses and no inline scripts.
    assetsInlineLimit: 0,
    rolldownOptions: {
      // Trees of evidence are an auditor's: no page builds one, and what is not used is left out.
      treeshake: { moduleSideEffects: (id) => !/@openzeppelin\/merkle-tree|@metamask\//.test(id) },
    },
    modulePreload: { polyfill: false },
    license: true,
    sourcemap: false,
    // The limit that counts is that of all scripts together: test/console/build.test.ts.
    chunkSizeWarningLimit: 1_000,
  },
});
