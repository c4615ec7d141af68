/** Archives as tables of an S3 table bucket: the address of its catalog, and the rights that archiving needs there. */
import { Arn, ArnFormat, Stack, Validations } from 'aws-cdk-lib'
import type { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { Construct } from 'constructs'
import { allow } from './varve-function.ts'

export interface ArchiveTablesProps {
  /** Of a bucket that is there, or of an `aws-cdk-lib/aws-s3tables` `CfnTableBucket`. */
  readonly tableBucketArn: string
  /** Made where it is missing; lower case, digits and `_`. Default: `varve`. */
  readonly namespace?: string
}

const BUCKET_ACTIONS = [
  'GetTableBucket',
  'CreateNamespace',
  'GetNamespace',
  'ListNamespaces',
  'ListTables',
  'CreateTable',
]
const TABLE_ACTIONS = [
  'GetTable',
  'GetTableMetadataLocation',
  'UpdateTableMetadataLocation',
  'GetTableData',
  'PutTableData',
]

/** What VARVE_ARCHIVE_CATALOG is. */
export function catalogAddress(scope: Construct, { tableBucketArn, namespace = 'varve' }: ArchiveTablesProps): string {
  const { region, urlSuffix } = Stack.of(scope)
  const of = Arn.split(tableBucketArn, ArnFormat.SLASH_RESOURCE_NAME).region ?? region
  return `https://s3tables.${of}.${urlSuffix}/iceberg?warehouse=${tableBucketArn}&namespace=${namespace}&sigv4=s3tables&region=${of}`
}

export function archiveStatements({ tableBucketArn }: ArchiveTablesProps): PolicyStatement[] {
  const named = (actions: readonly string[]) => actions.map(action => `s3tables:${action}`)
  return [allow(named(BUCKET_ACTIONS), [tableBucketArn]), allow(named(TABLE_ACTIONS), [`${tableBucketArn}/table/*`])]
}

export function acknowledgeTables(role: Construct, { tableBucketArn }: ArchiveTablesProps): void {
  const arn: string | { 'Fn::GetAtt'?: string[] } = Stack.of(role).resolve(tableBucketArn)
  const named = typeof arn === 'string' ? arn : `<${arn['Fn::GetAtt']?.join('.')}>`
  Validations.of(role).acknowledge({
    id: `AwsSolutions-IAM5[Resource::${named}/table/*]`,
    reason: 'Topics that are archived in days to come get tables of their own.',
  })
}
