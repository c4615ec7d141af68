import { describe, expect, test } from 'vitest'
import { unfold } from '../../lib/archive/unfold.ts'
import { type ArchiveColumn, parseArchiveColumns, validateTopicConfigs } from '../../lib/log/index.ts'
import { append, openArchiveRig } from './rig.ts'

function columnsOf(text: string): readonly ArchiveColumn[] {
  const columns = parseArchiveColumns(text)
  if ('flaw' in columns) throw new Error(columns.flaw)
  return columns
}

describe('a schema', () => {
  test('is names, paths and types', () => {
    expect(columnsOf('origin:string, at=meta.time:timestamp')).toEqual([
      { name: 'origin', path: ['origin'], type: 'string' },
      { name: 'at', path: ['meta', 'time'], type: 'timestamp' },
    ])
    expect(columnsOf(' ')).toEqual([])
  })

  test.each([
    ['origin', /'origin' must be name:type/],
    ['origin:text', /types string, boolean/],
    ['a:int,A:int', /'A' is there already/],
    ['offset:long', /my_offset=offset:long/],
    ['no-dash:int', /must be name:type/],
    ['a:int,', /'' must be/],
  ])('%j is refused when it is set', (text, why) => {
    expect(() => validateTopicConfigs({ 'varve.archive.schema': text })).toThrow(why)
  })
})

describe('a value', () => {
  const only = (type: string, json: string) => unfold(Buffer.from(`{"a":${json}}`), columnsOf(`a:${type}`))[0]

  test.each([
    ['string', '"x"', 'x'],
    ['string', '{"b":1}', '{"b":1}'],
    ['boolean', 'true', true],
    ['boolean', '1', null],
    ['int', '-2147483647', -2_147_483_647],
    ['int', '2147483648', null],
    ['int', '1.5', null],
    ['long', '9007199254740993', 9_007_199_254_740_993n],
    ['long', '"42"', 42n],
    ['long', '9223372036854775808', null],
    ['double', '1e3', 1_000],
    ['double', '"1"', null],
    ['date', '"1970-01-02"', 1],
    ['date', '"1970-13-02"', null],
    ['timestamp', '"1970-01-01T00:00:01.000002Z"', 1_000_002n],
    ['timestamp', '"1970-01-01 01:00+01:00"', 0n],
    ['timestamp', '1500', 1_500_000n],
    ['timestamp', '"yesterday"', null],
    ['json', '[9007199254740993,null]', '[9007199254740993,null]'],
    ['json', 'null', null],
  ])('as %s of %s', (type, json, expected) => expect(only(type, json)).toBe(expected))

  test.each(['', 'no json', '[1]', '"a"', 'null', '{"b":1}', '{"a":{"a":1}}x'])('%j has no such member', text => {
    expect(unfold(Buffer.from(text), columnsOf('a:int'))).toEqual([null])
  })

  test('members of objects inside, and none of what every object has', () => {
    const value = Buffer.from('{"a":{"b":{"c":7}}}')
    expect(unfold(value, columnsOf('c=a.b.c:int,d=a.x.c:int,e=constructor:string'))).toEqual([7, null, null])
    expect(unfold(null, columnsOf('a:int'))).toEqual([null])
  })

  test('a member that is nested too deeply to be written does not stop the archive', () => {
    const deep = `{"a":${'['.repeat(100_000)}${']'.repeat(100_000)},"b":1}`
    expect(unfold(Buffer.from(deep), columnsOf('a:json,c=a:string,b:int'))).toEqual([null, null, 1])
  })
})

test('columns are unfolded, and a changed schema keeps the ids of those that stay', async () => {
  const { log, create, archive, readTable } = openArchiveRig()
  const setSchema = (schema: string) =>
    log.topics.changeConfigs('flights', configs => ({ ...configs, 'varve.archive.schema': schema }))
  const topic = await create('flights', { 'varve.archive.schema': 'origin:string,delay:long' })
  await append(log, topic, [{ text: '{"origin":"SFO","delay":7}' }, { text: 'no json' }])
  await archive()
  await setSchema('delay:double,origin:string,late:boolean')
  await append(log, topic, [{ text: '{"origin":"JFK","delay":7.5,"late":true}' }])
  await archive()
  await setSchema('origin:string,delay:long')
  await append(log, topic, [{ text: '{"origin":"LAX","delay":1}' }])
  await archive()
  const { rows, metadata } = await readTable(topic)
  expect(rows.map(({ origin, delay, late }) => ({ origin: textOf(origin), delay, late }))).toEqual([
    { origin: 'SFO', delay: 7n, late: undefined },
    { origin: null, delay: null, late: undefined },
    { origin: 'JFK', delay: 7.5, late: true },
    { origin: 'LAX', delay: 1n, late: undefined },
  ])
  expect(
    metadata.schemas.map(({ fields }) => fields.slice(6).map(({ id, name, type }) => `${id} ${name} ${type}`)),
  ).toEqual([
    ['100 origin string', '101 delay long'],
    ['102 delay double', '100 origin string', '103 late boolean'],
  ])
  expect(metadata).toMatchObject({ 'current-schema-id': 0, 'last-column-id': 103 })
  expect(metadata.snapshots.map(snapshot => snapshot['schema-id'])).toEqual([0, 1, 0])
})

function textOf(value: unknown): string | null {
  return value instanceof Uint8Array ? Buffer.from(value).toString() : (value as string | null)
}
