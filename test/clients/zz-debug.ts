import { Admin, Consumer, Producer, cooperativeStickyAssigner } from '@platformatic/kafka'
import { openStores } from './stores.ts'
const stores = await openStores((process.argv[2] ?? 'aws') as 'aws')
const server = await stores.createServer(); await server.start()
const b = [server.bootstrap]
const t0 = performance.now(); const log = (...a: unknown[]) => console.log((performance.now()-t0).toFixed(0), ...a)
const admin = new Admin({ clientId: 'x', bootstrapBrokers: b }); 
const topic = 'gg'
await admin.createTopics({ topics: [topic], partitions: 6, replicas: 1 })
async function mk(name: string) {
  const c = new Consumer({ clientId: name, bootstrapBrokers: b, groupId: 'g', maxWaitTime: 200, heartbeatInterval: 300, autocommit: 100, retries: 200, retryDelay: 100, metadataMaxAge: 100,
    protocols: [{ name: 'cooperative-sticky', version: 1 }], partitionAssigner: cooperativeStickyAssigner } as never)
  for (const e of ['consumer:group:join','consumer:group:leave','consumer:group:rejoin','consumer:group:rebalance'] as const) c.on(e, (p: any) => log(name, e, p?.generationId, JSON.stringify(p?.assignments?.map((a: any)=>a.partitions))))
  const s = await c.consume({ topics: [topic], mode: 'committed', fallbackMode: 'earliest' })
  const seen = new Map<string, number>()
  s.on('data', (m: any) => { const k = m.partition+':'+m.offset; if (seen.has(k)) { if (m.offset % 10n === 0n) log(name, 'DUP', k) } else { if (m.offset % 50n === 0n) log(name, 'got', k) } seen.set(k, 1) })
  s.on('offsets', () => log(name, 'offsets', JSON.stringify([...s.offsetsToFetch].map(([k,v])=>k+'='+v)), 'committed', JSON.stringify([...s.offsetsCommitted].map(([k,v])=>k+'='+v))))
  s.on('autocommit', (e: any, o: any) => log(name, 'autocommit', e?.message, JSON.stringify(o?.map((x: any)=>x.partition+'='+x.offset))))
  return { c, s }
}
const until = async (f: () => boolean) => { while (!f()) await new Promise(r => setTimeout(r, 20)) }
const owned = ({ c }: { c: any }) => c.assignments?.find((o: any) => o.topic === topic)?.partitions ?? []
const a = await mk('A'); await until(() => owned(a).length === 6)
const d = await mk('B'); await until(() => owned(a).length === 3 && owned(d).length === 3)
const p = new Producer({ clientId: 'p', bootstrapBrokers: b })
const send = (f: number, t: number) => p.send({ messages: Array.from({ length: t - f }, (_, i) => ({ topic, partition: (f + i) % 6, value: Buffer.from(String(f + i)) })) })
await send(0, 600); await new Promise(r => setTimeout(r, 1000))
log('closing B'); await d.s.close(); await d.c.close(true); log('closed B')
await until(() => owned(a).length === 6); log('A owns all')
await send(600, 900); log('sent')
await new Promise(r => setTimeout(r, 2500))
await a.s.close(); await a.c.close(true); await p.close(); await admin.close(); await server.stop(); await stores.stop(); process.exit(0)
