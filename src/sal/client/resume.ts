import type { Scheduler } from "../../node/scheduler.ts";
import { salError } from "../errors.ts";
import { unexpected, type ProvenLink } from "../handshake/clientHandshake.ts";
import { decodeResumed, encodeResume } from "../handshake/messages.ts";
import type { ResumeKeys } from "../handshake/secrets.ts";
import type { OldLink } from "../session/oldLink.ts";
import type { Session } from "../session/session.ts";
import { FrameType } from "../wire/frames.ts";

/** How long a provider may take for RESUMED, milliseconds. */
const RESUME_MS = 2_000;

/**
 * Asks the provider to go on with a session over another link, and attaches it there.
 *
 * @param attempt Higher than that of each request before.
 * @param resumed Called when the session goes on over the new link, with the old one, if the session still had it,
 *   and the time since its last byte, milliseconds. The old link's parser goes on.
 * @throws BlockcloudError `SAL_TIMEOUT`, `SAL_PROOF`, `SAL_SESSION_LOST`, what the provider says; or the signal's
 *   reason.
 */
export async function resume(
  {
    id,
    keys,
    session,
    clock,
  }: { id: Buffer; keys: ResumeKeys; session: Session; clock: Scheduler },
  attempt: number,
  { greeting, channel }: ProvenLink,
  signal: AbortSignal,
  resumed: (old: OldLink | undefined, gapMs: number) => void,
): Promise<void> {
  session.resuming();
  const clientReceived = session.received;
  const claim = { session: id, attempt, clientReceived, channel };
  const mac = keys.mac("client", { ...claim, providerReceived: undefined });
  const abandon = () => {
    const late = salError("timeout", `No RESUMED in ${RESUME_MS} ms.`);
    greeting.abandon(signal.aborted ? signal.reason : late);
  };
  signal.addEventListener("abort", abandon, { once: true });
  const cancel = clock.after(RESUME_MS, abandon);
  try {
    greeting.send(
      FrameType.resume,
      encodeResume({ session: id, attempt, received: clientReceived, mac }),
    );
    await greeting.next((type, payload) => {
      if (type !== FrameType.resumed) throw unexpected(type, "RESUMED");
      const answer = decodeResumed(payload);
      const providerReceived = answer.received;
      const isOwn =
        answer.attempt === attempt &&
        keys.isMac("provider", { ...claim, providerReceived }, answer.mac);
      if (!isOwn) throw salError("proof", "The endpoint does not know the session.");
      const old = session.leaving();
      const gapMs = clock.monotonic() - session.heardAt;
      const { link, parser } = greeting;
      if (!session.attach(link, parser, clientReceived, providerReceived, { isLate: true })) {
        throw salError("lost", "The two sides no longer agree what was received.");
      }
      resumed(old, gapMs);
    });
  } catch (error) {
    session.resumeFailed();
    greeting.abandon(error);
    throw error;
  } finally {
    cancel();
    signal.removeEventListener("abort", abandon);
  }
}
