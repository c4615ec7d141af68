/** What a caller shows in its Authorization header (RFC 6750, RFC 7617). Pure. */

export type Credentials =
  | { readonly kind: 'key'; readonly id: string; readonly secret: string }
  /** Anything else: the administrator's key, or a JWT. */
  | { readonly kind: 'token'; readonly token: string }

const KEY_TOKEN = /^varve_([a-z0-9]{16})_([A-Za-z0-9_-]{43})$/
const CREDENTIALS_LENGTH_MAX = 16_384

/** `undefined`: none. 'unreadable': some that are neither Bearer nor Basic. */
export function readCredentials(authorization: string | null): Credentials | undefined | 'unreadable' {
  if (authorization === null || authorization.trim() === '') return undefined
  if (authorization.length > CREDENTIALS_LENGTH_MAX) return 'unreadable'
  const [, scheme = '', rest = ''] = /^\s*(\S+)\s+(\S+)\s*$/.exec(authorization) ?? []
  if (scheme.toLowerCase() === 'bearer') return tokenOf(rest)
  if (scheme.toLowerCase() !== 'basic') return 'unreadable'
  const text = Buffer.from(rest, 'base64').toString('utf8')
  const colon = text.indexOf(':')
  if (colon < 0) return 'unreadable'
  const [id, secret] = [text.slice(0, colon), text.slice(colon + 1)]
  // Some clients can only send a password: then it is the whole token.
  const whole = tokenOf(secret)
  return whole.kind === 'key' || id === '' || id === 'admin' ? whole : { kind: 'key', id, secret }
}

/** How a key is written as one text. */
export function keyToken(id: string, secret: string): string {
  return `varve_${id}_${secret}`
}

function tokenOf(token: string): Credentials {
  const [, id, secret] = KEY_TOKEN.exec(token) ?? []
  return id !== undefined && secret !== undefined ? { kind: 'key', id, secret } : { kind: 'token', token }
}
