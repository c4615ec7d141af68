import type { Operation } from './history.ts'

/** One line for a person: who asked what, when, and what came back. */
export function describeOperation(operation: Operation): string {
  const { invoked, completed } = operation
  return `${invoked}–${completed === Infinity ? '' : completed} ${tell(operation)}`
}

function tell(operation: Operation): string {
  switch (operation.kind) {
    case 'send': {
      const { connection, values, partition, outcome, transaction } = operation
      const answer =
        outcome.kind === 'acked' ? `at ${outcome.offset}${outcome.duplicate ? ' (duplicate)' : ''}` : told(outcome)
      return `${connection} sends ${values} to ${partition}${transaction ? ` in ${transaction}` : ''}: ${answer}`
    }
    case 'poll': {
      const { reader, partition, offset, isolation, outcome } = operation
      const batches = outcome.kind === 'read' && outcome.batches.map(({ base, values }) => `${base}:${values}`)
      const answer =
        outcome.kind === 'read' ? `${batches || 'nothing'} of ${outcome.start}–${outcome.end}` : told(outcome)
      return `${reader} reads ${partition} at ${offset}, ${isolation}: ${answer}`
    }
    case 'delete-records': {
      const { partition, before, outcome } = operation
      return `deletion in ${partition} before ${before}: ${outcome.kind === 'done' ? outcome.start : told(outcome)}`
    }
    case 'end': {
      const { outcome } = operation
      return `end of ${operation.partition}: ${outcome.kind === 'found' ? outcome.offset : outcome.code}`
    }
    case 'create':
    case 'grow':
    case 'delete': {
      const { kind, name, partitions, outcome } = operation
      return `${kind} ${name} with ${partitions}: ${outcome.kind === 'done' ? outcome.id : told(outcome)}`
    }
    case 'fork': {
      const { name, source, cuts, outcome } = operation
      return `fork of ${source} into ${name} at ${cuts ?? 'latest'}: ${outcome.kind === 'done' ? outcome.id : told(outcome)}`
    }
    case 'lookup': {
      const { outcome } = operation
      const answer = outcome.kind === 'found' ? outcome.id : outcome.kind === 'none' ? 'none' : outcome.code
      return `find ${operation.name}: ${answer}`
    }
    case 'membership': {
      const { group, member, said, told, assignment } = operation
      return `${member} of ${group} says ${said}: ${told ?? 'no answer'}${assignment === undefined ? '' : `, ${assignment || 'nothing'}`}`
    }
    case 'tasks': {
      const { member, group, process, epoch, active, standby } = operation
      return `${member} of ${group}, in ${process}, is told ${active} and standbys of ${standby} in ${epoch}`
    }
    case 'ingestion': {
      const { source, records, stored, outcome } = operation
      return `${source} delivers ${records}: ${outcome}, stored ${stored}`
    }
    case 'pushed': {
      const { subscription, partition, records, taken } = operation
      return `${subscription} delivers ${records.map(({ offset, value }) => `${offset}:${value}`)} of ${partition}: ${taken} taken`
    }
    case 'dead-letters':
      return `${operation.subscription} gave up ${operation.values}`
    case 'archived': {
      const { topic, edition, records } = operation
      return `edition ${edition} of the archive of ${topic} has ${records.map(one => `${one.partition}@${one.offset}:${one.value}`)}`
    }
    case 'ingested':
      return `${operation.topic}/${operation.partition} has ${operation.records.map(({ record }) => record)}`
    case 'transaction':
      return `transaction ${operation.id}: ${operation.outcome}`
    case 'assignment': {
      const { member, group, generation, partitions } = operation
      return `${member} has ${partitions} of ${group} in generation ${generation}`
    }
    case 'identity': {
      const { transactionalId, producerId, producerEpoch } = operation
      return `${transactionalId} is ${producerId} in epoch ${producerEpoch}`
    }
    case 'join':
      return `${operation.instance ?? ''} ${operation.member} joins ${operation.group}: ${operation.given}`
    case 'holding': {
      const { member, partition, group, fromMs, toMs, heardAtMs } = operation
      return `${member} holds ${partition} of ${group} from ${fromMs} to ${toMs} ms, heard last at ${heardAtMs}`
    }
    case 'heartbeat':
      return `heartbeat of ${operation.member} in generation ${operation.generation}: ${operation.outcome}`
    case 'commit': {
      const { member, group, generation, partition, offset, outcome } = operation
      return `${member} commits ${offset} for ${partition} of ${group} in generation ${generation}: ${outcome}`
    }
    case 'delivery': {
      const { member, partition, spans, outcome } = operation
      const given = spans.map(({ first, last, deliveries }) => `${first}-${last} (${deliveries})`)
      return `${member} is given ${given.join(', ') || 'nothing'} of ${partition}: ${outcome}`
    }
    case 'settlement': {
      const { member, type, first, last, partition, outcome } = operation
      return `${member}: ${type} ${first}-${last} of ${partition}: ${outcome}`
    }
    case 'all-done':
      return `${operation.group} has done with ${operation.partition} to ${operation.end}`
    case 'cleaning':
      return `${operation.topic} is compacted`
    case 'expiry':
      return `the store forgets ${operation.partition ?? 'all'} of ${operation.group}`
    case 'fetch':
      return `${operation.group} fetches ${operation.partition}: ${operation.offset ?? 'no answer'}`
  }
}

function told({ kind, code }: { readonly kind: string; readonly code: string }): string {
  return `${kind} (${code})`
}
