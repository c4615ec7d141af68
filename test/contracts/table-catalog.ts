/** What every TableCatalog must do. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { TableCatalog, TableChange } from '../../lib/archive/table-catalog.ts'
import { PARTITION_SPEC, RECORD_FIELDS } from '../../lib/archive/table-schema.ts'

interface Opened {
  readonly catalog: TableCatalog
  readonly remove: () => Promise<void>
}

const SHAPE = {
  schema: { type: 'struct', 'schema-id': 0, fields: RECORD_FIELDS },
  fields: PARTITION_SPEC,
  properties: { 'format-version': '2', 'varve.topic-id': 'abc' },
} as const

export function describeTableCatalog(name: string, open: () => Promise<Opened>): void {
  describe(`table catalog: ${name}`, () => {
    let opened: Opened
    let catalog: TableCatalog
    beforeAll(async () => {
      opened = await open()
      catalog = opened.catalog
    })
    afterAll(() => opened?.remove())

    let drawn = 0
    async function create() {
      const table = `table_${++drawn}`
      const metadata = (await catalog.create(table, SHAPE))!
      return { table, metadata }
    }

    async function load(table: string) {
      return (await catalog.load(table))!
    }

    const snapshotOf = (id: number | bigint, sequence: number) => ({
      'snapshot-id': id,
      'sequence-number': sequence,
      'timestamp-ms': Date.now() + sequence,
      'manifest-list': 'file:///nowhere/list.avro',
      'schema-id': 0,
      summary: { operation: 'append' },
    })

    function adding(
      uuid: string,
      ids: { parent: number | bigint | null; id: number | bigint; sequence: number },
    ): TableChange {
      return {
        requirements: [
          { type: 'assert-table-uuid', uuid },
          { type: 'assert-ref-snapshot-id', ref: 'main', 'snapshot-id': ids.parent },
        ],
        updates: [
          { action: 'add-snapshot', snapshot: snapshotOf(ids.id, ids.sequence) },
          { action: 'set-snapshot-ref', 'ref-name': 'main', type: 'branch', 'snapshot-id': ids.id },
          { action: 'set-properties', updates: { at: String(ids.id) } },
        ],
      }
    }

    test('a table that is not there is undefined', async () => {
      expect(await catalog.load('nobodys')).toBeUndefined()
    })

    test('a table is made once, with the ids of columns that Varve counts on', async () => {
      const { table, metadata } = await create()
      expect(metadata).toMatchObject({ flaw: undefined, current: undefined, snapshots: [] })
      expect(metadata.properties['varve.topic-id']).toBe('abc')
      expect(await catalog.create(table, SHAPE)).toBeUndefined()
      expect((await load(table)).uuid).toBe(metadata.uuid)
    })

    test('a commit changes snapshot and properties together; the same one again is refused and changes nothing', async () => {
      const { table, metadata } = await create()
      const first = adding(metadata.uuid, { parent: null, id: 7, sequence: 1 })
      expect(await catalog.commit(table, first)).toBeUndefined()
      const then = await load(table)
      expect(then.current?.['snapshot-id']).toBe(7)
      expect(then.properties.at).toBe('7')
      expect(await catalog.commit(table, first)).toBeTypeOf('string')
      expect(await load(table)).toEqual(then)
    })

    test('of two commits upon one snapshot the second is refused', async () => {
      const { table, metadata } = await create()
      await catalog.commit(table, adding(metadata.uuid, { parent: null, id: 1, sequence: 1 }))
      const both = [2, 3].map(id => catalog.commit(table, adding(metadata.uuid, { parent: 1, id, sequence: 2 })))
      const done = (await Promise.all(both)).map(refused => refused === undefined)
      expect(done.filter(Boolean)).toHaveLength(1)
      expect((await load(table)).current?.['snapshot-id']).toBe(done[0] ? 2 : 3)
    })

    test('ids of all 64 bits are exact', async () => {
      const { table, metadata } = await create()
      const id = 9_223_372_036_854_775_806n
      await catalog.commit(table, adding(metadata.uuid, { parent: null, id, sequence: 1 }))
      expect((await load(table)).current?.['snapshot-id']).toBe(id)
      expect(await catalog.commit(table, adding(metadata.uuid, { parent: id - 1n, id: 5, sequence: 2 }))).toBeTypeOf(
        'string',
      )
      expect(await catalog.commit(table, adding(metadata.uuid, { parent: id, id: 5, sequence: 2 }))).toBeUndefined()
    })

    test('another table of that name is noticed, and columns that came meanwhile', async () => {
      const { table, metadata } = await create()
      const other = adding('00000000-0000-0000-0000-000000000000', { parent: null, id: 1, sequence: 1 })
      expect(await catalog.commit(table, other)).toBeTypeOf('string')
      const fields = [...RECORD_FIELDS, { id: 100, name: 'origin', required: false, type: 'string' }]
      const change: TableChange = {
        requirements: [
          { type: 'assert-table-uuid', uuid: metadata.uuid },
          { type: 'assert-last-assigned-field-id', 'last-assigned-field-id': metadata.assignedColumnId },
        ],
        updates: [
          { action: 'add-schema', schema: { type: 'struct', 'schema-id': 1, fields }, 'last-column-id': 100 },
          { action: 'set-current-schema', 'schema-id': 1 },
        ],
      }
      expect(await catalog.commit(table, change)).toBeUndefined()
      const then = await load(table)
      expect(then).toMatchObject({ currentSchemaId: 1, assignedColumnId: 100 })
      expect(then.schemas.at(-1)?.fields).toEqual(fields)
      expect(await catalog.commit(table, change)).toBeTypeOf('string')
    })

    test('files are put and found by the location of the table', async () => {
      const { metadata } = await create()
      const files = catalog.filesAt(metadata.location)
      await files.put('metadata/a.avro', [Buffer.from('a')])
      expect(Buffer.from((await files.get('metadata/a.avro'))!).toString()).toBe('a')
      expect(files.uri('metadata/a.avro').replace(/^file:\/+/, '/')).toBe(
        `${metadata.location.replace(/^file:\/+/, '/')}/metadata/a.avro`,
      )
    })
  })
}
