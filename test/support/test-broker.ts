import { type Clock, type Logger, silentLogger, systemClock, systemRandom } from '../../lib/base/index.ts'
import { type BrokerConfig, defaultBrokerConfig, Gateways, handlers, Router } from '../../lib/broker/index.ts'
import { StoredConfigs } from '../../lib/configs/index.ts'
import { Gateway, type GatewayLimits } from '../../lib/gateway/index.ts'
import { Groups } from '../../lib/groups/index.ts'
import { type Log, type LogOptions, openLog } from '../../lib/log/index.ts'
import { ShareGroups } from '../../lib/share/index.ts'
import type { ItemStore, ObjectStore } from '../../lib/storage/index.ts'
import { Transactions } from '../../lib/transactions/index.ts'
import { memoryItems, memoryObjects } from './memory-stores.ts'

/** Broker and gateway over stores in memory, in this process, on a free port of the loopback. */
export interface TestBroker {
  readonly port: number
  readonly log: Log
  readonly configs: StoredConfigs
  readonly shares: ShareGroups
  readonly gateway: Gateway
  readonly cluster: Gateways
  /** What was logged: event and fields, as one text each. */
  readonly logged: readonly string[]
  close(): Promise<void>
}

export interface TestBrokerOptions {
  readonly limits?: Partial<GatewayLimits>
  readonly config?: Partial<BrokerConfig>
  readonly clock?: Clock
  /** Of several brokers over one store. */
  readonly stores?: { readonly objects: ObjectStore; readonly items: ItemStore }
  readonly rack?: string
  readonly compaction?: NonNullable<LogOptions['compaction']>
  /** Wraps the log, to watch or hinder it. */
  readonly wrapLog?: (log: Log) => Log
}

export async function startTestBroker(options: TestBrokerOptions = {}): Promise<TestBroker> {
  const clock = options.clock ?? systemClock
  const logged: string[] = []
  const note = (event: string, fields: Record<string, unknown> = {}) => {
    logged.push(`${event} ${JSON.stringify(fields)}`)
  }
  const logger: Logger = { info: note, warn: note, error: note }
  const stores = options.stores ?? { objects: memoryObjects(), items: memoryItems() }
  const common = { ...stores, clock, random: systemRandom, logger: silentLogger }
  const opened = openLog({
    ...common,
    flushBudget: Number.POSITIVE_INFINITY,
    compaction: options.compaction ?? {},
  })
  const log = options.wrapLog?.(opened) ?? opened
  const configs = new StoredConfigs(common)
  const groups = new Groups({ ...common, topics: log.topics, configs })
  const shares = new ShareGroups({ ...common, log, configs })
  const transactions = new Transactions({ ...common, log, groups })
  const gateway = await Gateway.listen({
    host: '127.0.0.1',
    port: 0,
    clock,
    logger,
    ...(options.limits ? { limits: options.limits } : {}),
  })
  const advertised = { host: '127.0.0.1', port: gateway.port, rack: options.rack ?? null }
  const cluster = await Gateways.join({ ...common, advertised })
  const config = { ...defaultBrokerConfig, ...options.config }
  const router = new Router({ log, groups, shares, transactions, cluster, configs, config, clock, logger }, handlers)
  gateway.serve((frame, exchange) => router.answer(frame, exchange))
  return {
    port: gateway.port,
    log,
    configs,
    shares,
    gateway,
    cluster,
    logged,
    close: async () => {
      await gateway.close()
      await transactions.close()
      await shares.close()
      await groups.close()
      await log.close()
      await cluster.close()
    },
  }
}
