/**
 * What a member of a group tells the test on its standard output, one JSON object a line. A line is written (pipes are
 * synchronous) before the next thing is done, so a member that is killed has said all that it did.
 */
export type MemberEvent =
  | { readonly kind: 'assigned'; readonly partitions: readonly number[] }
  | {
      readonly kind: 'record'
      readonly partition: number
      readonly offset: number
      readonly key: string
      readonly id: number
    }
  | { readonly kind: 'committed'; readonly partition: number; readonly offset: number }

export function tell(event: MemberEvent): void {
  process.stdout.write(`${JSON.stringify(event)}\n`)
}

export function recordEvent(partition: number, offset: number, key: string, value: string): MemberEvent {
  return { kind: 'record', partition, offset, key, id: (JSON.parse(value) as { id: number }).id }
}

/** HOST:PORT,… TOPIC GROUP from the command line. */
export function memberArguments(): { bootstrap: string[]; topic: string; group: string } {
  const [bootstrap, topic, group] = process.argv.slice(2)
  if (!bootstrap || !topic || !group) throw new Error('usage: member BOOTSTRAP TOPIC GROUP')
  return { bootstrap: bootstrap.split(','), topic, group }
}

/** Runs `leave` once the test asks the member to leave its group, and ends the process. */
export function onLeave(leave: () => Promise<unknown>): void {
  process.once('SIGTERM', () => {
    leave().finally(() => process.exit())
  })
}
