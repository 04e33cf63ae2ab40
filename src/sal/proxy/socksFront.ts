import type { Socket } from "node:net";
import { clientRefused, type Grant } from "./access.ts";
import { join, report, type ProxyContext } from "./context.ts";
import { failureOf } from "./failures.ts";
import { clientGone, readMessage, watchProgram } from "./handshake.ts";
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

/**
 * Reads what a program of SOCKS5 asks for.
 *
 * @returns Undefined if it was refused, and told so.
 * @throws BlockcloudError if it broke the protocol, or has gone.
 */
export async function socksHandshake(
  client: Socket,
  grant: Grant,
  context: ProxyContext,
): Promise<SocksRequest | undefined> {
  const { access, observer, timers } = context;
  const refuse = (answer: Buffer, code: string) => {
    observer.refused(code);
    endAfter(client, answer, timers);
    return undefined;
  };
  const methods = await readMessage(client, readGreeting);
  if (grant === "closed") return refuse(methodAnswer(SocksMethod.refused), clientRefused().code);
  const method = grant === "open" ? SocksMethod.none : SocksMethod.password;
  if (!methods.includes(method)) {
    const code = grant === "open" ? "PROXY_METHOD_UNSUPPORTED" : "PROXY_PASSWORD_WRONG";
    return refuse(methodAnswer(SocksMethod.refused), code);
  }
  client.write(methodAnswer(method));
  if (method === SocksMethod.password) {
    const password = await readMessage(client, readPassword);
    try {
      access.check(password, client);
    } catch (error) {
      return refuse(passwordAnswer(false), failureOf(error).code);
    }
    client.write(passwordAnswer(true));
  }
  const request = await readMessage(client, readRequest);
  if (request.command !== SocksCommand.connect) {
    return refuse(requestAnswer(SocksReply.commandUnsupported), "PROXY_COMMAND_UNSUPPORTED");
  }
  if (request.type === "unsupported") {
    return refuse(requestAnswer(SocksReply.addressUnsupported), "PROXY_TARGET_INVALID");
  }
  return request;
}

/** Opens what a program of SOCKS5 asked for, and joins both. Never throws. */
export async function serveSocks(
  client: Socket,
  { host, port }: SocksRequest,
  context: ProxyContext,
): Promise<void> {
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
