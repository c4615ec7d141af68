import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Deliveries } from './deliveries.ts'
import type { MemberEvent } from './members/member-output.ts'
import type { ClientName } from './publishers.ts'

const membersFolder = join(import.meta.dirname, 'members')
const saidMax = 4_000

/** The members of one group, each a process of its own, and what they were given. */
export class GroupMembers {
  readonly deliveries = new Deliveries()
  readonly #client: ClientName
  readonly #bootstrap: string
  readonly #topic: string
  readonly #group: string
  readonly #members = new Map<string, { readonly process: ChildProcess; partitions: readonly number[] }>()
  #said = ''

  constructor(options: { client: ClientName; bootstrap: string; topic: string; group: string }) {
    this.#client = options.client
    this.#bootstrap = options.bootstrap
    this.#topic = options.topic
    this.#group = options.group
  }

  /** The last of what members wrote on standard error. */
  get said(): string {
    return this.#said
  }

  start(name: string): void {
    const [command, args] = memberCommand(this.#client, this.#bootstrap, this.#topic, this.#group)
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const member = { process: child, partitions: [] as readonly number[] }
    this.#members.set(name, member)
    const hear = (event: MemberEvent | undefined) => {
      if (event?.kind === 'assigned') member.partitions = event.partitions
      if (event) this.deliveries.take(name, event)
    }
    child.once('close', code => {
      // Those that the test ends are forgotten first.
      if (this.#members.delete(name)) this.deliveries.fail(new Error(`member ${name} ended by itself, with ${code}`))
    })
    createInterface({ input: child.stdout }).on('line', line => hear(eventOf(line)))
    createInterface({ input: child.stderr }).on('line', line => {
      hear(kcatAssignment(line, this.#topic))
      this.#said = `${this.#said}${name}: ${line}\n`.slice(-saidMax)
    })
  }

  /** Resolves when the members share `partitions` partitions, each of which has one owner, and nobody has none. */
  balanced(partitions: number): Promise<void> {
    return this.deliveries.until(() => {
      const owned = [...this.#members.values()].map(member => member.partitions)
      const all = owned.flat()
      return all.length === partitions && new Set(all).size === partitions && owned.every(own => own.length > 0)
    })
  }

  /** Kills it at once: it cannot leave its group, nor commit. */
  async kill(name: string): Promise<void> {
    await this.#end(name, 'SIGKILL')
  }

  /** Lets every member leave its group and end. */
  async stop(): Promise<void> {
    await Promise.all([...this.#members.keys()].map(name => this.#end(name, 'SIGTERM')))
  }

  async #end(name: string, signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const member = this.#members.get(name)
    if (!member) return
    this.#members.delete(name)
    const closed = once(member.process, 'close')
    member.process.kill(signal)
    await closed
  }
}

function memberCommand(client: ClientName, bootstrap: string, topic: string, group: string): [string, string[]] {
  if (client !== 'kcat') {
    const file = client === 'KafkaJS' ? 'kafkajs.ts' : 'platformatic.ts'
    return [process.execPath, [join(membersFolder, file), bootstrap, topic, group]]
  }
  const properties = [
    'auto.offset.reset=earliest',
    'auto.commit.interval.ms=200',
    'session.timeout.ms=6000',
    'heartbeat.interval.ms=500',
    'fetch.wait.max.ms=200',
    'reconnect.backoff.max.ms=500',
  ]
  // Values are JSON, so a whole line is.
  const format = '{"kind":"record","partition":%p,"offset":%o,"key":"%k","value":%s}\n'
  return [
    'kcat',
    [
      '-b',
      bootstrap,
      '-E',
      '-u',
      '-f',
      format,
      ...properties.flatMap(property => ['-X', property]),
      '-G',
      group,
      topic,
    ],
  ]
}

/** kcat tells the value and not the id in it. */
function eventOf(line: string): MemberEvent {
  const event = JSON.parse(line) as MemberEvent & { value?: { id: number } }
  return event.kind === 'record' && event.value ? { ...event, id: event.value.id } : event
}

/** kcat tells it on standard error: `% Group g rebalanced (memberid m): assigned: topic [0], topic [1]`. */
function kcatAssignment(line: string, topic: string): MemberEvent | undefined {
  const list = /^% Group .* rebalanced .*: (assigned|revoked): (.*)$/.exec(line)
  if (!list) return undefined
  const partitions = [...(list[2] ?? '').matchAll(/(\S+) \[(\d+)\]/g)].filter(match => match[1] === topic)
  return { kind: 'assigned', partitions: list[1] === 'assigned' ? partitions.map(match => Number(match[2])) : [] }
}
