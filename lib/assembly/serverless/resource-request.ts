/** What CloudFormation asks of a custom resource, and is told ("Custom resource request objects"). */
export interface ResourceRequest {
  readonly RequestType: 'Create' | 'Update' | 'Delete'
  readonly ResourceType: string
  readonly ResponseURL: string
  readonly StackId: string
  readonly RequestId: string
  readonly LogicalResourceId: string
  readonly PhysicalResourceId?: string
  readonly ResourceProperties: Readonly<Record<string, unknown>>
  readonly OldResourceProperties?: Readonly<Record<string, unknown>>
}

export interface ResourceResult {
  /** Says what may be deleted with the resource. */
  readonly physicalId: string
  /** What templates may ask for, by name. */
  readonly data: Readonly<Record<string, unknown>>
}

/** Of a resource that was never made: deleting it does nothing. */
export const NOTHING = 'nothing'

/** The message says what to change in the template. */
export class ResourceError extends Error {
  override readonly name = 'ResourceError'
}
