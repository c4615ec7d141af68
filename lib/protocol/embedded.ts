/**
 * Messages embedded in byte fields of others: their version comes first, as an int16. Whoever meets a version newer than
 * its table reads it as the newest that it knows, because such messages only grow at their end.
 */
import { type Decoded, Decoder, type Encodable, Encoder, type Fields, type MessageType } from './kernel/index.ts'

/** @throws ProtocolError MALFORMED, UNSUPPORTED_VERSION */
export function decodeEmbedded<F extends Fields>(message: MessageType<F>, bytes: Uint8Array): Decoded<F> {
  const decoder = new Decoder(bytes)
  return message.read(decoder, Math.min(decoder.int16(), message.versions[1]))
}

/** @throws ProtocolError UNENCODABLE, UNSUPPORTED_VERSION */
export function encodeEmbedded<F extends Fields>(
  message: MessageType<F>,
  version: number,
  value: Encodable<F>,
): Uint8Array {
  const encoder = new Encoder()
  encoder.int16(version)
  message.write(encoder, version, value)
  return Buffer.concat(encoder.finish())
}
