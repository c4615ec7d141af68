/** How a service is reached. Nothing given: as the AWS SDK finds region and credentials by itself. */
export interface AwsOptions {
  readonly region?: string
  /** URL of an emulator, or of another service that speaks the same protocol. */
  readonly endpoint?: string
  readonly credentials?: { readonly accessKeyId: string; readonly secretAccessKey: string }
  /** How long a request may go without an answer, in ms. */
  readonly requestMsMax?: number
}

const CONNECTION_MS_MAX = 3_000
const SOCKETS_MAX = 128
/** Emulators take any region; S3 clients need one. */
const EMULATOR_REGION = 'us-east-1'

/** The part of a client's configuration that both services share. */
export function clientOptions({ region, endpoint, credentials, requestMsMax = 10_000 }: AwsOptions) {
  const agent = { keepAlive: true, maxSockets: SOCKETS_MAX }
  return {
    maxAttempts: 1,
    ...(region ? { region } : endpoint ? { region: EMULATOR_REGION } : {}),
    ...(endpoint ? { endpoint } : {}),
    ...(credentials ? { credentials } : {}),
    requestHandler: {
      connectionTimeout: CONNECTION_MS_MAX,
      requestTimeout: requestMsMax,
      throwOnRequestTimeout: true,
      socketTimeout: requestMsMax,
      httpAgent: agent,
      httpsAgent: agent,
    },
  }
}
