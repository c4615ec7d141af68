/**
 * `npm run costs`: what a log on AWS costs a month at three levels of traffic, by list price (us-east-1): requests of the two stores over
 * the records' whole life, Lambda on arm64, and a month's records in S3. Without transfer, queues and free tiers.
 */
import { awsLogPrices } from '../../lib/assembly/log-prices.ts'
import { MULTIPART_BYTES, priceOfItemRead, priceOfItemWrite, storagePrices } from '../../lib/storage/index.ts'

const MILLION = 1_000_000
const LAMBDA_REQUEST = 0.2 / MILLION
const LAMBDA_GIGABYTE_SECOND = 0.0000133334
const FUNCTION_GIGABYTES = 0.5
const RECORD_BYTES = 1_024
/** With its header and claims' share. */
const BATCH_OVERHEAD = 120
const CLAIM_BYTES = 16
/** Looks for upkeep a month, and those that do a pass while nothing happens. */
const SCHEDULE = (30 * 24 * 60) / 5
const IDLE_PASSES = SCHEDULE / 16
/** Of a pass that finds nothing: heads, and the sweep's look at the hours since its mark, 24 of them at most. */
const PASS_ITEM_READS = 130
/** The sweep's look at a whole week, once a day. */
const WHOLE_LOOK_READS = 7 * 24 * 8
const WHOLE_LOOKS = 30
/** Of the function that pushes: once a minute, and a round each 16th time. */
const PUSH_SCHEDULE = 30 * 24 * 60

interface Path {
  readonly name: string
  readonly recordsOfCall: number
  readonly secondsOfCall: number
  readonly claims: boolean
}

const paths: readonly Path[] = [
  { name: 'HTTP, one record a request', recordsOfCall: 1, secondsOfCall: 0.02, claims: false },
  { name: 'SQS, 10 records a delivery', recordsOfCall: 10, secondsOfCall: 0.04, claims: true },
  { name: 'SQS, 1,000 records a delivery', recordsOfCall: 1_000, secondsOfCall: 0.25, claims: true },
]
const levels = [100_000, 10 * MILLION, 1_000 * MILLION]

function dollarsOfRecord({ recordsOfCall, secondsOfCall, claims }: Path): number {
  const flush = awsLogPrices().flush(recordsOfCall * RECORD_BYTES + BATCH_OVERHEAD, 1)
  // Chunks of claims are written again until they are full, and deleted.
  const claim = claims
    ? priceOfItemWrite(4_096 + recordsOfCall * CLAIM_BYTES) + priceOfItemWrite(recordsOfCall * CLAIM_BYTES)
    : 0
  const lambda = LAMBDA_REQUEST + secondsOfCall * FUNCTION_GIGABYTES * LAMBDA_GIGABYTE_SECOND
  return (flush + claim + lambda) / recordsOfCall
}

/** The dispatch function's, and not the receiver's: a lease taken and given back, a checkpoint; reads as its sandbox test prints them. */
function dollarsOfPushed(recordsOfDelivery: number): number {
  const stores = 3 * priceOfItemWrite(100) + 11 * priceOfItemRead(1)
  const lambda = LAMBDA_REQUEST + 0.05 * FUNCTION_GIGABYTES * LAMBDA_GIGABYTE_SECOND
  return (stores + lambda) / recordsOfDelivery
}

function idleDollars(): number {
  const calls = SCHEDULE * (LAMBDA_REQUEST + 0.01 * LAMBDA_GIGABYTE_SECOND + priceOfItemRead(1))
  const reads = IDLE_PASSES * PASS_ITEM_READS + WHOLE_LOOKS * WHOLE_LOOK_READS
  return calls + reads * priceOfItemRead(1)
}

function idlePushDollars(): number {
  const call = LAMBDA_REQUEST + 0.01 * FUNCTION_GIGABYTES * LAMBDA_GIGABYTE_SECOND
  return PUSH_SCHEDULE * (call + priceOfItemRead(1) + priceOfItemRead(1) / 16)
}

const text = (dollars: number) =>
  dollars < 0.01 ? dollars.toFixed(4) : dollars < 1 ? dollars.toFixed(2) : dollars.toFixed(dollars < 100 ? 1 : 0)
const row = (cells: readonly string[]) => process.stdout.write(`| ${cells.join(' | ')} |\n`)

row(['records of 1 KiB a month', ...levels.map(level => level.toLocaleString('en'))])
row(['---', ...levels.map(() => '---')])
for (const path of paths) row([path.name, ...levels.map(level => `$${text(level * dollarsOfRecord(path))}`)])
for (const [name, count] of [
  ['push, one record a delivery', 1],
  ['push, 100 records a delivery', 100],
] as const) {
  row([name, ...levels.map(level => `$${text(level * dollarsOfPushed(count))}`)])
}
row([
  'a month of them kept in S3',
  ...levels.map(level => `$${text(((level * RECORD_BYTES) / 1e9) * storagePrices.STANDARD.gigabyteMonth)}`),
])
row(['the schedule, while nothing happens', ...levels.map(() => `$${text(idleDollars())}`)])
row(['the schedule of push, where there is push', ...levels.map(() => `$${text(idlePushDollars())}`)])

process.stdout.write('\n')
const GIGABYTE = 1e9
const EXTENTS = [1_024 * 1_024, 256 * 1_024 * 1_024]
const months = (bytes: number, { gigabyteMonth, put }: (typeof storagePrices)['STANDARD']) =>
  (Math.ceil(bytes / MULTIPART_BYTES) * put) /
  ((bytes / GIGABYTE) * (storagePrices.STANDARD.gigabyteMonth - gigabyteMonth))
row([
  'records by storage class (varve.storage.class)',
  'TB a month',
  'TB read once',
  'at least',
  ...EXTENTS.map(bytes => `moving ${bytes / 1_024 / 1_024} MiB is paid for after`),
])
row(['---', '---', '---', '---', ...EXTENTS.map(() => '---')])
for (const [name, price] of Object.entries(storagePrices)) {
  row([
    name,
    `$${text(1_000 * price.gigabyteMonth)}`,
    `$${text(1_000 * price.retrievedGigabyte)}`,
    price.daysMin === 0 ? 'no time' : `${price.daysMin} days, ${price.bytesMin / 1_024} KiB`,
    ...EXTENTS.map(bytes => (name === 'STANDARD' ? '' : `${text(months(bytes, price))} months`)),
  ])
}
