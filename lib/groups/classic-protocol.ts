/** One of the assignment strategies a member can use, with what it tells the leader (opaque bytes). */
export interface Protocol {
  readonly name: string
  readonly metadata: Uint8Array
}
