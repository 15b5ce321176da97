/**
 * The real server, on a port and a data folder of its own. It can be killed and started again, and never outlives the tests.
 *
 * `SWITCHBOARD_E2E_BINARY` names the binary, which must hold the web app that is in `dist`.
 */
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { existsSync, rmSync } from "node:fs";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { promisify } from "node:util";

const START_MS = 30_000;
/** What is kept of what it says, for when it does not start. */
const LOG_CHARS = 8_000;

const BINARY = resolve(process.env.SWITCHBOARD_E2E_BINARY ?? "../target/debug/switchboard");

export interface Server {
  /** Where the browser goes; the same over every start. */
  base: string;
  /** Ends it as a power cut would. */
  kill: () => Promise<void>;
  /** Starts it again, on what it had. */
  start: () => Promise<void>;
  /** Adds what `switchboard seed` adds. */
  seed: () => Promise<void>;
  /** Asks it, as the local operator. */
  ask: <T>(method: string, path: string, body?: unknown) => Promise<T>;
  /** Ends it for good and removes its data. */
  stop: () => Promise<void>;
}

const running = new Set<{ child: ChildProcess; folder: string }>();
process.on("exit", () => {
  for (const { child, folder } of running) {
    child.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  }
});

/** A database that several servers share, and the master key that seals it. */
export interface Shared {
  url: string;
  masterKey: string;
}

/** On SQLite in its own folder, or on what it shares with others. */
export async function startServer(shared?: Shared): Promise<Server> {
  if (!existsSync(BINARY)) throw new Error(`there is no ${BINARY}: build the server, or name it in SWITCHBOARD_E2E_BINARY`);
  const folder = await mkdtemp(join(tmpdir(), "switchboard-e2e-"));
  const port = await freePort();
  const base = `http://127.0.0.1:${port}`;
  const place = ["--data", folder, ...(shared ? ["--database", shared.url] : [])];
  const env = { ...bareEnvironment(), ...(shared && { SWITCHBOARD_MASTER_KEY: shared.masterKey }) };
  let current: { child: ChildProcess; folder: string } | undefined;

  async function start(): Promise<void> {
    if (current) throw new Error("it runs already");
    let log = "";
    const child = spawn(BINARY, ["dev", "--listen", `127.0.0.1:${port}`, ...place], { env, stdio: ["ignore", "pipe", "pipe"] });
    current = { child, folder };
    running.add(current);
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on("data", (chunk: Buffer) => {
        log = (log + chunk.toString()).slice(-LOG_CHARS);
      });
    }
    const until = Date.now() + START_MS;
    while (!(await isReady(base))) {
      if (child.exitCode !== null || Date.now() > until) throw new Error(`the server did not start:\n${log}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  async function kill(): Promise<void> {
    const ended = current;
    if (!ended) return;
    current = undefined;
    const { child } = ended;
    const gone = new Promise((resolve) => child.once("exit", resolve));
    if (child.exitCode === null && child.signalCode === null) {
      child.kill("SIGKILL");
      await gone;
    }
    running.delete(ended);
  }

  async function stop(): Promise<void> {
    await kill();
    await rm(folder, { recursive: true, force: true });
  }

  try {
    await start();
    if (!(await hasApp(base))) throw new Error(`${BINARY} holds another web app than web/dist, or none: build the app, then the server`);
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    base,
    kill,
    start,
    stop,
    seed: async () => {
      await promisify(execFile)(BINARY, ["seed", ...place], { env, timeout: START_MS });
    },
    ask: (method, path, body) => ask(base, method, path, body),
  };
}

/** What a shell or `.env` sets must not reach it. */
function bareEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith("SWITCHBOARD_") && name !== "DATABASE_URL"));
}

async function ask<T>(base: string, method: string, path: string, body?: unknown): Promise<T> {
  const isForm = body instanceof FormData;
  const response = await fetch(base + path, {
    method,
    ...(body !== undefined && { body: isForm ? body : JSON.stringify(body) }),
    headers: body === undefined || isForm ? {} : { "Content-Type": "application/json" },
    signal: AbortSignal.timeout(10_000),
  });
  const text = await response.text();
  if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
  return (text === "" ? undefined : JSON.parse(text)) as T;
}

async function isReady(base: string): Promise<boolean> {
  try {
    const response = await fetch(`${base}/api/ready`, { signal: AbortSignal.timeout(1_000) });
    await response.text();
    return response.ok;
  } catch {
    return false;
  }
}

async function hasApp(base: string): Promise<boolean> {
  const response = await fetch(`${base}/inbox`, { headers: { Accept: "text/html" } });
  const page = await response.text();
  return response.ok && page === (await readFile("dist/index.html", "utf8"));
}

export async function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const address = probe.address();
      const port = typeof address === "object" && address ? address.port : 0;
      probe.close(() => resolve(port));
    });
  });
}
