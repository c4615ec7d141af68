/** Where the catalog of archives is: `https://HOST/PATH?warehouse=&namespace=&sigv4=&region=`. */
import { ConfigError } from './config-error.ts'

export interface CatalogLocation {
  /** Without parameters, and without a slash at the end. */
  readonly url: string
  readonly warehouse: string
  readonly namespace: string
  /** Sign requests for this AWS service; undefined: do not. */
  readonly sigv4: { readonly service: string; readonly region: string | undefined } | undefined
  /** A bearer token; '': none. Never logged. */
  readonly token: string
}

const PARAMETERS = ['warehouse', 'namespace', 'sigv4', 'region']
const NAMESPACE = 'varve'
const AWS_HOST = /^(s3tables|glue)\.([a-z0-9-]+)\.amazonaws\.com(\.cn)?$/

/** Undefined: there is none, tables lie in the folder of archives. @throws ConfigError */
export function readCatalogLocation(text: string, token: string): CatalogLocation | undefined {
  if (text === '') return undefined
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new ConfigError(
      '--archive-catalog must be the address of an Iceberg REST catalog, such as https://catalog.example.com/iceberg?warehouse=lake.',
    )
  }
  if (url.username !== '' || url.password !== '') {
    throw new ConfigError('--archive-catalog must hold no password: give a token by VARVE_ARCHIVE_CATALOG_TOKEN.')
  }
  for (const name of url.searchParams.keys()) {
    if (!PARAMETERS.includes(name)) {
      throw new ConfigError(
        `--archive-catalog knows the parameters ${PARAMETERS.join(', ')}, not ${JSON.stringify(name)}.`,
      )
    }
  }
  const aws = AWS_HOST.exec(url.hostname)
  const service = url.searchParams.get('sigv4') ?? aws?.[1]
  const region = url.searchParams.get('region') ?? aws?.[2]
  const namespace = url.searchParams.get('namespace') ?? NAMESPACE
  if (!/^[a-z0-9][a-z0-9_]{0,254}$/.test(namespace)) {
    throw new ConfigError(
      `The namespace in --archive-catalog must be lower case letters, digits and _, but is ${JSON.stringify(namespace)}.`,
    )
  }
  if (service && token !== '') {
    throw new ConfigError(
      'Requests to --archive-catalog are signed, so they bear no VARVE_ARCHIVE_CATALOG_TOKEN: unset one of the two.',
    )
  }
  if (token !== '' && url.protocol === 'http:' && !/^(localhost|127\.[0-9.]+|\[::1\])$/.test(url.hostname)) {
    throw new ConfigError(
      'VARVE_ARCHIVE_CATALOG_TOKEN would be sent where others can read it: use https in --archive-catalog.',
    )
  }
  return {
    url: `${url.origin}${url.pathname.replace(/\/+$/, '')}`,
    warehouse: url.searchParams.get('warehouse') ?? '',
    namespace,
    sigv4: service ? { service, region } : undefined,
    token,
  }
}
