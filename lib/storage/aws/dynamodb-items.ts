/**
 * ItemStore on a DynamoDB table with the attributes `pk` (S), `sk` (S), `v` (N, the version) and `d` (B, the value).
 * One operation is a conditional PutItem or DeleteItem, sent once. Several, or a check alone, are a TransactWriteItems,
 * which may be sent again: its token makes DynamoDB apply it once.
 */
import {
  type AttributeValue,
  ConditionalCheckFailedException,
  CreateTableCommand,
  DeleteItemCommand,
  DescribeTableCommand,
  DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  QueryCommand,
  TransactionCanceledException,
  TransactWriteItemsCommand,
} from '@aws-sdk/client-dynamodb'
import { type Clock, drawUuid, type Random } from '../../base/index.ts'
import {
  type Conflict,
  checkItemKey,
  checkOperations,
  checkPageLimit,
  checkPartitionKey,
  type Expected,
  type Item,
  type ItemKey,
  type ItemPage,
  type ItemQuery,
  type ItemStore,
  isTransaction,
  Retry,
  refusal,
  StoreError,
  type WriteOperation,
  type WriteOutcome,
} from '../index.ts'
import { errorName, storeError } from './aws-errors.ts'
import { type AwsOptions, clientOptions } from './client-options.ts'

const TRANSACTION_ATTEMPTS_MAX = 4
const TABLE_POLL_MS = 250
const TABLE_MS_MAX = 60_000
const QUERY_LIMIT_MAX = 1_000_000
/** Reasons of a cancelled transaction that pass. */
const PASSING_REASONS = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded'])

export interface DynamoDbItemsOptions {
  /** Closed with the store. */
  readonly client: DynamoDBClient
  readonly table: string
  readonly clock: Clock
  readonly random: Random
}

type Attributes = Record<string, AttributeValue>

export function createDynamoDbClient(options: AwsOptions): DynamoDBClient {
  return new DynamoDBClient(clientOptions({ requestMsMax: 5_000, ...options }))
}

/** Makes the table, billed by request, where it is missing, and waits until it can be used. @throws StoreError */
export async function ensureTable(client: DynamoDBClient, table: string, clock: Clock): Promise<void> {
  const deadline = clock.monotonic() + TABLE_MS_MAX
  while (!(await isTableActive(client, table))) {
    if (clock.monotonic() > deadline)
      throw new StoreError('STORE_UNAVAILABLE', `the table ${table} is not active after ${TABLE_MS_MAX} ms`)
    await clock.sleep(TABLE_POLL_MS)
  }
}

export function openDynamoDbItems(options: DynamoDbItemsOptions): ItemStore {
  return new DynamoDbItems(options)
}

class DynamoDbItems implements ItemStore {
  readonly #client: DynamoDBClient
  readonly #table: string
  readonly #random: Random
  readonly #transactionRetry: Retry

  constructor({ client, table, clock, random }: DynamoDbItemsOptions) {
    this.#client = client
    this.#table = table
    this.#random = random
    this.#transactionRetry = new Retry({ clock, random, attemptsMax: TRANSACTION_ATTEMPTS_MAX })
  }

  async get(key: ItemKey): Promise<Item | undefined> {
    checkItemKey(key)
    try {
      const { Item } = await this.#client.send(
        new GetItemCommand({ TableName: this.#table, Key: keyAttributes(key), ConsistentRead: true }),
      )
      return Item && itemOf(Item)
    } catch (error) {
      throw storeError(`get ${key.pk} / ${key.sk}`, error, 'read')
    }
  }

  async query(pk: string, query: ItemQuery = {}): Promise<ItemPage> {
    checkPartitionKey(pk)
    if (query.limit !== undefined) checkPageLimit(query.limit, QUERY_LIMIT_MAX)
    if (isEmptyRange(query)) return { items: [] }
    const { descending = false, limit, cursor } = query
    try {
      const page = await this.#client.send(
        new QueryCommand({
          TableName: this.#table,
          ConsistentRead: true,
          ScanIndexForward: !descending,
          ...keyCondition(pk, query),
          ...(limit === undefined ? {} : { Limit: limit }),
          ...(cursor === undefined ? {} : { ExclusiveStartKey: keyAttributes({ pk, sk: cursor }) }),
        }),
      )
      const items = (page.Items ?? []).map(itemOf)
      const last = page.LastEvaluatedKey?.sk?.S
      return last === undefined ? { items } : { items, cursor: last }
    } catch (error) {
      throw storeError(`query ${pk}`, error, 'read')
    }
  }

  async write(operations: readonly WriteOperation[]): Promise<WriteOutcome> {
    checkOperations(operations)
    const [only] = operations
    return isTransaction(operations) ? this.#writeAll(operations) : this.#writeOne(only!)
  }

  async close(): Promise<void> {
    this.#client.destroy()
  }

