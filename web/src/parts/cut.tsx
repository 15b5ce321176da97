/** The part of a long list that is drawn; the rest is found by searching. */

export const MOST_SHOWN = 50;

export function CutLine({ found, className }: { found: number; className?: string }) {
  if (found <= MOST_SHOWN) return null;
  return <p className={className}>And {found - MOST_SHOWN} more: search to find them.</p>;
}
