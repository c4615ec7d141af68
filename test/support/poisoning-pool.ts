import { BytesPool } from '../../lib/base/index.ts'

const POISON = 0xee

/** Nothing is too short for it, and what comes back keeps nothing of what it held: who reads on there sees it. */
export class PoisoningPool extends BytesPool {
  constructor() {
    super({ idleBytesMax: 100_000, bytesMin: 1 })
  }

  protected override takeBack(whole: Buffer): void {
    whole.fill(POISON)
    super.takeBack(whole)
  }
}
