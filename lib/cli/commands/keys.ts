import { Command } from 'commander'
import { callHttp, type HttpOptions } from '../http-api.ts'
import { print, printJson, printTable } from '../output.ts'

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
    .option('--json', 'print JSON')
}

async function createKey(name: string, options: HttpOptions & { scope: string[]; expires?: string }): Promise<void> {
  const { scope: scopes, expires } = options
  const body = { name, scopes, ...(expires ? { expiresAt: expires } : {}) }
  const made = (await callHttp('POST', '/v1/keys', options, body)) as Key & { secret: string; token: string }
  if (options.json) return printJson(made)
  await print(`id      ${made.id}\nsecret  ${made.secret}\nbearer  ${made.token}\n`)
}

async function listKeys(options: HttpOptions): Promise<void> {
  const { keys } = (await callHttp('GET', '/v1/keys', options)) as { keys: Key[] }
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

async function revokeKey(id: string, options: HttpOptions): Promise<void> {
  await callHttp('DELETE', `/v1/keys/${encodeURIComponent(id)}`, options)
  if (options.json) return printJson({ revoked: id })
  await print(`revoked ${id}\n`)
}
