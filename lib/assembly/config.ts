/**
 * What a process is told: the settings as text, from options and environment, become a config or one sentence about what
 * is wrong with them.
 */
import { isIP } from 'node:net'
import { resolve } from 'node:path'
import type { UpkeepSettings } from '../log/index.ts'
import { type CatalogLocation, readCatalogLocation } from './catalog-location.ts'
import { ConfigError } from './config-error.ts'
import { type HttpAccessConfig, readHttpAccess } from './http-config.ts'
import { type ItemsLocation, type ObjectsLocation, readItemsLocation, readObjectsLocation } from './store-location.ts'

export interface Address {
  readonly host: string
  /** 0: any free one. */
  readonly port: number
}

export interface Config {
  readonly kafka: Address
  readonly http: Address
  /** The address that clients are told; where absent, the one that is listened on. */
  readonly advertised: Address | undefined
  /** Availability zone; clients prefer gateways of their own. */
  readonly rack: string | null
  /** Where a task on ECS asks for its zone; asked where `rack` is null. */
  readonly ecsMetadataUri: string | undefined
  readonly objects: ObjectsLocation
  readonly items: ItemsLocation
  /** Where tables of archives are made; undefined: in a folder beside the objects. */
  readonly catalog: CatalogLocation | undefined
  /** $ a month for the whole fleet. */
  readonly flushBudget: number
  readonly autoCreateTopics: boolean
  readonly defaultPartitions: number
  readonly upkeep: UpkeepConfig
  readonly httpAccess: HttpAccessConfig
  /** Absolute; '': there are none. */
  readonly functionsFolder: string
  /** Whether this process serves subscriptions. */
  readonly push: boolean
  /** Webhooks may go to this machine and to private networks. */
  readonly privateWebhooks: boolean
}

export interface UpkeepConfig extends Pick<UpkeepSettings, 'retentionIntervalMs' | 'sweepIntervalMs' | 'graceMs'> {
  /** `offsets.retention.minutes`, in ms */
  readonly offsetsRetentionMs: number
  /** `transactional.id.expiration.ms` */
  readonly transactionalIdExpirationMs: number
  /** Whether a server does upkeep in the background; else somebody runs `varve upkeep` now and then. */
  readonly background: boolean
}