  async #writeOne(operation: WriteOperation): Promise<WriteOutcome> {
    const parts = { ...this.#conditionOf(operation), TableName: this.#table }
    try {
      if (operation.kind === 'put')
        await this.#client.send(new PutItemCommand({ ...parts, Item: attributesOf(operation) }))
      else await this.#client.send(new DeleteItemCommand({ ...parts, Key: keyAttributes(operation.key) }))
      return { written: true }
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException)
        return { written: false, conflicts: [{ index: 0, item: error.Item && itemOf(error.Item) }] }
      throw storeError(`${operation.kind} ${operation.key.pk} / ${operation.key.sk}`, error, 'write')
    }
  }

  /** A refusal that follows an attempt of unknown outcome proves nothing about that one, which may still come. */
  async #writeAll(operations: readonly WriteOperation[]): Promise<WriteOutcome> {
    const command = this.#transactionOf(operations)
    let uncertain = false
    const outcome = await this.#transactionRetry.run(
      () => this.#transact(command),
      error => {
        uncertain ||= error.effect === 'unknown'
        return error.effect === 'unknown'
      },
    )
    if (uncertain && !outcome.written)
      throw new StoreError('STORE_OUTCOME_UNKNOWN', 'a transaction was refused after an attempt without an answer')
    return outcome
  }

  async #transact(command: TransactWriteItemsCommand): Promise<WriteOutcome> {
    try {
      await this.#client.send(command)
      return { written: true }
    } catch (error) {
      const conflicts = error instanceof TransactionCanceledException ? conflictsOf(error) : []
      if (conflicts.length > 0) return { written: false, conflicts }
      if (error instanceof TransactionCanceledException) throw cancellation(error)
      // The same token is at work in an attempt before.
      if (errorName(error) === 'TransactionInProgressException')
        throw new StoreError('STORE_OUTCOME_UNKNOWN', 'the transaction is still in progress', { cause: error })
      throw storeError('write a transaction', error, 'write')
    }
  }

  #transactionOf(operations: readonly WriteOperation[]): TransactWriteItemsCommand {
    return new TransactWriteItemsCommand({
      ClientRequestToken: Buffer.from(drawUuid(this.#random)).toString('hex'),
      TransactItems: operations.map(operation => {
        const parts = { ...this.#conditionOf(operation), TableName: this.#table }
        if (operation.kind === 'put') return { Put: { ...parts, Item: attributesOf(operation) } }
        const keyed = { ...parts, Key: keyAttributes(operation.key) }
        return operation.kind === 'delete' ? { Delete: keyed } : { ConditionCheck: keyed }
      }),
    })
  }

  #conditionOf({ expected }: { readonly expected: Expected }) {
    const returned = { ReturnValuesOnConditionCheckFailure: 'ALL_OLD' as const }
    if (expected === 'absent') return { ...returned, ConditionExpression: 'attribute_not_exists(pk)' }
    return {
      ...returned,
      ConditionExpression: 'v = :expected',
      ExpressionAttributeValues: { ':expected': { N: String(expected) } },
    }
  }
}

// ---------------------------------------------------------------- attributes

function keyAttributes({ pk, sk }: ItemKey): { pk: { S: string }; sk: { S: string } } {
  return { pk: { S: pk }, sk: { S: sk } }
}

function attributesOf({ key, version, value }: Item): Attributes {
  return { ...keyAttributes(key), v: { N: String(version) }, d: { B: value } }
}

function itemOf({ pk, sk, v, d }: Attributes): Item {
  if (pk?.S === undefined || sk?.S === undefined || v?.N === undefined || d?.B === undefined)
    throw refusal('an item of the table that Varve did not write')
  return { key: { pk: pk.S, sk: sk.S }, version: Number(v.N), value: d.B }
}

// ---------------------------------------------------------------- queries

function keyCondition(pk: string, { from, to }: ItemQuery) {
  const condition = (text: string, values: Attributes) => ({
    KeyConditionExpression: `pk = :pk${text}`,
    ExpressionAttributeValues: { ':pk': { S: pk }, ...values },
  })
  if (from && to !== undefined)
    return condition(' AND sk BETWEEN :from AND :to', { ':from': { S: from }, ':to': { S: to } })
  if (from) return condition(' AND sk >= :from', { ':from': { S: from } })
  if (to !== undefined) return condition(' AND sk <= :to', { ':to': { S: to } })
  return condition('', {})
}

/** DynamoDB refuses to be asked for nothing. */
function isEmptyRange({ from = '', to }: ItemQuery): boolean {
  return to !== undefined && (to === '' || Buffer.compare(Buffer.from(from), Buffer.from(to)) > 0)
}

// ---------------------------------------------------------------- refused transactions

function conflictsOf(error: TransactionCanceledException): Conflict[] {
  return (error.CancellationReasons ?? []).flatMap(({ Code, Item }, index) =>
    Code === 'ConditionalCheckFailed' ? [{ index, item: Item && itemOf(Item) }] : [],
  )
}

function cancellation(error: TransactionCanceledException): StoreError {
  const reasons = (error.CancellationReasons ?? []).map(({ Code }) => Code ?? 'None').filter(code => code !== 'None')
  const passes = reasons.length > 0 && reasons.every(code => PASSING_REASONS.has(code))
  return new StoreError(
    passes ? 'STORE_THROTTLED' : 'STORE_REFUSED',
    `the transaction was cancelled: ${[...new Set(reasons)].join(', ')}`,
    { cause: error },
  )
}

// ---------------------------------------------------------------- the table

async function isTableActive(client: DynamoDBClient, table: string): Promise<boolean> {
  try {
    const { Table } = await client.send(new DescribeTableCommand({ TableName: table }))
    return Table?.TableStatus === 'ACTIVE'
  } catch (error) {
    if (errorName(error) !== 'ResourceNotFoundException') throw storeError(`look for the table ${table}`, error, 'read')
    await createTable(client, table)
    return false
  }
}

async function createTable(client: DynamoDBClient, table: string): Promise<void> {
  try {
    await client.send(
      new CreateTableCommand({
        TableName: table,
        BillingMode: 'PAY_PER_REQUEST',
        AttributeDefinitions: [
          { AttributeName: 'pk', AttributeType: 'S' },
          { AttributeName: 'sk', AttributeType: 'S' },
        ],
        KeySchema: [
          { AttributeName: 'pk', KeyType: 'HASH' },
          { AttributeName: 'sk', KeyType: 'RANGE' },
        ],
      }),
    )
  } catch (error) {
    if (errorName(error) !== 'ResourceInUseException') throw storeError(`make the table ${table}`, error, 'write')
  }
}
