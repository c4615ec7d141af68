/** What event sources deliver, in one shape for all of them. */
import { VarveError } from '../base/index.ts'

/** One message, event or change of a source. */
export interface SourceRecord {
  /** The source's name for it: the same at every delivery, and no other record's. */
  readonly id: string
  /** When the source took it, in ms since 1970: the same at every delivery. */
  readonly time: number
  /** Records with the same key go to one partition, in the order of delivery. Null: to any. */
  readonly key: Uint8Array | null
  readonly value: Uint8Array | null
  readonly headers: readonly { readonly key: string; readonly value: Uint8Array }[]
  /** What the source wants to hear of it if it failed. */
  readonly receipt: string
}

/** The records of one delivery, in their order. */
export interface Delivery {
  /** ARN or name of where they come from. */
  readonly source: string
  /**
   * How failures are answered: `each` by its receipt; `from-first`: the first one's receipt, and the source delivers again from there;
   * `all`: the whole delivery fails.
   */
  readonly failures: 'each' | 'from-first' | 'all'
  readonly records: readonly SourceRecord[]
}

export class IngestError extends VarveError {
  readonly code: 'UNKNOWN_EVENT' | 'UNKNOWN_TOPIC' | 'NOT_STORED'

  constructor(code: IngestError['code'], message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
