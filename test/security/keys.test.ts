import { describe, expect, test } from 'vitest'
import { systemRandom } from '../../lib/base/index.ts'
import { readCredentials } from '../../lib/security/credentials.ts'
import { ApiKeys, allows, allowsGroup, formatScope, parseScope, type Scope } from '../../lib/security/index.ts'
import { ManualClock } from '../log/rig.ts'
import { memoryItems } from '../support/memory-stores.ts'

const scopes: readonly Scope[] = [{ action: 'produce', pattern: 'web-*' }]

function open(items = memoryItems(), clock = new ManualClock()) {
  return { items, clock, keys: new ApiKeys({ items, clock, random: systemRandom }) }
}

test('a key is found with its scopes, and no store has its secret', async () => {
  const { keys, items } = open()
  const { key, secret } = await keys.create({ name: 'site', scopes, expiresAt: undefined })
  expect(await keys.find(key.id)).toMatchObject({ id: key.id, name: 'site', scopes })
  expect(Buffer.from(secret, 'base64url')).toHaveLength(32)
  for (const { value } of items.items.values()) {
    expect(Buffer.from(value).includes(secret)).toBe(false)
    expect(Buffer.from(value).includes(Buffer.from(secret, 'base64url'))).toBe(false)
  }
})

test('a revoked key is gone here at once, and elsewhere within seconds', async () => {
  const here = open()
  const elsewhere = open(here.items)
  const { key } = await here.keys.create({ name: 'site', scopes, expiresAt: undefined })
  expect(await elsewhere.keys.find(key.id)).toBeDefined()
  await here.keys.revoke(key.id)
  expect(await here.keys.find(key.id)).toBeUndefined()
  await elsewhere.clock.advance(5_000)
  expect(await elsewhere.keys.find(key.id)).toBeUndefined()
  expect(await here.keys.list()).toEqual([])
  await expect(here.keys.revoke(key.id)).rejects.toMatchObject({ code: 'UNKNOWN_KEY' })
})

test('a key ends when it was to end', async () => {
  const { keys, clock } = open()
  const { key } = await keys.create({ name: 'site', scopes, expiresAt: clock.now() + 1_000 })
  expect(await keys.find(key.id)).toBeDefined()
  await clock.advance(1_000)
  expect(await keys.find(key.id)).toBeUndefined()
})

test('guessing ids costs no read a guess', async () => {
  const { keys, items } = open()
  let reads = 0
  const { get } = items
  Object.assign(items, {
    get: (key: Parameters<typeof get>[0]) => {
      reads++
      return get(key)
    },
  })
  for (let guess = 0; guess < 100; guess++) await keys.find('0000000000000000')
  expect(reads).toBe(1)
})

describe('scopes', () => {
  test.each(['produce:web-*', 'consume:*', 'admin:*', 'group:g', 'consume:a.b_c-D'])('%s is what it says', text => {
    expect(formatScope(parseScope(text)!)).toBe(text)
  })

  test.each(['', 'write:*', 'produce:a:b', 'produce:**', 'produce:a b', 'produce:*a', 'produce:ü', 'toString'])(
    '%j is none',
    text => {
      expect(parseScope(text)).toBeUndefined()
    },
  )

  const may = (texts: string[], action: 'produce' | 'consume' | 'admin', name?: string) =>
    allows({ name: 'x', scopes: texts.map(text => parseScope(text)!) }, action, name)

  test.each([
    [['produce:web-*'], 'produce', 'web-a', true],
    [['produce:web-*'], 'produce', 'web', false],
    [['produce:web-*'], 'consume', 'web-a', false],
    [['produce:web'], 'produce', 'web-a', false],
    [['produce'], 'produce', 'anything', true],
    [['admin:web-*'], 'produce', 'web-a', true],
    [['admin:web-*'], 'admin', 'other', false],
    [['admin:web-*'], 'admin', undefined, false],
    [['admin'], 'admin', undefined, true],
    [['consume'], 'admin', undefined, false],
    [[], 'consume', 'a', false],
  ] as const)('with %j, %s of %s: %s', (texts, action, name, expected) => {
    expect(may([...texts], action, name)).toBe(expected)
  })

  test('groups are for whoever may consume, unless some are named', () => {
    const mayUse = (texts: string[], group: string) =>
      allowsGroup({ name: 'x', scopes: texts.map(text => parseScope(text)!) }, group)
    expect(mayUse(['consume:a'], 'any')).toBe(true)
    expect(mayUse(['produce:a'], 'any')).toBe(false)
    expect(mayUse(['consume:a', 'group:team-*'], 'team-1')).toBe(true)
    expect(mayUse(['consume:a', 'group:team-*'], 'other')).toBe(false)
    expect(mayUse(['admin', 'group:team-*'], 'other')).toBe(true)
  })
})

describe('credentials', () => {
  const secret = 'A'.repeat(43)
  const key = { kind: 'key', id: '0123456789abcdef', secret }
  const basic = (text: string) => `Basic ${Buffer.from(text).toString('base64')}`

  test.each([
    [`Bearer varve_0123456789abcdef_${secret}`, key],
    [`bearer  varve_0123456789abcdef_${secret} `, key],
    [basic(`0123456789abcdef:${secret}`), key],
    [basic(`anybody:varve_0123456789abcdef_${secret}`), key],
    [basic('admin:the administrator'), { kind: 'token', token: 'the administrator' }],
    ['Bearer a.b.c', { kind: 'token', token: 'a.b.c' }],
    ['', undefined],
    [null, undefined],
    ['Bearer', 'unreadable'],
    ['Basic !!!', 'unreadable'],
    ['AWS4-HMAC-SHA256 Credential=x', 'unreadable'],
    [`Bearer ${'x'.repeat(20_000)}`, 'unreadable'],
  ])('%#', (header, expected) => {
    expect(readCredentials(header)).toEqual(expected)
  })
})
