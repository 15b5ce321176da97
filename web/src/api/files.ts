/** Files that are kept by the server: what one is, by its headers alone. */
import { queryOptions } from "@tanstack/react-query";
import { keys } from "./keys";
import { Offline, Problem } from "./problem";

export interface FileFacts {
  mediaType: string;
  sizeBytes: number | undefined;
  name: string | undefined;
}

const OWN = /^\/api\/attachments\/\d+$/;

/** Whether an attachment is kept by this server. */
export function isOwnFile(attachment: string): boolean {
  return OWN.test(attachment);
}

/** What a file is never changes. */
export function fileQuery(url: string) {
  return queryOptions({
    queryKey: keys.file(url),
    queryFn: ({ signal }) => fetchFacts(url, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
}

async function fetchFacts(url: string, signal: AbortSignal): Promise<FileFacts> {
  const response = await fetch(url, { method: "HEAD", signal, credentials: "same-origin" }).catch((error: unknown) => {
    throw signal.aborted ? error : new Offline(error);
  });
  if (!response.ok) throw await Problem.of(response);
  const size = Number.parseInt(response.headers.get("content-length") ?? "", 10);
  return {
    mediaType: (response.headers.get("content-type") ?? "application/octet-stream").replace(/;.*/, "").trim(),
    sizeBytes: Number.isNaN(size) ? undefined : size,
    name: nameIn(response.headers.get("content-disposition") ?? ""),
  };
}

/** The name in a `Content-Disposition` (RFC 6266); the form that holds every character comes first. */
export function nameIn(disposition: string): string | undefined {
  const encoded = /filename\*=UTF-8''([^;]+)/i.exec(disposition)?.[1];
  if (encoded !== undefined) {
    try {
      return decodeURIComponent(encoded);
    } catch {
      // Not as it should be: the plain form is taken.
    }
  }
  return /filename="([^"]*)"/i.exec(disposition)?.[1];
}

/** `850 B`, `12 kB`, `3.4 MB`. */
export function formatSize(bytes: number): string {
  if (bytes < 1000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${Math.round(bytes / 1000)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
