import { VarveError } from '../base/index.ts'

/** What is wrong with a record batch; beside each code what Apache Kafka 4 answers to a producer. */
export type RecordErrorCode =
  | 'EMPTY' // no batch at all: INVALID_RECORD
  | 'TRUNCATED' // the bytes end before the batch does: CORRUPT_MESSAGE
  | 'BAD_LENGTH' // a length field that no batch can have: CORRUPT_MESSAGE
  | 'MORE_THAN_ONE_BATCH' // bytes after the batch: INVALID_RECORD
  | 'UNSUPPORTED_MAGIC' // message format 0 or 1, or one to come: INVALID_RECORD
  | 'BAD_CRC' // CORRUPT_MESSAGE
  | 'INT64_OUT_OF_RANGE' // beyond ±(2^53 - 1), which no honest offset, time or producer id is: INVALID_RECORD
  | 'BAD_OFFSETS' // base offset not 0, or offset deltas not 0, 1, 2, …: INVALID_RECORD
  | 'BAD_COUNT' // no records, or a count that differs from the offsets or from what is there: INVALID_RECORD
  | 'BAD_SEQUENCE' // producer id, epoch and sequence do not fit together: INVALID_RECORD
  | 'BAD_TIMESTAMP_TYPE' // LogAppendTime, which is the broker's to set: INVALID_TIMESTAMP
  | 'CONTROL_BATCH' // from a client: INVALID_RECORD
  | 'UNKNOWN_COMPRESSION' // UNSUPPORTED_COMPRESSION_TYPE
  | 'CORRUPT_RECORDS' // the records do not decompress or parse: INVALID_RECORD
  | 'TOO_LARGE' // more bytes than the limit once decompressed, or than a batch can hold: MESSAGE_TOO_LARGE

/** Bytes that are not the record batch they should be, or records that no batch can hold. */
export class RecordError extends VarveError {
  readonly code: RecordErrorCode

  constructor(code: RecordErrorCode, message: string, options?: { cause?: unknown }) {
    super(message, options)
    this.code = code
  }
}
