/** CRC-32C (Castagnoli) without native code, eight bytes a step: in the place of `@node-rs/crc32` in the functions' bundles. */

const POLYNOMIAL = 0x82f63b78
const SLICES = 8
const tables = makeTables()

export function crc32c(bytes: Uint8Array, before = 0): number {
  let crc = ~before
  let position = 0
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  for (const last = bytes.length - SLICES; position <= last; position += SLICES) {
    const low = view.getUint32(position, true) ^ crc
    const high = view.getUint32(position + 4, true)
    crc =
      tables[7 * 256 + (low & 0xff)]! ^
      tables[6 * 256 + ((low >>> 8) & 0xff)]! ^
      tables[5 * 256 + ((low >>> 16) & 0xff)]! ^
      tables[4 * 256 + (low >>> 24)]! ^
      tables[3 * 256 + (high & 0xff)]! ^
      tables[2 * 256 + ((high >>> 8) & 0xff)]! ^
      tables[256 + ((high >>> 16) & 0xff)]! ^
      tables[high >>> 24]!
  }
  for (; position < bytes.length; position++) crc = tables[(crc ^ bytes[position]!) & 0xff]! ^ (crc >>> 8)
  return ~crc >>> 0
}

function makeTables(): Int32Array {
  const made = new Int32Array(SLICES * 256)
  for (let byte = 0; byte < 256; byte++) {
    let crc = byte
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? POLYNOMIAL : 0)
    made[byte] = crc
  }
  for (let at = 256; at < made.length; at++) {
    const before = made[at - 256]!
    made[at] = made[before & 0xff]! ^ (before >>> 8)
  }
  return made
}
