/** How the window's pages are built, served in development and tested. */
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { svelteTesting } from "@testing-library/svelte/vite";
import { defineConfig } from "vitest/config";

export default defineConfig({
  cacheDir: "../node_modules/.vite",
  plugins: [svelte(), svelteTesting()],
  // The oldest web view that Tauri runs on is WebKit's of Safari 16. The window's content policy allows no data: fonts
  // or inline preload script, so assets stay files and the polyfill stays out.
  build: {
    outDir: "dist",
    emptyOutDir: true,
    target: "safari16",
    modulePreload: { polyfill: false },
    assetsInlineLimit: 0,
  },
  // The packages lie beside this folder, not in it.
  server: {
    host: "127.0.0.1",
    port: 5173,
    strictPort: true,
    fs: { allow: [".", "../node_modules"] },
  },
  test: {
    environment: "happy-dom",
    // Its animations reject where those of a browser are silent; what is tested has ended them already.
    environmentOptions: { happyDOM: { settings: { device: { prefersReducedMotion: "reduce" } } } },
    include: ["tests/**/*.test.ts"],
    setupFiles: ["tests/setup.ts"],
    // A whole window takes a while on a busy machine: that is slow, not wrong.
    testTimeout: 30_000,
  },
});
