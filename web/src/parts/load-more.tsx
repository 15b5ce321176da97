/** The next page of a list: comes by itself when its end is near, and by a button. */
import { useEffect, useRef } from "react";
import { Button } from "./button";

export interface LoadMoreProps {
  hasMore: boolean;
  isLoading: boolean;
  /** The last try failed: it waits for the button then. */
  hasFailed?: boolean;
  onMore: () => void;
  label?: string;
}

export function LoadMore({ hasMore, isLoading, hasFailed = false, onMore, label = "Load more" }: LoadMoreProps) {
  const mark = useRef<HTMLDivElement>(null);
  const isWaiting = hasMore && !isLoading && !hasFailed;
  useEffect(() => {
    if (!isWaiting || !mark.current) return;
    const observer = new IntersectionObserver((entries) => entries.some((entry) => entry.isIntersecting) && onMore(), { rootMargin: "400px" });
    observer.observe(mark.current);
    return () => observer.disconnect();
  }, [isWaiting, onMore]);
  if (!hasMore) return null;
  return (
    <div ref={mark} className="flex flex-col items-center gap-1 p-3">
      {hasFailed && (
        <p role="alert" className="text-danger">
          The rest could not be loaded.
        </p>
      )}
      <Button size="small" isBusy={isLoading} onClick={onMore}>
        {hasFailed ? "Try again" : label}
      </Button>
    </div>
  );
}
