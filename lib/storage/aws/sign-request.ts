/** Signs requests to an AWS service for which there is no client here (AWS Signature Version 4). */
import { S3Client } from '@aws-sdk/client-s3'
import { SignatureV4 } from '@smithy/signature-v4'
import type { AwsOptions } from './client-options.ts'

export interface SignedService extends Pick<AwsOptions, 'region' | 'credentials'> {
  /** As signatures name it: `s3tables`, `glue`. */
  readonly service: string
}

export interface RequestToSign {
  readonly method: string
  readonly url: URL
  readonly headers: Readonly<Record<string, string>>
  readonly body: string
}

/** The headers with which to send it. */
export type SignRequest = (request: RequestToSign) => Promise<Record<string, string>>

/** Region and credentials not given: as the AWS SDK finds them, and finds them again when they have changed. */
export function createRequestSigner({ service, region, credentials }: SignedService): SignRequest {
  const { config } = new S3Client({ ...(region ? { region } : {}), ...(credentials ? { credentials } : {}) })
  const signer = new SignatureV4({
    service,
    region: config.region,
    credentials: config.credentials,
    sha256: config.sha256,
  })
  return async ({ method, url, headers, body }) => {
    const signed = await signer.sign({
      method,
      protocol: url.protocol,
      hostname: url.hostname,
      ...(url.port === '' ? {} : { port: Number(url.port) }),
      path: url.pathname,
      query: Object.fromEntries(url.searchParams),
      headers: { ...headers, host: url.host },
      body,
    })
    const { host: _, ...rest } = signed.headers
    return rest
  }
}
