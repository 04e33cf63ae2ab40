/** How often a property is tried: more in the deep run (`npm run test:deep`). */
export function runs(usual: number, deep = 100_000): number {
  return process.env.BLOCKCLOUD_DEEP === "1" ? deep : usual;
}
