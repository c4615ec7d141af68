import { resolve } from 'node:path'
import { describe, expect, test } from 'vitest'
import { ConfigError, readConfig, readStoresConfig, type SettingValues } from '../../lib/assembly/index.ts'

function refusalOf(values: SettingValues): string {
  try {
    readConfig(values)
  } catch (error) {
    if (error instanceof ConfigError) return error.message
    throw error
  }
  return 'no refusal'
}

describe('settings', () => {
  test('have defaults that need nothing', () => {
    expect(readConfig({})).toEqual({
      kafka: { host: '127.0.0.1', port: 9092 },
      http: { host: '127.0.0.1', port: 8080 },
      httpAccess: {
        auth: 'open',
        loopback: true,
        adminKey: undefined,
        anonymousScopes: [],
        corsOrigins: [],
        oidc: undefined,
      },
      advertised: undefined,
      rack: null,
      ecsMetadataUri: undefined,
      objects: { kind: 'file', folder: resolve('.varve') },
      items: { kind: 'lmdb', folder: resolve('.varve/items') },
      flushBudget: 30,
      autoCreateTopics: true,
      defaultPartitions: 1,
      functionsFolder: '',
      push: true,
      privateWebhooks: true,
      upkeep: {
        background: true,
        retentionIntervalMs: 300_000,
        sweepIntervalMs: 3_600_000,
        graceMs: 7_200_000,
        offsetsRetentionMs: 604_800_000,
        transactionalIdExpirationMs: 604_800_000,
      },
    })
  })

  test('set how upkeep is done', () => {
    const values = {
      ...{ upkeep: 'no', retentionInterval: '1000', sweepInterval: '2000', sweepGrace: '0' },
      ...{ offsetsRetention: '2', transactionalIdExpiration: '3000' },
    }
    const expected = {
      ...{ background: false, retentionIntervalMs: 1_000, sweepIntervalMs: 2_000, graceMs: 0 },
      ...{ offsetsRetentionMs: 120_000, transactionalIdExpirationMs: 3_000 },
    }
    expect(readConfig(values).upkeep).toEqual(expected)
    expect(readStoresConfig({ ...values, data: '/data' })).toEqual({
      objects: { kind: 'file', folder: '/data' },
      items: { kind: 'lmdb', folder: '/data/items' },
      upkeep: expected,
    })
    expect(() => readConfig({ sweepInterval: '10' })).toThrow('--sweep-interval must be a number from 1000')
  })

  test('name stores by URL', () => {
    const { objects, items } = readConfig({
      objects: 's3://bucket/some/prefix/?endpoint=http://127.0.0.1:9000&region=eu-central-1',
      items: 'dynamodb://MyTable_1?region=eu-west-1',
    })
    expect(objects).toEqual({
      kind: 's3',
      bucket: 'bucket',
      prefix: 'some/prefix',
      endpoint: 'http://127.0.0.1:9000',
      region: 'eu-central-1',
    })
    expect(items).toEqual({ kind: 'dynamodb', table: 'MyTable_1', endpoint: undefined, region: 'eu-west-1' })
    expect(readConfig({ objects: 'file:/var/x', items: 'lmdb:y' })).toMatchObject({
      objects: { kind: 'file', folder: '/var/x' },
      items: { kind: 'lmdb', folder: resolve('y') },
    })
  })

  test.each<[SettingValues, string]>([
    [{ kafka: '9092' }, '--kafka must be HOST:PORT'],
    [{ kafka: '127.0.0.1:99999' }, '--kafka must be HOST:PORT'],
    [{ advertised: 'nowhere' }, '--advertised must be HOST:PORT'],
    [{ objects: 'ftp://x' }, '--objects must be'],
    [{ objects: 's3://' }, '--objects must be'],
    [{ objects: 'file:' }, 'needs a folder'],
    [{ items: 'sqlite:x' }, '--items must be'],
    [{ items: 'dynamodb://t?endpoint=here' }, 'endpoint must be a URL'],
    [{ items: 'dynamodb://t?endpont=http://x' }, '"endpont"'],
    [{ flushBudget: 'much' }, '--flush-budget must be a number'],
    [{ flushBudget: '-1' }, '--flush-budget must be a number'],
    [{ defaultPartitions: '0' }, '--default-partitions must be a number from 1'],
    [{ defaultPartitions: '1.5' }, 'whole number'],
    [{ autoCreateTopics: 'maybe' }, 'true or false'],
    [{ httpAuth: 'maybe' }, '--http-auth must be open or required'],
    [{ adminKey: 'short' }, 'VARVE_ADMIN_KEY must have 32 characters'],
    [{ httpAnonymous: 'write:*' }, '--http-anonymous must list scopes'],
    [{ corsOrigins: 'example.com' }, '--cors-origins must list origins'],
    [{ corsOrigins: 'https://example.com/page' }, '--cors-origins must list origins'],
    [{ oidcIssuer: 'https://example.com' }, '--oidc-audience'],
    [{ oidcIssuer: 'example', oidcAudience: 'a' }, 'is no URL'],
  ])('%j is refused with a sentence', (values, sentence) => {
    expect(refusalOf(values)).toContain(sentence)
  })

  test.each(['0.0.0.0:9092', '10.0.0.5:9092', '[::]:9092', 'example.org:9092'])(
    'listening on %s must be asked for',
    kafka => {
      expect(refusalOf({ kafka })).toContain('--insecure-listen')
      expect(readConfig({ http: kafka }).httpAccess.auth).toBe('required')
      expect(refusalOf({ http: kafka, httpAuth: 'open' })).toContain('--insecure-listen')
      expect(readConfig({ http: kafka, insecureListen: true, kafka: 'localhost:0' }).httpAccess.auth).toBe('open')
      expect(refusalOf({ kafka, insecureListen: 'false' })).toContain('--insecure-listen')
      expect(readConfig({ kafka, advertised: 'example.org:9092', insecureListen: '1' }).kafka.port).toBe(9092)
    },
  )

  test.each(['127.0.0.1:0', '127.1.2.3:9092', 'localhost:9092', '[::1]:9092'])('%s is loopback', kafka => {
    expect(readConfig({ kafka }).kafka.host).not.toContain('[')
  })

  test('clients must be told an address that they can connect to', () => {
    expect(refusalOf({ kafka: '0.0.0.0:9092', insecureListen: true })).toContain('--advertised')
  })
})
