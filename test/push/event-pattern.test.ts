import { describe, expect, test } from 'vitest'
import { compilePattern, type EventPattern, type Json } from '../../lib/push/index.ts'

const event: Json = { a: 'Order-17', n: 5, tags: ['x', 'y'], none: null, yes: true, deep: { b: { c: 'z' } } }

describe('event patterns', () => {
  test.for<[EventPattern, boolean]>([
    [{ a: ['Order-17'] }, true],
    [{ a: ['other', 'Order-17'] }, true],
    [{ a: ['order-17'] }, false],
    [{ n: [5] }, true],
    [{ n: ['5'] }, false],
    [{ yes: [true], none: [null] }, true],
    [{ tags: ['y'] }, true],
    [{ tags: ['z'] }, false],
    [{ deep: { b: { c: ['z'] } } }, true],
    [{ deep: { b: { d: ['z'] } } }, false],
    [{ a: ['Order-17'], n: [6] }, false],
    [{ a: [{ prefix: 'Order' }] }, true],
    [{ a: [{ prefix: { 'equals-ignore-case': 'ORDER' } }] }, true],
    [{ a: [{ suffix: '-17' }] }, true],
    [{ a: [{ 'equals-ignore-case': 'oRDER-17' }] }, true],
    [{ a: [{ wildcard: 'Or*-1*' }] }, true],
    [{ a: [{ wildcard: '*7*8' }] }, false],
    [{ a: [{ wildcard: 'Order-17*Order-17' }] }, false],
    [{ a: [{ 'anything-but': 'x' }] }, true],
    [{ a: [{ 'anything-but': ['x', 'Order-17'] }] }, false],
    [{ a: [{ 'anything-but': { prefix: 'Order' } }] }, false],
    [{ missing: [{ 'anything-but': 'x' }] }, false],
    [{ missing: [{ exists: false }] }, true],
    [{ missing: [{ exists: true }] }, false],
    [{ n: [{ exists: true }] }, true],
    [{ n: [{ numeric: ['>', 0, '<=', 5] }] }, true],
    [{ n: [{ numeric: ['=', 4] }] }, false],
    [{ a: [{ numeric: ['>', 0] }] }, false],
    [{ $or: [{ a: ['no'] }, { n: [5] }] }, true],
    [{ $or: [{ a: ['no'] }, { n: [6] }] }, false],
    [{ toString: [{ exists: false }] }, true],
  ])('%j: %s', ([pattern, matches]) => {
    expect(compilePattern(pattern)(event)).toBe(matches)
  })

  test.for<[unknown, RegExp]>([
    [{}, /pattern must have a field/],
    [{ a: 'x' }, /pattern\.a must be an object/],
    [{ a: [] }, /pattern\.a must name one/],
    [{ a: [['x']] }, /pattern\.a\[0\] must be a value/],
    [{ a: [{ like: 'x' }] }, /there is no matcher like/],
    [{ a: [{ prefix: 'x', suffix: 'y' }] }, /must be one matcher/],
    [{ a: [{ prefix: 5 }] }, /must be a text/],
    [{ a: [{ numeric: ['~', 1] }] }, /numeric must be like/],
    [{ a: [{ numeric: ['toString', 1] }] }, /numeric must be like/],
    [{ a: [{ wildcard: 'a**b' }] }, /two \* side by side/],
    [{ $or: [{ a: ['x'] }] }, /two patterns or more/],
  ])('%j is refused', ([pattern, why]) => {
    expect(() => compilePattern(pattern as EventPattern)).toThrow(why)
  })
})
