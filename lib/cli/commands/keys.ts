import { Command } from 'commander'
import { type StoredKeys, withStoredKeys } from '../../assembly/index.ts'
import { UsageError } from '../failure.ts'
import { callHttp, type HttpOptions } from '../http-api.ts'
import { print, printJson, printTable } from '../output.ts'
import { readStores } from '../store-options.ts'

interface KeysOptions extends HttpOptions {
  /** Where the keys are, with rights on that: no server is asked. */
  readonly items?: string
}

interface Key {
  readonly id: string
  readonly name: string
  readonly scopes: readonly string[]
  readonly createdAt: string
  readonly expiresAt?: string
}

export function keysCommand(): Command {
  return new Command('keys')
    .description('make, list and revoke API keys of the HTTP interface')
    .addCommand(
      httpCommand('create', 'make a key, and show its secret this once')
        .argument('<name>', 'what it is for, in words')
        .requiredOption(
          '-s, --scope <scopes...>',
          'what it may do: produce:PREFIX*, consume:PREFIX*, admin:PREFIX*, group:PREFIX*; admin: everything',
        )
        .option('--expires <time>', 'when it ends, as in 2030-01-01T00:00:00Z')
        .action(createKey),
    )
    .addCommand(httpCommand('list', 'list all keys').action(listKeys))
    .addCommand(httpCommand('revoke', 'make a key open nothing any more').argument('<id>').action(revokeKey))
}

function httpCommand(name: string, description: string): Command {
  return new Command(name)
    .description(`${description} (your own key: VARVE_API_KEY)`)
    .option('--url <url>', 'where HTTP is served (env: VARVE_URL)', process.env.VARVE_URL ?? 'http://127.0.0.1:8080')
    .option(
      '--items <location>',
      'the items themselves, such as dynamodb://TABLE?region=REGION, for whoever has rights on them: no server is asked',
    )
    .option('--json', 'print JSON')
}

/** The keys in the store that is named, or those that a server tells of. */
function withKeys<T>(options: KeysOptions, work: (keys: StoredKeys) => Promise<T>): Promise<T> {
  if (options.items !== undefined) return withStoredKeys(readStores({ items: options.items }), work)
  return work({
    create: async wanted => (await callHttp('POST', '/v1/keys', options, wanted)) as object,
    list: async () => ((await callHttp('GET', '/v1/keys', options)) as { keys: Key[] }).keys,
    revoke: async id => void (await callHttp('DELETE', `/v1/keys/${encodeURIComponent(id)}`, options)),
  })
}

async function createKey(name: string, options: KeysOptions & { scope: string[]; expires?: string }): Promise<void> {
  const { scope: scopes, expires } = options
  if (expires !== undefined && Number.isNaN(Date.parse(expires))) {
    throw new UsageError(`--expires must be a time such as 2030-01-01T00:00:00Z, but is ${JSON.stringify(expires)}.`)
  }
  const wanted = { name, scopes, ...(expires ? { expiresAt: expires } : {}) }
  const made = (await withKeys(options, keys => keys.create(wanted))) as Key & { secret: string; token: string }
  if (options.json) return printJson(made)
  await print(`id      ${made.id}\nsecret  ${made.secret}\nbearer  ${made.token}\n`)
}

async function listKeys(options: KeysOptions): Promise<void> {
  const keys = (await withKeys(options, stored => stored.list())) as Key[]
  if (options.json) return printJson(keys)
  const rows = keys.map(({ id, name, scopes, createdAt, expiresAt }) => [
    id,
    name,
    scopes.join(' '),
    createdAt,
    expiresAt,
  ])
  await printTable(['ID', 'NAME', 'SCOPES', 'CREATED', 'EXPIRES'], rows)
}

async function revokeKey(id: string, options: KeysOptions): Promise<void> {
  await withKeys(options, keys => keys.revoke(id))
  if (options.json) return printJson({ revoked: id })
  await print(`revoked ${id}\n`)
}
