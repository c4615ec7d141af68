import { exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'
import { beforeAll, expect, test } from 'vitest'
import { verifyJwt } from '../../lib/security/jwt.ts'

const now = 1_700_000_000_000
const rules = { issuer: 'https://issuer.example', audience: 'varve', scopeClaim: 'scope' }
let keys: Awaited<ReturnType<typeof generateKeyPair>>
let others: typeof keys
let jwk: JWK

beforeAll(async () => {
  keys = await generateKeyPair('ES256', { extractable: true })
  others = await generateKeyPair('ES256', { extractable: true })
  jwk = { ...(await exportJWK(keys.publicKey)), kid: 'one', alg: 'ES256' }
})

interface Token {
  readonly claims?: object
  readonly issuer?: string
  readonly audience?: string
  readonly expiresInS?: number
  readonly kid?: string
}

function sign(
  { claims = { scope: 'produce:a consume:b openid' }, kid = 'one', ...token }: Token = {},
  key = keys.privateKey,
) {
  return new SignJWT({ ...claims })
    .setProtectedHeader({ alg: 'ES256', kid })
    .setSubject('somebody')
    .setIssuer(token.issuer ?? rules.issuer)
    .setAudience(token.audience ?? rules.audience)
    .setExpirationTime(now / 1_000 + (token.expiresInS ?? 300))
    .sign(key)
}

const verify = (token: string, more: object = {}) =>
  verifyJwt(token, { ...rules, ...more }, now, async () => ({ keys: [jwk] }))

test('a good token says who, and what he may do; other scopes mean nothing here', async () => {
  expect(await verify(await sign())).toEqual({
    name: 'jwt:somebody',
    scopes: [
      { action: 'produce', pattern: 'a' },
      { action: 'consume', pattern: 'b' },
    ],
  })
})

test('scopes may be in another claim, as a list', async () => {
  const token = await sign({ claims: { permissions: ['admin:x-*', 'read:mail'] } })
  expect((await verify(token, { scopeClaim: 'permissions' })).scopes).toEqual([{ action: 'admin', pattern: 'x-*' }])
})

test.each([
  ['of another issuer', { issuer: 'https://evil.example' }],
  ['for another audience', { audience: 'mail' }],
  ['that ended', { expiresInS: -120 }],
])('a token %s is refused', async (_name, token) => {
  await expect(sign(token).then(text => verify(text))).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

test('a token signed by somebody else, changed, unsigned or signed with the public key as a secret is refused', async () => {
  const good = await sign()
  const [header, payload, signature] = good.split('.') as [string, string, string]
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
  const claims = JSON.parse(String(Buffer.from(payload, 'base64url')))
  const forged = [
    await sign({}, others.privateKey),
    `${header}.${part({ ...claims, scope: 'admin' })}.${signature}`,
    `${part({ alg: 'none' })}.${payload}.`,
    await new SignJWT(claims).setProtectedHeader({ alg: 'HS256', kid: 'one' }).sign(Buffer.from(JSON.stringify(jwk))),
    'a.b.c',
  ]
  for (const token of forged) await expect(verify(token)).rejects.toMatchObject({ code: 'UNAUTHENTICATED' })
})

test('a key that the issuer has taken since is asked for; an issuer that does not answer is no refusal', async () => {
  const token = await sign({ kid: 'two' })
  const asked: boolean[] = []
  const fetchJwks = async (fresh: boolean) => {
    asked.push(fresh)
    return { keys: [fresh ? { ...jwk, kid: 'two' } : jwk] }
  }
  expect((await verifyJwt(token, rules, now, fetchJwks)).name).toBe('jwt:somebody')
  expect(asked).toEqual([false, true])
  const silent = () => Promise.reject(new Error('nobody there'))
  await expect(verifyJwt(token, rules, now, silent)).rejects.toMatchObject({ code: 'ISSUER_UNAVAILABLE' })
})
