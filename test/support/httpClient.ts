import { once } from "node:events";
import type { Agent } from "node:http";
import { request, type ClientRequest, type IncomingMessage } from "node:http";
import { connect, type Socket } from "node:net";

export interface Question {
  port: number;
  method?: string;
  path?: string;
  headers?: Record<string, string | string[]>;
  body?: Uint8Array;
  agent?: Agent;
  /** Where the client comes from: any address of 127.0.0.0/8. */
  from?: string;
}

export interface Answer {
  status: number;
  headers: IncomingMessage["headers"];
  rawHeaders: string[];
  trailers: NodeJS.Dict<string>;
  body: Buffer;
}

/** Opens a request; the caller ends it. */
export function open(question: Question): ClientRequest {
  const { port, method = "GET", path = "/", headers = {}, agent = false, from } = question;
  const to = { host: "127.0.0.1", port, ...(from !== undefined && { localAddress: from }) };
  const asking = request({ ...to, method, path, headers, agent });
  // A caller that waits for the response gets the error there; a later error has no receiver.
  asking.on("error", () => {});
  return asking;
}

/** Asks, and waits for the head of the answer. */
export async function head(question: Question): Promise<IncomingMessage> {
  const asking = open(question);
  asking.end(question.body);
  const [message] = (await once(asking, "response")) as [IncomingMessage];
  return message;
}

/** Reads an answer to its end; rejects when it breaks off. */
export async function whole(message: IncomingMessage): Promise<Answer> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(chunk as Buffer);
  const { statusCode: status = 0, headers, rawHeaders, trailers } = message;
  return { status, headers, rawHeaders, trailers, body: Buffer.concat(chunks) };
}

/** Asks, and waits for the whole answer, trailers included. */
export async function ask(question: Question): Promise<Answer> {
  return await whole(await head(question));
}

/** Sends bytes as they are, and returns what came until the other side closed. */
export async function sendRaw(port: number, text: string): Promise<string> {
  const socket = connect(port, "127.0.0.1");
  socket.write(text, "latin1");
  return await untilClosed(socket);
}

/** Everything that a connection says until it closes; a reset is a close, too. */
export async function untilClosed(socket: Socket): Promise<string> {
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.on("error", () => {});
  if (!socket.closed) await once(socket, "close");
  return Buffer.concat(chunks).toString("latin1");
}

/** The error that a promise rejects with. */
export async function failureOf(promise: Promise<unknown>): Promise<NodeJS.ErrnoException> {
  try {
    await promise;
  } catch (error) {
    return error as NodeJS.ErrnoException;
  }
  throw new Error("It succeeded.");
}
