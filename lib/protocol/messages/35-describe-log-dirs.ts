/** A broker's log directories and the sizes of the partitions in them. */
import {
  api,
  array,
  boolean,
  int16,
  int32,
  int64,
  type Message,
  message,
  nullableArray,
  since,
  string,
} from '../kernel/index.ts'

export const DescribeLogDirsRequest = message({
  api: 35,
  versions: [1, 5],
  flexible: 2,
  fields: { topics: nullableArray({ topic: string, partitions: array(int32) }) },
})
export type DescribeLogDirsRequest = Message<typeof DescribeLogDirsRequest>

export const DescribeLogDirsResponse = message({
  api: 35,
  versions: [1, 5],
  flexible: 2,
  fields: {
    throttleTimeMs: int32,
    errorCode: since(3, int16, 0),
    results: array({
      errorCode: int16,
      logDir: string,
      topics: array({
        name: string,
        partitions: array({ partitionIndex: int32, partitionSize: int64, offsetLag: int64, isFutureKey: boolean }),
      }),
      totalBytes: since(4, int64, -1),
      usableBytes: since(4, int64, -1),
      isCordoned: since(5, boolean, false),
    }),
  },
})
export type DescribeLogDirsResponse = Message<typeof DescribeLogDirsResponse>

export const DescribeLogDirs = api({
  name: 'DescribeLogDirs',
  request: DescribeLogDirsRequest,
  response: DescribeLogDirsResponse,
})
