import { lazy, type ComponentType, type LazyExoticComponent } from "react";

/** A page. `path` begins with a segment; what follows in the address is the page's own, by `usePlace`. */
export interface Route {
  /** First segment of the path; "" is the start. */
  readonly path: string;
  /** In the navigation and in the title of the window. */
  readonly title: string;
  readonly page: LazyExoticComponent<ComponentType>;
}

type Load = () => Promise<{ default: ComponentType }>;

/** All pages, in the order of the navigation. Each is loaded when it is opened. */
export const routes: readonly Route[] = [
  page("", "Network", () => import("./pages/network/page.tsx")),
  page("services", "Services", () => import("./pages/services/page.tsx")),
  page("auditors", "Auditors", () => import("./pages/auditors/page.tsx")),
  page("money", "Money", () => import("./pages/money/page.tsx")),
  ...other(),
];

function page(path: string, title: string, load: Load): Route {
  return { path, title, page: lazy(load) };
}

/** Pages that are folders of their own, with a default export in page.tsx. */
function other(): Route[] {
  const found = import.meta.glob<{ default: ComponentType }>("./{acts,verify,call}/page.tsx");
  const titles = { acts: "Wallet", verify: "Verify", call: "Call" };
  return Object.entries(titles).flatMap(([path, title]) => {
    const load = found[`./${path}/page.tsx`];
    return load === undefined ? [] : [page(path, title, load)];
  });
}

/** Page of a place; undefined for an unknown one. */
export function routeOf(path: readonly string[]): Route | undefined {
  return routes.find((route) => route.path === (path[0] ?? ""));
}
