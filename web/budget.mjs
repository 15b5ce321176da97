/** Weighs what each page loads at first, as gzip has it, the larger of the forms that the server gives, and says where that is too much; with CI set it fails. */
import { readFileSync, rmSync } from "node:fs";
import { gzipSync } from "node:zlib";

const MOST_BYTES = 200_000;

const manifest = JSON.parse(readFileSync("dist/.vite/manifest.json", "utf8"));
// It is of use here alone.
rmSync("dist/.vite", { recursive: true });

function reach(key, seen = new Set()) {
  if (!seen.has(key)) {
    seen.add(key);
    for (const imported of manifest[key].imports ?? []) reach(imported, seen);
  }
  return seen;
}

const weights = new Map();
function weigh(key) {
  const { file } = manifest[key];
  if (!file.endsWith(".js")) return 0;
  if (!weights.has(file)) weights.set(file, gzipSync(readFileSync(`dist/${file}`), { level: 9 }).length);
  return weights.get(file);
}

const start = reach("index.html");
const pages = Object.keys(manifest).filter((key) => key.startsWith("src/routes/") && manifest["index.html"].dynamicImports.includes(key));
const loads = pages.map((page) => {
  // A page of an area stands in the area's frame.
  const frame = page.replace(/[^/]+$/, "index.tsx");
  const loaded = reach(page, reach(frame in manifest ? frame : page, new Set(start)));
  return { page, bytes: [...loaded].reduce((sum, key) => sum + weigh(key), 0) };
});
const [heaviest] = loads.toSorted((one, other) => other.bytes - one.bytes);
console.log(`first load: at most ${(heaviest.bytes / 1000).toFixed(0)} kB of JavaScript (${heaviest.page})`);
if (heaviest.bytes > MOST_BYTES) {
  for (const { page, bytes } of loads) console.error(`${(bytes / 1000).toFixed(1)} kB  ${page}`);
  console.error(`first load: more than ${MOST_BYTES / 1000} kB`);
  if (process.env.CI) process.exit(1);
}
