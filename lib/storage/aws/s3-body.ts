/** What is sent to S3: bodies from the caller's parts, with a CRC-32 that S3 checks, not hashed a second time. */
import { Readable } from 'node:stream'
import { crc32 } from 'node:zlib'
import type { PutObjectCommand, UploadPartCommand } from '@aws-sdk/client-s3'
import { totalLength } from '../../base/index.ts'

/** Shorter bodies are copied into one piece, which costs less than a stream. */
const STREAM_BYTES_MIN = 256 * 1_024

export function bodyOf(parts: readonly Uint8Array[]): Uint8Array | Readable {
  if (parts.length === 1) return parts[0]!
  return totalLength(parts) < STREAM_BYTES_MIN ? Buffer.concat(parts) : Readable.from(parts, { objectMode: false })
}

export function checksumOf(parts: readonly Uint8Array[]): string {
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE(parts.reduce((sum, part) => crc32(part, sum), 0))
  return checksum.toString('base64')
}

/** The signature covers the headers, and with them the checksum. */
export function leavePayloadUnsigned({
  middlewareStack,
}: Pick<PutObjectCommand | UploadPartCommand, 'middlewareStack'>): void {
  const leave = (next: (args: never) => unknown) => (args: { readonly request: unknown }) => {
    const request = args.request as { headers: Record<string, string> }
    request.headers['x-amz-content-sha256'] = 'UNSIGNED-PAYLOAD'
    return next(args as never)
  }
  const stack = middlewareStack as unknown as { add(middleware: typeof leave, options: object): void }
  stack.add(leave, { step: 'build', name: 'leavePayloadUnsigned' })
}
