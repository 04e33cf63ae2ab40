import { serveLoopback } from "./loopback.ts";

/** Serves files from memory on loopback. */
export async function serveFiles(
  files: Readonly<Record<string, string>>,
  policy: string,
): Promise<{ url: string; stop(): Promise<void> }> {
  return serveLoopback((request, response) => {
    const name = new URL(request.url ?? "/", "http://page").pathname.slice(1);
    const body = files[name];
    const type = name.endsWith(".js") ? "text/javascript" : "text/html";
    response.writeHead(body === undefined ? 404 : 200, {
      "content-type": `${type}; charset=utf-8`,
      "content-security-policy": policy,
    });
    response.end(body);
  });
}
