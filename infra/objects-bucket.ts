/** Where the segments lie: an S3 bucket, or an S3 Express directory bucket in one availability zone. */
import { Duration, Fn, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib'
import { PolicyStatement } from 'aws-cdk-lib/aws-iam'
import type { IKey } from 'aws-cdk-lib/aws-kms'
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership } from 'aws-cdk-lib/aws-s3'
import { CfnDirectoryBucket } from 'aws-cdk-lib/aws-s3express'
import { Construct } from 'constructs'

export interface ObjectsBucketProps {
  readonly encryptionKey: IKey | undefined
  readonly removalPolicy: RemovalPolicy
  /** Zone id, such as `use1-az4`: S3 Express One Zone. */
  readonly expressZone: string | undefined
}

const ACTIONS = {
  Get: 's3:GetObject',
  Put: 's3:PutObject',
  Abort: 's3:AbortMultipartUpload',
  Delete: 's3:DeleteObject',
  List: 's3:ListBucket',
  ListUploads: 's3:ListBucketMultipartUploads',
} as const

/** On the bucket itself; the others are on its objects. */
const OF_BUCKET: ReadonlySet<keyof typeof ACTIONS> = new Set(['List', 'ListUploads'])

export class ObjectsBucket extends Construct {
  readonly name: string
  readonly arn: string
  /** Absent for S3 Express. */
  readonly bucket: Bucket | undefined
  readonly #express: boolean

  constructor(scope: Construct, id: string, props: ObjectsBucketProps) {
    super(scope, id)
    this.#express = props.expressZone !== undefined
    if (props.expressZone === undefined) {
      this.bucket = this.#standardBucket(props)
      this.name = this.bucket.bucketName
      this.arn = this.bucket.bucketArn
    } else {
      const express = this.#expressBucket(props, props.expressZone)
      this.name = express.ref
      this.arn = express.attrArn
    }
  }

  /** The bucket's ARN as cdk-nag writes it. */
  get nagName(): string {
    const arn: { 'Fn::GetAtt': string[] } = Stack.of(this).resolve(this.arn)
    return `<${arn['Fn::GetAtt'].join('.')}>`
  }

  statementsFor(actions: readonly (keyof typeof ACTIONS)[]): PolicyStatement[] {
    // A directory bucket knows sessions only, to read or to read and write.
    if (this.#express) return [new PolicyStatement({ actions: ['s3express:CreateSession'], resources: [this.arn] })]
    const ofBucket = actions.filter(action => OF_BUCKET.has(action))
    const ofObjects = actions.filter(action => !OF_BUCKET.has(action))
    return [
      ...(ofBucket.length > 0
        ? [new PolicyStatement({ actions: ofBucket.map(action => ACTIONS[action]), resources: [this.arn] })]
        : []),
      ...(ofObjects.length > 0
        ? [new PolicyStatement({ actions: ofObjects.map(action => ACTIONS[action]), resources: [`${this.arn}/*`] })]
        : []),
    ]
  }

  #standardBucket({ encryptionKey, removalPolicy }: ObjectsBucketProps): Bucket {
    const bucket = new Bucket(this, 'Bucket', {
      ...(encryptionKey
        ? { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }
        : { encryption: BucketEncryption.S3_MANAGED }),
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      removalPolicy,
      // A bucket with objects cannot be deleted.
      autoDeleteObjects: removalPolicy === RemovalPolicy.DESTROY,
      // Objects are never changed, so versions would only keep what upkeep deleted.
      versioned: false,
      lifecycleRules: [{ id: 'parts-of-uploads-that-ended', abortIncompleteMultipartUploadAfter: Duration.days(1) }],
    })
    Validations.of(bucket).acknowledge({
      id: 'AwsSolutions-S1',
      reason: 'Every request to this bucket is a function of the log; access logs would cost more than the segments.',
    })
    return bucket
  }

  #expressBucket({ encryptionKey, removalPolicy }: ObjectsBucketProps, zone: string): CfnDirectoryBucket {
    const unique = Fn.select(2, Fn.split('/', Stack.of(this).stackId))
    const bucket = new CfnDirectoryBucket(this, 'ExpressBucket', {
      bucketName: `varve-${Fn.select(4, Fn.split('-', unique))}--${zone}--x-s3`,
      dataRedundancy: 'SingleAvailabilityZone',
      locationName: zone,
      bucketEncryption: {
        serverSideEncryptionConfiguration: [
          {
            bucketKeyEnabled: true,
            serverSideEncryptionByDefault: encryptionKey
              ? { sseAlgorithm: 'aws:kms', kmsMasterKeyId: encryptionKey.keyArn }
              : { sseAlgorithm: 'AES256' },
          },
        ],
      },
      lifecycleConfiguration: {
        rules: [{ id: 'parts', status: 'Enabled', abortIncompleteMultipartUpload: { daysAfterInitiation: 1 } }],
      },
    })
    bucket.applyRemovalPolicy(removalPolicy)
    return bucket
  }
}
