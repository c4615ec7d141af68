// Makes a topic that is also an Iceberg table, and sends purchases to it: node purchases.mjs [URL] [COUNT]
const url = process.argv[2] ?? 'http://127.0.0.1:8080'
const count = Number(process.argv[3] ?? 1000)
const shops = ['Aarhus', 'Bergen', 'Gent', 'Turku']

async function post(path, body, headers) {
  const answer = await fetch(`${url}${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify(body),
  })
  if (answer.ok || (answer.status === 409 && path === '/v1/topics')) return
  throw new Error(`${path}: ${answer.status} ${await answer.text()}`)
}

await post('/v1/topics', {
  name: 'purchases',
  partitions: 2,
  configs: {
    'varve.archive': 'iceberg',
    // Archived as soon as upkeep comes by; unless set, records wait two hours for others.
    'varve.archive.lag.ms': 0,
    'varve.archive.schema': 'shop:string,cents:long,customer=customer.name:string',
  },
})
const purchases = Array.from({ length: count }, (_, number) => {
  const shop = shops[number % shops.length]
  return { key: shop, value: { shop, cents: 100 + number, customer: { name: `customer ${number % 7}` } } }
})
// Sent again, by this script or by another, they are there once.
await post('/v1/topics/purchases/records', purchases, { 'idempotency-key': `${count} purchases` })
console.log(`${count} purchases`)
