/**
 * The composition root of a server process: config in, running parts out. The only place that knows the engine, its
 * stores and its faces at once.
 */
import { type Clock, type Logger, type Random, systemClock, systemRandom } from '../base/index.ts'
import {
  type Broker,
  defaultBrokerConfig,
  Gateways,
  handlers,
  isCoordinator,
  Router,
  TransactionTakeover,
} from '../broker/index.ts'
import { StoredConfigs } from '../configs/index.ts'
import { Gateway } from '../gateway/index.ts'
import { Groups } from '../groups/index.ts'
import { openLog } from '../log/index.ts'
import { ShareGroups } from '../share/index.ts'
import { Transactions } from '../transactions/index.ts'
import type { Address, Config } from './config.ts'
import { ConfigError } from './config-error.ts'
import { zoneOfTask } from './ecs-zone.ts'
import { EMBEDDED } from './embedded.ts'
import { HttpServer } from './http-server.ts'
import { openPush } from './open-push.ts'
import { openStores } from './open-stores.ts'
import { openUpkeep } from './open-upkeep.ts'

export interface RunningVarve {
  /** HOST:PORT that is listened on. */
  readonly kafkaAddress: string
  readonly httpAddress: string
  /** Finishes requests in flight within a bound, and ends everything in the order in which parts need each other. */
  close(): Promise<void>
}

interface Surroundings {
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** @throws ConfigError where an address or a store cannot be had */
export async function startVarve(config: Config, logger: Logger): Promise<RunningVarve> {
  const surroundings = { clock: systemClock, random: systemRandom, logger }
  /** Ends what is running, last part first. */
  const endings: (() => Promise<void>)[] = []
  const close = async () => {
    for (const end of endings.splice(0).reverse()) await end()
  }
  try {
    return { ...(await startParts(config, surroundings, endings)), close }
  } catch (error) {
    await close()
    throw error
  }
}

async function startParts(
  config: Config,
  surroundings: Surroundings,
  endings: (() => Promise<void>)[],
): Promise<Pick<RunningVarve, 'kafkaAddress' | 'httpAddress'>> {
  const { logger, clock } = surroundings
  const http = await orTaken('http', config.http, HttpServer.listen(config.http, logger))
  endings.push(() => http.close())
  const stores = await openStores(config, surroundings)
  endings.push(async () => {
    await stores.close()
    logger.info('stores closed', { ...stores.usage() })
  })
  const gateway = await orTaken('kafka', config.kafka, Gateway.listen({ ...config.kafka, clock, logger }))
  endings.push(() => gateway.close())
  const common = { ...surroundings, objects: stores.objects, items: stores.items }
  const { ecsMetadataUri } = config
  const rack = config.rack ?? (ecsMetadataUri === undefined ? null : await zoneOfTask(ecsMetadataUri, logger))
  const advertised = { ...(config.advertised ?? config.kafka), rack }
  const cluster = await Gateways.join({
    ...common,
    advertised: { ...advertised, port: advertised.port || gateway.port },
  })
  endings.push(() => cluster.close())
  const flushBudget = stores.prices ? config.flushBudget / cluster.gateways().length : Number.POSITIVE_INFINITY
  const log = openLog({ ...common, flushBudget, ...(stores.prices ? { prices: stores.prices } : EMBEDDED) })
  endings.push(() => log.close())
  const configs = new StoredConfigs(common)
  const groups = new Groups({ ...common, topics: log.topics, configs })
  endings.push(() => groups.close())
  const shares = new ShareGroups({ ...common, log, configs })
  endings.push(() => shares.close())
  const transactions = new Transactions({ ...common, log, groups })
  endings.push(() => transactions.close())
  const takeover = new TransactionTakeover({ transactions, cluster, clock, logger })
  endings.push(() => takeover.close())
  if (config.upkeep.background) {
    const owner = `gateway ${cluster.nodeId} at ${addressText(advertised.host, advertised.port || gateway.port)}`
    const isMine = (key: string) => isCoordinator(key, cluster)
    const upkeep = openUpkeep(
      { ...common, archives: stores.archives, catalog: stores.catalog, log, transactions },
      config.upkeep,
      {
        owner,
        isMine,
      },
    )
    upkeep.start()
    endings.push(() => upkeep.close())
  }
  const { autoCreateTopics, defaultPartitions } = config
  const { offsetsRetentionMs, transactionalIdExpirationMs } = config.upkeep
  const offsetsRetentionMinutes = offsetsRetentionMs / 60_000
  const told = { offsetsRetentionMinutes, transactionalIdExpirationMs }
  const brokerConfig = { ...defaultBrokerConfig, autoCreateTopics, defaultPartitions, ...told }
  const faces = { log, groups, shares, transactions, cluster, configs }
  const broker: Broker = { ...faces, config: brokerConfig, clock, logger }
  const router = new Router(broker, handlers)
  gateway.serve((frame, exchange) => router.answer(frame, exchange))
  // From now on requests may be in flight, which need all the rest: the gateway ends first.
  endings.push(() => gateway.close())
  const { subscriptions, pusher } = openPush({
    ...common,
    log,
    owner: `gateway ${cluster.nodeId}`,
    functionsFolder: config.functionsFolder,
    isOnAws: config.items.kind === 'dynamodb',
    privateWebhooks: config.privateWebhooks,
  })
  if (config.push) pusher.start()
  endings.push(() => pusher.close())
  const closing = new AbortController()
  const httpParts = {
    ...common,
    log,
    groups,
    subscriptions,
    autoCreateTopics,
    defaultPartitions,
    closing: closing.signal,
    clusterId: cluster.clusterId,
  }
  const loadHttp = async () => (await import('./http-listener.ts')).createHttpListener(config.httpAccess, httpParts)
  http.serve(loadHttp, () => stores.usage())
  endings.push(async () => {
    closing.abort()
    await http.close()
  })
  return {
    kafkaAddress: addressText(config.kafka.host, gateway.port),
    httpAddress: addressText(config.http.host, http.port),
  }
}

function addressText(host: string, port: number): string {
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** Says in a sentence why an address cannot be had. */
async function orTaken<T>(name: 'kafka' | 'http', { host, port }: Address, listening: Promise<T>): Promise<T> {
  try {
    return await listening
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : ''
    if (code === 'EADDRINUSE') {
      throw new ConfigError(
        `${addressText(host, port)} is taken by another process: end that one, or choose another address with --${name}.`,
      )
    }
    if (code === 'EADDRNOTAVAIL' || code === 'EACCES' || code === 'ENOTFOUND') {
      throw new ConfigError(`Cannot listen on ${addressText(host, port)} (${code}): choose another with --${name}.`)
    }
    throw error
  }
}
