/** Memory of a process, bytes. */
export interface Memory {
  /** Of the process: with what the heap keeps for growth. */
  rss: number;
  /** Of objects on the JavaScript heap, and of buffers outside it. */
  heap: number;
}