/** Every setting: its option on the command line, its environment variable, and what it is. */
export const settings = {
  kafka: {
    option: '--kafka <host:port>',
    variable: 'VARVE_KAFKA',
    about: 'where Kafka clients connect',
    default: '127.0.0.1:9092',
  },
  http: {
    option: '--http <host:port>',
    variable: 'VARVE_HTTP',
    about: 'where HTTP is served',
    default: '127.0.0.1:8080',
  },
  advertised: {
    option: '--advertised <host:port>',
    variable: 'VARVE_ADVERTISED',
    about: 'the address that Kafka clients are told; absent, that of --kafka',
  },
  rack: { option: '--rack <name>', variable: 'VARVE_RACK', about: 'availability zone of this process' },
  ecsMetadata: {
    option: '--ecs-metadata <url>',
    variable: 'ECS_CONTAINER_METADATA_URI_V4',
    about: 'where a task on ECS asks for its zone if --rack is absent; ECS sets it',
  },
  data: { option: '--data <dir>', variable: 'VARVE_DATA', about: 'folder of the embedded stores', default: './.varve' },
  objects: {
    option: '--objects <url>',
    variable: 'VARVE_OBJECTS',
    about: 'file:DIR or s3://BUCKET/PREFIX?region=&endpoint=; absent, in --data',
  },
  items: {
    option: '--items <url>',
    variable: 'VARVE_ITEMS',
    about: 'lmdb:DIR or dynamodb://TABLE?region=&endpoint=; absent, in --data',
  },
  archiveCatalog: {
    option: '--archive-catalog <url>',
    variable: 'VARVE_ARCHIVE_CATALOG',
    about:
      'Iceberg REST catalog where tables of archives are made: https://HOST/PATH?warehouse=&namespace=&sigv4=&region=; absent, beside the objects',
  },
  flushBudget: {
    option: '--flush-budget <dollars>',
    variable: 'VARVE_FLUSH_BUDGET',
    about: 'what flushes may cost, in $ a month for the whole fleet',
    default: '30',
  },
  autoCreateTopics: {
    option: '--auto-create-topics <boolean>',
    variable: 'VARVE_AUTO_CREATE_TOPICS',
    about: 'whether using a topic creates it',
    default: 'true',
  },
  defaultPartitions: {
    option: '--default-partitions <number>',
    variable: 'VARVE_DEFAULT_PARTITIONS',
    about: 'partitions of a topic that does not say',
    default: '1',
  },
  httpAuth: {
    option: '--http-auth <open|required>',
    variable: 'VARVE_HTTP_AUTH',
    about: 'whether HTTP asks for a key or a token; absent: open on loopback, required elsewhere',
  },
  httpAnonymous: {
    option: '--http-anonymous <scopes>',
    variable: 'VARVE_HTTP_ANONYMOUS',
    about: 'what callers may do that show neither, such as produce:web-*',
  },
  corsOrigins: {
    option: '--cors-origins <origins>',
    variable: 'VARVE_CORS_ORIGINS',
    about: 'whose pages may use HTTP from a browser, such as https://example.com; *: all',
  },
  oidcIssuer: { option: '--oidc-issuer <url>', variable: 'VARVE_OIDC_ISSUER', about: 'whose JWTs HTTP takes' },
  oidcAudience: {
    option: '--oidc-audience <name>',
    variable: 'VARVE_OIDC_AUDIENCE',
    about: 'for whom they must be made',
  },
  oidcJwks: {
    option: '--oidc-jwks <url>',
    variable: 'VARVE_OIDC_JWKS',
    about: "the issuer's keys; absent, as its discovery document says",
  },
  oidcScopeClaim: {
    option: '--oidc-scope-claim <name>',
    variable: 'VARVE_OIDC_SCOPE_CLAIM',
    about: 'the claim with the scopes (default: scope)',
  },
  functions: {
    option: '--functions <dir>',
    variable: 'VARVE_FUNCTIONS',
    about: 'folder of functions that subscriptions may call: NAME.mjs exports a handler as for Lambda',
  },
  push: {
    option: '--push <boolean>',
    variable: 'VARVE_PUSH',
    about:
      'whether this process sends the records of subscriptions on; false where others have the rights to, and this one has not',
    default: 'true',
  },
  webhookPrivate: {
    option: '--webhook-private <boolean>',
    variable: 'VARVE_WEBHOOK_PRIVATE',
    about:
      'whether webhooks may go to this machine and to private networks; absent: where HTTP asks for no key, as on loopback',
  },
  upkeep: {
    option: '--upkeep <boolean>',
    variable: 'VARVE_UPKEEP',
    about: 'whether this process compacts, retains and sweeps; if none does, run `varve upkeep` now and then',
    default: 'true',
  },
  retentionInterval: {
    option: '--retention-interval <ms>',
    variable: 'VARVE_RETENTION_INTERVAL_MS',
    about: 'between two looks for what is due to be compacted or deleted; longer while there is nothing',
    default: '300000',
  },
  sweepInterval: {
    option: '--sweep-interval <ms>',
    variable: 'VARVE_SWEEP_INTERVAL_MS',
    about: 'between two looks for objects and items that nothing refers to; longer while there are none',
    default: '3600000',
  },
  sweepGrace: {
    option: '--sweep-grace <ms>',
    variable: 'VARVE_SWEEP_GRACE_MS',
    about: 'how long what nothing refers to is left alone',
    default: '7200000',
  },
  offsetsRetention: {
    option: '--offsets-retention <minutes>',
    variable: 'VARVE_OFFSETS_RETENTION_MINUTES',
    about: "how long a group that nobody is in keeps its committed offsets (Kafka's offsets.retention.minutes)",
    default: '10080',
  },
  transactionalIdExpiration: {
    option: '--transactional-id-expiration <ms>',
    variable: 'VARVE_TRANSACTIONAL_ID_EXPIRATION_MS',
    about: "how long a transactional id is remembered that nobody uses (Kafka's transactional.id.expiration.ms)",
    default: '604800000',
  },
  insecureListen: {
    option: '--insecure-listen',
    variable: 'VARVE_INSECURE_LISTEN',
    about: 'listen on addresses other than loopback, where anyone may read and write',
  },
} as const satisfies Record<string, Setting>

