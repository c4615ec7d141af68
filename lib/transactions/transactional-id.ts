/**
 * One transactional id, as this process serves it: one request at a time decides by the document and changes it by
 * compare-and-swap, until it is settled. The states, and what holds when several do this at once, are in transitions.ts.
 *
 * A document known from before may be an old one. A change that rests on it is safe: the write expects its version. A
 * refusal, or an answer without a write, is given only of a document that was read after the request came, but for one
 * case: by protocol 2 an epoch belongs to one transaction, so a known document that is Ongoing in this epoch and has the
 * partition admits a batch to its number. If that has ended meanwhile, the partition itself refuses the number.
 */
import { type Clock, Mailbox } from '../base/index.ts'
import type { WriteOperation } from '../storage/index.ts'
import { TransactionError, type TransactionErrorCode } from './errors.ts'
import { type Told, tellEverybody } from './finish.ts'
import { ATTEMPTS_MAX, ID_QUEUE_MAX } from './settings.ts'
import { type TransactionDocument, transactionDocumentKey } from './transaction-document.ts'
import type { Read, TransactionItems } from './transaction-items.ts'
import {
  type AddRequest,
  abortTransaction,
  addToTransaction,
  admittedTo,
  complete,
  type Decision,
  type EndRequest,
  endTransaction,
  type InitRequest,
  initProducer,
  isPrepared,
  type Moment,
  needsProducerId,
  outcomeOf,
} from './transitions.ts'
import type { UnfinishedTransactions } from './unfinished-transactions.ts'

export interface TransactionalIdParts extends Told {
  readonly items: TransactionItems
  readonly clock: Clock
  readonly unfinished: UnfinishedTransactions
  readonly drawProducerId: () => Promise<number>
}

type Decide = (document: TransactionDocument | undefined, moment: Moment) => Decision

export class TransactionalId {
  readonly #id: string
  readonly #parts: TransactionalIdParts
  readonly #mailbox = new Mailbox(ID_QUEUE_MAX)
  #known: Read | undefined

  constructor(id: string, parts: TransactionalIdParts) {
    this.#id = id
    this.#parts = parts
  }

  /** Who the producer is from now on; what it left open is aborted. */
  init(request: InitRequest): Promise<TransactionDocument> {
    return this.#settle((document, moment) => initProducer(document, request, moment))
  }

