/** kcat: librdkafka on the command line. It has no admin calls: the server makes topics on first use, or with another client. */
import { deepStrictEqual as equal, match, ok } from 'node:assert'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Admin } from '@platformatic/kafka'
import { linesOf, runCommand, startCommand, tryCommand } from '../javascript/command.ts'
import {
  type Case,
  CODECS,
  INTEROP_RECORDS,
  interopTopic,
  range,
  restartServer,
  runCases,
  uniqueName,
  until,
} from '../javascript/harness.ts'

interface Read {
  readonly partition: number
  readonly offset: number
  readonly key: string | null
  readonly payload: string | null
  readonly ts: number
  readonly headers?: readonly string[]
}

const settings = (properties: readonly string[]) => properties.flatMap(property => ['-X', property])

async function produce(
  bootstrap: string,
  topic: string,
  lines: readonly string[],
  args: readonly string[] = [],
): Promise<void> {
  await runCommand('kcat', ['-P', '-b', bootstrap, '-t', topic, ...args], lines.map(line => `${line}\n`).join(''))
}

/** Reads to the end. */
async function read(bootstrap: string, topic: string, args: readonly string[] = []): Promise<Read[]> {
  const output = await runCommand('kcat', ['-C', '-b', bootstrap, '-t', topic, '-J', '-e', '-q', ...args])
  return linesOf(output).map(line => JSON.parse(line) as Read)
}

async function createTopic(bootstrap: string, name: string, partitions: number): Promise<string> {
  const topic = uniqueName(name)
  const admin = new Admin({ clientId: 'clients-kcat', bootstrapBrokers: [bootstrap] })
  try {
    await admin.createTopics({ topics: [topic], partitions, replicas: 1 })
    return topic
  } finally {
    await admin.close()
  }
}

/** What a time or `-2` (first), `-1` (next) stands for. */
async function offsetAt(bootstrap: string, topic: string, time: number, partition = 0): Promise<number> {
  const output = await runCommand('kcat', ['-Q', '-b', bootstrap, '-t', `${topic}:${partition}:${time}`])
  return Number(/offset (-?\d+)/.exec(output)?.[1])
}

const payloads = (got: readonly Read[], partition = 0) =>
  got.filter(one => one.partition === partition).map(one => one.payload)
const texts = (from: number, to: number) => range(from, to).map(String)

async function roundTrip(bootstrap: string, count: number, args: readonly string[]): Promise<void> {
  const topic = uniqueName('round')
  await produce(bootstrap, topic, texts(0, count), args)
  const got = await read(bootstrap, topic)
  equal(payloads(got), texts(0, count))
  equal(
    got.map(({ offset }) => offset),
    range(0, count),
  )
}

interface Member {
  readonly owned: number[]
  readonly got: string[]
  leave(): Promise<void>
}

/** Offsets are committed each 100 ms, and on leaving. */
function join(bootstrap: string, group: string, topic: string, assignor: string): Member {
  const properties = [
    'auto.offset.reset=earliest',
    'auto.commit.interval.ms=100',
    'heartbeat.interval.ms=300',
    'session.timeout.ms=10000',
    'fetch.wait.max.ms=100',
    `partition.assignment.strategy=${assignor}`,
  ]
  const child = startCommand('kcat', ['-b', bootstrap, '-u', '-f', '%s\n', ...settings(properties), '-G', group, topic])
  const ended = once(child, 'close')
  const owned = new Set<number>()
  const member = {
    get owned() {
      return [...owned].sort()
    },
    got: [] as string[],
    leave: async () => {
      child.kill('SIGTERM')
      await ended
    },
  }
  createInterface({ input: child.stdout }).on('line', line => void member.got.push(line))
  createInterface({ input: child.stderr }).on('line', line => {
    const change = /^% Group .* rebalanced.*(assigned|revoked|assignment|revoke)\b.*: (.*)$/.exec(line)
    if (!change) return
    const partitions = [...(change[2] ?? '').matchAll(/\[(\d+)\]/g)].map(found => Number(found[1]))
    for (const partition of partitions) change[1]?.startsWith('assign') ? owned.add(partition) : owned.delete(partition)
  })
  return member
}

