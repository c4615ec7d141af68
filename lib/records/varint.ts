/**
 * Writing of Kafka's varints: zigzag, then 7 bits a byte, the lowest first. The same bytes serve int32 ("varint") and
 * int64 ("varlong"). Values are integers within ±VARINT_MAX, so that the folded one is exact in a double.
 */
export const VARINT_MAX = 2 ** 52 - 1

export function varintSize(value: number): number {
  let size = 1
  for (let folded = zigzag(value); folded >= 0x80; folded = Math.floor(folded / 0x80)) size++
  return size
}

/** Answers the position after it. */
export function writeVarint(bytes: Buffer, value: number, position: number): number {
  let folded = zigzag(value)
  let next = position
  while (folded >= 0x80) {
    bytes[next++] = (folded % 0x80) | 0x80
    folded = Math.floor(folded / 0x80)
  }
  bytes[next++] = folded
  return next
}

function zigzag(value: number): number {
  return value >= 0 ? value * 2 : -value * 2 - 1
}
