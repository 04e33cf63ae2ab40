import { useEffect, useMemo, useState } from "react";
import { checkChain, createClient } from "./chain/client.ts";
import { contractsOf } from "./chain/contracts.ts";
import { readHead, type Head } from "./chain/head.ts";
import { loadConfig, type ConsoleConfig } from "./config.ts";
import { HeadContext, SourcesContext, type Sources } from "./context.tsx";
import { asFailure, type PageError } from "./failure.ts";
import { IndexClient } from "./index/client.ts";
import { Shell } from "./shell.tsx";
import { Failure } from "./ui/notice.tsx";

/** How often the newest block is asked for, milliseconds. */
const HEAD_MS = 2_000;

/** Loads the settings, then follows the chain. */
export function App() {
  const [config, setConfig] = useState<ConsoleConfig>();
  const [failure, setFailure] = useState<PageError>();
  useEffect(() => {
    loadConfig(document.baseURI).then(setConfig, (error: unknown) => {
      setFailure(asFailure(error));
    });
  }, []);
  const sources = useMemo(() => (config === undefined ? undefined : open(config)), [config]);
  if (failure !== undefined) {
    return (
      <main className="alone">
        <h1>Blockcloud</h1>
        <Failure failure={failure} />
      </main>
    );
  }
  return sources === undefined ? <Waiting what="the settings" /> : <Live sources={sources} />;
}

function open(config: ConsoleConfig): Sources {
  return {
    config,
    client: createClient(config),
    contracts: contractsOf(config.deployment),
    index:
      config.index === undefined ? undefined : new IndexClient(config.index, config.deployment),
  };
}

function Live({ sources }: { sources: Sources }) {
  const [head, setHead] = useState<Head>();
  const [failure, setFailure] = useState<PageError>();
  useEffect(() => {
    let isOpen = true;
    let isChecked = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const { client, config } = sources;
    const follow = async () => {
      try {
        if (!isChecked) await checkChain(client, config);
        isChecked = true;
        // A page in the background asks for nothing.
        const next = document.hidden ? undefined : await readHead(client, config.deployment);
        if (!isOpen) return;
        if (next !== undefined) {
          setHead((before) => (before?.number === next.number ? before : next));
          setFailure(undefined);
        }
      } catch (error) {
        if (isOpen) setFailure(asFailure(error));
      }
      if (isOpen) timer = setTimeout(() => void follow(), HEAD_MS);
    };
    void follow();
    return () => {
      isOpen = false;
      clearTimeout(timer);
    };
  }, [sources]);
  if (head === undefined) {
    return failure === undefined ? (
      <Waiting what="the chain" />
    ) : (
      <main className="alone">
        <h1>Blockcloud</h1>
        <Failure failure={failure} what="The chain cannot be read; the page tries again." />
      </main>
    );
  }
  return (
    <SourcesContext value={sources}>
      <HeadContext value={head}>
        <Shell failure={failure} />
      </HeadContext>
    </SourcesContext>
  );
}

function Waiting({ what }: { what: string }) {
  return (
    <main className="alone" aria-busy="true">
      <h1>Blockcloud</h1>
      <p className="muted">Reading {what}…</p>
    </main>
  );
}
