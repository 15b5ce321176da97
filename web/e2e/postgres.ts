/** A private PostgreSQL, that ends with the tests. */
import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import type { Shared } from "./server";

const SCRIPT = resolve("../bin/postgres.sh");
/** One that is not here yet is installed first. */
const START_MS = 240_000;

export interface Postgres extends Shared {
  stop: () => Promise<void>;
}

const running = new Set<string>();
process.on("exit", () => {
  for (const folder of running) execFileSync(SCRIPT, ["stop", folder]);
});

export async function startPostgres(): Promise<Postgres> {
  const folder = join(tmpdir(), `switchboard-e2e-postgres-${randomBytes(6).toString("hex")}`);
  running.add(folder);
  const { stdout } = await promisify(execFile)(SCRIPT, ["start", folder], { timeout: START_MS });
  return {
    url: stdout.trim(),
    masterKey: randomBytes(32).toString("hex"),
    stop: async () => {
      await promisify(execFile)(SCRIPT, ["stop", folder]);
      running.delete(folder);
    },
  };
}
