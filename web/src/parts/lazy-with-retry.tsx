/** A part whose code is fetched when it is wanted first. Where that failed it says so, and it is fetched again the next time. */
import { type ComponentType, type ReactNode, useEffect, useEffectEvent, useReducer } from "react";
import { api, wasReached } from "../api/client";
import { Offline } from "../api/problem";
import { ErrorState } from "./states";

export interface LazyProps {
  /** Told when it cannot be shown, instead of saying so in its place. */
  onFailure?: (error: unknown) => void;
}

/** It suspends while it is fetched. */
export interface LazyPart<P> {
  (props: P & LazyProps): ReactNode;
  /** Fetches it before it is wanted. */
  prefetch: () => Promise<void>;
}

export function lazyWithRetry<P extends object>(load: () => Promise<ComponentType<P>>): LazyPart<P> {
  let Loaded: ComponentType<P> | undefined;
  let attempt: Promise<void> | undefined;
  let failure: { error: unknown } | undefined;
  const forget = () => {
    attempt = undefined;
    failure = undefined;
  };
  const begin = () => {
    attempt ??= fetchPart(load).then(
      (found) => {
        Loaded = found;
      },
      (error: unknown) => {
        failure = { error };
      },
    );
    return attempt;
  };

  function Part(props: P & LazyProps) {
    const [, retry] = useReducer((tries: number) => tries + 1, 0);
    if (Loaded) return <Loaded {...props} />;
    // What `Suspense` waits for, as with React's own `lazy`.
    if (!failure) throw begin();
    const again = () => {
      forget();
      retry();
    };
    return <Failure error={failure.error} onFailure={props.onFailure} onLeave={forget} onRetry={again} />;
  }
  Part.prefetch = async () => {
    await begin();
    if (!Loaded) forget();
  };
  return Part;
}

/** Browsers may keep it in mind that an import failed, and fail the next one like it: none is begun while the server is known to be out of reach. */
async function fetchPart<T>(load: () => Promise<T>): Promise<T> {
  if (!wasReached()) await reach();
  try {
    return await load();
  } catch (error) {
    await reach();
    throw error;
  }
}

/** Fails where the server is not reached, however it does. */
async function reach(): Promise<void> {
  try {
    await api.GET("/api/health");
  } catch (error) {
    if (error instanceof Offline) throw error;
  }
}

function Failure({ error, onFailure, onLeave, onRetry }: { error: unknown; onFailure: LazyProps["onFailure"]; onLeave: () => void; onRetry: () => void }) {
  const tell = useEffectEvent(() => onFailure?.(error));
  useEffect(() => {
    tell();
    return onLeave;
  }, [onLeave]);
  return onFailure ? null : <ErrorState error={error} onRetry={onRetry} />;
}
