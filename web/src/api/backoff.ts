/** How long to wait before another try. */

/** Twice as long with each failure, up to the longest; all in milliseconds. */
export function doubled(firstMs: number, failures: number, longestMs: number): number {
  return Math.min(firstMs * 2 ** failures, longestMs);
}
