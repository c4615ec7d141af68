/** What sends records on: a function, called by the table's stream where a head or a subscription changed, and by a schedule. */
import { Duration, Validations } from 'aws-cdk-lib'
import type { ITable, Table } from 'aws-cdk-lib/aws-dynamodb'
import { Rule, Schedule } from 'aws-cdk-lib/aws-events'
import { LambdaFunction as LambdaTarget } from 'aws-cdk-lib/aws-events-targets'
import { FilterCriteria, FilterRule, StartingPosition } from 'aws-cdk-lib/aws-lambda'
import { DynamoEventSource } from 'aws-cdk-lib/aws-lambda-event-sources'
import type { VarveFunction } from './varve-function.ts'

/** All that Lambda gives: a slow receiver keeps those waiting that share its lane. */
const LANES = 10
/** Then the schedule finds what was to be sent. */
const ATTEMPTS = 5
const CHANGES_MAX = 1_000

export function connectDispatch(dispatch: VarveFunction, table: Table): void {
  const keys = (names: Readonly<Record<string, unknown>>) =>
    FilterCriteria.filter({
      dynamodb: { Keys: Object.fromEntries(Object.entries(names).map(([k, v]) => [k, { S: v }])) },
    })
  dispatch.function.addEventSource(
    new DynamoEventSource(table as ITable, {
      startingPosition: StartingPosition.LATEST,
      batchSize: CHANGES_MAX,
      parallelizationFactor: LANES,
      retryAttempts: ATTEMPTS,
      filters: [
        keys({ pk: FilterRule.beginsWith('s#'), sk: FilterRule.isEqual('head') }),
        keys({ pk: FilterRule.isEqual('push') }),
      ],
    }),
  )
  Validations.of(dispatch).acknowledge({
    id: 'AwsSolutions-IAM5[Resource::*]',
    reason: 'dynamodb:ListStreams knows no narrower resource.',
  })
  new Rule(dispatch, 'Schedule', {
    schedule: Schedule.rate(Duration.minutes(1)),
    targets: [new LambdaTarget(dispatch.function, { retryAttempts: 0 })],
  })
}
