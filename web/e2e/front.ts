/** Stands before a server that was built without the web app: gives `dist` as the server would, and hands on the rest. */
import { existsSync, readFileSync, statSync } from "node:fs";
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http";
import { connect } from "node:net";
import { extname, join, resolve } from "node:path";
import type { Duplex } from "node:stream";

const DIST = resolve("dist");
/** As the server has it. */
const POLICY =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; font-src 'self'; " +
  "frame-src 'self' blob:; media-src 'self' blob:; manifest-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const KINDS: Record<string, string> = {
  ".html": "text/html; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".svg": "image/svg+xml",
  ".json": "application/json",
};
const NO_PAGES = /^\/(?:api|api-docs|assets|messages|send-message)(?:\/|$)/;

export interface Front {
  base: string;
  stop: () => Promise<void>;
}

export async function startFront(port: number): Promise<Front> {
  if (!existsSync(join(DIST, "index.html"))) throw new Error("there is no web/dist: run `npm run build`");
  const server = createServer((incoming, outgoing) => {
    const file = fileFor(incoming);
    if (file) give(file, outgoing);
    else handOn(port, incoming, outgoing);
  });
  const sockets = new Set<Duplex>();
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (incoming, socket, head) => joinUp(port, incoming, socket, head));
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const address = server.address();
  const own = typeof address === "object" && address ? address.port : 0;
  return {
    base: `http://127.0.0.1:${own}`,
    stop: async () => {
      for (const socket of sockets) socket.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

function fileFor({ method, url = "/", headers }: IncomingMessage): string | undefined {
  if (method !== "GET" && method !== "HEAD") return undefined;
  const { pathname } = new URL(url, "http://here");
  const file = join(DIST, pathname);
  if (pathname !== "/" && file.startsWith(`${DIST}/`) && existsSync(file) && statSync(file).isFile()) return file;
  return !NO_PAGES.test(pathname) && headers.accept?.includes("text/html") ? join(DIST, "index.html") : undefined;
}

function give(file: string, outgoing: ServerResponse): void {
  const isHashed = file.startsWith(join(DIST, "assets"));
  outgoing.writeHead(200, {
    "Content-Type": KINDS[extname(file)] ?? "application/octet-stream",
    "Content-Security-Policy": POLICY,
    "Cache-Control": isHashed ? "public, max-age=31536000, immutable" : "no-cache",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Referrer-Policy": "same-origin",
  });
  outgoing.end(readFileSync(file));
}

/** A server that is away is a connection that breaks, as it would be without this. */
function handOn(port: number, incoming: IncomingMessage, outgoing: ServerResponse): void {
  const { method, url, headers } = incoming;
  const asked = request({ host: "127.0.0.1", port, method, path: url, headers }, (answer) => {
    outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(outgoing);
    answer.once("error", () => outgoing.destroy());
  });
  asked.once("error", () => outgoing.destroy());
  outgoing.once("close", () => asked.destroy());
  incoming.pipe(asked);
}

function joinUp(port: number, { method, url, rawHeaders }: IncomingMessage, socket: Duplex, head: Buffer): void {
  const onward = connect(port, "127.0.0.1", () => {
    const lines = [`${method} ${url} HTTP/1.1`];
    for (let index = 0; index < rawHeaders.length; index += 2) lines.push(`${rawHeaders[index]}: ${rawHeaders[index + 1]}`);
    onward.write(`${lines.join("\r\n")}\r\n\r\n`);
    onward.write(head);
    socket.pipe(onward);
    onward.pipe(socket);
  });
  const end = () => {
    socket.destroy();
    onward.destroy();
  };
  for (const side of [socket, onward]) side.once("error", end).once("close", end);
}
