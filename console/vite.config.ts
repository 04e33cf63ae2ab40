import { fileURLToPath } from "node:url";
import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

const here = fileURLToPath(new URL(".", import.meta.url));

/**
 * Makes a worker an entry of the same build, so that it shares its modules with the page: Vite builds each worker by
 * itself, which doubles what both use, a third of all scripts.
 */
function sharedWorker(caller: string, worker: string): Plugin {
  const written = `new URL("./${worker}", import.meta.url)`;
  return {
    name: "shared-worker",
    enforce: "pre",
    apply: "build",
    transform(code, id) {
      if (!id.endsWith(caller)) return undefined;
      if (!code.includes(written)) this.error(`${caller} does not name its worker by ${written}`);
      const file = fileURLToPath(new URL(worker, `file://${id}`));
      const reference = this.emitFile({ type: "chunk", id: file, name: "worker" });
      return code.replace(written, `import.meta.ROLLUP_FILE_URL_${reference}`);
    },
  };
}

/** A static build with relative addresses, so that it can be served from any folder of any web server. */
export default defineConfig({
  root: here,
  base: "./",
  plugins: [sharedWorker("/verify/useVerification.ts", "worker.ts"), react()],
  resolve: {
    alias: { "@protocol": fileURLToPath(new URL("../src/protocol", import.meta.url)) },
  },
  build: {
    outDir: fileURLToPath(new URL("../dist/console", import.meta.url)),
    emptyOutDir: true,
    target: "es2022",
    // The policy of the page allows no data: addresses and no inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    license: true,
    sourcemap: false,
    // The limit that counts is that of all scripts together: test/console/build.test.ts.
    chunkSizeWarningLimit: 1_000,
  },
});
