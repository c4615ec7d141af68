/** Streams of an answer: pulled piece by piece, so that a slow reader slows the source down. */

export function streamOf(pieces: AsyncGenerator<string | Uint8Array, void, undefined>): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        const { value, done } = await pieces.next()
        if (done) controller.close()
        else controller.enqueue(typeof value === 'string' ? Buffer.from(value) : value)
      },
      async cancel() {
        await pieces.return()
      },
    },
    // Nothing is done before somebody reads: a HEAD request never does.
    { highWaterMark: 0 },
  )
}
