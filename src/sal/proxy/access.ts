import { createHash, timingSafeEqual } from "node:crypto";
import type { Socket } from "node:net";
import { isLoopback } from "../../net/addresses.ts";
import { peerOf, plainAddress } from "../../net/peer.ts";
import { RateLimit } from "../../node/rateLimit.ts";
import { BlockcloudError } from "../../protocol/errors.ts";
import type { PeerUser } from "./peerUser.ts";

/** Wrong passwords of one peer: a burst, and then a second for each. */
const WRONG = { perSecond: 1, burst: 10, maxPeers: 1024 };

/** What a connection needs to be served. */
export type Grant = "open" | "password" | "closed";

export interface AccessOptions {
  /** Serves only the proxy's own user, and holders of the password. */
  private: boolean;
  password: string | undefined;
  /** The proxy's own user; undefined where the system has none. */
  ownUser: number | undefined;
  peerUser: PeerUser;
  /** A monotonic clock, milliseconds. */
  monotonic(): number;
}

/** Decides who may use the proxy. */
export class Access {
  readonly #options: AccessOptions;
  readonly #digest: Buffer | undefined;
  readonly #wrong: RateLimit;

  constructor(options: AccessOptions) {
    this.#options = options;
    this.#digest = options.password === undefined ? undefined : digestOf(options.password);
    this.#wrong = new RateLimit(WRONG, options.monotonic);
  }

  /** What a new connection needs. */
  async grantOf(socket: Socket): Promise<Grant> {
    const needed = this.#digest === undefined ? "closed" : "password";
    if (!this.#options.private) return this.#digest === undefined ? "open" : needed;
    return (await this.#isOwn(socket)) ? "open" : needed;
  }

  /** Whether a program is served where it cannot give a password. */
  async servesWithoutPassword(socket: Socket): Promise<boolean> {
    if (!isLoopback(plainAddress(socket.remoteAddress))) return false;
    if (!this.#options.private && this.#digest === undefined) return true;
    return this.#isOwn(socket);
  }

  /**
   * Checks a password, in a time that does not depend on it.
   *
   * @throws BlockcloudError `PROXY_PASSWORD_WRONG`, `PROXY_PASSWORD_RATE`.
   */
  check(password: string | undefined, socket: Socket): void {
    const peer = peerOf(socket.remoteAddress);
    // Once its tries are spent, a peer is not told whether a guess is right.
    if (this.#wrong.peek(peer) > 0) throw tooManyGuesses();
    const isRight =
      password !== undefined &&
      this.#digest !== undefined &&
      timingSafeEqual(digestOf(password), this.#digest);
    if (isRight) return;
    // A browser's first request has none, which is no guess.
    if (password !== undefined) this.#wrong.take(peer);
    throw wrongPassword();
  }

  async #isOwn(socket: Socket): Promise<boolean> {
    const { ownUser, peerUser } = this.#options;
    if (ownUser === undefined || !isLoopback(plainAddress(socket.remoteAddress))) return false;
    // A table is not read at one moment: while others change, a line may be missed once.
    const user = (await peerUser(socket)) ?? (await peerUser(socket));
    return user === ownUser;
  }
}

/** Digests have one length, which `timingSafeEqual` needs. */
function digestOf(password: string): Buffer {
  return createHash("sha256").update(password).digest();
}

function wrongPassword(): BlockcloudError {
  return new BlockcloudError("PROXY_PASSWORD_WRONG", "The proxy's password is missing or wrong.", {
    remedy: "Give the one of the proxy's password file; any user name will do.",
  });
}

function tooManyGuesses(): BlockcloudError {
  return new BlockcloudError("PROXY_PASSWORD_RATE", "Too many wrong passwords.", {
    remedy: "Wait some seconds, then give the one of the proxy's password file.",
    retryable: true,
  });
}

/** The error for a program of another user. */
export function clientRefused(): BlockcloudError {
  return new BlockcloudError(
    "PROXY_CLIENT_REFUSED",
    "This proxy acts for its own user only, and the program is another user's.",
    { remedy: "Start a proxy of your own, or give this one a password file." },
  );
}
