/**
 * The Kafka wire protocol for clients in a VPC: stateless gateways on Fargate behind a network load balancer, scaled by processor.
 * Bucket and table are reached through gateway endpoints, so nothing crosses a NAT. All gateways advertise the load balancer's
 * name, and any of them serves any partition and group.
 *
 * There is no authentication on this protocol yet, so the load balancer is internal, and only `allowFrom` may reach it.
 */
import { join } from 'node:path'
import { Duration, RemovalPolicy, Validations } from 'aws-cdk-lib'
import type { ICertificate } from 'aws-cdk-lib/aws-certificatemanager'
import {
  FlowLogDestination,
  GatewayVpcEndpointAwsService,
  InterfaceVpcEndpointAwsService,
  type IPeer,
  type IVpc,
  Peer,
  Port,
  SecurityGroup,
  SubnetType,
  Vpc,
} from 'aws-cdk-lib/aws-ec2'
import {
  Cluster,
  ContainerImage,
  ContainerInsights,
  CpuArchitecture,
  FargateService,
  FargateTaskDefinition,
  type ICluster,
  LogDrivers,
  OperatingSystemFamily,
} from 'aws-cdk-lib/aws-ecs'
import { NetworkLoadBalancer, Protocol, SslPolicy } from 'aws-cdk-lib/aws-elasticloadbalancingv2'
import { LogGroup, RetentionDays } from 'aws-cdk-lib/aws-logs'
import { Construct } from 'constructs'
import { acknowledgeTables, archiveStatements, catalogAddress } from './archive-tables.ts'
import { allow, functionRights, keyActions } from './varve-function.ts'
import type { VarveLog } from './varve-log.ts'

export interface GatewayProps {
  readonly log: VarveLog
  /** Default: a VPC of its own, without a way to the internet. */
  readonly vpc?: IVpc
  /** Who may connect. Default: the VPC's own addresses. */
  readonly allowFrom?: readonly IPeer[]
  /** TLS ends at the load balancer, with this certificate, for `hostname`. Default: plain TCP within the VPC. */
  readonly tls?: { readonly certificate: ICertificate; readonly hostname: string }
  /** Default: built from this package's Dockerfile. */
  readonly image?: ContainerImage
  /** Gateways at least, and at most. Default: 2 and 10. */
  readonly capacity?: { readonly min: number; readonly max: number }
  /** In $ a month for the whole fleet. Default: 30. */
  readonly flushBudget?: number
}

const KAFKA_PORT = 9_092
const TLS_PORT = 9_094
const HTTP_PORT = 8_080
const CPU_TARGET_PERCENT = 60
const DOCKERFILE = 'infra/gateway-image/Dockerfile'
/** Else the context would be all that lies in the folder: its tools, and data. */
const NOT_IN_THE_IMAGE = ['dist/functions', 'dist/infra', 'dist/sources.json']
const ALL_BUT_THE_IMAGE = ['**', `!${DOCKERFILE}`, '!package.json', '!dist/**', ...NOT_IN_THE_IMAGE]
/** Connections that are open get so long to end when a gateway goes. */
const DRAIN = Duration.seconds(30)

export class Gateway extends Construct {
  readonly service: FargateService
  readonly loadBalancer: NetworkLoadBalancer
  /** HOST:PORT for Kafka clients. */
  readonly bootstrap: string

