import type { Socket } from "node:net";
import { clientRefused, type Access, type Grant } from "./access.ts";
import { join, report, type ProxyContext } from "./context.ts";
import { failureOf } from "./failures.ts";
import { clientGone } from "./errors.ts";
import { readMessage, watchProgram } from "./handshake.ts";
import { endAfter } from "./refusal.ts";
import {
  methodAnswer,
  passwordAnswer,
  readGreeting,
  readPassword,
  readRequest,
  requestAnswer,
  SocksCommand,
  SocksMethod,
  SocksReply,
  type SocksRequest,
} from "./socks.ts";

/** The last bytes for a program whose request is refused, and why. */
export interface SocksRefusal {
  answer: Buffer;
  code: string;
}

/**
 * Reads what a program of SOCKS5 asks for.
 *
 * @throws BlockcloudError if it broke the protocol, or has gone.
 */
export async function socksHandshake(
  client: Socket,
  grant: Grant,
  access: Access,
): Promise<SocksRequest | SocksRefusal> {
  const methods = await readMessage(client, readGreeting);
  const noMethod = methodAnswer(SocksMethod.refused);
  if (grant === "closed") return { answer: noMethod, code: clientRefused().code };
  const method = grant === "open" ? SocksMethod.none : SocksMethod.password;
  if (!methods.includes(method)) {
    const code = grant === "open" ? "PROXY_METHOD_UNSUPPORTED" : "PROXY_PASSWORD_WRONG";
    return { answer: noMethod, code };
  }
  client.write(methodAnswer(method));
  if (method === SocksMethod.password) {
    const password = await readMessage(client, readPassword);
    try {
      access.check(password, client);
    } catch (error) {
      return { answer: passwordAnswer(false), code: failureOf(error).code };
    }
    client.write(passwordAnswer(true));
  }
  const request = await readMessage(client, readRequest);
  if (request.command !== SocksCommand.connect) {
    const answer = requestAnswer(SocksReply.commandUnsupported);
    return { answer, code: "PROXY_COMMAND_UNSUPPORTED" };
  }
  if (request.type === "unsupported") {
    const answer = requestAnswer(SocksReply.addressUnsupported);
    return { answer, code: "PROXY_TARGET_INVALID" };
  }
  return request;
}

/** Opens what a program of SOCKS5 asked for, and joins both. Never throws. */
export async function serveSocks(
  client: Socket,
  { host, port }: SocksRequest,
  context: ProxyContext,
): Promise<void> {
  if (context.secure?.takes({ host, port }) === true) {
    client.write(requestAnswer(SocksReply.succeeded));
    await context.secure.serve(client, host);
    return;
  }
  const watched = watchProgram(client);
  try {
    const flow = await context.route.open({ host, port, form: "socks5" }, client, watched.signal);
    watched.release();
    if (client.destroyed) {
      flow.destroy(clientGone());
      return;
    }
    client.write(requestAnswer(SocksReply.succeeded));
    await join(client, flow, "socks5", context);
  } catch (error) {
    watched.release();
    report(error, "socks5", context);
    endAfter(client, requestAnswer(failureOf(error).reply), context.timers);
  }
}
