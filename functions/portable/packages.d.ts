declare module 'lz4js' {
  /** Answers how many bytes of `target` it wrote; 0: nothing could be made shorter. */
  export function compressBlock(
    source: Uint8Array,
    target: Uint8Array,
    start: number,
    length: number,
    hashTable: Uint32Array,
  ): number
}

declare module 'snappyjs' {
  export function compress(block: Buffer): Buffer
  export function uncompress(block: Buffer): Buffer
}
