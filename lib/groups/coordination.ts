/**
 * What the coordinator of a group does, whatever kind of group it is now. A group changes its kind when members of the other
 * protocol come or the last of them goes (KIP-848, online migration): the coordinator of the old kind lets go, and
 * another takes the group over from its document.
 */

import type { Clock } from '../base/index.ts'
import { VarveError } from '../base/index.ts'
import type { Expected } from '../storage/index.ts'
import type { ClassicGroup } from './classic-group.ts'
import type {
  ConsumerHeartbeat,
  ConsumerHeartbeatAnswer,
  Joined,
  JoinRequest,
  LeaveRequest,
  LeftMember,
  MemberRequest,
  StreamsHeartbeat,
  StreamsHeartbeatAnswer,
  Synced,
  SyncRequest,
} from './contract.ts'
import type { GroupItems } from './group-items.ts'
import type { Parking } from './held-requests.ts'
import type { GroupSettings } from './settings.ts'
import type { TopicCatalog } from './topic-catalog.ts'

export type GroupKind = 'classic' | 'consumer' | 'streams'

export interface Coordination {
  /** No longer coordinated here; ask for the group anew. */
  readonly letGo: boolean
  join(request: JoinRequest, signal?: AbortSignal): Promise<Joined>
  sync(request: SyncRequest, signal?: AbortSignal): Promise<Synced>
  heartbeat(request: MemberRequest): Promise<void>
  leave(request: LeaveRequest): Promise<readonly LeftMember[]>
  consumerHeartbeat(request: ConsumerHeartbeat): Promise<ConsumerHeartbeatAnswer>
  streamsHeartbeat(request: StreamsHeartbeat): Promise<StreamsHeartbeatAnswer>
  /** What tools show of a streams group's topology, in any form. */
  describeTopology(memberId: string, topologyEpoch: number, bytes: Uint8Array): Promise<void>
  /** A member was heard of in another way than by a heartbeat. */
  heard(memberId: string): void
  /** A classic group as its coordinator sees it, if `version` is the one it goes by. */
  at(version: Expected): ClassicGroup | undefined
  /** Ends sessions and phases in time; resolves when the group is let go. */
  watch(): Promise<void>
  /** Answers everyone who waits, and lets go. */
  close(): Promise<void>
}

export interface CoordinationOptions {
  readonly groupId: string
  readonly items: GroupItems
  readonly clock: Clock
  readonly settings: GroupSettings
  /** The settings with what is configured for this group, at most CONFIGS_CACHE_MS old. @throws StoreError */
  readonly configured: () => Promise<GroupSettings>
  /** This process's token, written into the documents of the groups it coordinates. */
  readonly coordinator: number
  readonly parking: Parking
  readonly catalog: TopicCatalog
  readonly drawIncarnation: () => number
  readonly drawMemberId: (prefix: string) => string
}

/** The group is, or is now to be, of another kind; its coordinator here has let go, or has never had it. */
export class OtherKindError extends VarveError {
  readonly code = 'OTHER_KIND'
  readonly kind: GroupKind

  constructor(kind: GroupKind) {
    super(`the group is a ${kind} one`)
    this.kind = kind
  }
}