async function changeMembers(bootstrap: string, assignor: string): Promise<void> {
  const topic = await createTopic(bootstrap, 'group', 6)
  const group = uniqueName('group')
  const spread = async (from: number, to: number) => {
    for (const partition of range(0, 6)) {
      const own = range(from, to).filter(index => index % 6 === partition)
      await produce(bootstrap, topic, own.map(String), ['-p', String(partition)])
    }
  }
  const first = join(bootstrap, group, topic, assignor)
  const isAll = () => first.owned.length === 6
  await until('all for the first', isAll, () => first.owned)
  const second = join(bootstrap, group, topic, assignor)
  const both = () => [first.owned, second.owned]
  await until('half each', () => both().every(one => one.length === 3), both)
  equal(both().flat().sort(), range(0, 6))
  await spread(0, 600)
  const all = () => [...first.got, ...second.got]
  await until(
    'records of both',
    () => all().length >= 600,
    () => all().length,
  )
  equal(all().sort(), texts(0, 600).sort())
  equal(first.got.length, 300)
  await second.leave()
  await until('all for the first again', isAll, () => first.owned)
  await spread(600, 900)
  await until(
    'records of the rest',
    () => first.got.length >= 600,
    () => first.got.length,
  )
  equal(first.got.slice(300).sort(), texts(600, 900))
  await first.leave()
}

