/** Media types of requests and answers. */
import { HttpError } from './errors.ts'

export const JSON_TYPE = 'application/json'
export const NDJSON_TYPE = 'application/x-ndjson'
/** Record batches v2, one after the other, as Kafka's clients send and get them. */
export const BATCHES_TYPE = 'application/vnd.varve.batches'

const NDJSON_NAMES = [NDJSON_TYPE, 'application/ndjson', 'application/jsonl', 'application/jsonlines']

/** The media type alone, in lower case; undefined where the request says none. */
export function contentTypeOf(request: Request): string | undefined {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
  if (type === '') return undefined
  return NDJSON_NAMES.includes(type) ? NDJSON_TYPE : type
}

/** The first of `offered` that the request takes, by its order of preference. @throws HttpError NOT_ACCEPTABLE */
export function acceptedOf<T extends string>(request: Request, offered: readonly T[]): T {
  const accept = request.headers.get('accept') ?? '*/*'
  const wanted = accept
    .split(',')
    .map(part => {
      const [type = '', ...parameters] = part
        .toLowerCase()
        .split(';')
        .map(text => text.trim())
      const quality = parameters.map(text => /^q=([\d.]+)$/.exec(text)?.[1]).find(text => text !== undefined)
      return { type: NDJSON_NAMES.includes(type) ? NDJSON_TYPE : type, quality: Number(quality ?? 1) }
    })
    .filter(({ quality }) => quality > 0)
    .sort((a, b) => b.quality - a.quality)
  for (const { type } of wanted) {
    const found = offered.find(
      one =>
        type === '*/*' || type === '' || one === type || (type.endsWith('/*') && one.startsWith(type.slice(0, -1))),
    )
    if (found) return found
  }
  throw new HttpError('NOT_ACCEPTABLE', `this can be had as ${offered.join(', ')}, not as ${accept}`)
}
