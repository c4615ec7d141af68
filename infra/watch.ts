/** Alarms for what needs a person, and a dashboard for whoever wants to know. */
import { Duration } from 'aws-cdk-lib'
import {
  Alarm,
  ComparisonOperator,
  Dashboard,
  GraphWidget,
  type IMetric,
  Metric,
  TreatMissingData,
} from 'aws-cdk-lib/aws-cloudwatch'
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions'
import type { Table } from 'aws-cdk-lib/aws-dynamodb'
import type { ITopic } from 'aws-cdk-lib/aws-sns'
import type { IQueue } from 'aws-cdk-lib/aws-sqs'
import { Construct } from 'constructs'
import type { VarveFunction } from './varve-function.ts'

const PERIOD = Duration.minutes(5)
const WIDTH = 12

interface Watched {
  readonly metric: IMetric
  readonly description: string
  /** Above it, in so many of the last five periods. */
  readonly threshold: number
  readonly periods: number
}

export class Watch extends Construct {
  readonly dashboard: Dashboard
  readonly #topic: ITopic | undefined

  constructor(scope: Construct, id: string, { table, topic }: { table: Table; topic: ITopic | undefined }) {
    super(scope, id)
    this.#topic = topic
    this.dashboard = new Dashboard(this, 'Dashboard')
    const ofTable = (metricName: string) =>
      new Metric({
        namespace: 'AWS/DynamoDB',
        metricName,
        dimensionsMap: { TableName: table.tableName },
        statistic: 'Sum',
        period: PERIOD,
      })
    const throttles = { reads: ofTable('ReadThrottleEvents'), writes: ofTable('WriteThrottleEvents') }
    this.#alarm('ReadThrottles', {
      metric: throttles.reads,
      description: 'The table throttles reads: a partition is asked for too often',
      threshold: 100,
      periods: 3,
    })
    this.#alarm('WriteThrottles', {
      metric: throttles.writes,
      description: 'The table throttles writes: a shard is appended to too often, more shards would help',
      threshold: 100,
      periods: 3,
    })
    this.dashboard.addWidgets(
      new GraphWidget({
        title: 'Units of the table',
        width: WIDTH,
        left: [ofTable('ConsumedWriteCapacityUnits'), ofTable('ConsumedReadCapacityUnits')],
      }),
      new GraphWidget({ title: 'Throttles of the table', width: WIDTH, left: Object.values(throttles) }),
    )
  }

  addFunction(varveFunction: VarveFunction): void {
    const { function: target } = varveFunction
    const { id } = varveFunction.node
    const errors = target.metricErrors({ period: PERIOD })
    const throttles = target.metricThrottles({ period: PERIOD })
    this.#alarm(`${id}Errors`, {
      metric: errors,
      description: `The function ${id} fails again and again`,
      threshold: 0,
      periods: 3,
    })
    this.#alarm(`${id}Throttles`, {
      metric: throttles,
      description: `The function ${id} may not run as often as it should: see the account's limit of concurrency`,
      threshold: 0,
      periods: 3,
    })
    this.dashboard.addWidgets(
      new GraphWidget({
        title: `${id}: invocations`,
        width: WIDTH,
        left: [target.metricInvocations({ period: PERIOD }), errors, throttles],
      }),
      new GraphWidget({
        title: `${id}: duration`,
        width: WIDTH,
        left: ['p50', 'p99'].map(statistic => target.metricDuration({ period: PERIOD, statistic })),
      }),
    )
  }

  addDeadLetters(id: string, queue: IQueue): void {
    this.#alarm(`${id}DeadLetters`, {
      metric: queue.metricApproximateNumberOfMessagesVisible({ period: PERIOD, statistic: 'Maximum' }),
      description: `Records that could not be ingested wait in the dead letters of ${id}`,
      threshold: 0,
      periods: 1,
    })
  }

  #alarm(id: string, { metric, description, threshold, periods }: Watched): void {
    // Alarms cost, and one that tells nobody is of no use.
    if (!this.#topic) return
    const alarm = new Alarm(this, id, {
      metric,
      alarmDescription: description,
      threshold,
      comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      evaluationPeriods: Math.max(periods, 5),
      datapointsToAlarm: periods,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    })
    alarm.addAlarmAction(new SnsAction(this.#topic))
  }
}