  constructor(scope: Construct, id: string, props: GatewayProps) {
    super(scope, id)
    // Subscriptions may be made here too, and gateways have no rights to deliver.
    props.log.enablePush()
    // The types of CDK do not hold with exactOptionalPropertyTypes.
    const vpc = (props.vpc ?? this.#ownVpc(props.log.archiveTables !== undefined)) as IVpc
    const { min, max } = props.capacity ?? { min: 2, max: 10 }
    const own = new SecurityGroup(this, 'SecurityGroup', { vpc, description: 'Varve gateways' })
    const front = new SecurityGroup(this, 'FrontSecurityGroup', { vpc, description: 'Kafka clients of Varve' })
    Validations.of(front).acknowledge({
      id: 'AwsSolutions-EC23',
      reason: 'Open to the addresses of the VPC, which cdk-nag cannot resolve, or to whom `allowFrom` names.',
    })
    const port = props.tls ? TLS_PORT : KAFKA_PORT
    for (const peer of props.allowFrom ?? [Peer.ipv4(vpc.vpcCidrBlock)]) front.addIngressRule(peer, Port.tcp(port))
    own.addIngressRule(front, Port.tcp(KAFKA_PORT))
    own.addIngressRule(front, Port.tcp(HTTP_PORT), 'health')
    this.loadBalancer = new NetworkLoadBalancer(this, 'LoadBalancer', {
      vpc,
      internetFacing: false,
      crossZoneEnabled: true,
      securityGroups: [front],
    })
    const hostname = props.tls?.hostname ?? this.loadBalancer.loadBalancerDnsName
    this.bootstrap = `${hostname}:${port}`
    const cluster = new Cluster(this, 'Cluster', { vpc, containerInsightsV2: ContainerInsights.ENABLED }) as ICluster
    this.service = new FargateService(this, 'Service', {
      cluster,
      taskDefinition: this.#task(props),
      desiredCount: min,
      minHealthyPercent: 100,
      securityGroups: [own],
      circuitBreaker: { rollback: true },
      assignPublicIp: false,
    })
    const listener = this.loadBalancer.addListener('Listener', {
      port,
      ...(props.tls
        ? { protocol: Protocol.TLS, certificates: [props.tls.certificate], sslPolicy: SslPolicy.RECOMMENDED_TLS }
        : { protocol: Protocol.TCP }),
    })
    listener.addTargets('Gateways', {
      port: KAFKA_PORT,
      protocol: Protocol.TCP,
      deregistrationDelay: DRAIN,
      targets: [this.service.loadBalancerTarget({ containerName: 'gateway', containerPort: KAFKA_PORT })],
      healthCheck: { protocol: Protocol.HTTP, port: String(HTTP_PORT), path: '/healthz' },
    })
    this.service
      .autoScaleTaskCount({ minCapacity: min, maxCapacity: max })
      .scaleOnCpuUtilization('Cpu', { targetUtilizationPercent: CPU_TARGET_PERCENT })
    Validations.of(this.loadBalancer).acknowledge({
      id: 'AwsSolutions-ELB2',
      reason: 'A network load balancer logs TLS connections only, and the gateways log what matters.',
    })
  }

  #task(props: GatewayProps): FargateTaskDefinition {
    const { log } = props
    const task = new FargateTaskDefinition(this, 'Task', {
      cpu: 1_024,
      memoryLimitMiB: 2_048,
      runtimePlatform: { cpuArchitecture: CpuArchitecture.ARM64, operatingSystemFamily: OperatingSystemFamily.LINUX },
    })
    const rights = functionRights.upkeep
    task.addToTaskRolePolicy(
      allow(
        rights.table.map(action => `dynamodb:${action}`),
        [log.table.tableArn],
      ),
    )
    for (const statement of log.bucket.statementsFor(rights.objects)) task.addToTaskRolePolicy(statement)
    log.encryptionKey?.grant(task.taskRole, ...keyActions)
    if (log.archiveTables) {
      for (const statement of archiveStatements(log.archiveTables)) task.addToTaskRolePolicy(statement)
      acknowledgeTables(task, log.archiveTables)
    }
    task.addContainer('gateway', {
      image: props.image ?? ContainerImage.fromAsset(packageFolder(), { file: DOCKERFILE, exclude: ALL_BUT_THE_IMAGE }),
      portMappings: [{ containerPort: KAFKA_PORT }, { containerPort: HTTP_PORT }],
      readonlyRootFilesystem: true,
      logging: LogDrivers.awsLogs({ logGroup: forgettingLogs(this, 'Logs'), streamPrefix: 'gateway' }),
      environment: {
        VARVE_KAFKA: `0.0.0.0:${KAFKA_PORT}`,
        VARVE_HTTP: `0.0.0.0:${HTTP_PORT}`,
        VARVE_ADVERTISED: this.bootstrap,
        VARVE_OBJECTS: `s3://${log.bucket.name}`,
        VARVE_ITEMS: `dynamodb://${log.table.tableName}`,
        VARVE_FLUSH_BUDGET: String(props.flushBudget ?? 30),
        VARVE_INSECURE_LISTEN: 'true',
        VARVE_PUSH: 'false',
        ...(log.archiveTables && { VARVE_ARCHIVE_CATALOG: catalogAddress(this, log.archiveTables) }),
      },
    })
    Validations.of(task).acknowledge(
      {
        id: `AwsSolutions-IAM5[Resource::${log.bucket.nagName}/*]`,
        reason: 'All objects of the bucket are segments of the log.',
      },
      { id: 'AwsSolutions-IAM5[Resource::*]', reason: 'ecr:GetAuthorizationToken knows no narrower resource.' },
      { id: 'AwsSolutions-ECS2', reason: 'The environment says where things are, and holds no secret.' },
    )
    return task
  }

  #ownVpc(hasTables: boolean): Vpc {
    const vpc = new Vpc(this, 'Vpc', {
      maxAzs: 2,
      natGateways: 0,
      subnetConfiguration: [{ name: 'gateways', subnetType: SubnetType.PRIVATE_ISOLATED }],
      gatewayEndpoints: {
        S3: { service: GatewayVpcEndpointAwsService.S3 },
        DynamoDb: { service: GatewayVpcEndpointAwsService.DYNAMODB },
      },
    })
    Validations.of(vpc).acknowledge({
      id: 'AwsSolutions-EC23',
      reason: 'The endpoints are open to the addresses of the VPC, which cdk-nag cannot resolve.',
    })
    vpc.addInterfaceEndpoint('Ecr', { service: InterfaceVpcEndpointAwsService.ECR })
    vpc.addInterfaceEndpoint('EcrDocker', { service: InterfaceVpcEndpointAwsService.ECR_DOCKER })
    if (hasTables) vpc.addInterfaceEndpoint('S3Tables', { service: new InterfaceVpcEndpointAwsService('s3tables') })
    vpc.addInterfaceEndpoint('Logs', { service: InterfaceVpcEndpointAwsService.CLOUDWATCH_LOGS })
    vpc.addFlowLog('FlowLog', { destination: FlowLogDestination.toCloudWatchLogs(forgettingLogs(this, 'FlowLogs')) })
    return vpc
  }
}

function forgettingLogs(scope: Construct, id: string): LogGroup {
  return new LogGroup(scope, id, { retention: RetentionDays.ONE_MONTH, removalPolicy: RemovalPolicy.DESTROY })
}

/** The package's folder, whether this is its source or its build. */
function packageFolder(): string {
  return import.meta.dirname.endsWith(join('dist', 'infra'))
    ? join(import.meta.dirname, '../..')
    : join(import.meta.dirname, '..')
}