const cases: Readonly<Record<string, Case>> = {
  cluster: async bootstrap => {
    const listed = JSON.parse(await runCommand('kcat', ['-L', '-J', '-b', bootstrap])) as {
      readonly brokers: readonly { readonly name: string }[]
    }
    ok(listed.brokers.some(({ name }) => name === bootstrap))
  },

  'hundred-partitions': async bootstrap => {
    const topic = await createTopic(bootstrap, 'hundred', 100)
    await produce(
      bootstrap,
      topic,
      range(0, 1000).map(index => `key-${index}:${index}`),
      ['-K', ':'],
    )
    const got = await read(bootstrap, topic)
    equal(
      got.map(({ payload }) => Number(payload)).sort((a, b) => a - b),
      range(0, 1000),
    )
    ok(new Set(got.map(({ partition }) => partition)).size > 90)
  },

  'unknown-topic': async bootstrap => {
    const properties = ['allow.auto.create.topics=false', 'topic.metadata.propagation.max.ms=500']
    const args = ['-C', '-b', bootstrap, '-t', uniqueName('no-such-topic'), '-e', ...settings(properties)]
    const { code, stderr } = await tryCommand('kcat', args)
    equal(code, 1)
    match(stderr, /Unknown topic or partition/)
  },

  records: async bootstrap => {
    const topic = uniqueName('records')
    await produce(
      bootstrap,
      topic,
      ['key:value', 'no key', 'no value:', 'ключ:値 🗻'],
      [...['-K', ':', '-Z', '-H', 'one=first', '-H', 'größe=ß'], ...settings(['enable.idempotence=true'])],
    )
    const got = await read(bootstrap, topic)
    equal(
      got.map(({ key, payload }) => [key, payload]),
      [
        ['key', 'value'],
        [null, 'no key'],
        ['no value', null],
        ['ключ', '値 🗻'],
      ],
    )
    for (const { headers } of got) equal(headers, ['one', 'first', 'größe', 'ß'])
  },

  ...Object.fromEntries(
    CODECS.map(codec => [
      `codec-${codec}`,
      (bootstrap: string) => roundTrip(bootstrap, 1000, ['-z', codec, ...settings(['linger.ms=20'])]),
    ]),
  ),

  'big-records': async bootstrap => {
    const topic = uniqueName('big')
    const big = range(0, 5).map(index => String(index).repeat(900_000))
    await produce(bootstrap, topic, big)
    equal(payloads(await read(bootstrap, topic)), big)
    const args = ['-P', '-b', bootstrap, '-t', topic, ...settings(['message.max.bytes=10000000'])]
    const { stderr } = await tryCommand('kcat', args, `${'x'.repeat(3_000_000)}\n`)
    match(stderr, /Message size too large/)
  },

  ...Object.fromEntries(
    ['0', '1', 'all'].map(acks => [
      `acks-${acks}`,
      (bootstrap: string) => roundTrip(bootstrap, 20, settings([`acks=${acks}`])),
    ]),
  ),

  throughput: async bootstrap => {
    await roundTrip(bootstrap, 50_000, settings(['enable.idempotence=true', 'linger.ms=5']))
  },

  crash: async bootstrap => {
    const topic = uniqueName('crash')
    const properties = ['enable.idempotence=true', 'linger.ms=1', 'reconnect.backoff.max.ms=500']
    const child = startCommand('kcat', ['-P', '-E', '-b', bootstrap, '-t', topic, ...settings(properties)])
    const ended = once(child, 'close')
    let sent = 0
    const sendHundred = async () => {
      const lines = texts(sent, sent + 100).map(line => `${line}\n`)
      if (!child.stdin.write(lines.join(''))) await once(child.stdin, 'drain')
      sent += 100
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    while (sent < 2_000) await sendHundred()
    await until(
      'a first record',
      () => child.stdin.writableLength === 0,
      () => child.stdin.writableLength,
    )
    let back = false
    const restarted = restartServer().then(() => {
      back = true
    })
    while (!back) await sendHundred()
    await restarted
    for (const end = sent + 2_000; sent < end; ) await sendHundred()
    child.stdin.end()
    const [code] = await ended
    equal(code, 0)
    equal(payloads(await read(bootstrap, topic)), texts(0, sent))
  },

  'read-earliest': async bootstrap => {
    const topic = uniqueName('earliest')
    await produce(bootstrap, topic, texts(0, 10))
    equal(payloads(await read(bootstrap, topic, ['-o', 'beginning'])), texts(0, 10))
  },

  'read-latest': async bootstrap => {
    const topic = uniqueName('latest')
    await produce(bootstrap, topic, texts(0, 10))
    equal(payloads(await read(bootstrap, topic, ['-o', 'end'])), [])
    equal(payloads(await read(bootstrap, topic, ['-o', '-3'])), texts(7, 10))
  },

  'read-offset': async bootstrap => {
    const topic = uniqueName('offset')
    for (const from of [0, 50]) await produce(bootstrap, topic, texts(from, from + 50), settings(['linger.ms=20']))
    equal(payloads(await read(bootstrap, topic, ['-o', '37'])), texts(37, 100))
    equal(payloads(await read(bootstrap, topic, ['-o', '37', '-c', '20'])), texts(37, 57))
  },

  'read-timestamp': async bootstrap => {
    const topic = uniqueName('timestamp')
    for (const index of range(0, 5)) await produce(bootstrap, topic, [String(index)])
    const times = (await read(bootstrap, topic)).map(({ ts }) => ts)
    const time = times[3] ?? 0
    const first = times.indexOf(time)
    equal(await offsetAt(bootstrap, topic, time), first)
    equal(payloads(await read(bootstrap, topic, ['-o', `s@${time}`])), texts(first, 5))
  },

  'list-offsets': async bootstrap => {
    const topic = await createTopic(bootstrap, 'list', 2)
    await produce(bootstrap, topic, texts(0, 10), ['-p', '1'])
    equal(await offsetAt(bootstrap, topic, -2, 1), 0)
    equal(await offsetAt(bootstrap, topic, -1, 1), 10)
    equal(await offsetAt(bootstrap, topic, -1, 0), 0)
  },

  'fetch-max-bytes': async bootstrap => {
    const topic = uniqueName('bytes')
    for (const from of range(0, 10))
      await produce(bootstrap, topic, texts(from * 100, from * 100 + 100), settings(['linger.ms=20']))
    const properties = ['fetch.message.max.bytes=100', 'fetch.max.bytes=1000', 'message.max.bytes=1000']
    equal(payloads(await read(bootstrap, topic, settings(properties))), texts(0, 1000))
  },

  'out-of-range': async bootstrap => {
    const topic = uniqueName('range')
    await produce(bootstrap, topic, texts(0, 10))
    const earliest = ['-o', '1000', ...settings(['auto.offset.reset=earliest'])]
    equal(payloads(await read(bootstrap, topic, earliest)), texts(0, 10))
  },

  'group-range': bootstrap => changeMembers(bootstrap, 'range'),
  'group-roundrobin': bootstrap => changeMembers(bootstrap, 'roundrobin'),
  'group-cooperative': bootstrap => changeMembers(bootstrap, 'cooperative-sticky'),

  'interop-write': async (bootstrap, writer) => {
    const lines = INTEROP_RECORDS.map(({ key, value }) => `${key === null ? '' : `${key}:`}${value ?? ''}`)
    for (const codec of CODECS) {
      const args = ['-K', ':', '-Z', '-z', codec, '-H', `writer=${writer}`, ...settings(['linger.ms=20'])]
      await produce(bootstrap, interopTopic(writer, codec), lines, args)
    }
  },

  'interop-read': async (bootstrap, writer) => {
    for (const codec of CODECS) {
      const got = await read(bootstrap, interopTopic(writer, codec))
      equal(
        got.map(({ key, payload }) => ({ key, value: payload })),
        INTEROP_RECORDS,
        codec,
      )
      for (const { headers } of got) equal(headers, ['writer', writer])
    }
  },
}

await runCases(cases)
