import { Suspense, useEffect, useRef } from "react";
import { useHead, useSources } from "./context.tsx";
import type { PageError } from "./failure.ts";
import { useIndexState } from "./index/state.ts";
import { duration, many } from "./format.ts";
import { linkTo, usePlace } from "./router.ts";
import { routeOf, routes } from "./routes.tsx";
import { themes, useTheme, type Theme } from "./theme.ts";
import { Boundary } from "./ui/boundary.tsx";
import { EpochClock } from "./ui/epochClock.tsx";
import { Notice } from "./ui/notice.tsx";

/** What surrounds every page: navigation, the epoch's clock, the state of the sources. */
export function Shell({ failure }: { failure: PageError | undefined }) {
  const place = usePlace();
  const { config } = useSources();
  const route = routeOf(place.path);
  const main = useRef<HTMLElement>(null);
  const isFirst = useRef(true);
  const here = place.path.join("/");
  useEffect(() => {
    document.title = `${route?.title ?? "Not found"} – Blockcloud`;
    // A reader of the screen, or of the keyboard, goes on where the new page begins.
    if (!isFirst.current) main.current?.focus();
    isFirst.current = false;
  }, [here, route]);
  const Page = route?.page;
  return (
    <>
      <a className="skip" href="#main" onClick={(event) => skip(event, main.current)}>
        Skip to the content
      </a>
      <header className="top">
        <div className="top-row">
          <a className="brand" href={linkTo([])}>
            <span className="brand-mark" aria-hidden="true" />
            Blockcloud
            <span className="brand-network">
              {config.deployment.network ?? `chain ${config.deployment.chainId}`}
            </span>
          </a>
          <EpochClock />
          <ThemeSwitch />
        </div>
        <nav aria-label="Pages">
          {routes.map(({ path, title }) => (
            <a
              key={path}
              href={linkTo(path === "" ? [] : [path])}
              aria-current={route?.path === path ? "page" : undefined}
            >
              {title}
            </a>
          ))}
        </nav>
      </header>
      <main ref={main} tabIndex={-1} id="main">
        {failure && (
          <Notice kind="warning" title="The chain does not answer">
            {failure.message} What is shown is of the block in the last line of the page.
          </Notice>
        )}
        {Page === undefined ? (
          <>
            <h1>There is no such page</h1>
            <p>
              <a href={linkTo([])}>Go to the network</a>
            </p>
          </>
        ) : (
          <Boundary key={here}>
            <Suspense fallback={<p className="muted">Loading…</p>}>
              <Page />
            </Suspense>
          </Boundary>
        )}
      </main>
      <Footer />
    </>
  );
}

function skip(event: React.MouseEvent, main: HTMLElement | null): void {
  // The fragment is the page's own address.
  event.preventDefault();
  main?.focus();
}

function ThemeSwitch() {
  const [theme, setTheme] = useTheme();
  const names: Record<Theme, string> = { system: "System", light: "Light", dark: "Dark" };
  return (
    <label className="theme">
      <span className="hidden">Colours</span>
      <select
        value={theme}
        onChange={(event) => {
          setTheme(themes.find((each) => each === event.target.value) ?? "system");
        }}
      >
        {themes.map((each) => (
          <option key={each} value={each}>
            {names[each]}
          </option>
        ))}
      </select>
    </label>
  );
}

/** Where the figures come from, and how old they are. */
function Footer() {
  const head = useHead();
  const { config } = useSources();
  return (
    <footer>
      <span>
        Block <b className="number">{head.number.toString()}</b> of chain{" "}
        {config.deployment.chainId}
      </span>
      <IndexLine />
    </footer>
  );
}

function IndexLine() {
  const state = useIndexState();
  if (state.kind === "none") return <span>No index: figures are read from the chain</span>;
  if (state.kind === "asking") return <span>Asking the index…</span>;
  if (state.kind === "empty") {
    return <span className="warn">The index has not read a block yet</span>;
  }
  if (state.kind === "current") return <span>The index is current</span>;
  if (state.kind === "behind") {
    return (
      // A lag with which its rows are still used is no warning.
      <span className={state.isFar ? "warn" : undefined}>
        The index is {many(state.behind, "block")} ({duration(state.seconds)}) behind
      </span>
    );
  }
  const age = state.seconds === undefined ? "" : `; what it said is ${duration(state.seconds)} old`;
  return (
    <span className="warn" title={state.why}>
      The index fails ({state.code}){age}
    </span>
  );
}