interface Setting {
  readonly option: string
  readonly variable: string
  readonly about: string
  readonly default?: string
}

/** A secret is told by the environment alone: options can be seen by every user of the machine. */
export const secretSettings = {
  adminKey: 'VARVE_ADMIN_KEY',
  archiveCatalogToken: 'VARVE_ARCHIVE_CATALOG_TOKEN',
} as const

export type SettingValues = {
  readonly [K in keyof typeof settings | keyof typeof secretSettings]?: string | boolean | undefined
}

const partitionsMax = 10_000
/** A month. */
const intervalMsMax = 30 * 24 * 3_600_000

/** Ten years. */
const retentionMsMax = 10 * 365 * 24 * 3_600_000
const minuteMs = 60_000

type WholeSetting =
  | 'defaultPartitions'
  | 'retentionInterval'
  | 'sweepInterval'
  | 'sweepGrace'
  | 'offsetsRetention'
  | 'transactionalIdExpiration'

/** @throws ConfigError */
export function readConfig(values: SettingValues): Config {
  const kafka = readAddress('kafka', values)
  const http = readAddress('http', values)
  const insecureListen = readBoolean('insecureListen', values, false)
  if (!insecureListen) refuseOpenAddress(kafka)
  const httpTexts = {
    httpAuth: textOf('httpAuth', values),
    adminKey: secretOf('adminKey', values),
    httpAnonymous: textOf('httpAnonymous', values),
    corsOrigins: textOf('corsOrigins', values),
    oidcIssuer: textOf('oidcIssuer', values),
    oidcAudience: textOf('oidcAudience', values),
    oidcJwks: textOf('oidcJwks', values),
    oidcScopeClaim: textOf('oidcScopeClaim', values),
  }
  const httpAccess = readHttpAccess(httpTexts, { loopback: isLoopback(http), insecureListen })
  return {
    kafka,
    http,
    advertised: readAdvertised(kafka, values),
    rack: textOf('rack', values) || null,
    ecsMetadataUri: textOf('ecsMetadata', values) || undefined,
    ...readLocations(values),
    flushBudget: readNumber('flushBudget', values, 0, Number.MAX_VALUE),
    autoCreateTopics: readBoolean('autoCreateTopics', values, true),
    defaultPartitions: readWhole('defaultPartitions', values, 1, partitionsMax),
    functionsFolder: textOf('functions', values) === '' ? '' : resolve(textOf('functions', values)),
    push: readBoolean('push', values, true),
    privateWebhooks: readBoolean('webhookPrivate', values, httpAccess.auth === 'open'),
    upkeep: readUpkeep(values),
    httpAccess,
  }
}

function readAdvertised(kafka: Address, values: SettingValues): Address | undefined {
  if (textOf('advertised', values) !== '') return readAddress('advertised', values)
  if (kafka.host === '0.0.0.0' || kafka.host === '::') {
    throw new ConfigError(
      `Clients cannot connect to ${kafka.host}: say which address they should use with --advertised HOST:PORT.`,
    )
  }
  return undefined
}

function refuseOpenAddress(kafka: Address): void {
  if (isLoopback(kafka)) return
  throw new ConfigError(
    `--kafka ${kafka.host}:${kafka.port} is not on loopback, and Kafka clients are not asked who they are, so anyone who reaches it may read and write: use 127.0.0.1, or pass --insecure-listen if only trusted machines reach it.`,
  )
}

