/** The name of the service in the tests. */
export const NAME = "roof.weather.bloc.alt";

/** Ports of the service. */
export const PORTS = { ssh: 22, http: 80, postgres: 5432, git: 9418 } as const;
/** Where its own servers listen. */
export const UPSTREAMS = { ssh: 2022, http: 2080, postgres: 2432, git: 2418 } as const;

/** A program to run on the host, as another user if one is named. */
export interface Order {
  id: number;
  run: readonly string[];
  user?: number | undefined;
}

/** What it gave. Number 0 says that the host is ready. */
export interface Done {
  id: number;
  exit: number;
  stdout: string;
  stderr: string;
}
