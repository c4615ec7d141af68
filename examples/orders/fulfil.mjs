/**
 * Called with orders as they come into their topic: at least once, in the order of each partition. Whoever must not do a thing twice
 * remembers topic, partition and offset. What is answered in `batchItemFailures` comes again, and so does all behind it.
 */
export async function handler({ topic, partition, records }) {
  for (const { offset, value } of records) {
    const order = { id: `${topic}/${partition}/${offset}`, value }
    try {
      await tell(order)
    } catch (error) {
      console.error(order.id, String(error))
      return { batchItemFailures: [{ itemIdentifier: String(offset) }] }
    }
  }
}

/** The warehouse, where there is one; else the function's own log. */
async function tell(order) {
  const { WAREHOUSE_URL: url } = process.env
  if (!url) return console.log(JSON.stringify(order))
  const headers = { 'content-type': 'application/json', 'idempotency-key': order.id }
  const answer = await fetch(url, { method: 'POST', headers, body: JSON.stringify(order) })
  if (!answer.ok) throw new Error(`the warehouse answers ${answer.status}`)
}