  /** The number of the transaction that now has these partitions and groups. `trustsKnown`: see the head. */
  async add(request: AddRequest, { trustsKnown }: { trustsKnown: boolean }): Promise<number> {
    const known = trustsKnown && this.#known?.document
    const admitted = known ? admittedTo(known, request) : undefined
    if (admitted !== undefined) return admitted
    return (await this.#settle((document, moment) => addToTransaction(document, request, moment))).transaction
  }

  /** The document after the end. Nothing is decided once `gone`. */
  end(request: EndRequest, gone?: AbortSignal): Promise<TransactionDocument> {
    return this.#settle((document, moment) => {
      if (gone?.aborted)
        return { kind: 'refuse', code: 'COORDINATOR_NOT_AVAILABLE', message: 'nobody waits for this end' }
      return endTransaction(document, request, moment)
    })
  }

  /** Aborts this transaction if it is still under way, and finishes whichever was decided. */
  async abort(transaction: number): Promise<void> {
    await this.#settle((document, moment) => {
      if (!document) return refuseUnknown()
      if (isPrepared(document)) return { kind: 'finish' }
      const aborted = abortTransaction(document, transaction, moment)
      return aborted ? { kind: 'prepare', document: aborted } : { kind: 'stands', document }
    })
  }

  /** Finishes a transaction that was decided, and watches over one that is under way. */
  async takeOver(): Promise<void> {
    await this.#settle(document => {
      if (!document) return refuseUnknown()
      return isPrepared(document) ? { kind: 'finish' } : { kind: 'stands', document }
    })
  }

  /** Read strongly. */
  async read(): Promise<TransactionDocument | undefined> {
    return (await this.#parts.items.read(this.#id)).document
  }

  /** A check that this transaction of the producer's is open, by a strong read; undefined: it is not. */
  async checkOpen(producerId: number, transaction: number): Promise<WriteOperation | undefined> {
    const { document, version } = await this.#parts.items.read(this.#id)
    const isOpen =
      document?.state === 'Ongoing' && document.producerId === producerId && document.transaction === transaction
    return isOpen ? { kind: 'check', key: transactionDocumentKey(this.#id), expected: version } : undefined
  }

  /** @throws TransactionError, StoreError, LogError, GroupError */
  #settle(decide: Decide): Promise<TransactionDocument> {
    return this.#mailbox.run(async () => {
      let producerId: Promise<number> | undefined
      /** Whether what is known was read, or found in the way, since the request came. */
      let isFresh = false
      for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt++) {
        if (!this.#known) isFresh = true
        const read = this.#known ?? (await this.#read())
        if (needsProducerId(read.document)) producerId ??= this.#parts.drawProducerId()
        const freshProducerId = (await producerId) ?? -1
        const decision = decide(read.document, { now: this.#parts.clock.now(), freshProducerId })
        if (!isFresh && (decision.kind === 'refuse' || decision.kind === 'stands')) {
          this.#known = undefined
          continue
        }
        const settled = await this.#act(read, decision)
        if (settled) return settled
        isFresh = true
        await this.#pauseAfter(decision, attempt)
      }
      throw new TransactionError('CONCURRENT_TRANSACTIONS', `the transaction of '${this.#id}' keeps changing`)
    })
  }

  /** Undefined: to be decided anew. */
  async #act(read: Read, decision: Decision): Promise<TransactionDocument | undefined> {
    switch (decision.kind) {
      case 'refuse':
        throw new TransactionError(decision.code, decision.message)
      case 'stands':
        return decision.document
      case 'write':
        return (await this.#write(read, decision.document)) ? decision.document : undefined
      case 'prepare':
        return (await this.#write(read, decision.document)) ? this.#finish(this.#known!) : undefined
      case 'prepare-first':
        if (await this.#write(read, decision.document)) await this.#finish(this.#known!)
        return undefined
      case 'finish':
        await this.#finish(read)
        return undefined
    }
  }

  /** The document as it is once everybody was told, by whomever. */
  async #finish(prepared: Read): Promise<TransactionDocument> {
    const { unfinished, clock } = this.#parts
    const { document } = prepared
    const outcome = document && outcomeOf(document)
    if (!outcome) throw new TransactionError('INVALID_TXN_STATE', 'the transaction is not decided')
    try {
      await tellEverybody(document, outcome, this.#parts)
      const completed = complete(document, { now: clock.now() })
      await this.#write(prepared, completed)
      return completed
    } catch (error) {
      this.#known = undefined
      unfinished.retry(this.#id, document.transaction)
      throw error
    }
  }

  async #read(): Promise<Read> {
    return this.#adopt(await this.#parts.items.read(this.#id))
  }

  /** False: another document stands in the way, which is known then. */
  async #write(base: Read, document: TransactionDocument): Promise<boolean> {
    // Until the answer nobody may rest on what was known: the write may have come to pass.
    this.#known = undefined
    const outcome = await this.#parts.items.write(this.#id, base.version, document)
    if ('written' in outcome) {
      this.#adopt({ document, version: outcome.written })
      return true
    }
    this.#adopt(outcome.inTheWay)
    return false
  }

  #adopt(read: Read): Read {
    this.#known = read
    if (read.document) this.#parts.unfinished.see(this.#id, read.document)
    return read
  }

  /** Lost races pause; what follows a transaction that was finished does not. */
  async #pauseAfter({ kind }: Decision, attempt: number): Promise<void> {
    if (kind === 'write' || kind === 'prepare') await this.#parts.items.pause(attempt)
  }
}

function refuseUnknown(): Decision {
  const code: TransactionErrorCode = 'TRANSACTIONAL_ID_NOT_FOUND'
  return { kind: 'refuse', code, message: 'there is no such transactional id' }
}
