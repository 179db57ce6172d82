import { defineConfig } from "vite";

// The node serves the built files at /_console/; names under static/ carry a hash of their content.
export default defineConfig({
  base: "/_console/",
  esbuild: { jsx: "automatic", jsxImportSource: "preact" },
  build: {
    outDir: "../src/tule/console/assets",
    emptyOutDir: true,
    assetsDir: "static",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    target: "es2022",
  },
});
