import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FrameAssembler, FrameError } from '../../lib/gateway/frame-assembler.ts'

function framed(frame: Buffer): Buffer {
  const size = Buffer.alloc(4)
  size.writeInt32BE(frame.length)
  return Buffer.concat([size, frame])
}

function drain(assembler: FrameAssembler): Buffer[] {
  const frames: Buffer[] = []
  for (let frame = assembler.next(); frame; frame = assembler.next()) frames.push(frame)
  return frames
}

describe('a frame assembler', () => {
  test('gives the frames that were sent, however the stream was cut', () => {
    fc.assert(
      fc.property(
        fc.array(fc.uint8Array({ maxLength: 20_000 }), { maxLength: 8 }),
        fc.array(fc.integer({ min: 1, max: 9_000 }), { minLength: 1, maxLength: 20 }),
        (sent, cuts) => {
          const stream = Buffer.concat(sent.map(frame => framed(Buffer.from(frame))))
          const assembler = new FrameAssembler(20_000)
          const received: Buffer[] = []
          for (let at = 0, i = 0; at < stream.length; i++) {
            const end = at + cuts[i % cuts.length]!
            // Each chunk has its own memory, as a socket's have.
            assembler.push(Buffer.from(new Uint8Array(stream.subarray(at, end)).buffer))
            received.push(...drain(assembler))
            at = end
          }
          expect(Buffer.concat(received.map(framed)).equals(stream)).toBe(true)
          expect(received.length).toBe(sent.length)
          expect(assembler.length).toBe(0)
        },
      ),
      { numRuns: 200 },
    )
  })

  test('refuses a frame above the limit as soon as its size is known', () => {
    const assembler = new FrameAssembler(100)
    assembler.push(Buffer.from([0, 0, 0, 101]))
    expect(() => assembler.next()).toThrow(FrameError)
  })

  test('refuses a negative size', () => {
    const assembler = new FrameAssembler(100)
    assembler.push(Buffer.from([0xff, 0xff, 0xff, 0xff]))
    expect(() => assembler.next()).toThrow(FrameError)
  })

  test('frames that fill their chunk together are not copied', () => {
    const assembler = new FrameAssembler(100_000)
    const frames = [1, 2, 3].map(fill => Buffer.alloc(15_000, fill))
    const chunk = Buffer.from(
      new Uint8Array(Buffer.concat([...frames.map(framed), framed(frames[0]!).subarray(0, 9_000)])).buffer,
    )
    assembler.push(chunk)
    const received = drain(assembler)
    expect(received).toEqual(frames)
    expect(received.map(frame => frame.buffer === chunk.buffer)).toEqual([true, true, true])
  })

  test('a frame in a chunk of little else that is whole is copied', () => {
    const assembler = new FrameAssembler(100_000)
    const chunk = Buffer.from(
      new Uint8Array(
        Buffer.concat([framed(Buffer.alloc(15_000, 1)), framed(Buffer.alloc(80_000, 2)).subarray(0, 45_000)]),
      ).buffer,
    )
    assembler.push(chunk)
    const frame = assembler.next()!
    expect(frame.equals(Buffer.alloc(15_000, 1))).toBe(true)
    expect(frame.buffer).not.toBe(chunk.buffer)
  })

  test('a small frame does not keep a large chunk alive', () => {
    const assembler = new FrameAssembler(100_000)
    const chunk = Buffer.alloc(64 * 1024)
    framed(Buffer.from('hello')).copy(chunk)
    assembler.push(chunk)
    const frame = assembler.next()!
    expect(frame.toString()).toBe('hello')
    expect(frame.buffer).not.toBe(chunk.buffer)
  })

  test('nor does one of many', () => {
    const assembler = new FrameAssembler(100_000)
    const chunk = Buffer.from(
      new Uint8Array(Buffer.concat([Buffer.alloc(40_000, 1), ...Array(200).fill(Buffer.from('hello'))].map(framed)))
        .buffer,
    )
    assembler.push(chunk)
    const [large, ...small] = drain(assembler)
    expect(large!.length).toBe(40_000)
    expect(small.length).toBe(200)
    expect(small.some(frame => frame.buffer === chunk.buffer)).toBe(false)
  })
})
