/** What every page stands in: the answers of the server, the atoms, the parts' needs, the routes. */
import { CSPProvider } from "@base-ui/react/csp-provider";
import { QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { createStore, Provider } from "jotai";
import { newQueryClient } from "./api/query";
import { Toasts } from "./parts/toasts";
import { TooltipLayer } from "./parts/tooltip";
import { newRouter } from "./router";
import { queryClientAtom } from "./state/query-client";
import { checkSession } from "./state/session";

const queryClient = newQueryClient(() => void leaveWhenEnded());
const store = createStore();
store.set(queryClientAtom, queryClient);
const router = newRouter({ queryClient, store });

/** The routes send away whoever has no session any more. */
async function leaveWhenEnded(): Promise<void> {
  const check = await checkSession(queryClient);
  if (check === "another") location.reload();
  else if (check === "ended") await router.invalidate();
}

export function App() {
  return (
    <CSPProvider disableStyleElements>
      <QueryClientProvider client={queryClient}>
        <Provider store={store}>
          <RouterProvider router={router} />
          <Toasts />
          <TooltipLayer />
        </Provider>
      </QueryClientProvider>
    </CSPProvider>
  );
}
