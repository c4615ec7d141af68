import type { Rng } from '../simulation/world/rng.ts'
import type { Gateway } from './gateway.ts'
import { type ChaosProxy, sleep } from './proxy.ts'

export interface Disaster {
  readonly name: string
  /** Resolves when it is over. */
  strike(rng: Rng): Promise<void>
}

export function gatewayDisasters(gateways: readonly Gateway[]): Disaster[] {
  return [
    {
      name: 'kill -9',
      strike: async rng => {
        const gateway = rng.pick(gateways)
        await gateway.kill()
        await sleep(rng.spread(1, 3_000))
        await gateway.start()
      },
    },
    { name: 'frozen gateway', strike: rng => rng.pick(gateways).freeze(rng.spread(50, 12_000)) },
  ]
}

export function proxyDisasters(what: string, proxies: readonly ChaosProxy[]): Disaster[] {
  if (proxies.length === 0) return []
  return [
    { name: `${what}: connections cut`, strike: async rng => rng.pick(proxies).cut() },
    { name: `${what}: connections refused`, strike: rng => rng.pick(proxies).refuse(rng.spread(50, 4_000)) },
    { name: `${what}: silence`, strike: rng => rng.pick(proxies).hold(rng.spread(50, 8_000)) },
    { name: `${what}: slow`, strike: rng => rng.pick(proxies).slow(rng.spread(5, 800), rng.spread(100, 5_000)) },
  ]
}

/** One after the other, sometimes two at a time, until `deadline`; answers how often each struck. */
export async function strikeUntil(
  deadline: number,
  disasters: readonly Disaster[],
  rng: Rng,
  onStrike: (name: string) => void,
): Promise<Map<string, number>> {
  const struck = new Map<string, number>()
  const underWay = new Map<string, Promise<void>>()
  while (performance.now() < deadline) {
    const { name, strike } = rng.pick(disasters)
    // The same twice at once would be ended by the first.
    if (!underWay.has(name)) {
      onStrike(name)
      struck.set(name, (struck.get(name) ?? 0) + 1)
      underWay.set(
        name,
        strike(rng).finally(() => underWay.delete(name)),
      )
    }
    await sleep(rng.spread(100, 4_000))
  }
  await Promise.all(underWay.values())
  return struck
}
