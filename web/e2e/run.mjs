/** Runs a module of this folder: `node e2e/run.mjs e2e/screenshots.ts`. */
import { runnerImport } from "vite";

const [path] = process.argv.slice(2);
const { module } = await runnerImport(`./${path}`, { configFile: false, logLevel: "warn" });
await module.main();
