import { CommandError } from './failure.ts'

/**
 * The lines of a stream of bytes, those of each chunk together, without their line ends (\n or \r\n). Bytes are kept as
 * they are. Holds one chunk and one unfinished line at a time. @throws CommandError for a line above `lineBytesMax`
 */
export async function* readLines(source: AsyncIterable<Buffer>, lineBytesMax: number): AsyncGenerator<Buffer[]> {
  let unfinished: Buffer[] = []
  let unfinishedBytes = 0
  let lineNumber = 0
  const finish = (end: Buffer): Buffer => {
    lineNumber++
    const line = unfinished.length === 0 ? end : Buffer.concat([...unfinished, end])
    unfinished = []
    unfinishedBytes = 0
    return line.at(-1) === 0x0d ? line.subarray(0, -1) : line
  }
  for await (const chunk of source) {
    const lines: Buffer[] = []
    let from = 0
    for (let at = chunk.indexOf(0x0a); at >= 0; at = chunk.indexOf(0x0a, from)) {
      lines.push(finish(chunk.subarray(from, at)))
      from = at + 1
    }
    if (from < chunk.length) {
      unfinished.push(chunk.subarray(from))
      unfinishedBytes += chunk.length - from
    }
    if (unfinishedBytes > lineBytesMax) {
      throw new CommandError(
        `Line ${lineNumber + 1} is longer than ${lineBytesMax} bytes: split it, or raise --line-bytes.`,
      )
    }
    if (lines.length > 0) yield lines
  }
  if (unfinishedBytes > 0) yield [finish(Buffer.alloc(0))]
}
