/** Bounds of the HTTP interface; each may be set by whoever assembles the app. */
export interface HttpLimits {
  /** A body that is read whole (JSON, text, batches), in bytes, decompressed. */
  readonly bodyBytesMax: number
  /** All of them that are under way at once. */
  readonly bodiesBytesMax: number
  /** One line of NDJSON, in bytes. */
  readonly lineBytesMax: number
  /** A body of which nothing came for so long is given up. */
  readonly bodyIdleMs: number
  /** How long an append may take. */
  readonly appendTimeoutMs: number
  /** Records of one answer. */
  readonly recordsMax: number
  /** Bytes of keys and values in one answer (a first record that is larger comes alone). */
  readonly answerBytesMax: number
  /** Answers with records that are being read or taken, all together. */
  readonly answersBytesMax: number
  /** How long a request waits for room among them. */
  readonly answerRoomMs: number
  /** How long a request may wait for records. */
  readonly waitMsMax: number
  /** A live tail ends after so long; its reader connects again by itself. */
  readonly tailMsMax: number
  readonly tailPartitionsMax: number
}

export const defaultHttpLimits: HttpLimits = {
  bodyBytesMax: 16 * 1_024 * 1_024,
  bodiesBytesMax: 256 * 1_024 * 1_024,
  lineBytesMax: 2 * 1_024 * 1_024,
  bodyIdleMs: 60_000,
  appendTimeoutMs: 30_000,
  recordsMax: 10_000,
  answerBytesMax: 8 * 1_024 * 1_024,
  answersBytesMax: 256 * 1_024 * 1_024,
  answerRoomMs: 2_000,
  waitMsMax: 60_000,
  tailMsMax: 24 * 3_600_000,
  tailPartitionsMax: 1_000,
}