function isLoopback({ host }: Address): boolean {
  return host === 'localhost' || host === '::1' || (isIP(host) === 4 && host.startsWith('127.'))
}

function readAddress(name: 'kafka' | 'http' | 'advertised', values: SettingValues): Address {
  const text = textOf(name, values)
  const match = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text)
  const host = match?.[1] ?? match?.[2]
  const port = Number(match?.[3])
  if (host === undefined || port > 65_535) {
    throw new ConfigError(`${nameOf(name)} must be HOST:PORT, such as 127.0.0.1:9092, but is ${quote(text)}.`)
  }
  return { host, port }
}

function readUpkeep(values: SettingValues): UpkeepConfig {
  return {
    background: readBoolean('upkeep', values, true),
    retentionIntervalMs: readWhole('retentionInterval', values, 1_000, intervalMsMax),
    sweepIntervalMs: readWhole('sweepInterval', values, 1_000, intervalMsMax),
    graceMs: readWhole('sweepGrace', values, 0, intervalMsMax),
    offsetsRetentionMs: readWhole('offsetsRetention', values, 1, retentionMsMax / minuteMs) * minuteMs,
    transactionalIdExpirationMs: readWhole('transactionalIdExpiration', values, 1, retentionMsMax),
  }
}

/** Where the stores are, and how upkeep is done: all that a command needs which serves nobody. @throws ConfigError */
export function readStoresConfig(values: SettingValues): Pick<Config, 'objects' | 'items' | 'catalog' | 'upkeep'> {
  return { ...readLocations(values), upkeep: readUpkeep(values) }
}

function readLocations(values: SettingValues): Pick<Config, 'objects' | 'items' | 'catalog'> {
  const data = resolve(textOf('data', values))
  return {
    objects: readObjectsLocation(textOf('objects', values) || `file:${data}`),
    items: readItemsLocation(textOf('items', values) || `lmdb:${resolve(data, 'items')}`),
    catalog: readCatalogLocation(textOf('archiveCatalog', values), secretOf('archiveCatalogToken', values)),
  }
}

function readBoolean(
  name: 'autoCreateTopics' | 'insecureListen' | 'push' | 'upkeep' | 'webhookPrivate',
  values: SettingValues,
  absent: boolean,
): boolean {
  const text = textOf(name, values).toLowerCase()
  if (text === '') return absent
  if (['true', '1', 'yes', 'on'].includes(text)) return true
  if (['false', '0', 'no', 'off'].includes(text)) return false
  throw new ConfigError(`${nameOf(name)} must be true or false, but is ${quote(text)}.`)
}

function readNumber(name: 'flushBudget' | WholeSetting, values: SettingValues, min: number, max: number): number {
  const text = textOf(name, values)
  const value = Number(text)
  if (text === '' || !Number.isFinite(value) || value < min || value > max) {
    throw new ConfigError(`${nameOf(name)} must be a number from ${min}, but is ${quote(text)}.`)
  }
  return value
}

function readWhole(name: WholeSetting, values: SettingValues, min: number, max: number): number {
  const value = readNumber(name, values, min, max)
  if (!Number.isInteger(value)) throw new ConfigError(`${nameOf(name)} must be a whole number, but is ${value}.`)
  return value
}

function textOf(name: keyof typeof settings, values: SettingValues): string {
  const value = values[name]
  if (value !== undefined && value !== '') return String(value).trim()
  const setting: Setting = settings[name]
  return setting.default ?? ''
}

function secretOf(name: keyof typeof secretSettings, values: SettingValues): string {
  const value = values[name]
  return typeof value === 'string' ? value.trim() : ''
}

/** The option, as it is written on the command line. */
function nameOf(name: keyof typeof settings): string {
  return settings[name].option.split(' ')[0]!
}

function quote(text: string): string {
  return JSON.stringify(text)
}
